//! The two styles for people: spaced on one line, and indented.
//!
//! The relay sends the first when it has to wrap a body; tools print the second. The canonical
//! style, which signatures cover, is [`crate::canonical`].

use std::fmt;

use super::Value;
use super::writer::{self, Style};
use crate::EncodeError;

/// Returns the value in Python's default style: `", "` and `": "`, in the order received.
///
/// It is how the original relay writes bodies (fedmsg wire specification §1.10).
///
/// # Errors
///
/// [`EncodeError::TooDeep`] beyond [`MAX_DEPTH`](super::MAX_DEPTH) levels.
///
/// ```
/// use fedmsg_message::json::{Value, to_spaced};
///
/// let value = Value::parse(br#"{"b":1,"a":[true,"\u00e9"]}"#)?;
/// assert_eq!(to_spaced(&value)?, r#"{"b": 1, "a": [true, "\u00e9"]}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_spaced(value: &Value) -> Result<String, EncodeError> {
    to_string::<Spaced>(value)
}

/// Returns the value with one member or item to a line, indented by two spaces, in the order
/// received. For what others have sent use [`write_pretty`]: deep nesting makes the text up to 1030
/// times as long as the one it was read from.
///
/// It is the original's `pretty_dumps` (fedmsg wire specification §3.1).
///
/// # Errors
///
/// [`EncodeError::TooDeep`] beyond [`MAX_DEPTH`](super::MAX_DEPTH) levels.
///
/// ```
/// use fedmsg_message::json::{Value, to_pretty};
///
/// let value = Value::parse(br#"{"b":[1],"a":{}}"#)?;
/// assert_eq!(to_pretty(&value)?, "{\n  \"b\": [\n    1\n  ],\n  \"a\": {}\n}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_pretty(value: &Value) -> Result<String, EncodeError> {
    to_string::<Pretty>(value)
}

/// Appends the text of [`to_pretty`] to `out`, piece by piece: no more of it is held in memory than
/// `out` itself holds.
///
/// # Errors
///
/// [`EncodeError::Sink`] as soon as `out` refuses a piece, and those of [`to_pretty`]. The text is
/// incomplete then.
///
/// ```
/// use fedmsg_message::json::{Value, write_pretty};
///
/// let mut out = String::from("It is ");
/// write_pretty(&mut out, &Value::parse(b"[1]")?)?;
/// assert_eq!(out, "It is [\n  1\n]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_pretty(out: &mut impl fmt::Write, value: &Value) -> Result<(), EncodeError> {
    writer::write::<Pretty>(out, value)
}

/// Python's default.
struct Spaced;

impl Style for Spaced {
    const ITEM_SEPARATOR: &str = ", ";
    const KEY_SEPARATOR: &str = ": ";
}

/// The original's `pretty_dumps`.
struct Pretty;

impl Style for Pretty {
    const ITEM_SEPARATOR: &str = ",";
    const KEY_SEPARATOR: &str = ": ";
    const INDENT: Option<&str> = Some("  ");
}

fn to_string<S: Style>(value: &Value) -> Result<String, EncodeError> {
    let mut out = String::new();
    writer::write::<S>(&mut out, value)?;
    Ok(out)
}
