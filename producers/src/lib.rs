//! Who speaks: the built-in producers of the hub, one file each.
//!
//! [`register`] is the table of their kinds. The hub calls it; `config/fedmsg.toml` has a block to
//! copy for each.

mod heartbeat;

use fedmsg_actors::Registry;

pub use self::heartbeat::{Heartbeat, HeartbeatParams};

/// Adds every built-in kind of producer to `registry`.
///
/// ```
/// let mut registry = fedmsg_actors::Registry::default();
/// fedmsg_producers::register(&mut registry);
/// assert_eq!(registry.producer_kinds().collect::<Vec<_>>(), ["heartbeat"]);
/// ```
pub fn register(registry: &mut Registry) {
    registry.producer::<Heartbeat>();
}
