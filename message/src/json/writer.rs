//! The writer behind every style: values to ASCII JSON text.
//!
//! [`crate::canonical`] and [`super::style`] choose the style; strings, numbers, nesting and the
//! depth limit are here, once. Where the text goes is the caller's choice, too: to a `String`, which
//! refuses nothing, so that the compiler leaves out what deals with that, or on its way.

use std::fmt;

use smallvec::SmallVec;

use super::text::Piece;
use super::{MAX_DEPTH, Object, Text, Value, float, scan};
use crate::EncodeError;

/// How a text is laid out.
pub(crate) trait Style {
    /// Whether keys are sorted by code point; else they keep the order received.
    const SORT_KEYS: bool = false;
    /// Whether `NaN` and infinities are refused; else they are written bare, as Python does.
    const FINITE_ONLY: bool = false;
    /// What stands between members or items.
    const ITEM_SEPARATOR: &str;
    /// What stands between a key and its value.
    const KEY_SEPARATOR: &str;
    /// What each level is indented by, on lines of its own; else everything is on one line.
    const INDENT: Option<&str> = None;
}

/// Appends a value.
///
/// # Errors
///
/// [`EncodeError::TooDeep`], [`EncodeError::NotFinite`] in a style that refuses those, and
/// [`EncodeError::Sink`] if `out` refuses the text.
/// What has been appended by then is incomplete.
pub(crate) fn write<S: Style>(out: &mut impl fmt::Write, value: &Value) -> Result<(), EncodeError> {
    write_value::<S, _>(out, value, 0)
}

/// Appends a value; if it is an object, only those of its members whose key is kept.
///
/// # Errors
///
/// Those of [`write`].
pub(crate) fn write_with<S: Style>(
    out: &mut String,
    value: &Value,
    keep: impl Fn(&Text) -> bool,
) -> Result<(), EncodeError> {
    match value {
        Value::Object(object) => write_object::<S, _>(out, object, 0, keep, |_, _| {}),
        other => write::<S>(out, other),
    }
}

/// Appends an object, and returns where in `out` members of the keys `absent`, which it does not
/// have, would stand: each before a member, or at the closing bracket.
///
/// The signer puts signature and certificate there, instead of writing the body a second time.
///
/// # Errors
///
/// Those of [`write`].
pub(crate) fn write_with_gaps<S: Style, const N: usize>(
    out: &mut String,
    object: &Object,
    absent: [&str; N],
) -> Result<[usize; N], EncodeError> {
    let mut gaps = [None; N];
    let look_for_gaps = |key: &Text, out: &String| {
        for (gap, absent) in gaps.iter_mut().zip(absent) {
            if gap.is_none() && absent.as_bytes() < key.as_wtf8() {
                *gap = Some(out.len());
            }
        }
    };
    write_object::<S, _>(out, object, 0, |_| true, look_for_gaps)?;
    let end = out.len() - 1;
    Ok(gaps.map(|gap| gap.unwrap_or(end)))
}

fn write_value<S: Style, W: fmt::Write>(
    out: &mut W,
    value: &Value,
    depth: usize,
) -> Result<(), EncodeError> {
    match value {
        Value::Null => out.write_str("null")?,
        Value::Bool(true) => out.write_str("true")?,
        Value::Bool(false) => out.write_str("false")?,
        Value::Int(int) => int.write(out)?,
        Value::Float(float) if S::FINITE_ONLY && !float.is_finite() => {
            return Err(EncodeError::NotFinite {
                pointer: String::new(),
            });
        }
        Value::Float(float) => float::write(out, *float)?,
        Value::String(text) => write_text(out, text)?,
        Value::Array(items) => return write_array::<S, _>(out, items, depth),
        Value::Object(object) => {
            return write_object::<S, _>(out, object, depth, |_| true, |_, _| {});
        }
    }
    Ok(())
}

fn write_array<S: Style, W: fmt::Write>(
    out: &mut W,
    items: &[Value],
    depth: usize,
) -> Result<(), EncodeError> {
    let depth = descend(depth)?;
    out.write_char('[')?;
    for (index, item) in items.iter().enumerate() {
        begin_item::<S, _>(out, index, depth)?;
        write_value::<S, _>(out, item, depth).map_err(|error| error.below(&index.to_string()))?;
    }
    end_items::<S, _>(out, items.is_empty(), depth)?;
    out.write_char(']')?;
    Ok(())
}

/// Appends the members that are kept, sorting them first where that is needed, and tells
/// `before_member` where each begins.
fn write_object<S: Style, W: fmt::Write>(
    out: &mut W,
    object: &Object,
    depth: usize,
    keep: impl Fn(&Text) -> bool,
    before_member: impl FnMut(&Text, &W),
) -> Result<(), EncodeError> {
    let members = object.members();
    let kept = members.iter().filter(|(key, _)| keep(key));
    if !S::SORT_KEYS || members.is_sorted_by(|(left, _), (right, _)| left < right) {
        write_members::<S, _>(out, kept, depth, before_member)
    } else {
        let mut sorted: SmallVec<[_; 16]> = kept.collect();
        sorted.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        write_members::<S, _>(out, sorted.into_iter(), depth, before_member)
    }
}

fn write_members<'a, S: Style, W: fmt::Write>(
    out: &mut W,
    members: impl Iterator<Item = &'a (Text, Value)>,
    depth: usize,
    mut before_member: impl FnMut(&Text, &W),
) -> Result<(), EncodeError> {
    let depth = descend(depth)?;
    out.write_char('{')?;
    let mut is_empty = true;
    for (index, (key, value)) in members.enumerate() {
        is_empty = false;
        begin_item::<S, _>(out, index, depth)?;
        before_member(key, out);
        write_text(out, key)?;
        out.write_str(S::KEY_SEPARATOR)?;
        write_value::<S, _>(out, value, depth)
            .map_err(|error| error.below(&key.to_string_lossy()))?;
    }
    end_items::<S, _>(out, is_empty, depth)?;
    out.write_char('}')?;
    Ok(())
}

fn descend(depth: usize) -> Result<usize, EncodeError> {
    if depth < MAX_DEPTH {
        Ok(depth + 1)
    } else {
        Err(EncodeError::TooDeep)
    }
}

#[inline]
fn begin_item<S: Style, W: fmt::Write>(out: &mut W, index: usize, depth: usize) -> fmt::Result {
    if index > 0 {
        out.write_str(S::ITEM_SEPARATOR)?;
    }
    new_line::<S, _>(out, depth)
}

#[inline]
fn end_items<S: Style, W: fmt::Write>(out: &mut W, is_empty: bool, depth: usize) -> fmt::Result {
    if is_empty {
        Ok(())
    } else {
        new_line::<S, _>(out, depth - 1)
    }
}

#[inline]
fn new_line<S: Style, W: fmt::Write>(out: &mut W, depth: usize) -> fmt::Result {
    let Some(indent) = S::INDENT else {
        return Ok(());
    };
    out.write_char('\n')?;
    (0..depth).try_for_each(|_| out.write_str(indent))
}

/// Appends a string in quotes.
fn write_text(out: &mut impl fmt::Write, text: &Text) -> fmt::Result {
    out.write_char('"')?;
    match text.as_str() {
        Some(text) => write_str(out, text)?,
        None => text.pieces().try_for_each(|piece| match piece {
            Piece::Str(text) => write_str(out, text),
            Piece::Surrogate(surrogate) => write_unit(out, surrogate),
        })?,
    }
    out.write_char('"')
}

/// Appends text, with every character escaped that ASCII JSON cannot hold.
fn write_str(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    let mut rest = text;
    loop {
        // The scan stops at the first byte of a character.
        let plain = scan::until_escape(rest.as_bytes());
        let Some((plain, special)) = rest.split_at_checked(plain) else {
            return Ok(());
        };
        out.write_str(plain)?;
        rest = write_special(out, special)?;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// Appends the escapes of the characters that need one and returns the text from the first that
/// does not.
#[inline]
fn write_special<'a>(out: &mut impl fmt::Write, text: &'a str) -> Result<&'a str, fmt::Error> {
    let mut characters = text.chars();
    loop {
        let rest = characters.as_str();
        match characters.next() {
            None | Some(' ' | '!' | '#'..='[' | ']'..='~') => return Ok(rest),
            Some(character) => write_escaped(out, character)?,
        }
    }
}

/// Appends the escape of one character, as Python chooses it: U+007F is escaped too.
fn write_escaped(out: &mut impl fmt::Write, character: char) -> fmt::Result {
    let short = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{c}' => "\\f",
        '\r' => "\\r",
        _ => {
            let mut units = [0; 2];
            let mut units = character.encode_utf16(&mut units).iter();
            return units.try_for_each(|unit| write_unit(out, *unit));
        }
    };
    out.write_str(short)
}

/// Appends `\uXXXX`, in lower case.
fn write_unit(out: &mut impl fmt::Write, unit: u16) -> fmt::Result {
    out.write_str("\\u")?;
    [12, 8, 4, 0].into_iter().try_for_each(|shift| {
        let digit = match (unit >> shift & 0xf) as u8 {
            digit @ ..10 => b'0' + digit,
            letter => b'a' - 10 + letter,
        };
        out.write_char(char::from(digit))
    })
}
