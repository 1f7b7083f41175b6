//! Who listens: the built-in consumers of the hub, one file each.
//!
//! [`register`] is the table of their kinds. The hub calls it; `config/fedmsg.toml` has a block to
//! copy for each.

mod dummy;
mod log;
mod relay;

use fedmsg_actors::Registry;

pub use self::dummy::Dummy;
pub use self::log::{Log, LogParams};
pub use self::relay::Relay;

/// Adds every built-in kind of consumer to `registry`.
///
/// ```
/// let mut registry = fedmsg_actors::Registry::default();
/// fedmsg_consumers::register(&mut registry);
/// assert_eq!(registry.consumer_kinds().collect::<Vec<_>>(), ["dummy", "log", "relay"]);
/// ```
pub fn register(registry: &mut Registry) {
    registry.consumer::<Dummy>();
    registry.consumer::<Log>();
    registry.consumer::<Relay>();
}
