//! Parsing: text into a [`Value`].
//!
//! Called by the envelope, once for each message that somebody wants to look into.

use std::str::FromStr;

use super::cursor::{Cursor, Number};
use super::grammar::{self, Build};
use super::object::ObjectBuilder;
use super::text::TextBuilder;
use super::{Int, JsonError, JsonErrorKind, MAX_DEPTH, Text, Value, float};

impl Value {
    /// Reads one JSON text exactly as CPython's `json.loads` reads a `str` (fedmsg wire
    /// specification §3.1).
    ///
    /// Accepted beyond RFC 8259: `NaN`, `Infinity`, `-Infinity`, lone surrogates in escapes.
    /// Of equal keys the last value wins, at the place of the first. Time and memory are linear in
    /// the length of the text, and the stack used is bounded.
    ///
    /// # Errors
    ///
    /// Everything CPython refuses, a byte order mark and invalid UTF-8 included; and more than
    /// [`MAX_DEPTH`] levels. The one thing refused there and accepted here are integers of more
    /// than 4300 digits, a limit of Python 3.11 and later only.
    ///
    /// ```
    /// use fedmsg_message::json::{JsonErrorKind, Value};
    ///
    /// let value = Value::parse(b" [1, 2.50] ")?;
    /// assert_eq!(value, Value::from([Value::from(1), Value::from(2.5)]));
    ///
    /// let error = Value::parse(b"[1,]").unwrap_err();
    /// assert_eq!((error.kind, error.offset), (JsonErrorKind::ExpectedValue, 3));
    /// # Ok::<(), fedmsg_message::json::JsonError>(())
    /// ```
    pub fn parse(json: &[u8]) -> Result<Value, JsonError> {
        Value::parse_str(utf8(json)?)
    }

    /// Reads one JSON text like [`Value::parse`], for a caller who knows already that it is UTF-8.
    ///
    /// # Errors
    ///
    /// Those of [`Value::parse`].
    pub fn parse_str(json: &str) -> Result<Value, JsonError> {
        Value::parse_within(json, MAX_DEPTH)
    }

    /// Reads one JSON text that may nest `depth` levels, at most [`MAX_DEPTH`].
    pub(crate) fn parse_within(json: &str, depth: usize) -> Result<Value, JsonError> {
        grammar::document(json, &mut Tree::default(), depth)
    }
}

impl FromStr for Value {
    type Err = JsonError;

    fn from_str(json: &str) -> Result<Value, JsonError> {
        Value::parse_str(json)
    }
}

/// Returns the bytes as text.
pub(super) fn utf8(json: &[u8]) -> Result<&str, JsonError> {
    str::from_utf8(json).map_err(|error| JsonError {
        kind: JsonErrorKind::InvalidUtf8,
        offset: error.valid_up_to(),
    })
}

/// Builds values.
#[derive(Default)]
struct Tree {
    escaped: TextBuilder,
}

impl Tree {
    #[inline]
    fn text(&mut self, cursor: &mut Cursor<'_>) -> Result<Text, JsonError> {
        match cursor.string(&mut self.escaped)? {
            Some(plain) => Ok(Text::from(plain)),
            None => Ok(self.escaped.take()),
        }
    }
}

impl Build for Tree {
    type Value = Value;
    type Key = Text;
    type Array = Vec<Value>;
    type Object = ObjectBuilder;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn bool(&mut self, bool: bool) -> Value {
        Value::Bool(bool)
    }

    fn number(&mut self, number: Number<'_>) -> Value {
        match number {
            Number::Small(int) => Value::Int(Int::from(int)),
            Number::Digits(digits) => Value::Int(Int::from_json_digits(digits)),
            Number::Float(text) => Value::Float(float::parse(text)),
            Number::NotFinite(float) => Value::Float(float),
        }
    }

    fn string(&mut self, cursor: &mut Cursor<'_>) -> Result<Value, JsonError> {
        self.text(cursor).map(Value::String)
    }

    fn key(&mut self, cursor: &mut Cursor<'_>) -> Result<Text, JsonError> {
        self.text(cursor)
    }

    fn array(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn item(&mut self, array: &mut Vec<Value>, value: Value) {
        array.push(value);
    }

    fn end_array(&mut self, array: Vec<Value>) -> Value {
        Value::Array(array)
    }

    fn object(&mut self) -> ObjectBuilder {
        ObjectBuilder::default()
    }

    fn member(&mut self, object: &mut ObjectBuilder, key: Text, value: Value) {
        object.insert(key, value);
    }

    fn end_object(&mut self, object: ObjectBuilder) -> Value {
        Value::Object(object.finish())
    }
}

#[cfg(test)]
mod tests;
