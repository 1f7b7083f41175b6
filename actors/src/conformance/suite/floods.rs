//! Trials with messages that anybody could send: malformed ones, and very many.
//!
//! The suite runs them; `strange` makes the malformed ones, `memory` judges the numbers.

use std::time::Instant;

use fedmsg::json::Value;
use fedmsg::{Delivery, Envelope};

use super::Suite;
use crate::conformance::finding::Requirement;
use crate::conformance::memory::{self, ROUNDS, growth};
use crate::conformance::strange;
use crate::conformance::trial::{Attempts, Stalled, Trial};
use crate::conformance::world::World;

/// After so many messages what was sent is waited for.
const CHUNK: u64 = 100;

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
        self.look_at(&trial, &done);
    }

    /// Many messages, to see whether memory grows with each. Others may take memory meanwhile: what looks
    /// bad goes on for as long again, and no two floods of a process are at the same time.
    pub(super) fn flood(&mut self) {
        let _one = memory::one_flood();
        let memory = &self.conformance.memory;
        let per_round = memory.messages.max(100) / ROUNDS;
        let count = per_round * ROUNDS;
        let done = format!("handed over {count} messages with identifiers of their own");
        let (trial, measured) = self.flood_with(per_round);
        if trial.has_stalled {
            // Slow is not stuck: earlier trials have come to their ends.
            let patience = self.conformance.patience;
            let reason = format!(
                "{count} messages took longer than {patience:?}: Conformance::flood, or patience"
            );
            return self.leave(&[Requirement::BoundsMemory], &reason);
        }
        if !self.look_at(&trial, &done) {
            return;
        }
        if let Some(growth) = growth(&measured, memory.bound) {
            let each = growth / (per_round * (measured.len() - 1)).max(1);
            let bound = memory.bound;
            let seen = format!(
                "memory grew by some {growth} bytes after the first {per_round} messages, {each} for each message, \
                 and did not stop (allowed are {bound}): {measured:?}"
            );
            self.found(Requirement::BoundsMemory, &done, seen);
        }
    }

    /// Goes on for as long again when memory has grown.
    fn flood_with(&self, per_round: usize) -> (Trial, Vec<usize>) {
        let suite = self.conformance;
        let world: World = (suite.world)();
        let mut measured = Vec::new();
        let began = Instant::now();
        let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
            hub.forget();
            let mut messages = suite.messages.iter().cycle().zip(0..);
            for round in 0..ROUNDS * 2 {
                if round >= ROUNDS && growth(&measured, suite.memory.bound).is_none() {
                    break;
                }
                for (message, number) in messages.by_ref().take(per_round) {
                    suite.send(hub, &anew(message, number)).await?;
                    if number % CHUNK == 0 {
                        suite.settle(hub).await?;
                    }
                    if began.elapsed() > suite.patience {
                        return Err(Stalled);
                    }
                }
                suite.settle(hub).await?;
                measured.push((suite.memory.measure)());
            }
            Ok(())
        });
        (trial, measured)
    }
}

/// The same message with another identifier; one that is signed stays as it is.
fn anew(message: &Delivery, number: u64) -> Delivery {
    let is_signed = message.envelope().signature().is_some();
    let body = message.envelope().body().as_object();
    let (Some(body), false) = (body, is_signed) else {
        return message.clone();
    };
    let mut body = body.clone();
    body.insert("msg_id", Value::from(format!("2026-flood-{number}")));
    let envelope = Envelope::encode(message.topic().clone(), body);
    let envelope = envelope.unwrap_or_else(|_| message.envelope().clone());
    Delivery::new(envelope, message.endpoint().clone())
}
