//! `Key`: what a value is known by.

use fedmsg::json::Value;
use fedmsg_message::{EncodeError, to_canonical};
use openssl::sha::sha256;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first half of a SHA-256 of a value in canonical form: whoever makes values cannot make two with one
/// key, and it is the same after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(u128);

impl Key {
    /// What a value is known by. It is written down whole, which takes a while for a large one.
    pub(super) fn of(value: &Value) -> Result<Self, EncodeError> {
        let digest = sha256(to_canonical(value)?.as_ref());
        let half = digest.first_chunk().copied().unwrap_or_default();
        Ok(Self(u128::from_be_bytes(half)))
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let key = u128::from_str_radix(&digits, 16).map_err(D::Error::custom)?;
        Ok(Self(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(json: &str) -> Key {
        Key::of(&Value::parse(json.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn the_order_of_members_makes_no_difference_and_a_number_is_no_text() {
        assert_eq!(key(r#"{"a": 1, "b": 2}"#), key(r#"{"b": 2, "a": 1}"#));
        assert_ne!(key("1"), key(r#""1""#));
    }

    #[test]
    fn it_is_the_same_in_every_process_and_survives_being_written_down() {
        // printf 1 | sha256sum
        let written = r#""6b86b273ff34fce19d6b804eff5a3f57""#;
        assert_eq!(serde_json::to_string(&key("1")).unwrap(), written);
        assert_eq!(serde_json::from_str::<Key>(written).unwrap(), key("1"));
        assert!(serde_json::from_str::<Key>(r#""x""#).is_err());
    }
}
