//! The consumer that lets short-lived programs publish: they connect to it, it publishes for them.
//!
//! It listens on `relay_inbound` and sends on the first free address of `endpoints.relay_outbound`,
//! to which the subscribers of the bus connect like to any other publisher.

use fedmsg::EndpointName;
use fedmsg_actors::{
    BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, Source,
};

use crate::outlet::Outlet;

/// The name under which `endpoints` lists where a relay publishes.
pub(crate) const RELAY_OUTBOUND: &str = "relay_outbound";

/// Forwards every message that arrives on `relay_inbound`, byte for byte, validated or not.
///
/// A body that is no envelope (no JSON, no object, or without `topic`) is wrapped as
/// `{"topic": …, "msg": …}`, as the original relay does (fedmsg wire specification, section 1.10).
/// The first message waits until `post_init_sleep` has passed since the relay bound its output, so
/// that subscribers that lost an earlier relay are back.
#[derive(Debug)]
pub struct Relay(Outlet);

impl Consumer for Relay {
    const KIND: &'static str = "relay";
    const ABOUT: &'static str =
        "Lets short-lived programs publish: they connect to it, it publishes for them";
    const SOURCE: Source = Source::RelayInbound;
    const VALIDATE_SIGNATURES: Option<bool> = Some(false); // those who subscribe judge for themselves
    type Params = NoParams;

    async fn from_params(_: NoParams, context: &ConsumerContext) -> Result<Self, BoxError> {
        let name = EndpointName::from(RELAY_OUTBOUND);
        let forwarder = context.bus().forwarder(&name).await?;
        Ok(Self(Outlet::new(forwarder, context)))
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let body = delivery.envelope().relayed();
        self.0.send(delivery.topic(), &body).await
    }

    const BATCH: usize = 64; // spares what the host does around each call

    async fn stop(&mut self, context: &ConsumerContext) {
        self.0.close(context).await;
    }
}
