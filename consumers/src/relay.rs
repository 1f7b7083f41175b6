//! The consumer that lets short-lived programs publish: they connect to it, it publishes for them.
//!
//! It listens on `relay_inbound` and sends on the first free address of `endpoints.relay_outbound`,
//! to which the subscribers of the bus connect like to any other publisher.

use fedmsg::{Config, EndpointName};
use fedmsg_actors::{
    BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, SettingError, Source,
};

use crate::outlet::Outlet;
use crate::signing_relay::SigningRelay;

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

    fn preflight(_: &NoParams, config: &Config) -> Result<(), BoxError> {
        enough_addresses(config).map_err(BoxError::from)
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

/// Looks whether every relay of a hub, of either kind, finds an address to publish at: each worker of each
/// binds one of its own.
pub(crate) fn enough_addresses(config: &Config) -> Result<(), SettingError> {
    let relays = config.consumers.values().filter(|it| it.enabled);
    let relays = relays.filter(|it| [Relay::KIND, SigningRelay::KIND].contains(&&*it.kind));
    let needed: usize = relays.map(|it| it.workers).sum();
    let addresses = config.endpoints.get(RELAY_OUTBOUND);
    let listed = addresses.map_or(0, |addresses| addresses.len());
    // The system chooses a port for each that asks for port 0.
    let is_open = addresses.is_some_and(|them| them.iter().any(|it| it.port() == Some(0)));
    if needed <= listed || is_open {
        return Ok(());
    }
    let reason = match listed {
        0 => "there is no address for a relay to publish at".to_owned(),
        _ => format!(
            "too few addresses, {listed}: the relays of this hub need {needed}, one for each worker of each"
        ),
    };
    Err(SettingError::new(["endpoints", RELAY_OUTBOUND], reason))
}
