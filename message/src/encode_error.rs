//! `EncodeError`: why something cannot be put on the wire.
//!
//! Returned by the writers, by [`to_value`](crate::json::to_value), and by
//! [`Envelope::stamp`](crate::Envelope::stamp).

use std::fmt;

use crate::TopicError;
use crate::json::MAX_DEPTH;

/// Why a message cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Arrays and objects nest deeper than any peer of ours would read.
    #[error("nesting beyond {MAX_DEPTH} levels")]
    TooDeep,
    /// `NaN` and infinities are read and verified, but never sent: they are not JSON.
    #[error("NaN or infinity at {}", Pointer(pointer))]
    NotFinite {
        /// Where, as a JSON pointer (RFC 6901) into the value.
        pointer: String,
    },
    /// The topic may have been received, but must not be sent.
    #[error("topic not fit to be sent")]
    Topic(#[from] TopicError),
    /// A map key that is no string, number, boolean or unit variant.
    #[error("map key that is neither text nor a number")]
    KeyNotText,
    /// A `Serialize` implementation gave up, in its words.
    #[error("not serializable: {0}")]
    Serialize(String),
    /// What the text was written to has refused it, and knows why.
    #[error("text not taken where it was written to")]
    Sink(#[from] fmt::Error),
}

impl EncodeError {
    /// Adds the step by which the value is reached to where it is.
    pub(crate) fn below(self, step: &str) -> EncodeError {
        match self {
            EncodeError::NotFinite { pointer } => EncodeError::NotFinite {
                pointer: pointer_below(&pointer, step),
            },
            other => other,
        }
    }
}

/// Puts a step before a JSON pointer.
pub(crate) fn pointer_below(pointer: &str, step: &str) -> String {
    format!("/{}{pointer}", step.replace('~', "~0").replace('/', "~1"))
}

/// Shows a JSON pointer to people: the empty one would be invisible.
pub(crate) struct Pointer<'a>(pub(crate) &'a str);

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_empty() {
            "the top level"
        } else {
            self.0
        })
    }
}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> EncodeError {
        EncodeError::Serialize(message.to_string())
    }
}
