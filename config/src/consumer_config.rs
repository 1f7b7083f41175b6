//! What one consumer of a hub listens to, and how its work is bounded and repeated.
//!
//! A part of [`crate::Config`]; the hub's supervisor and the consumer's host read it.

use std::time::Duration;

use fedmsg_message::TopicPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mailbox_config::MailboxConfig;
use crate::params::Params;
use crate::restart_config::RestartConfig;
use crate::retry_config::RetryConfig;
use crate::{duration, integer, one_or_many, schema};

/// The settings of one consumer: a table `[consumers.NAME]`.
///
/// ```
/// use fedmsg_config::{Config, ConsumerConfig};
///
/// let config = Config::from_toml("[consumers.audit]\nkind = 'log'\ntopics = 'org.example.#'")?;
/// assert_eq!(config.consumers["audit"].topics.as_deref().map(<[_]>::len), Some(1));
/// assert_eq!(config.consumers["audit"].workers, ConsumerConfig::new("log").workers);
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumerConfig {
    /// What it does: the name of a kind that the hub knows. Required.
    pub kind: String,

    /// Whether the hub starts it; false switches off what an earlier file has set up. A program with consumers of
    /// one kind only, such as fedmsg-gateway, takes those that are off where none of its kind is on.
    #[serde(default = "yes")]
    pub enabled: bool,

    /// What it listens to: a topic pattern or a list, by whole words: `*` is one word, `#` any
    /// number. Without it, the kind decides; an empty list is an error.
    #[serde(default, deserialize_with = "one_or_many::filled")]
    #[schemars(schema_with = "schema::one_or_many::<String>")]
    pub topics: Option<Vec<TopicPattern>>,

    /// Where its messages come from: "endpoints" connects to every address of `endpoints`,
    /// "relay_inbound" binds the addresses of `relay_inbound`. Without it, the kind decides.
    #[serde(default)]
    pub source: Option<Source>,

    /// Whether it gets only messages whose signature is good. Without it, the kind decides, or else
    /// `validate_signatures` of the whole hub.
    #[serde(default)]
    pub validate_signatures: Option<bool>,

    /// Messages that it works on at the same time: 1 to 64. With more than one it sees messages out
    /// of order.
    #[serde(default = "one", deserialize_with = "integer::within::<1, 64, _, _>")]
    #[schemars(range(min = 1, max = 64))]
    pub workers: usize,

    /// How long it may take over one message before the hub calls it stuck: says so in the log and in
    /// its status, and no longer tells systemd that all is well. A time such as "5m"; "0s" means for
    /// ever. At most 10 years.
    #[serde(default = "five_minutes", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub stuck_after: Duration,

    /// The queue before it.
    #[serde(default)]
    pub mailbox: MailboxConfig,

    /// How a message that it could not take is tried again.
    #[serde(default)]
    pub retry: RetryConfig,

    /// How it is set up anew after a panic.
    #[serde(default)]
    pub restart: RestartConfig,

    /// Settings of its kind.
    #[serde(default)]
    pub params: Params,
}

/// Where the messages of a consumer come from.
///
/// # Examples
///
/// ```
/// use fedmsg_config::{Config, Source};
///
/// let config = Config::from_toml("[consumers.a]\nkind = 'log'\nsource = 'relay_inbound'")?;
/// assert_eq!(config.consumers["a"].source, Some(Source::RelayInbound));
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The bus: connects to every address of `endpoints`.
    Endpoints,
    /// Those who connect here: binds the addresses of `relay_inbound`.
    RelayInbound,
}

impl Source {
    /// What it is called in the configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints",
            Self::RelayInbound => "relay_inbound",
        }
    }
}

impl ConsumerConfig {
    /// Returns the settings of a consumer of `kind` with every default.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            enabled: yes(),
            topics: None,
            source: None,
            validate_signatures: None,
            workers: one(),
            stuck_after: five_minutes(),
            mailbox: MailboxConfig::default(),
            retry: RetryConfig::default(),
            restart: RestartConfig::default(),
            params: Params::default(),
        }
    }
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

/// The default of `stuck_after`, also of a producer: longer than any time-out in use, and soon enough for
/// somebody to be told.
pub(crate) fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_alone_has_the_defaults() {
        let read: ConsumerConfig = toml::from_str("kind = 'log'").unwrap();
        assert_eq!(read, ConsumerConfig::new("log"));
    }

    #[test]
    fn topics_may_be_one_or_many() {
        let read = |toml: &str| {
            let consumer: ConsumerConfig = toml::from_str(toml).unwrap();
            consumer
                .topics
                .unwrap()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(read("kind = 'log'\ntopics = 'org.a.#'"), ["org.a.#"]);
        assert_eq!(
            read("kind = 'log'\ntopics = ['org.a.#', 'org.b.*.c']"),
            ["org.a.#", "org.b.*.c"]
        );
    }

    #[test]
    fn a_source_is_spelled_as_the_setting_it_stands_for() {
        let read = |source: &str| {
            let toml = format!("kind = 'log'\nsource = '{source}'");
            toml::from_str::<ConsumerConfig>(&toml)
                .ok()
                .and_then(|consumer| consumer.source)
        };
        assert_eq!(read("endpoints"), Some(Source::Endpoints));
        assert_eq!(read("relay_inbound"), Some(Source::RelayInbound));
        assert_eq!(read("relay-inbound"), None);
    }
}
