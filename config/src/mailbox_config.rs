//! The bounds of the queue before a consumer.
//!
//! A part of [`crate::ConsumerConfig`]; the router keeps to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::byte_size::ByteSize;
use crate::integer;

/// How much may wait before a consumer, and what happens to what does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailboxConfig {
    /// Messages that may wait: 1 to 10000000.
    #[serde(deserialize_with = "integer::within::<1, 10_000_000, _, _>")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub messages: usize,

    /// Bytes of messages that may wait: "1 KiB" to "1 TiB". A larger message gets in when nothing
    /// else waits.
    #[serde(deserialize_with = "ByteSize::within::<1024, 1_099_511_627_776, _>")]
    pub bytes: ByteSize,

    /// What happens when it is full: "block" stops reading from the sockets that feed it until
    /// there is room, so that publishers queue; "drop-newest" throws away, and counts, what
    /// arrives.
    pub when_full: WhenFull,
}

impl Default for MailboxConfig {
    fn default() -> Self {
        Self {
            messages: 10_000,
            bytes: ByteSize::mib(64),
            when_full: WhenFull::Block,
        }
    }
}

/// What happens to a message for which a mailbox has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// Whoever delivers waits until there is room.
    #[default]
    Block,
    /// The message is thrown away and counted.
    DropNewest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_has_the_default() {
        let read: MailboxConfig = toml::from_str("when_full = 'drop-newest'").unwrap();
        let expected = MailboxConfig {
            when_full: WhenFull::DropNewest,
            ..MailboxConfig::default()
        };
        assert_eq!(read, expected);
        let written = toml::to_string(&expected).unwrap();
        assert_eq!(
            written,
            "messages = 10000\nbytes = \"64 MiB\"\nwhen_full = \"drop-newest\"\n"
        );
    }

    #[test]
    fn a_mailbox_without_room_is_refused() {
        for toml in [
            "messages = 0",
            "bytes = 0",
            "bytes = '1 B'",
            "messages = 10_000_001",
            "bytes = '2 TiB'",
        ] {
            assert!(toml::from_str::<MailboxConfig>(toml).is_err(), "{toml}");
        }
    }
}
