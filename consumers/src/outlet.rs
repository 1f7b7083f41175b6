//! Where a relay or gateway sends: a forwarder, and the pause before its first message.
//!
//! [`crate::Relay`], [`crate::SigningRelay`] and [`crate::Gateway`] have one each.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use fedmsg::{Envelope, Forwarder, ForwarderCounts, LogLimit, PublishError, Topic};
use fedmsg_actors::{ConsumeError, ConsumerContext};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

/// At most one line about messages that cannot be sent on in this time.
const COMPLAINTS: Duration = Duration::from_secs(60);

/// A forwarder that gives subscribers time to come back before its first message: until
/// `post_init_sleep` has passed since it was bound.
#[derive(Debug)]
pub(crate) struct Outlet {
    forwarder: Forwarder,
    settled: Option<Instant>,
    malformed: Arc<AtomicU64>,
    complaints: LogLimit,
}

impl Outlet {
    pub(crate) fn new(forwarder: Forwarder, context: &ConsumerContext) -> Self {
        info!(addresses = ?forwarder.addresses(), "forwards to");
        let (counter, subscribers) = (forwarder.counter(), forwarder.counter());
        let malformed = Arc::new(AtomicU64::new(0));
        let of_senders = malformed.clone();
        context.show_figures(move || {
            let mut figures = figures(&counter());
            figures.push(("malformed", of_senders.load(Relaxed)));
            figures
        });
        context.show_gauges(move || vec![("subscribers", subscribers().subscribers as u64)]);
        let settled = Some(Instant::now() + context.config().post_init_sleep);
        Self {
            forwarder,
            settled,
            malformed,
            complaints: LogLimit::new(COMPLAINTS),
        }
    }

    /// Sends a message on.
    #[inline]
    pub(crate) async fn send(&mut self, topic: &Topic, body: &[u8]) -> Result<(), ConsumeError> {
        if let Some(settled) = self.settled.take() {
            sleep_until(settled).await;
        }
        match self.forwarder.forward(topic, body) {
            // A body that was wrapped or signed may have become too large; another attempt would not help.
            Err(error @ PublishError::TooLarge { .. }) => {
                self.refuse(topic, &error);
                Ok(())
            }
            sent => Ok(sent.map(drop)?),
        }
    }

    /// Counts a message that cannot be sent on because of how its sender made it. It is not lost: what
    /// anybody may send must not decide how the service ends.
    pub(crate) fn refuse(&self, topic: &Topic, reason: &dyn Display) {
        self.malformed.fetch_add(1, Relaxed);
        if let Some(held_back) = self.complaints.admit() {
            warn!(%topic, %reason, held_back, "malformed message not forwarded");
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
            joined = counts.joined,
            refused = counts.refused,
            malformed = self.malformed.load(Relaxed),
            "forwarded"
        );
    }
}

/// The counts of a forwarder that only grow, as the status of the hub shows them.
fn figures(counts: &ForwarderCounts) -> Vec<(&'static str, u64)> {
    vec![
        ("forwarded", counts.messages),
        ("unheard", counts.unheard),
        ("missed", counts.missed),
        ("cut_off", counts.cut_off),
        ("joined", counts.joined),
        ("refused", counts.refused),
    ]
}
