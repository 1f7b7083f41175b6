//! The consumer that lets others listen: it passes the whole bus on at one address.
//!
//! It connects to every endpoint; those outside, who cannot reach them all, connect to it.

use fedmsg::{Endpoint, EndpointName};
use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::outlet::Outlet;

/// What errors and the log call the address of a gateway.
const GATEWAY: &str = "gateway";
/// The port of the original (`fedmsg.consumers.gateway.port`).
const PORT: u16 = 9940;
/// The limit of the original's sample configuration (`fedmsg.consumers.gateway.high_water_mark`).
const HIGH_WATER_MARK: u32 = 10_000;

/// Passes every message of every endpoint on, byte for byte, validated or not.
///
/// Each client has a queue of its own; what a slow one misses is counted and logged, the others miss
/// nothing. Clients can listen only: there is no way in.
#[derive(Debug)]
pub struct Gateway(Outlet);

/// What `[consumers.NAME.params]` may say for the kind `gateway`.
///
/// ```
/// let params: fedmsg_consumers::GatewayParams = toml::from_str(
///     "address = 'tcp://*:9940'   # for everybody; by default for this machine only
///      high_water_mark = 160_000",
/// )?;
/// assert_eq!(params.address.port(), Some(9940));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayParams {
    /// Where clients connect. By default `tcp://127.0.0.1:9940`, for this machine only; for the world
    /// it is `tcp://*:9940`.
    pub address: Endpoint,
    /// Messages queued for one client, at most; beyond it that client misses messages. 0 means no
    /// limit: then one client that has stalled takes all memory. By default 10000.
    pub high_water_mark: u32,
}

impl Default for GatewayParams {
    fn default() -> Self {
        Self {
            address: Endpoint::loopback(PORT),
            high_water_mark: HIGH_WATER_MARK,
        }
    }
}

impl Consumer for Gateway {
    const KIND: &'static str = "gateway";
    const ABOUT: &'static str = "Passes the whole bus on at one address, for clients outside";
    const VALIDATE_SIGNATURES: Option<bool> = Some(false); // those who subscribe judge for themselves
    type Params = GatewayParams;

    async fn from_params(
        params: GatewayParams,
        context: &ConsumerContext,
    ) -> Result<Self, BoxError> {
        let name = EndpointName::from(GATEWAY);
        let forwarder = context
            .bus()
            .forwarder_at(&name, &[params.address], params.high_water_mark)
            .await?;
        Ok(Self(Outlet::new(forwarder, context)))
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        self.0.send_envelope(delivery.envelope()).await
    }

    const BATCH: usize = 64; // spares what the host does around each call

    async fn stop(&mut self, context: &ConsumerContext) {
        self.0.close(context).await;
    }
}
