//! What flows on the bus: topics, patterns, envelopes, lossless JSON, and what it means in words.
//!
//! Pure data: no I/O, no clock, nothing spawned. Wire-compatible with the Python program fedmsg;
//! the format is described for implementers in `message/README.md`.
//!
//! ```
//! use fedmsg_message::{Envelope, Message, Stamp, Topic, TopicPattern};
//!
//! let message = Message::new("update.comment", serde_json::json!({"karma": 1}));
//! let topic = Topic::compose("org.example", "dev", "bodhi", &message.topic)?;
//! let stamp = Stamp {
//!     msg_id: "2026-6ba7b810-9dad-41d1-80b4-00c04fd430c8".into(),
//!     timestamp: 1_793_000_000,
//!     i: 1,
//!     username: "apache".into(),
//! };
//! let sent = Envelope::stamp(topic, message.msg, &stamp)?;
//!
//! let received = Envelope::decode(&[sent.topic().as_bytes().clone(), sent.bytes().clone()])?;
//! let pattern: TopicPattern = "org.example.*.bodhi.#".parse()?;
//! assert!(pattern.matches(received.topic().as_str()));
//! assert_eq!(received.msg().get("karma").and_then(|karma| karma.as_i64()), Some(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod topic;
mod topic_pattern;

mod topic_filter;
mod topic_index;

mod message;

mod envelope;

mod decode_error;
mod encode_error;

mod verdict;

mod query;
pub mod text;

mod canonical;
mod crypto;
#[cfg(test)]
mod fixture;
pub mod json;

pub use canonical::{append_canonical, append_canonical_without, to_canonical};
pub use crypto::{
    Backend, Backends, Base64Error, Certificate, CertificateError, CrlPolicy, Field, GpgClaim,
    PemError, RevocationList, RevocationListError, RoutingPolicy, SignError, Signer, SignerError,
    StrongAlgorithm, StrongSignatureError, TrustError, TrustStore, Validator, ValidatorSettings,
    Validity, fix_datagrepper_message, fuzzing, strip_credentials,
};
pub use decode_error::DecodeError;
pub use encode_error::EncodeError;
pub use envelope::Envelope;
pub use json::{Value, from_value, to_value};
pub use message::{Message, Stamp};
pub use query::Query;
pub use topic::{Topic, TopicError};
pub use topic_filter::TopicFilter;
pub use topic_index::TopicIndex;
pub use topic_pattern::{PatternError, TopicPattern};
pub use verdict::{Alarm, Distrust, Refusal, Verdict};
