//! How often and when a consumer is set up anew after a panic.
//!
//! A part of [`crate::ConsumerConfig`]; the consumer's host keeps to it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{duration, integer};

/// How a consumer that panicked gets another chance. Its mailbox is kept meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RestartConfig {
    /// How often it is set up anew, within `within` and without taking a message in between, before
    /// it is given up: 1 to 1000.
    #[serde(deserialize_with = "integer::within::<1, 1000, _, _>")]
    #[schemars(range(min = 1, max = 1000))]
    pub attempts: u32,

    /// The time in which those add up: a time such as "60s". At most 10 years.
    #[serde(with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub within: Duration,

    /// The wait after the first panic: a time such as "100ms". It doubles with each further one. At
    /// most 10 years.
    #[serde(with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub first_delay: Duration,

    /// The longest such wait: a time such as "10s". At most 10 years.
    #[serde(with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub max_delay: Duration,
}

impl Default for RestartConfig {
    fn default() -> Self {
        Self {
            attempts: 5,
            within: Duration::from_secs(60),
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_has_the_default() {
        let read: RestartConfig = toml::from_str("attempts = 1").unwrap();
        assert_eq!(
            read,
            RestartConfig {
                attempts: 1,
                ..RestartConfig::default()
            }
        );
        assert!(toml::from_str::<RestartConfig>("within = 60").is_err());
    }
}
