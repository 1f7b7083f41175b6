//! How often and when a message is offered again to a consumer that could not take it.
//!
//! A part of [`crate::ConsumerConfig`]; the consumer's host keeps to it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{duration, integer};

/// How a message is tried again that a consumer asked to be given once more, or panicked over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// How often it is tried in all, the first time included: 1 to 1000.
    #[serde(deserialize_with = "integer::within::<1, 1000, _, _>")]
    #[schemars(range(min = 1, max = 1000))]
    pub attempts: u32,

    /// The wait before the second attempt: a time such as "100ms". It doubles with each failure. At
    /// most 10 years.
    #[serde(with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub first_delay: Duration,

    /// The longest such wait: a time such as "10s". At most 10 years.
    #[serde(with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub max_delay: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts: 3,
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
        let read: RetryConfig = toml::from_str("max_delay = '1m'").unwrap();
        let expected = RetryConfig {
            max_delay: Duration::from_secs(60),
            ..RetryConfig::default()
        };
        assert_eq!(read, expected);
        assert!(toml::from_str::<RetryConfig>("attempts = 0").is_err());
    }
}
