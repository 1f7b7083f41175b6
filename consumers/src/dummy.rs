//! The consumer that does nothing: to keep a hub busy, or its sockets subscribed.

use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
use tracing::debug;

/// Takes every message and does nothing with it, but for a line at level `debug`.
///
/// ```
/// use fedmsg_actors::TestBus;
/// use fedmsg_consumers::Dummy;
///
/// let report = TestBus::new().consumer::<Dummy>("idle", "").run(async |bus| {
///     bus.publish("org.example.dev.shop.sale", "tea").await;
///     bus.settle().await;
/// });
/// assert_eq!(report.status.consumer("idle").map(|idle| idle.consumed), Some(1));
/// ```
#[derive(Debug)]
pub struct Dummy;

impl Consumer for Dummy {
    const KIND: &'static str = "dummy";
    const ABOUT: &'static str = "Takes every message and does nothing with it";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        debug!(topic = %delivery.topic(), "message");
        Ok(())
    }
}
