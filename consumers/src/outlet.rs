//! Where a relay or gateway sends: a forwarder, and the pause before its first message.
//!
//! [`crate::Relay`], [`crate::SigningRelay`] and [`crate::Gateway`] have one each.

use fedmsg::{Envelope, Forwarder, ForwarderCounts, PublishError, Topic};
use fedmsg_actors::{ConsumeError, ConsumerContext};
use tokio::time::{Instant, sleep_until};
use tracing::info;

/// A forwarder that gives subscribers time to come back before its first message: until
/// `post_init_sleep` has passed since it was bound.
#[derive(Debug)]
pub(crate) struct Outlet {
    forwarder: Forwarder,
    settled: Option<Instant>,
}

impl Outlet {
    pub(crate) fn new(forwarder: Forwarder, context: &ConsumerContext) -> Self {
        info!(addresses = ?forwarder.addresses(), "forwards to");
        let counter = forwarder.counter();
        context.show_figures(move || figures(&counter()));
        let settled = Some(Instant::now() + context.config().post_init_sleep);
        Self { forwarder, settled }
    }

    /// Sends a message on.
    #[inline]
    pub(crate) async fn send(&mut self, topic: &Topic, body: &[u8]) -> Result<(), ConsumeError> {
        if let Some(settled) = self.settled.take() {
            sleep_until(settled).await;
        }
        match self.forwarder.forward(topic, body) {
            // A body that was wrapped or signed may have become too large; another attempt would not help.
            Err(error @ PublishError::TooLarge { .. }) => Err(ConsumeError::drop(error)),
            sent => Ok(sent.map(drop)?),
        }
    }

    /// Sends an envelope on.
    pub(crate) async fn send_envelope(&mut self, envelope: &Envelope) -> Result<(), ConsumeError> {
        self.send(envelope.topic(), envelope.bytes()).await
    }

    /// Waits until everybody has got everything, for at most `zmq_linger`.
    pub(crate) async fn close(&self, context: &ConsumerContext) {
        let counts = self.forwarder.close(context.config().zmq_linger).await;
        info!(
            messages = counts.messages,
            unheard = counts.unheard,
            missed = counts.missed,
            cut_off = counts.cut_off,
            subscribers = counts.joined,
            refused = counts.refused,
            "forwarded"
        );
    }
}

/// The counts of a forwarder as the status of the hub shows them.
fn figures(counts: &ForwarderCounts) -> Vec<(&'static str, u64)> {
    vec![
        ("forwarded", counts.messages),
        ("unheard", counts.unheard),
        ("missed", counts.missed),
        ("cut_off", counts.cut_off),
        ("subscribers", counts.subscribers as u64),
        ("joined", counts.joined),
        ("refused", counts.refused),
    ]
}
