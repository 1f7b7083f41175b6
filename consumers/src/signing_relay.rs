//! The relay that vouches for its publishers: it signs what they send with a certificate of its own.
//!
//! For publishers that have no certificate, on a machine where whoever reaches `relay_inbound` is trusted.

use fedmsg::{Config, EndpointName, Resigner, SignError, SigningError, check_signing};
use fedmsg_actors::{
    BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, SettingError, Source,
};

use crate::outlet::Outlet;
use crate::relay::{RELAY_OUTBOUND, enough_addresses};

/// The entry of `certnames` that a signing relay signs with, as in the original.
const SIGNING_RELAY: &str = "signing_relay";

/// Forwards every message that arrives on `relay_inbound`, signed with the certificate that
/// `certnames.signing_relay` names.
///
/// Any signature that a message brings along is taken off first. What is no envelope is wrapped as by
/// [`crate::Relay`]. Signing takes some 200 µs of a core for each message with a key of 2048 bits.
pub struct SigningRelay {
    resigner: Resigner,
    outlet: Outlet,
}

impl Consumer for SigningRelay {
    const KIND: &'static str = "signing-relay";
    const ABOUT: &'static str =
        "As relay, and signs what it forwards, for publishers without a certificate";
    const SOURCE: Source = Source::RelayInbound;
    const VALIDATE_SIGNATURES: Option<bool> = Some(false); // what comes in is hardly signed
    type Params = NoParams;

    async fn from_params(_: NoParams, context: &ConsumerContext) -> Result<Self, BoxError> {
        let resigner = context.bus().resigner(SIGNING_RELAY)?;
        let name = EndpointName::from(RELAY_OUTBOUND);
        let forwarder = context.bus().forwarder(&name).await?;
        let outlet = Outlet::new(forwarder, context);
        Ok(Self { resigner, outlet })
    }

    fn preflight(_: &NoParams, config: &Config) -> Result<(), BoxError> {
        enough_addresses(config)?;
        let checked = check_signing(config, SIGNING_RELAY);
        checked.map(drop).map_err(|error| {
            // What to do instead is for publishers: a relay has one entry only.
            let key = ["certnames", SIGNING_RELAY];
            match error {
                SigningError::NoCertificate { .. } => {
                    SettingError::new(key, "not set: name the certificate to sign with").into()
                }
                error => SettingError::new(key, error).into(),
            }
        })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        // What cannot be signed now, such as a topic that nobody may send, cannot be signed later.
        let signed = self.resigner.sign(delivery.envelope());
        let signed = match signed {
            Ok(signed) => signed,
            // NaN, or a text that no JSON has: its sender has made it so.
            Err(error @ SignError::Encode(_)) => {
                self.outlet.refuse(delivery.topic(), &error);
                return Ok(());
            }
            Err(error) => return Err(ConsumeError::drop(error)),
        };
        self.outlet.send_envelope(&signed).await
    }

    async fn stop(&mut self, context: &ConsumerContext) {
        self.outlet.close(context).await;
    }
}
