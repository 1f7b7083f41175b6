//! A configuration for our programs and our library, as TOML.

use std::fmt;
use std::path::Path;

use toml::{Table, Value};

/// Settings that leave nothing to the defaults that name addresses: a test must not meet what else
/// runs on this machine. The topics are those of the original's test configuration.
#[derive(Clone)]
pub(crate) struct Settings(Table);

impl Settings {
    /// Returns settings without endpoints.
    pub(crate) fn new() -> Self {
        Self(toml::toml! {
            topic_prefix = "org.fedoraproject"
            relay_inbound = []
            endpoints = { relay_outbound = [] }
        })
    }

    /// Adds what `toml` says.
    pub(crate) fn with(mut self, toml: &str) -> Self {
        let more = toml.parse().expect("TOML");
        merge(&mut self.0, more);
        self
    }

    /// Adds an endpoint: where `name` publishes, and everybody listens.
    pub(crate) fn endpoint(self, name: &str, port: u16) -> Self {
        self.with(&format!("[endpoints]\n'{name}' = '{}'", loopback(port)))
    }

    /// Signs as `entry` of `certnames` with the key pair `certificate` of `ssldir`.
    pub(crate) fn signing(self, ssldir: &Path, entry: &str, certificate: &str) -> Self {
        self.with(&format!(
            "sign_messages = true\nssldir = {ssldir:?}\n[certnames]\n'{entry}' = '{certificate}'"
        ))
    }

    /// Believes what CA and revocation list of `ssldir` vouch for.
    pub(crate) fn validating(self, ssldir: &Path) -> Self {
        let (ca, crl) = (ssldir.join("ca.crt"), ssldir.join("crl.pem"));
        self.with(&format!(
            "validate_signatures = true\nca_cert_location = {ca:?}\ncrl_location = {crl:?}"
        ))
    }

    /// Sets where relays listen, and where they publish.
    pub(crate) fn relay(self, inbound: u16, outbound: u16) -> Self {
        self.with(&format!("relay_inbound = '{}'", loopback(inbound)))
            .endpoint("relay_outbound", outbound)
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// Returns the ZeroMQ address of `port` on the loopback interface.
pub(crate) fn loopback(port: u16) -> String {
    format!("tcp://127.0.0.1:{port}")
}

fn merge(into: &mut Table, more: Table) {
    for (key, value) in more {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(more)) => merge(into, more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
