//! Trials with messages that anybody could send: malformed ones, and very many.
//!
//! The suite runs them; `strange` makes the malformed ones, `memory` judges the numbers.

use std::time::Instant;

use fedmsg::json::Value;
use fedmsg::{Delivery, Envelope};

use super::{Suite, named};
use crate::conformance::finding::Requirement;
use crate::conformance::memory::{self, ROUNDS, growth, is_plugins};
use crate::conformance::strange;
use crate::conformance::trial::{Attempts, Stalled, Trial};
use crate::conformance::world::World;
use crate::test_bus::CallOutcome;

/// After so many messages what was sent is waited for.
const CHUNK: u64 = 100;

/// A flood may take so many times what a step may.
const FLOOD: u32 = 4;

/// So much longer are the identifiers each second time, so that whoever keeps them is seen to. Half of them are
/// short for those who refuse long ones.
const LONG: usize = 2000;

impl Suite<'_> {
    /// Messages that anybody could send.
    pub(super) fn strange_messages(&mut self) {
        let suite = self.conformance;
        let world = (suite.world)();
        let variants = strange::variants(&suite.messages);
        let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
            suite.hand_over(hub, &variants).await
        });
        let count = variants.len();
        let done = format!("handed over {count} malformed messages with the topics of yours");
        if !self.look_at(&trial, &done) {
            let rules = [Requirement::KeepsRunning, Requirement::DropsTheHopeless];
            return self.leave(&rules, "it cannot bear malformed messages anyway");
        }
        if let Some(state) = trial.early_end() {
            let last = trial.report.calls.iter().rev();
            let mut last = last.filter(|call| call.outcome != CallOutcome::NotReached);
            let last = last.next().map(|call| named(&call.delivery));
            let last =
                last.map_or_else(String::new, |last| format!("; the last message was {last}"));
            let seen = format!("it has ended: {state}{last}");
            self.found(Requirement::KeepsRunning, &done, seen);
            let reason = "a malformed message ends it";
            return self.leave(&[Requirement::DropsTheHopeless], reason);
        }
        // Nothing else fails in this world.
        let calls = || trial.report.calls.iter();
        let given_up = calls().filter(|call| matches!(call.outcome, CallOutcome::Dropped(_)));
        let given_up = given_up.count() as u64;
        let dropped = trial.status().map_or(0, |it| it.dropped);
        let retried = calls().find(|call| matches!(call.outcome, CallOutcome::Retry(_)));
        if let (true, Some(call)) = (dropped > given_up && trial.report.more_calls == 0, retried) {
            let count = dropped - given_up;
            let seen = format!(
                "{count} messages it could not handle at any attempt, and never gave up, so that those behind \
                 them had to wait; such as {}: {}",
                named(&call.delivery),
                call.outcome
            );
            self.found(Requirement::DropsTheHopeless, &done, seen);
        }
    }

    /// Many messages, to see whether memory grows with each. Others may take memory meanwhile: what looks
    /// bad goes on for as long again, and no two floods of a process are at the same time.
    pub(super) fn flood(&mut self) {
        let _one = memory::one_flood();
        let memory = &self.conformance.memory;
        let per_round = memory.messages.max(100) / ROUNDS;
        let count = per_round * ROUNDS;
        let done = format!("handed over {count} messages with identifiers of their own");
        let (trial, flood) = self.flood_with(per_round);
        if trial.has_stalled {
            // Slow is not stuck: earlier trials have come to their ends.
            let patience = self.conformance.patience;
            let reason = format!(
                "{count} messages took longer than {:?}, or {CHUNK} of them longer than {patience:?}: \
                 Conformance::flood, or patience",
                patience * FLOOD
            );
            return self.leave(&[Requirement::BoundsMemory], &reason);
        }
        if !self.look_at(&trial, &done) {
            return self.leave(
                &[Requirement::BoundsMemory],
                "it cannot bear a flood anyway",
            );
        }
        if let Some(state) = trial.early_end() {
            let seen = format!("it has ended: {state}");
            self.found(Requirement::KeepsRunning, &done, seen);
            return self.leave(&[Requirement::BoundsMemory], "it ended meanwhile");
        }
        let Flood { measured, relieved } = flood;
        if let Some(growth) = growth(&measured, memory.bound)
            && is_plugins(&measured, &relieved, memory.bound)
        {
            let each = growth / (per_round * (measured.len() - 1)).max(1);
            let bound = memory.bound;
            let seen = format!(
                "memory grew by some {growth} bytes after the first {per_round} messages, {each} for each message, \
                 and did not stop (allowed are {bound}): {measured:?}; it grew less when the consumer was built \
                 anew again and again: {relieved:?}"
            );
            self.found(Requirement::BoundsMemory, &done, seen);
        }
    }

    /// Goes on for as long again when memory has grown, which fills what has a bound; then finds out whose it is.
    fn flood_with(&self, per_round: usize) -> (Trial, Flood) {
        let suite = self.conformance;
        let world: World = (suite.world)();
        let mut flood = Flood::default();
        let began = Instant::now();
        let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
            hub.forget();
            let mut messages = suite.messages.iter().cycle().zip(0..);
            let mut send = async |count: usize, crashes: bool| {
                let mut crashes = crashes;
                for (message, number) in messages.by_ref().take(count) {
                    let is_long = number / suite.messages.len().max(1) as u64 % 2 == 1;
                    let message = anew(message, number, if is_long { LONG } else { 0 });
                    if std::mem::take(&mut crashes) {
                        hub.witness.crash_after(message.clone());
                    }
                    suite.send(hub, &message).await?;
                    if number % CHUNK == 0 {
                        suite.settle(hub).await?;
                    }
                    if began.elapsed() > suite.patience * FLOOD {
                        return Err(Stalled);
                    }
                }
                suite.settle(hub).await?;
                Ok((suite.memory.measure)())
            };
            for round in 0..ROUNDS * 2 {
                if round >= ROUNDS && growth(&flood.measured, suite.memory.bound).is_none() {
                    return Ok(());
                }
                flood.measured.push(send(per_round, false).await?);
            }
            flood.relieved.extend(flood.measured.last());
            if growth(&flood.measured, suite.memory.bound).is_some() {
                for _ in 0..ROUNDS {
                    flood.relieved.push(send(per_round, true).await?);
                }
            }
            Ok(())
        });
        (trial, flood)
    }
}

/// The memory in use after each part of a flood.
#[derive(Default)]
struct Flood {
    measured: Vec<usize>,
    /// After further parts, with a crash in the beginning of each.
    relieved: Vec<usize>,
}

/// The same message with another identifier, so much longer than others; one that is signed stays as it is.
fn anew(message: &Delivery, number: u64, longer_by: usize) -> Delivery {
    let is_signed = message.envelope().signature().is_some();
    let body = message.envelope().body().as_object();
    let (Some(body), false) = (body, is_signed) else {
        return message.clone();
    };
    let mut body = body.clone();
    let id = format!("2026-flood-{number}{}", "-".repeat(longer_by));
    body.insert("msg_id", Value::from(id));
    let envelope = Envelope::encode(message.topic().clone(), body);
    let envelope = envelope.unwrap_or_else(|_| message.envelope().clone());
    Delivery::new(envelope, message.endpoint().clone())
}
