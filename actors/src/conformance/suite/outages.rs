//! Trials in which the outside world fails when a message comes.
//!
//! The suite runs them where the world has a switch.

use std::time::Duration;

use fedmsg::Delivery;

use super::{Suite, difference, named};
use crate::conformance::Conformance;
use crate::conformance::finding::Requirement;
use crate::conformance::trial::{Attempts, Stalled};
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
        let Some(switch) = &world.outage else {
            let rules = [
                Requirement::ReportsErrors,
                Requirement::PublishesAfterCommit,
            ];
            return self.leave(&rules, "its world has no switch for outages: World::outage");
        };
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
                switch(true);
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
                switch(false);
                answered?;
            }
            suite.settle(hub).await
        });
        switch(false);
        let done = "let the outside world fail, handed over a message, and healed the world when the \
                    consumer had answered; and so on with each message";
        if !self.look_at(&trial, done) {
            return;
        }
        if let Some(message) = published_early {
            let seen = format!("it could not handle {message}, and had published all the same");
            self.found(Requirement::PublishesAfterCommit, done, seen);
        }
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
        } else if let (Some(call), true) = (swallowed, trial.effect != effect) {
            let seen = format!(
                "it said Ok to {} while nothing worked, and the effect never came\n{}",
                named(&call.delivery),
                difference(effect, &trial.effect)
            );
            self.found(Requirement::ReportsErrors, done, seen);
        } else if trial.effect != effect && !self.has(Requirement::IsIdempotent) {
            let seen = difference(effect, &trial.effect);
            self.found(Requirement::IsIdempotent, done, seen);
        }
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
    let patience = OUTAGE.min(suite.patience);
    hub.until_within(patience, |status| answers(status) > answers(before))
        .await;
    Ok(())
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
