//! Signing what others have published: for relays that vouch for their publishers.
//!
//! [`crate::Bus::resigner`] reads certificate and key; a signing relay calls it for every message.

use fedmsg_config::Config;
use fedmsg_message::{Envelope, SignError, strip_credentials};

use crate::clock::unix_time;
use crate::signing::{Signing, SigningError};

/// Signs messages of others with one certificate; made by [`crate::Bus::resigner`].
///
/// # Examples
///
/// ```no_run
/// use fedmsg::{Bus, Config, Delivery};
///
/// # fn run(delivery: Delivery) -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Bus::open(Config::from_toml("certnames.signing_relay = 'relay-app01'")?);
/// let resigner = bus.resigner("signing_relay")?;
/// let signed = resigner.sign(delivery.envelope())?;
/// assert!(signed.signature().is_some());
/// # Ok(())
/// # }
/// ```
pub struct Resigner(Signing);

impl Resigner {
    /// Reads what the entry `entry` of `certnames` names.
    pub(crate) fn open(config: &Config, entry: &str) -> Result<Self, SigningError> {
        Signing::of_entry(config, entry).map(Self)
    }

    /// Returns the message with our signature in the place of any that it has. A body that is no
    /// envelope is wrapped first; its `topic` becomes the one that it was sent with, because nobody
    /// believes another.
    ///
    /// # Errors
    ///
    /// A topic that nobody may send, or a failure of OpenSSL.
    pub fn sign(&self, envelope: &Envelope) -> Result<Envelope, SignError> {
        self.0.expiry.check(unix_time());
        let mut body = envelope.body().as_object().cloned().unwrap_or_default();
        strip_credentials(&mut body);
        self.0.signer.sign(envelope.topic().clone(), body)
    }
}
