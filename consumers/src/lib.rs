//! Who listens: the built-in consumers of the hub, one file each.
//!
//! [`register`] is the table of their kinds. The hub calls it; `config/fedmsg.toml` has a block to
//! copy for each.

mod collectd;
mod dummy;
mod exec;
mod file;
mod gateway;
mod log;
mod message_template;
mod outlet;
mod process;
mod relay;
mod signing_relay;
mod webhook;

use fedmsg_actors::Registry;

pub use self::collectd::{Collectd, CollectdParams};
pub use self::dummy::Dummy;
pub use self::exec::{Exec, ExecInput, ExecParams};
pub use self::file::{File, FileParams, Sync};
pub use self::gateway::{Gateway, GatewayParams};
pub use self::log::{Log, LogParams};
pub use self::message_template::MessageTemplate;
pub use self::process::{Process, ProcessParams};
pub use self::relay::Relay;
pub use self::signing_relay::SigningRelay;
pub use self::webhook::{Secret, SecretError, Webhook, WebhookParams};

/// Adds every built-in kind of consumer to `registry`.
///
/// ```
/// let mut registry = fedmsg_actors::Registry::default();
/// fedmsg_consumers::register(&mut registry);
/// assert!(registry.consumer_kinds().any(|kind| kind == "relay"));
/// ```
pub fn register(registry: &mut Registry) {
    registry.consumer::<Collectd>();
    registry.consumer::<Dummy>();
    registry.consumer::<Exec>();
    registry.consumer::<File>();
    registry.consumer::<Gateway>();
    registry.consumer::<Log>();
    registry.consumer::<Process>();
    registry.consumer::<Relay>();
    registry.consumer::<SigningRelay>();
    registry.consumer::<Webhook>();
}
