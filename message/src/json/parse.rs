//! Parsing: text into a [`Value`].
//!
//! Called by the envelope, once for each message that somebody wants to look into.

use std::ops::Range;
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

    /// Reads one JSON text like [`Value::parse_str`]; if it is canonical, returns also where in it
    /// the members `marked` of the object at its top are.
    pub(crate) fn parse_marking(
        json: &str,
        marked: [&'static str; MARKS],
    ) -> Result<(Value, Option<Marks>), JsonError> {
        let mut tree = Tree {
            marked,
            ..Tree::default()
        };
        let value = grammar::document(json, &mut tree, MAX_DEPTH)?;
        let marks = tree.is_canonical.then_some(tree.marks);
        Ok((value, marks))
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

/// How many members can be marked.
const MARKS: usize = 2;

/// Where the marked members are: the bytes from the quote before the key to the end of the value.
pub(crate) type Marks = [Option<Range<usize>>; MARKS];

/// Builds values.
struct Tree {
    escaped: TextBuilder,
    marked: [&'static str; MARKS],
    marks: Marks,
    /// How many arrays and objects are open.
    depth: usize,
    /// Whether the text is what the canonical writer makes of the value.
    is_canonical: bool,
    /// A float as the canonical writer writes it.
    float: String,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree {
            escaped: TextBuilder::default(),
            marked: Default::default(),
            marks: Default::default(),
            depth: 0,
            is_canonical: true,
            float: String::new(),
        }
    }
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
    /// The key, and where in the text it begins.
    type Key = (Text, usize);
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
            Number::Float(text) => {
                let float = float::parse(text);
                self.float.clear();
                let written = float::write(&mut self.float, float);
                self.is_canonical &= written.is_ok() && self.float == text;
                Value::Float(float)
            }
            Number::NotFinite(float) => Value::Float(float),
        }
    }

    fn string(&mut self, cursor: &mut Cursor<'_>) -> Result<Value, JsonError> {
        self.text(cursor).map(Value::String)
    }

    fn key(&mut self, cursor: &mut Cursor<'_>) -> Result<(Text, usize), JsonError> {
        let start = cursor.position();
        Ok((self.text(cursor)?, start))
    }

    fn array(&mut self) -> Vec<Value> {
        self.depth += 1;
        Vec::new()
    }

    fn item(&mut self, array: &mut Vec<Value>, value: Value) {
        array.push(value);
    }

    fn end_array(&mut self, array: Vec<Value>) -> Value {
        self.depth -= 1;
        Value::Array(array)
    }

    fn object(&mut self) -> ObjectBuilder {
        self.depth += 1;
        ObjectBuilder::default()
    }

    fn member(
        &mut self,
        object: &mut ObjectBuilder,
        (key, start): (Text, usize),
        value: Value,
        end: usize,
    ) {
        if self.depth == 1
            && let Some(which) = self.marked.iter().position(|marked| key == *marked)
            && let Some(mark) = self.marks.get_mut(which)
        {
            *mark = Some(start..end);
        }
        object.insert(key, value);
    }

    fn end_object(&mut self, object: ObjectBuilder) -> Value {
        self.depth -= 1;
        self.is_canonical &= object.is_ascending();
        Value::Object(object.finish())
    }

    fn end(&mut self, text: &Cursor<'_>) {
        self.is_canonical &= text.is_canonical();
    }
}

#[cfg(test)]
mod tests;
