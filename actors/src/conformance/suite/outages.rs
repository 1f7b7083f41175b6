//! Trials in which the outside world fails when a message comes.
//!
//! The suite runs them where the world has a switch.

use std::time::Duration;

use fedmsg::Delivery;
use tokio::time::timeout;

use super::{Suite, difference, named};
use crate::conformance::Conformance;
use crate::conformance::finding::Requirement;
use crate::conformance::trial::{Attempts, Stalled};
use crate::conformance::world::World;
use crate::status::{ConsumerStatus, HubStatus};
use crate::test_bus::{Call, CallOutcome, TestHub};

/// So many messages meet an outage each.
const OUTAGES: usize = 10;

/// A consumer that has not answered within this time waits until the outage is over, which it may.
const OUTAGE: Duration = Duration::from_secs(2);

impl Suite<'_> {
    /// Lets the outside world fail when a message comes, and heals it when the consumer has answered.
    pub(super) fn outages(&mut self, effect: &str) {
        let suite = self.conformance;
        let world = (suite.world)();
        if world.outage.is_none() && !self.only_publishes {
            let rules = [
                Requirement::ReportsErrors,
                Requirement::PublishesAfterCommit,
            ];
            return self.leave(&rules, "its world has no switch for outages: World::outage");
        }
        let mut failing = Vec::new();
        let mut published_early = None;
        let trial = suite.try_out(&world, Attempts::Many, async |hub| {
            for (message, number) in suite.messages.iter().zip(0..) {
                if number >= OUTAGES {
                    suite.send(hub, message).await?;
                    continue;
                }
                suite.settle(hub).await?;
                let before = hub.status().await;
                let calls = hub.witness.calls().0.len();
                fail(&world, hub);
                let answered = meet_outage(suite, hub, message, &before).await;
                let now = hub.status().await;
                failing.push(hub.witness.calls().0.get(calls).cloned());
                let is_early = published(&now) > published(&before);
                if is_early
                    && failing
                        .last()
                        .is_some_and(|call| !is_consumed(call.as_ref()))
                {
                    published_early.get_or_insert_with(|| named(message));
                }
                heal(&world, hub);
                answered?;
            }
            suite.settle(hub).await
        });
        if let Some(switch) = &world.outage {
            switch(false);
        }
        let done = "let the outside world fail, handed over a message, and healed the world when the \
                    consumer had answered; and so on with each message";
        if !self.look_at(&trial, done) {
            return;
        }
        if let Some(message) = published_early {
            let seen = format!("it could not handle {message}, and had published all the same");
            self.found(Requirement::PublishesAfterCommit, done, seen);
        }
        let found = self.effect(&trial);
        let answers = || failing.iter().flatten();
        let gave_up = answers().find(|call| {
            matches!(
                call.outcome,
                CallOutcome::Dropped(_) | CallOutcome::Halted(_)
            )
        });
        let swallowed = answers().find(|call| call.outcome == CallOutcome::Consumed);
        if let Some(call) = gave_up {
            let seen = format!(
                "it gave up {}, which would have succeeded a moment later: {}",
                named(&call.delivery),
                call.outcome
            );
            self.found(Requirement::ReportsErrors, done, seen);
        } else if let (Some(call), true) = (swallowed, found != effect) {
            let seen = format!(
                "it said Ok to {} while nothing worked, and the effect never came\n{}",
                named(&call.delivery),
                difference(effect, &found)
            );
            self.found(Requirement::ReportsErrors, done, seen);
        } else if found != effect && !self.has(Requirement::IsIdempotent) {
            let seen = difference(effect, &found);
            self.found(Requirement::IsIdempotent, done, seen);
        } else if found == effect && suite.batch > 1 {
            self.failing_batch(effect);
        }
    }

    /// Lets the outside world fail when a batch has come to the consumer, and heals it when it has answered.
    fn failing_batch(&mut self, effect: &str) {
        let suite = self.conformance;
        let Some((first, others @ [_, ..])) = suite.messages.split_first() else {
            return;
        };
        let world = (suite.world)();
        let trial = suite.try_out(&world, Attempts::Many, async |hub| {
            let door = &hub.witness.door;
            let script = async {
                // While it is at work on the first, the others gather.
                door.admit(0);
                suite.send(hub, first).await?;
                comes(suite, hub, 1).await?;
                for message in others {
                    suite.send(hub, message).await?;
                }
                suite.arrive(hub).await?;
                door.admit(1);
                comes(suite, hub, 2).await?;
                let before = hub.status().await;
                fail(&world, hub);
                door.open();
                answered(suite, hub, &before).await;
                heal(&world, hub);
                suite.settle(hub).await
            };
            let ended = script.await;
            door.open();
            ended
        });
        if let Some(switch) = &world.outage {
            switch(false);
        }
        let count = others.len();
        let done = format!(
            "handed over {count} messages at once, let the outside world fail when it took them, and healed the \
             world when it had answered"
        );
        if !self.look_at(&trial, &done) {
            return;
        }
        let found = self.effect(&trial);
        if found != effect {
            let seen = format!(
                "of the batch that failed, messages that were not handled did not come again, or others did: `done` \
                 of its `BatchError` is to count those before the one that failed\n{}",
                difference(effect, &found)
            );
            self.found(Requirement::ReportsErrors, &done, seen);
        }
    }
}

/// Lets what the consumer needs fail: its world, or where that has no switch, its publishing.
fn fail(world: &World, hub: &TestHub) {
    match &world.outage {
        Some(switch) => switch(true),
        None => hub.witness.gate.shut(),
    }
}

/// Lets it succeed again.
fn heal(world: &World, hub: &TestHub) {
    match &world.outage {
        Some(switch) => switch(false),
        None => hub.witness.gate.open(),
    }
}

/// Hands over a message and waits until the consumer has answered, or seems to wait for the end of the
/// outage.
async fn meet_outage(
    suite: &Conformance,
    hub: &TestHub,
    message: &Delivery,
    before: &HubStatus,
) -> Result<(), Stalled> {
    suite.send(hub, message).await?;
    answered(suite, hub, before).await;
    Ok(())
}

/// Waits until the consumer has answered once more than before, or seems to wait for the end of the outage.
async fn answered(suite: &Conformance, hub: &TestHub, before: &HubStatus) {
    let patience = OUTAGE.min(suite.patience);
    hub.until_within(patience, |status| answers(status) > answers(before))
        .await;
}

/// Waits until so many calls have come to the consumer's door.
async fn comes(suite: &Conformance, hub: &TestHub, calls: u64) -> Result<(), Stalled> {
    let come = hub.witness.door.until_come(calls);
    timeout(suite.patience, come).await.map_err(|_| Stalled)
}

fn answers(status: &HubStatus) -> u64 {
    let of = |it: &ConsumerStatus| it.consumed + it.errors + it.panics;
    status.consumers.iter().map(of).sum()
}

fn published(status: &HubStatus) -> u64 {
    status.publisher.map_or(0, |it| it.messages)
}

fn is_consumed(call: Option<&Call>) -> bool {
    call.is_some_and(|call| call.outcome == CallOutcome::Consumed)
}
