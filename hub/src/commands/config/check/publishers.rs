//! Whether those who are to publish have an address to publish at, or a relay to publish through.
//!
//! [`super::findings`] calls it. A program without a `name` publishes as PROGRAM.HOST, so that what it needs
//! is not known here for certain.

use fedmsg::host_name;
use fedmsg_config::{Config, KeyPath, Loaded};

use super::finding::Finding;

/// The settings that say where to publish.
pub(super) const KEYS: [&str; 4] = ["endpoints", "relay_inbound", "active", "name"];

/// Looks for publishers without an address.
pub(super) fn check(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    let mut producers = config.producers.iter();
    let producer = producers.find(|(_, producer)| producer.enabled);
    if config.active {
        if config.relay_inbound.is_empty() {
            let message = "there is no relay to publish through: `relay_inbound` is empty";
            findings.push(Finding::error(loaded, KeyPath::from("active"), message));
        }
        return;
    }
    match (&config.name, producer) {
        (Some(name), producer) if !has_address(config, name) => {
            let message = format!(
                "[endpoints] has no address for \"{name}\": nothing can be published as that"
            );
            let key = KeyPath::from("name");
            findings.push(match producer {
                Some(_) => Finding::error(loaded, key, message),
                None => Finding::warning(loaded, key, message),
            });
        }
        (None, Some((producer, _))) if !has_address_here(config) => {
            let key = KeyPath::from(["producers", &**producer]);
            let message = format!(
                "[endpoints] has no address on this host, {}: to publish, a hub needs one and its `name`, or \
                 a relay and `active = true`",
                host_name()
            );
            findings.push(Finding::warning(loaded, key, message));
        }
        _ => {}
    }
}

fn has_address(config: &Config, name: &str) -> bool {
    let addresses = config.endpoints.get(name);
    addresses.is_some_and(|addresses| !addresses.is_empty())
}

fn has_address_here(config: &Config) -> bool {
    let of_host = format!(".{}", host_name());
    let mut endpoints = config.endpoints.iter();
    endpoints.any(|(name, addresses)| name.as_str().ends_with(&of_host) && !addresses.is_empty())
}
