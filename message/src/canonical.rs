//! Canonical JSON: the bytes that signatures cover and that peers send.
//!
//! The envelope writes bodies with it, signing and validation hash its output.
//! Source of every rule: fedmsg wire specification §3.1.

use crate::EncodeError;
use crate::json::Value;
use crate::json::writer::{self, Style};

/// Room for most bodies, in bytes, so that writing one allocates once.
pub(crate) const USUAL_LENGTH: usize = 1024;

/// Returns the canonical form: keys sorted by code point, no whitespace, everything but printable
/// ASCII escaped in lower case, floats as Python's `repr` has them.
///
/// `NaN` and infinities are written bare, because signatures of other senders cover them.
///
/// # Errors
///
/// [`EncodeError::TooDeep`] beyond [`MAX_DEPTH`](crate::json::MAX_DEPTH) levels; a value that was
/// parsed never is.
///
/// ```
/// use fedmsg_message::json::Value;
/// use fedmsg_message::to_canonical;
///
/// let value = Value::parse(br#"{ "b": 1e3, "a": [1.0, -0, "\u00E9/\u007f"], "b": null }"#)?;
/// assert_eq!(to_canonical(&value)?, br#"{"a":[1.0,0,"\u00e9/\u007f"],"b":null}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_canonical(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = String::with_capacity(USUAL_LENGTH);
    append_canonical(&mut out, value)?;
    Ok(out.into_bytes())
}

/// Appends the canonical form of [`to_canonical`], to a buffer that may be used again and again.
///
/// # Errors
///
/// Those of [`to_canonical`]; the buffer then ends with an incomplete text.
pub fn append_canonical(out: &mut String, value: &Value) -> Result<(), EncodeError> {
    writer::write::<Canonical>(out, value)
}

/// Appends the canonical form of a value, leaving out the members named if it is an object; those
/// of objects inside it stay.
///
/// It spares a copy of the body when a signature is checked, which covers the body without
/// `signature` and `certificate` (fedmsg wire specification §3.3).
///
/// # Errors
///
/// Those of [`append_canonical`].
pub fn append_canonical_without(
    out: &mut String,
    value: &Value,
    left_out: &[&str],
) -> Result<(), EncodeError> {
    let keep = |key: &_| !left_out.iter().any(|name| key == name);
    writer::write_with::<Canonical>(out, value, keep)
}

/// Appends the canonical form of a body to send.
///
/// # Errors
///
/// Those of [`append_canonical`], and [`EncodeError::NotFinite`]: `NaN` and infinities are
/// tolerated from others but not sent (fedmsg wire specification §8, Q3).
pub(crate) fn append_sendable(out: &mut String, body: &Value) -> Result<(), EncodeError> {
    writer::write::<Sendable>(out, body)
}

pub(crate) struct Canonical;

impl Style for Canonical {
    const SORT_KEYS: bool = true;
    const ITEM_SEPARATOR: &str = ",";
    const KEY_SEPARATOR: &str = ":";
}

/// What signers write: canonical, and finite.
pub(crate) struct Sendable;

impl Style for Sendable {
    const SORT_KEYS: bool = true;
    const FINITE_ONLY: bool = true;
    const ITEM_SEPARATOR: &str = Canonical::ITEM_SEPARATOR;
    const KEY_SEPARATOR: &str = Canonical::KEY_SEPARATOR;
}

#[cfg(test)]
mod tests;
