//! What each key of the original is called here.
//!
//! [`super::import`] asks. Keys: fedmsg configuration specification, section 4.

use super::merge::Tree;
use crate::config::Config;
use crate::problem::Problem;
use crate::python::Value;

/// What becomes of a key.
pub(super) enum Counterpart {
    /// It has the same name and meaning.
    Same,
    /// It switches on a consumer.
    Consumer {
        name: &'static str,
        kind: &'static str,
    },
    /// It is a setting of a consumer.
    Param {
        consumer: &'static str,
        param: Param,
    },
    /// It says what is so anyway, or has no effect.
    NotNeeded(&'static str),
    /// It asks for what there is not.
    Missing(&'static str),
}

/// A setting of a consumer.
#[derive(Clone, Copy)]
pub(super) enum Param {
    /// The port to bind on every interface: `address` here.
    Port,
    /// Something of this name, as it is.
    Same(&'static str),
}

/// The settings of consumers that are keys of the top in the original.
const PARAMS: [(&str, &str, Param); 3] = [
    ("collectd_interval", "collectd", Param::Same("interval")),
    ("fedmsg.consumers.gateway.port", "gateway", Param::Port),
    (
        "fedmsg.consumers.gateway.high_water_mark",
        "gateway",
        Param::Same("high_water_mark"),
    ),
];

/// The switches of the consumers that come with the original, and what they are here.
const CONSUMERS: [(&str, &str); 5] = [
    ("fedmsg.consumers.relay.enabled", "relay"),
    ("fedmsg.consumers.gateway.enabled", "gateway"),
    ("fedmsg.consumers.dummy.enabled", "dummy"),
    ("fedmsg.consumers.ircbot.enabled", "irc"),
    ("fedmsg.commands.collectd.enabled", "collectd"),
];

/// Keys that nothing has to be done for.
const NOT_NEEDED: [(&str, &str); 15] = [
    (
        "logging",
        "not imported: `--log`, `--log-format` and RUST_LOG say what is logged",
    ),
    (
        "topic_prefix_re",
        "not needed: it follows from topic_prefix",
    ),
    ("print_config", "not needed: it is a flag"),
    ("config_filename", "not needed: it is a flag"),
    ("publish_endpoint", "not needed: it had no effect"),
    ("mute", "not needed: who only listens does not publish"),
    ("irc", "not imported: there is no IRC bot"),
    ("irc_color_lookup", "not imported: there is no IRC bot"),
    ("irc_default_color", "not imported: there is no IRC bot"),
    ("irc_method", "not imported: there is no IRC bot"),
    (
        "moksha.threadpool_size",
        "not needed: threads follow from the machine",
    ),
    (
        "moksha.blocking_mode",
        "not needed: every consumer has a mailbox",
    ),
    (
        "zmq_subscribe_endpoints",
        "not needed: a hub listens to all `endpoints`",
    ),
    (
        "zmq_subscribe_method",
        "not needed: a relay binds, others connect",
    ),
    (
        "zmq_publish_endpoints",
        "not needed: a hub publishes as its `name`",
    ),
];

/// Keys with a value that is so anyway, and what another one asks for.
const EXPECTED: [(&str, Value, &str); 5] = [
    (
        "zmq_enabled",
        Value::Bool(true),
        "there is nothing but ZeroMQ",
    ),
    (
        "zmq_strict",
        Value::Bool(false),
        "write whole topics into `topics` of a consumer",
    ),
    (
        "moksha.workers_per_consumer",
        Value::Int(1),
        "write `workers` into the table of each consumer",
    ),
    (
        "skip_last_message",
        Value::Bool(false),
        "there is no backlog",
    ),
    ("persistent_store", Value::None, "nothing is stored"),
];

/// What is known of the keys here.
pub(super) struct Counterparts {
    keys: Vec<String>,
    kinds: Vec<String>,
}

impl Counterparts {
    /// For a hub that knows these `kinds` of consumers.
    pub(super) fn new(kinds: &[&str]) -> Self {
        Self {
            keys: known_keys(),
            kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        }
    }

    /// Returns what becomes of a key with this value.
    pub(super) fn of(&self, key: &str, tree: &Tree) -> Counterpart {
        let value = match tree {
            Tree::Leaf(value) => Some(value),
            Tree::Table(_) => None,
        };
        if let Some((_, kind)) = CONSUMERS.iter().find(|(switch, _)| *switch == key) {
            return self.switched(kind, value);
        }
        if ["consumers", "producers"].contains(&key) {
            return Counterpart::Missing("not imported: it has another meaning here");
        }
        if self.keys.iter().any(|known| known == key) {
            return Counterpart::Same;
        }
        if let Some((_, kind, param)) = PARAMS.iter().find(|(known, ..)| *known == key)
            && self.kinds.iter().any(|known| known == kind)
        {
            return Counterpart::Param {
                consumer: kind,
                param: *param,
            };
        }
        if let Some((_, text)) = NOT_NEEDED.iter().find(|(known, _)| *known == key) {
            return Counterpart::NotNeeded(text);
        }
        if let Some((_, expected, text)) = EXPECTED.iter().find(|(known, ..)| *known == key) {
            return if value == Some(expected) {
                Counterpart::NotNeeded("not needed: it is always so here")
            } else {
                Counterpart::Missing(text)
            };
        }
        match (key, value) {
            ("crypto_backend", Some(Value::Text(backend))) if backend != "gpg" => {
                Counterpart::NotNeeded("not needed: x509 is what messages are signed with")
            }
            ("crypto_backend" | "gpg_keys" | "gpg_signing_key", _) => {
                Counterpart::Missing("not imported: nothing is signed with gpg")
            }
            (_, Some(Value::None | Value::Bool(false))) if !key.ends_with(".enabled") => {
                Counterpart::NotNeeded("not needed: it is off, and there is no such key here")
            }
            (key, Some(Value::None | Value::Bool(false))) if key.ends_with(".enabled") => {
                Counterpart::NotNeeded("not needed: it is off")
            }
            (key, _) if key.ends_with(".enabled") => Counterpart::Missing(
                "not imported: a consumer that is no part of the original has to be ported",
            ),
            _ => Counterpart::Missing("not imported: there is no such key here"),
        }
    }

    fn switched(&self, kind: &'static str, value: Option<&Value>) -> Counterpart {
        match value {
            Some(Value::Bool(false) | Value::None | Value::Int(0)) => {
                Counterpart::NotNeeded("not needed: it is off")
            }
            Some(Value::Bool(true) | Value::Int(_)) => {
                if self.kinds.iter().any(|known| known == kind) {
                    Counterpart::Consumer { name: kind, kind }
                } else {
                    Counterpart::Missing("not imported: there is no such consumer here")
                }
            }
            _ => Counterpart::Missing("not imported: it is neither True nor False"),
        }
    }
}

/// Returns the keys of the top of a configuration.
fn known_keys() -> Vec<String> {
    let Err(errors) = Config::from_toml("\"\" = 1") else {
        return Vec::new();
    };
    let known = errors.into_iter().find_map(|error| match error.problem {
        Problem::UnknownKey { known } => Some(known),
        _ => None,
    });
    known.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_the_top_are_known() {
        let keys = known_keys();
        assert!(
            keys.contains(&"topic_prefix".to_owned()) && keys.contains(&"endpoints".to_owned())
        );
    }
}
