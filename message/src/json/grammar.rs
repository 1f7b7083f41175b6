//! The grammar of JSON as CPython's decoder has it, written once.
//!
//! It reads words off a [`Cursor`] and tells a [`Build`] what it has seen: the parser builds a
//! value, the skimmer nothing, and both refuse exactly the same texts at the same byte.

use super::cursor::{Cursor, Number};
use super::{JsonError, JsonErrorKind};

/// Makes something out of what the grammar recognises.
pub(super) trait Build {
    /// What a value becomes.
    type Value;
    /// What the key of a member becomes.
    type Key;
    /// An array under construction.
    type Array;
    /// An object under construction.
    type Object;

    /// Takes `null`.
    fn null(&mut self) -> Self::Value;
    /// Takes `true` or `false`.
    fn bool(&mut self, bool: bool) -> Self::Value;
    /// Takes a number.
    fn number(&mut self, number: Number<'_>) -> Self::Value;
    /// Reads the string ahead.
    fn string(&mut self, cursor: &mut Cursor<'_>) -> Result<Self::Value, JsonError>;
    /// Reads the key ahead.
    fn key(&mut self, cursor: &mut Cursor<'_>) -> Result<Self::Key, JsonError>;
    /// Begins an array.
    fn array(&mut self) -> Self::Array;
    /// Takes the next item.
    fn item(&mut self, array: &mut Self::Array, value: Self::Value);
    /// Finishes an array.
    fn end_array(&mut self, array: Self::Array) -> Self::Value;
    /// Begins an object.
    fn object(&mut self) -> Self::Object;
    /// Takes the next member, which ends before byte `end` of the text.
    fn member(&mut self, object: &mut Self::Object, key: Self::Key, value: Self::Value, end: usize);
    /// Finishes an object.
    fn end_object(&mut self, object: Self::Object) -> Self::Value;
    /// Looks at the text as a whole, once it has been read to its end.
    fn end(&mut self, _text: &Cursor<'_>) {}
}

/// Reads a whole text, which may nest `depth` levels.
pub(super) fn document<B: Build>(
    text: &str,
    build: &mut B,
    depth: usize,
) -> Result<B::Value, JsonError> {
    if text.starts_with('\u{feff}') {
        return Err(JsonError {
            kind: JsonErrorKind::ByteOrderMark,
            offset: 0,
        });
    }
    let mut cursor = Cursor::new(text);
    let value = value(&mut cursor, build, depth)?;
    match cursor.token() {
        None => {
            build.end(&cursor);
            Ok(value)
        }
        Some(_) => Err(cursor.error(JsonErrorKind::TrailingData)),
    }
}

/// Reads the next value, which may nest `depth` levels.
fn value<B: Build>(
    cursor: &mut Cursor<'_>,
    build: &mut B,
    depth: usize,
) -> Result<B::Value, JsonError> {
    match cursor.token() {
        Some(b'"') => build.string(cursor),
        Some(b'{') => object(cursor, build, depth),
        Some(b'[') => array(cursor, build, depth),
        Some(b'-' | b'0'..=b'9') => Ok(build.number(cursor.number()?)),
        Some(b'n') => cursor.word("null").map(|()| build.null()),
        Some(b't') => cursor.word("true").map(|()| build.bool(true)),
        Some(b'f') => cursor.word("false").map(|()| build.bool(false)),
        Some(b'N') => {
            cursor.word("NaN")?;
            Ok(build.number(Number::NotFinite(f64::NAN)))
        }
        Some(b'I') => {
            cursor.word("Infinity")?;
            Ok(build.number(Number::NotFinite(f64::INFINITY)))
        }
        _ => Err(cursor.error(JsonErrorKind::ExpectedValue)),
    }
}

/// Reads the array ahead.
fn array<B: Build>(
    cursor: &mut Cursor<'_>,
    build: &mut B,
    depth: usize,
) -> Result<B::Value, JsonError> {
    let depth = descend(cursor, depth)?;
    let mut array = build.array();
    if cursor.token() == Some(b']') {
        cursor.step();
        return Ok(build.end_array(array));
    }
    loop {
        let item = value(cursor, build, depth)?;
        build.item(&mut array, item);
        if !another(cursor, b']')? {
            return Ok(build.end_array(array));
        }
    }
}

/// Reads the object ahead.
fn object<B: Build>(
    cursor: &mut Cursor<'_>,
    build: &mut B,
    depth: usize,
) -> Result<B::Value, JsonError> {
    let depth = descend(cursor, depth)?;
    let mut object = build.object();
    if cursor.token() == Some(b'}') {
        cursor.step();
        return Ok(build.end_object(object));
    }
    loop {
        let Some(b'"') = cursor.token() else {
            return Err(cursor.error(JsonErrorKind::ExpectedKey));
        };
        let key = build.key(cursor)?;
        let Some(b':') = cursor.token() else {
            return Err(cursor.error(JsonErrorKind::ExpectedColon));
        };
        cursor.step();
        let value = value(cursor, build, depth)?;
        build.member(&mut object, key, value, cursor.position());
        if !another(cursor, b'}')? {
            return Ok(build.end_object(object));
        }
    }
}

/// Steps over an opening bracket and returns how many levels may still follow.
fn descend(cursor: &mut Cursor<'_>, depth: usize) -> Result<usize, JsonError> {
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| cursor.error(JsonErrorKind::TooDeep))?;
    cursor.step();
    Ok(depth)
}

/// Steps over a comma or the closing bracket, and returns whether it was a comma.
#[inline]
fn another(cursor: &mut Cursor<'_>, closing: u8) -> Result<bool, JsonError> {
    let is_comma = match cursor.token() {
        Some(b',') => true,
        Some(byte) if byte == closing => false,
        _ => return Err(cursor.error(JsonErrorKind::ExpectedCommaOrEnd)),
    };
    cursor.step();
    Ok(is_comma)
}
