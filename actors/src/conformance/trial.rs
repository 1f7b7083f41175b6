//! One trial: one consumer, one outside world, and what is done to them.
//!
//! The [`suite`](super::suite) makes trials and compares what comes of them.

use std::sync::Arc;
use std::time::Duration;

use fedmsg::Delivery;
use fedmsg::json::to_spaced;
use tracing::debug;

use super::Conformance;
use super::findings::shown;
use super::world::World;
use crate::consumer_cell::ConsumerState;
use crate::status::ConsumerStatus;
use crate::test_bus::witness::Witness;
use crate::test_bus::{CallOutcome, TestBus, TestHub, TestReport};

/// What a hub gets at most to stop at the end of a trial.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Too long for what was waited for.
pub(super) struct Stalled;

/// What has come of a trial.
pub(super) struct Trial {
    pub(super) effect: String,
    /// All that it has published in this world, sorted.
    pub(super) heard: Vec<String>,
    pub(super) report: TestReport,
    pub(super) has_stalled: bool,
    witness: Arc<Witness>,
}

/// The attempts that messages get at least in a trial: a redelivery is an attempt.
#[derive(Clone, Copy)]
pub(super) enum Attempts {
    /// As the settings say, but two at least.
    AsConfigured,
    /// As many as may be configured: an outage may last a while.
    Many,
}

impl Attempts {
    fn least(self) -> u32 {
        match self {
            Self::AsConfigured => 2,
            Self::Many => 1000,
        }
    }
}

impl Conformance {
    /// Makes a hub with the consumer in this world and lends it to `script`; then stops it and looks.
    pub(super) fn try_out(
        &self,
        world: &World,
        attempts: Attempts,
        script: impl AsyncFnOnce(&TestHub) -> Result<(), Stalled>,
    ) -> Trial {
        let mut bus = TestBus::new().impatient().settings(&self.hub);
        for message in &self.messages {
            bus = bus.publisher(message.endpoint().as_str());
        }
        bus.stop_timeout = Some(STOP_TIMEOUT.min(self.patience));
        bus.attempts = attempts.least();
        // What a full mailbox refuses is not the consumer's doing.
        bus.keeps_all = true;
        let witness: Arc<Witness> = Arc::clone(&bus.witness);
        witness.take_times();
        let mut has_stalled = false;
        let report = (self.add)(bus, &world.settings).run(async |hub| {
            has_stalled = script(hub).await.is_err();
        });
        debug!(has_stalled, calls = report.calls.len(), "trial over");
        Trial {
            effect: world.look(),
            heard: world.hear(report.published.iter().map(content)),
            report,
            has_stalled,
            witness,
        }
    }

    /// Sends a message, and waits for room where that is needed.
    pub(super) async fn send(&self, hub: &TestHub, message: &Delivery) -> Result<(), Stalled> {
        match hub.try_send(message, self.patience).await {
            true => Ok(()),
            false => Err(Stalled),
        }
    }

    /// Waits until every message has arrived in the mailbox.
    pub(super) async fn arrive(&self, hub: &TestHub) -> Result<(), Stalled> {
        match hub.arrived_within(self.patience).await {
            true => Ok(()),
            false => Err(Stalled),
        }
    }

    /// Waits until every message has been dealt with.
    pub(super) async fn settle(&self, hub: &TestHub) -> Result<(), Stalled> {
        let settled = hub.settled_within(self.patience).await;
        settled.map(drop).ok_or(Stalled)
    }

    /// Hands messages over at once, and waits until they have been dealt with.
    pub(super) async fn hand_over(
        &self,
        hub: &TestHub,
        messages: &[Delivery],
    ) -> Result<(), Stalled> {
        for message in messages {
            self.send(hub, message).await?;
        }
        self.settle(hub).await
    }
}

impl Trial {
    /// The state of the consumer at the end.
    pub(super) fn status(&self) -> Option<&ConsumerStatus> {
        self.report.status.consumers.first()
    }

    /// The first call that panicked by itself.
    pub(super) fn panic(&self) -> Option<String> {
        if let Some((call, text)) = self.witness.others.first_panic() {
            return Some(format!("`{call}` panicked: {text}"));
        }
        let mut calls = self.report.calls.iter();
        let call = calls.find(|call| matches!(call.outcome, CallOutcome::Panicked(_)))?;
        let message = named(&call.delivery);
        let body = shown(&format!("{:?}", call.delivery.envelope().bytes()));
        Some(format!("{}, with {message}: {body}", call.outcome))
    }

    /// The longest time for which a call kept its thread, and which it was.
    pub(super) fn longest(&self) -> Option<(Duration, String)> {
        let call = self.witness.longest();
        let call = call.map(|(stretch, message)| {
            let message = named(&message);
            (stretch, format!("a call kept its thread, with {message},"))
        });
        let other = self.witness.others.longest();
        let other = other.map(|(stretch, call)| (stretch, format!("`{call}` kept its thread")));
        call.max(other)
    }

    /// A call that has not returned.
    pub(super) fn open_call(&self) -> Option<String> {
        if let Some(call) = self.witness.others.open() {
            return Some(format!("`{call}` had not returned"));
        }
        let mut calls = self.report.calls.iter();
        let call = calls.find(|call| call.outcome == CallOutcome::Unfinished)?;
        Some(format!("it was at work on {}", named(&call.delivery)))
    }

    /// Why it ended before it was stopped, if it did.
    pub(super) fn early_end(&self) -> Option<&ConsumerState> {
        let state = &self.status()?.state;
        (*state != ConsumerState::Stopped).then_some(state)
    }
}

pub(super) fn named(message: &Delivery) -> String {
    let id = message.msg_id().unwrap_or("without msg_id");
    format!("{} ({})", message.topic(), shown(id))
}

/// Topic and payload, as a text.
pub(super) fn content(message: &Delivery) -> String {
    let msg = to_spaced(message.msg()).unwrap_or_else(|error| error.to_string());
    format!("{} {msg}", message.topic())
}
