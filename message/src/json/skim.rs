//! `skim`: is this JSON, and what is at its top? Builds nothing.
//!
//! The relay asks before it forwards a body; most bodies are never looked into any further.

use super::cursor::{Cursor, Number};
use super::grammar::{self, Build};
use super::parse::utf8;
use super::text::{Discard, TextBuilder};
use super::{JsonError, MAX_DEPTH};

/// What a JSON text has at its top level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// An object with a key `topic`: what an envelope is.
    Envelope,
    /// Any other object.
    Object,
    /// An array.
    Array,
    /// A string.
    String,
    /// A number, `NaN` and infinities included.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
}

/// Checks a JSON text without building anything, and says what is at its top level.
///
/// It runs the very grammar of [`Value::parse`](super::Value::parse), at a fraction of the cost.
///
/// # Errors
///
/// Exactly those of [`Value::parse`](super::Value::parse).
///
/// ```
/// use fedmsg_message::json::{Shape, skim};
///
/// assert_eq!(skim(br#"{"msg": {}, "topic": "org.example.dev.x.y"}"#)?, Shape::Envelope);
/// assert_eq!(skim(br#"{"msg": {"topic": "not at the top"}}"#)?, Shape::Object);
/// assert!(skim(b"not json").is_err());
/// # Ok::<(), fedmsg_message::json::JsonError>(())
/// ```
pub fn skim(json: &[u8]) -> Result<Shape, JsonError> {
    skim_str(utf8(json)?)
}

/// Skims like [`skim()`], for a caller who knows already that the text is UTF-8.
///
/// # Errors
///
/// Exactly those of [`Value::parse`](super::Value::parse).
pub fn skim_str(json: &str) -> Result<Shape, JsonError> {
    grammar::document(json, &mut Skimmer::default(), MAX_DEPTH)
}

/// Builds nothing but the shape of the last value seen.
#[derive(Default)]
struct Skimmer {
    /// The escaped key being read, to see whether it spells `topic` in disguise.
    key: TextBuilder,
}

impl Build for Skimmer {
    type Value = Shape;
    /// Whether the key is `topic`.
    type Key = bool;
    type Array = ();
    type Object = Shape;

    fn null(&mut self) -> Shape {
        Shape::Null
    }

    fn bool(&mut self, _: bool) -> Shape {
        Shape::Bool
    }

    fn number(&mut self, _: Number<'_>) -> Shape {
        Shape::Number
    }

    fn string(&mut self, cursor: &mut Cursor<'_>) -> Result<Shape, JsonError> {
        cursor.string(&mut Discard).map(|_| Shape::String)
    }

    fn key(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, JsonError> {
        if let Some(plain) = cursor.string(&mut self.key)? {
            return Ok(plain == "topic");
        }
        let is_topic = self.key.as_str() == Some("topic");
        self.key.clear();
        Ok(is_topic)
    }

    fn array(&mut self) {}

    fn item(&mut self, (): &mut (), _: Shape) {}

    fn end_array(&mut self, (): ()) -> Shape {
        Shape::Array
    }

    fn object(&mut self) -> Shape {
        Shape::Object
    }

    fn member(&mut self, object: &mut Shape, is_topic: bool, _: Shape, _: usize) {
        if is_topic {
            *object = Shape::Envelope;
        }
    }

    fn end_object(&mut self, object: Shape) -> Shape {
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_level_is_told() {
        #[track_caller]
        fn check(json: &str, expected: Shape) {
            assert_eq!(skim(json.as_bytes()), Ok(expected), "{json}");
        }
        check(r#"{"topic":1}"#, Shape::Envelope);
        check(r#"{"a":[{}], "\u0074opi\u0063" : null}"#, Shape::Envelope);
        check(r#"{"\ud83dtopic":1,"topics":2,"Topic":3}"#, Shape::Object);
        check(r#"{"\n":1,"t\u006fpic":2}"#, Shape::Envelope);
        check(r#"{"t\u006f":1,"p\u0069c":2}"#, Shape::Object);
        check(r#"{"msg":{"topic":1}}"#, Shape::Object);
        check("{}", Shape::Object);
        check(r#"[{"topic":1}]"#, Shape::Array);
        check("\"topic\"", Shape::String);
        check("-Infinity", Shape::Number);
        check("-1.5e3", Shape::Number);
        check("true", Shape::Bool);
        check(" null\n", Shape::Null);
    }
}
