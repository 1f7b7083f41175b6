//! `DecodeError`: why something received is no message.
//!
//! Returned by [`Topic::received`](crate::Topic::received), by the envelope, and by
//! [`from_value`](crate::json::from_value).

use std::fmt;

use crate::json::JsonError;

/// Why frames, or the body in them, are not what a reader expects.
///
/// None of them is a reason to stop: skip the message, count it, log it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not two frames, and no NUL in the first that would separate topic and body.
    #[error("{frames} frames instead of two, and no NUL separator in the first")]
    Frames {
        /// How many frames there were.
        frames: usize,
    },
    /// The topic is not UTF-8.
    #[error("topic is not UTF-8 at byte {offset}")]
    TopicNotUtf8 {
        /// The first offending byte of the topic.
        offset: usize,
    },
    /// The body is not UTF-8.
    #[error("body is not UTF-8 at byte {offset} (topic {topic})")]
    BodyNotUtf8 {
        /// The topic the message came with.
        topic: String,
        /// The first offending byte of the body.
        offset: usize,
    },
    /// The body is not JSON.
    #[error("body is not JSON")]
    Json(#[from] JsonError),
    /// The body is JSON but not an object.
    #[error("body is not an object but of kind {kind}")]
    NotAnObject {
        /// What it is: `null`, `boolean`, `number`, `string` or `array`.
        kind: &'static str,
    },
    /// The body is an object without the key `topic`.
    #[error("body has no topic")]
    NoTopic,
    /// A value is not what a `Deserialize` implementation expects, in its words.
    #[error("unexpected value: {0}")]
    Mismatch(String),
}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> DecodeError {
        DecodeError::Mismatch(message.to_string())
    }
}
