//! `Text`: a string of Unicode code points, lone surrogates included.
//!
//! JSON escapes can spell half a surrogate pair (`"\ud83d"`), CPython keeps it and signatures cover
//! it, so a Rust `String` does not do. Built by the cursor, taken apart again by the writer.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use compact_str::CompactString;

/// A string as Python has it: any sequence of code points, in which lone surrogates may stand.
///
/// Ordered by code point, which is the order of the bytes of its WTF-8 form.
///
/// ```
/// use fedmsg_message::json::{Text, Value};
///
/// let text = Text::from("naïve");
/// assert_eq!(text.as_str(), Some("naïve"));
///
/// let lone = Value::parse(br#""a\ud83d""#)?;
/// let lone = lone.as_text().ok_or("not a string")?;
/// assert_eq!(lone.as_str(), None);
/// assert_eq!(lone.to_string_lossy(), "a\u{fffd}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Text(Repr);

/// `Wtf8` holds only what `Utf8` cannot: at least one lone surrogate.
#[derive(Clone)]
enum Repr {
    Utf8(CompactString),
    Wtf8(Box<[u8]>),
}

impl Text {
    /// Returns the string, unless it has a lone surrogate.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Utf8(text) => Some(text),
            Repr::Wtf8(_) => None,
        }
    }

    /// Returns the string with U+FFFD in the place of each lone surrogate.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Utf8(text) => Cow::Borrowed(text),
            Repr::Wtf8(_) => Cow::Owned(
                self.pieces()
                    .map(|piece| match piece {
                        Piece::Str(text) => text,
                        Piece::Surrogate(_) => "\u{fffd}",
                    })
                    .collect(),
            ),
        }
    }

    /// Returns the bytes of the WTF-8 form: UTF-8, with a lone surrogate written as its three
    /// bytes.
    pub fn as_wtf8(&self) -> &[u8] {
        match &self.0 {
            Repr::Utf8(text) => text.as_bytes(),
            Repr::Wtf8(bytes) => bytes,
        }
    }

    /// Returns whether there is no character in it.
    pub fn is_empty(&self) -> bool {
        self.as_wtf8().is_empty()
    }

    /// Returns the stretches of proper text and the lone surrogates, in order.
    pub(super) fn pieces(&self) -> Pieces<'_> {
        Pieces {
            rest: self.as_wtf8(),
        }
    }
}

/// What a text is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Proper text, not empty.
    Str(&'a str),
    /// One lone surrogate, U+D800 to U+DFFF.
    Surrogate(u16),
}

/// The pieces of a text, in order.
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let valid = match str::from_utf8(self.rest) {
            Ok("") => return None,
            Ok(text) => {
                self.rest = &[];
                return Some(Piece::Str(text));
            }
            Err(error) => error.valid_up_to(),
        };
        if valid > 0 {
            let (text, rest) = self.rest.split_at_checked(valid)?;
            self.rest = rest;
            return str::from_utf8(text).ok().map(Piece::Str);
        }
        // What is not UTF-8 is a surrogate: 1110_1101 10_1xxxxx 10_xxxxxx.
        let (&[_, high, low], rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        let bits = u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f);
        Some(Piece::Surrogate(0xd000 | bits))
    }
}

/// A longer text keeps the buffer it was collected in; a shorter one is copied, and the buffer
/// used again.
const WORTH_A_BUFFER: usize = 256;

/// Takes the decoded pieces of a string that has escapes.
pub(super) trait TextSink {
    /// Prepares for about so many bytes.
    fn reserve(&mut self, bytes: usize);
    /// Takes proper text.
    fn push_str(&mut self, text: &str);
    /// Takes one character.
    fn push_char(&mut self, character: char);
    /// Takes a surrogate that is not part of a pair.
    fn push_surrogate(&mut self, surrogate: u16);
}

/// The sink of those who only want to know whether a string is well formed.
pub(super) struct Discard;

impl TextSink for Discard {
    fn reserve(&mut self, _: usize) {}
    fn push_str(&mut self, _: &str) {}
    fn push_char(&mut self, _: char) {}
    fn push_surrogate(&mut self, _: u16) {}
}

/// Collects the decoded pieces of an escaped string; kept and emptied between strings.
#[derive(Default)]
pub(super) struct TextBuilder {
    utf8: String,
    /// Takes over from `utf8` at the first lone surrogate.
    wtf8: Vec<u8>,
}

impl TextSink for TextBuilder {
    fn reserve(&mut self, bytes: usize) {
        self.utf8.reserve(bytes);
    }

    fn push_str(&mut self, text: &str) {
        if self.wtf8.is_empty() {
            self.utf8.push_str(text);
        } else {
            self.wtf8.extend_from_slice(text.as_bytes());
        }
    }

    fn push_char(&mut self, character: char) {
        if self.wtf8.is_empty() {
            self.utf8.push(character);
        } else {
            self.push_str(character.encode_utf8(&mut [0; 4]));
        }
    }

    fn push_surrogate(&mut self, surrogate: u16) {
        if self.wtf8.is_empty() {
            self.wtf8.extend_from_slice(self.utf8.as_bytes());
        }
        let [_, low] = surrogate.to_be_bytes();
        let middle = 0x80 | (surrogate >> 6 & 0x3f) as u8;
        self.wtf8
            .extend_from_slice(&[0xed, middle, 0x80 | low & 0x3f]);
    }
}

impl TextBuilder {
    /// Returns the text collected and starts anew.
    pub(super) fn take(&mut self) -> Text {
        let text = if !self.wtf8.is_empty() {
            Text(Repr::Wtf8(self.wtf8.as_slice().into()))
        } else if self.utf8.len() < WORTH_A_BUFFER {
            Text(Repr::Utf8(CompactString::new(&self.utf8)))
        } else {
            Text(Repr::Utf8(std::mem::take(&mut self.utf8).into()))
        };
        self.clear();
        text
    }

    /// Forgets the text collected.
    pub(super) fn clear(&mut self) {
        self.utf8.clear();
        self.wtf8.clear();
    }

    /// Returns the text collected so far, unless it has a lone surrogate.
    pub(super) fn as_str(&self) -> Option<&str> {
        self.wtf8.is_empty().then_some(&self.utf8)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(Repr::Utf8(CompactString::new(text)))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(Repr::Utf8(CompactString::from(text)))
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Text {
        Text(Repr::Utf8(CompactString::from(text)))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_wtf8() == other.as_wtf8()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_wtf8() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Text) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Text) -> Ordering {
        self.as_wtf8().cmp(other.as_wtf8())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_wtf8().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("\"")?;
        for piece in self.pieces() {
            match piece {
                Piece::Str(text) => write!(formatter, "{}", text.escape_debug())?,
                Piece::Surrogate(surrogate) => write!(formatter, "\\u{{{surrogate:x}}}")?,
            }
        }
        formatter.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(pieces: &[Piece<'_>]) -> Text {
        let mut builder = TextBuilder::default();
        builder.push_str("left over");
        builder.clear();
        for piece in pieces {
            match piece {
                Piece::Str(text) => builder.push_str(text),
                Piece::Surrogate(surrogate) => builder.push_surrogate(*surrogate),
            }
        }
        let text = builder.take();
        assert!(builder.take().is_empty());
        text
    }

    #[test]
    fn a_text_comes_apart_into_what_it_was_built_from() {
        use Piece::{Str, Surrogate};
        #[track_caller]
        fn check(pieces: &[Piece<'_>], lossy: &str, debug: &str) {
            let text = built(pieces);
            assert_eq!(text.pieces().collect::<Vec<_>>(), pieces);
            assert_eq!(text.to_string_lossy(), lossy);
            assert_eq!(format!("{text:?}"), debug);
            assert_eq!(text.as_str().is_some(), !debug.contains("\\u"));
        }
        check(&[], "", "\"\"");
        check(&[Str("aé😀")], "aé😀", "\"aé😀\"");
        check(&[Surrogate(0xd83d)], "\u{fffd}", "\"\\u{d83d}\"");
        check(
            &[Str("a"), Surrogate(0xdfff), Surrogate(0xd800), Str("é")],
            "a\u{fffd}\u{fffd}é",
            "\"a\\u{dfff}\\u{d800}é\"",
        );
    }

    #[test]
    fn order_is_by_code_point() {
        let mut texts = [
            Text::from("\u{10000}"),
            Text::from("\u{ffff}"),
            built(&[Piece::Surrogate(0xdfff)]),
            built(&[Piece::Surrogate(0xd800)]),
            Text::from("\u{d7ff}"),
            Text::from("a"),
            Text::from(""),
        ];
        texts.sort();
        let shown: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
        let expected = [
            "",
            "a",
            "\u{d7ff}",
            "\\u{d800}",
            "\\u{dfff}",
            "\u{ffff}",
            "\u{10000}",
        ];
        let expected = expected.map(|text| match text.strip_prefix("\\u{d") {
            Some(_) => format!("\"{text}\""),
            None => format!("{:?}", Text::from(text)),
        });
        assert_eq!(shown, expected);
    }
}
