//! The TOML files that come with this crate.
//!
//! A hub starts with [`DEFAULT_HUB`] where nobody has configured anything, and prints [`REFERENCE`]
//! for those who ask what can be set.

/// The annotated reference, `config/fedmsg.toml`: every key with its default and what it is for,
/// consumers and producers as commented-out examples.
///
/// A setting that is commented out begins with `#` alone, a comment with `#` and a space.
///
/// ```
/// use fedmsg_config::{Config, REFERENCE};
///
/// assert_eq!(Config::from_toml(REFERENCE)?, Config::default());
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
pub const REFERENCE: &str = include_str!("../fedmsg.toml");

/// The configuration of a hub for somebody who has none yet, `config/default-hub.toml`: a relay on
/// this machine's loopback interface, a log of everything and a heartbeat. To be used as
/// [`Sources::fallback`](crate::Sources::fallback).
///
/// ```
/// use fedmsg_config::{Config, DEFAULT_HUB};
///
/// let config = Config::from_toml(DEFAULT_HUB)?;
/// assert_eq!(config.consumers["relay"].kind, "relay");
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
pub const DEFAULT_HUB: &str = include_str!("../default-hub.toml");

#[cfg(test)]
mod tests;
