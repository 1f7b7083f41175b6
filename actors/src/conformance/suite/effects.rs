//! Trials whose effects are compared with a gentle one: stops, repetitions, other orders.
//!
//! The suite runs them.

use std::collections::BTreeSet;

use fastrand::Rng;
use fedmsg::Delivery;

use super::{NoEffect, Suite, difference, shown};
use crate::conformance::finding::Requirement;
use crate::conformance::trial::Attempts;
use crate::test_bus::{CallOutcome, Faults, Order, Step};

/// So many random orders are tried.
const ORDERS: u64 = 5;

impl Suite<'_> {
    /// The reference: one message after the other, nothing goes wrong. Returns its effect if there is one
    /// to compare with.
    pub(super) fn one_by_one(&mut self) -> Result<String, NoEffect> {
        let suite = self.conformance;
        let world = (suite.world)();
        let before = world.look();
        let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
            for message in &suite.messages {
                suite.send(hub, message).await?;
                suite.settle(hub).await?;
            }
            Ok(())
        });
        let count = suite.messages.len();
        let done = format!("handed over {count} messages, one by one, then stopped the hub");
        if !self.look_at(&trial, &done) {
            return Err(NoEffect::HasFailed);
        }
        let consumed = trial.status().map_or(0, |it| it.consumed);
        if let Some(state) = trial.early_end() {
            self.found(
                Requirement::Handles,
                &done,
                format!("the consumer has ended: {state}"),
            );
            return Err(NoEffect::HasFailed);
        }
        if consumed == 0 {
            let refusals = &trial.report.status.refusals;
            let first = match trial.report.calls.first() {
                Some(call) => format!("of the first came: {}", call.outcome),
                None => format!("none reached it; refused were: {refusals:?}"),
            };
            self.found(
                Requirement::Handles,
                &done,
                format!("it consumed none; {first}"),
            );
            return Err(NoEffect::HasFailed);
        }
        if let Some(expected) = &suite.expected
            && *expected != trial.effect
        {
            self.found(
                Requirement::Handles,
                &done,
                difference(expected, &trial.effect),
            );
            return Err(NoEffect::HasFailed);
        }
        self.only_publishes = trial.effect == before && !trial.heard.is_empty();
        if trial.effect == before && !self.only_publishes {
            let seen = format!(
                "it said Ok to {consumed} of them, has published nothing, and nothing in its world has changed: {}\n\
                 If what it does shows in no world, such as a log line, excuse it, and with it what cannot be \
                 compared then: Conformance::excuse(Requirement::KeepsWorkOnStop, …)",
                shown(&before)
            );
            self.found(Requirement::KeepsWorkOnStop, &done, seen);
            return Err(NoEffect::IsSilent);
        }
        Ok(self.effect(&trial))
    }

    /// Stops while messages wait, and between any two of some. Returns whether nothing is lost.
    pub(super) fn stops(&mut self, effect: &str) -> bool {
        let suite = self.conformance;
        let messages = &suite.messages;
        let count = messages.len();
        let world = (suite.world)();
        let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
            for message in messages {
                suite.send(hub, message).await?;
            }
            // What is still on its way at a stop is nobody's fault.
            suite.arrive(hub).await
        });
        let done = format!(
            "handed over {count} messages at once, and stopped the hub as soon as they had arrived"
        );
        if !self.compare(&trial, effect, Requirement::KeepsWorkOnStop, &done) {
            return false;
        }
        let cuts: BTreeSet<usize> = match count {
            0..=8 => (1..count).collect(),
            _ => [1, 2, count / 3, count / 2, count - 1].into(),
        };
        for at in cuts {
            let world = (suite.world)();
            let (first, rest) = messages.split_at(at);
            for (part, is_first) in [(first, true), (rest, false)] {
                let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
                    suite.hand_over(hub, part).await
                });
                let done = format!(
                    "handed over {at} of {count} messages, stopped the hub in order, started another in the \
                     same world, and handed over the others"
                );
                let is_good = match is_first {
                    true => self.look_at(&trial, &done),
                    false => self.compare(&trial, effect, Requirement::KeepsWorkOnStop, &done),
                };
                if !is_good {
                    return false;
                }
            }
        }
        true
    }

    /// Every message twice; then with a crash between each effect and its acknowledgement.
    pub(super) fn repetitions(&mut self, effect: &str) {
        let suite = self.conformance;
        let count = suite.messages.len();
        let world = (suite.world)();
        let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
            for message in &suite.messages {
                suite.send(hub, message).await?;
                suite.send(hub, message).await?;
            }
            suite.settle(hub).await
        });
        let done = format!("handed over {count} messages, each twice");
        if !self.compare(&trial, effect, Requirement::IsIdempotent, &done) {
            return;
        }
        let world = (suite.world)();
        let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
            for message in &suite.messages {
                hub.witness.crash_after(message.clone());
                suite.send(hub, message).await?;
            }
            suite.settle(hub).await
        });
        let crashes = trial.report.calls.iter();
        let crashes = crashes
            .filter(|call| call.outcome == CallOutcome::Crashed)
            .count();
        let done = format!(
            "handed over {count} messages, and after {crashes} of them, when `consume` had returned Ok and \
             before the hub knew, let the consumer crash: it was built anew and got the message again"
        );
        self.compare(&trial, effect, Requirement::IsIdempotent, &done);
    }

    /// The messages of each publisher in their order, mixed in other ways with those of others.
    pub(super) fn orders(&mut self, effect: &str) {
        let suite = self.conformance;
        let mut publishers: Vec<_> = suite.messages.iter().map(Delivery::endpoint).collect();
        publishers.sort();
        publishers.dedup();
        if publishers.len() < 2 {
            let reason = "all messages are from one publisher: DeliveryBuilder::from_publisher";
            return self.leave(&[Requirement::NeedsNoOrderAcrossPublishers], reason);
        }
        let of = |name| {
            suite
                .messages
                .iter()
                .filter(move |it| it.endpoint() == name)
                .cloned()
        };
        let forth = publishers.iter().flat_map(|name| of(*name)).collect();
        let back = publishers.iter().rev().flat_map(|name| of(*name)).collect();
        let mut rng = Rng::with_seed(suite.seed);
        let mixed = (0..ORDERS).map(|_| {
            let faults = Faults::seeded(rng.u64(..)).reorder(Order::AcrossPublishers);
            let steps = faults.plan(suite.messages.clone()).into_iter();
            let sent = steps.filter_map(|step| match step {
                Step::Send(delivery) => Some(delivery),
                _ => None,
            });
            sent.collect()
        });
        let orders: Vec<Vec<Delivery>> = [forth, back].into_iter().chain(mixed).collect();
        for order in orders {
            let world = (suite.world)();
            let trial = suite.try_out(&world, Attempts::AsConfigured, async |hub| {
                suite.hand_over(hub, &order).await
            });
            let turns: Vec<_> = order.iter().map(|it| it.endpoint().as_str()).collect();
            let done = format!(
                "let the messages of {} publishers arrive in another order, that of each kept: {}",
                publishers.len(),
                shown(&turns.join(" "))
            );
            let rule = Requirement::NeedsNoOrderAcrossPublishers;
            if !self.compare(&trial, effect, rule, &done) {
                return;
            }
        }
    }
}
