//! A `fedmsg.d/` for the original programs.
//!
//! Made by a test through [`Peers::config`], written by `tests/interop/configure.py`, read by
//! every program that [`Peers`] starts with it.

use std::path::Path;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{Peers, Process};

/// Settings by their fedmsg names; what is not set has the default of fedmsg or, for what would
/// reach out to the Internet, of `tests/interop/configure.py`.
pub(crate) struct Config<'p> {
    peers: &'p Peers,
    settings: Map<String, Value>,
}

/// A written configuration: the directory in which programs find it. Removed when dropped.
pub(crate) struct ConfigDir {
    directory: TempDir,
}

impl<'p> Config<'p> {
    /// Returns a configuration without endpoints.
    pub(super) fn new(peers: &'p Peers) -> Self {
        let settings = Map::from_iter([("endpoints".to_owned(), json!({}))]);
        Self { peers, settings }
    }

    /// Sets `key`, a top-level key of fedmsg's configuration, dots and all.
    pub(crate) fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    /// Adds an endpoint: where the service `name` publishes, and everybody listens.
    pub(crate) fn endpoint(mut self, name: &str, port: u16) -> Self {
        let endpoints = self
            .settings
            .get_mut("endpoints")
            .and_then(Value::as_object_mut);
        endpoints
            .expect("an object")
            .insert(name.to_owned(), json!([loopback(port)]));
        self
    }

    /// Sets where the relay listens, and where it publishes.
    pub(crate) fn relay(self, inbound: u16, outbound: u16) -> Self {
        self.set("relay_inbound", loopback(inbound))
            .endpoint("relay_outbound", outbound)
    }

    /// Sets the port that `fedmsg-gateway` publishes on.
    pub(crate) fn gateway(self, port: u16) -> Self {
        self.set("fedmsg.consumers.gateway.port", port)
            .set("fedmsg.consumers.gateway.high_water_mark", 10_000)
    }

    /// Sets where daemons publish their state every five seconds, and `fedmsg-check` listens.
    pub(crate) fn monitoring(self, port: u16) -> Self {
        self.set("moksha.monitoring.socket", loopback(port))
    }

    /// Switches on the consumer of [`Peers::hub`], for topics that match `pattern`.
    pub(crate) fn recorder(self, pattern: &str) -> Self {
        self.set("interop.recorder.enabled", true)
            .set("interop.recorder.topic", pattern)
    }

    /// Lets the service `name` sign with the key pair `certificate` of `ssldir`.
    pub(crate) fn signing(self, ssldir: &TempDir, name: &str, certificate: &str) -> Self {
        self.set("sign_messages", true)
            .set("certnames", json!({ name: certificate }))
            .ssldir(ssldir.path())
    }

    /// Lets receivers reject what the CA and revocation list of `ssldir` do not vouch for.
    pub(crate) fn validating(self, ssldir: &TempDir) -> Self {
        self.set("validate_signatures", true).ssldir(ssldir.path())
    }

    fn ssldir(self, directory: &Path) -> Self {
        let path = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        self.set("ssldir", path(directory))
            .set("ca_cert_location", path(&directory.join("ca.crt")))
            .set("crl_location", path(&directory.join("crl.pem")))
    }

    /// Writes the configuration into a directory of its own.
    pub(crate) fn write(self) -> ConfigDir {
        let directory = TempDir::new().expect("a temporary directory");
        let mut command = self.peers.script("configure.py", directory.path());
        command.arg(directory.path());
        command.args(
            self.settings
                .iter()
                .map(|(key, value)| format!("{key}={value}")),
        );
        Process::start(command).finish().expect_success();
        ConfigDir { directory }
    }
}

impl ConfigDir {
    /// Returns the directory that has the `fedmsg.d/` in it.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Returns the ZeroMQ address of `port` on the loopback interface.
fn loopback(port: u16) -> String {
    format!("tcp://127.0.0.1:{port}")
}
