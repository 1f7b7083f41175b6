//! `Cursor`: the words of JSON, read off a text one by one.
//!
//! The grammar drives it; what decides where a string or number ends, and what is wrong with it,
//! is here and nowhere else.

use super::scan;
use super::text::TextSink;
use super::{JsonError, JsonErrorKind};

/// A place in a text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    position: usize,
    /// Whether everything so far is spelled as the canonical writer would; floats apart, which are
    /// not converted here.
    is_canonical: bool,
}

/// A number, not yet converted when that costs something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number<'a> {
    /// An integer of at most 18 digits.
    Small(i64),
    /// The digits of any other integer, `-0` included.
    Digits(&'a str),
    /// A number with a fraction or an exponent.
    Float(&'a str),
    /// `NaN`, `Infinity` or `-Infinity`.
    NotFinite(f64),
}

/// Eighteen digits always fit 64 bits with sign.
const SMALL_DIGITS: usize = 18;

impl<'a> Cursor<'a> {
    /// Stands before the first byte.
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor {
            text,
            position: 0,
            is_canonical: true,
        }
    }

    /// Returns how many bytes have been read.
    #[inline]
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Returns whether the text, read to its end, is spelled as the canonical writer would; floats
    /// and the order of keys apart.
    pub(super) fn is_canonical(&self) -> bool {
        self.is_canonical && scan::is_below_delete(self.text.as_bytes())
    }

    /// Returns the byte ahead.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// Steps over one byte; only after `peek` has shown an ASCII byte.
    #[inline]
    pub(super) fn step(&mut self) {
        self.position += 1;
    }

    /// Steps over whitespace and returns the byte ahead. Whitespace is space, tab, line feed and
    /// carriage return: JSON knows no other.
    #[inline]
    pub(super) fn token(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => {
                    self.is_canonical = false;
                    self.step();
                }
                other => return other,
            }
        }
    }

    /// Steps over the byte if it is the one ahead.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_ahead = self.peek() == Some(byte);
        if is_ahead {
            self.step();
        }
        is_ahead
    }

    /// Returns the error for what is ahead: `kind`, or that there is nothing.
    #[cold]
    pub(super) fn error(&self, kind: JsonErrorKind) -> JsonError {
        let kind = match self.peek() {
            Some(_) => kind,
            None => JsonErrorKind::UnexpectedEnd,
        };
        JsonError {
            kind,
            offset: self.position.min(self.text.len()),
        }
    }

    /// Steps over a word such as `null`.
    pub(super) fn word(&mut self, word: &str) -> Result<(), JsonError> {
        let word = word.as_bytes();
        if self.rest().starts_with(word) {
            self.position += word.len();
            return Ok(());
        }
        // The error stands at the first byte that differs.
        let same = self
            .rest()
            .iter()
            .zip(word)
            .take_while(|(is, want)| is == want);
        self.position += same.count();
        Err(self.error(JsonErrorKind::ExpectedValue))
    }

    /// Reads a number, `-Infinity` included; the byte ahead is a minus or a digit.
    pub(super) fn number(&mut self) -> Result<Number<'a>, JsonError> {
        let start = self.position;
        let is_negative = self.eat(b'-');
        let mut small = 0i64;
        match self.peek() {
            Some(b'0') => self.step(),
            Some(b'1'..=b'9') => small = self.digits(),
            Some(b'I') if is_negative => {
                self.word("Infinity")?;
                return Ok(Number::NotFinite(f64::NEG_INFINITY));
            }
            _ => return Err(self.error(JsonErrorKind::MissingDigit)),
        }
        let end_of_integer = self.position;
        if self.eat(b'.') {
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.step();
            if let Some(b'+' | b'-') = self.peek() {
                self.step();
            }
            self.some_digits()?;
        }
        let literal = self.text.get(start..self.position).unwrap_or_default();
        Ok(if self.position > end_of_integer {
            Number::Float(literal)
        } else if literal.len() <= SMALL_DIGITS {
            self.is_canonical &= literal != "-0";
            Number::Small(if is_negative { -small } else { small })
        } else {
            Number::Digits(literal)
        })
    }

    /// Steps over digits and returns their value, meaningless beyond `SMALL_DIGITS` digits.
    #[inline]
    fn digits(&mut self) -> i64 {
        let mut value = 0i64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.step();
        }
        value
    }

    /// Steps over at least one digit.
    fn some_digits(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'0'..=b'9') => {
                self.digits();
                Ok(())
            }
            _ => Err(self.error(JsonErrorKind::MissingDigit)),
        }
    }

    /// Reads a string; the byte ahead is its opening quote.
    ///
    /// Returns the text between the quotes when it has no escapes; else `None`, and the decoded
    /// pieces have gone into `sink`.
    #[inline]
    pub(super) fn string(
        &mut self,
        sink: &mut impl TextSink,
    ) -> Result<Option<&'a str>, JsonError> {
        self.step();
        let plain = self.plain_run();
        if self.eat(b'"') {
            return Ok(Some(plain));
        }
        // Up to the next quote, which usually is the end: certificates have an escape in each line.
        let more = memchr::memchr(b'"', self.rest()).unwrap_or_default();
        sink.reserve(plain.len() + more);
        sink.push_str(plain);
        self.escaped_string(sink)?;
        Ok(None)
    }

    /// Reads the rest of a string from the first byte that is not plain.
    fn escaped_string(&mut self, sink: &mut impl TextSink) -> Result<(), JsonError> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.step();
                    return Ok(());
                }
                Some(b'\\') => self.escape(sink)?,
                None | Some(..b' ') => return Err(self.error(JsonErrorKind::ControlCharacter)),
                Some(_) => {
                    let plain = self.plain_run();
                    sink.push_str(plain);
                }
            }
        }
    }

    /// Steps over text up to the next quote, backslash or control character, and returns it.
    #[inline(always)]
    fn plain_run(&mut self) -> &'a str {
        let start = self.position;
        self.position += scan::until_string_special(self.rest());
        // The scan stops at an ASCII byte or the end: always a character boundary.
        self.text.get(start..self.position).unwrap_or_default()
    }

    /// Reads one escape, or the two that spell a surrogate pair; the byte ahead is a backslash.
    fn escape(&mut self, sink: &mut impl TextSink) -> Result<(), JsonError> {
        self.step();
        let plain = match self.peek() {
            Some(character @ (b'"' | b'\\')) => char::from(character),
            Some(b'/') => {
                self.is_canonical = false;
                '/'
            }
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(sink),
            _ => return Err(self.error(JsonErrorKind::InvalidEscape)),
        };
        self.step();
        sink.push_char(plain);
        Ok(())
    }

    /// Reads the `uXXXX` of an escape; a high surrogate joins with the low one escaped after it.
    fn unicode_escape(&mut self, sink: &mut impl TextSink) -> Result<(), JsonError> {
        let unit = self.code_unit()?;
        if let 0xd800..0xdc00 = unit
            && self.rest().starts_with(b"\\u")
        {
            let high_only = self.position;
            self.step();
            let low = self.code_unit()?;
            if let Some(Ok(pair)) = char::decode_utf16([unit, low]).next() {
                sink.push_char(pair);
                return Ok(());
            }
            self.position = high_only;
        }
        match char::from_u32(u32::from(unit)) {
            Some(character) => sink.push_char(character),
            None => sink.push_surrogate(unit),
        }
        Ok(())
    }

    /// Reads a `u` and four hexadecimal digits.
    fn code_unit(&mut self) -> Result<u16, JsonError> {
        self.step();
        let mut unit = 0;
        for _ in 0..4 {
            let digit = match self.peek() {
                Some(digit @ b'0'..=b'9') => digit - b'0',
                Some(letter @ b'a'..=b'f') => letter - b'a' + 10,
                Some(letter @ b'A'..=b'F') => {
                    self.is_canonical = false;
                    letter - b'A' + 10
                }
                _ => return Err(self.error(JsonErrorKind::InvalidEscape)),
            };
            unit = unit << 4 | u16::from(digit);
            self.step();
        }
        // What is written as it is, or has a shorter escape.
        self.is_canonical &= !matches!(unit, 0x20..0x7f | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d);
        Ok(unit)
    }

    /// Returns the bytes ahead.
    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.text
            .as_bytes()
            .get(self.position..)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Text;
    use crate::json::text::{Discard, TextBuilder};

    #[test]
    fn numbers_are_told_apart() {
        #[track_caller]
        fn check(text: &str, expected: Number<'_>) {
            assert_eq!(Cursor::new(text).number(), Ok(expected), "{text}");
        }
        check("0", Number::Small(0));
        check("-0", Number::Small(0));
        check("-12,", Number::Small(-12));
        check("999999999999999999", Number::Small(999_999_999_999_999_999));
        check("1000000000000000000", Number::Digits("1000000000000000000"));
        check("0.5]", Number::Float("0.5"));
        check("1E5 ", Number::Float("1E5"));
        check("-1.5e+07", Number::Float("-1.5e+07"));
        check("-Infinity", Number::NotFinite(f64::NEG_INFINITY));
    }

    #[test]
    fn escapes_are_decoded() {
        #[track_caller]
        fn check(json: &str, expected: &str) {
            let mut builder = TextBuilder::default();
            let mut cursor = Cursor::new(json);
            let plain = cursor.string(&mut builder).unwrap();
            assert_eq!(cursor.peek(), None, "{json}");
            let text = plain.map_or_else(|| builder.take(), Text::from);
            assert_eq!(format!("{text:?}"), format!("\"{expected}\""), "{json}");
        }
        check(r#""plain é""#, "plain é");
        check(r#""\"\\\/\b\f\n\r\t""#, r#"\"\\/\u{8}\u{c}\n\r\t"#);
        check(r#""\u0041\u00E9\u20ac""#, "Aé€");
        check(r#""\ud83d\ude00\uD83D\uDE00""#, "😀😀");
        check(r#""\ud83d""#, r"\u{d83d}");
        check(r#""\ud83d\ud83d\ude00""#, r"\u{d83d}😀");
        check(r#""\ude00\ud83d""#, r"\u{de00}\u{d83d}");
        check(r#""\ud83dx\ude00""#, r"\u{d83d}x\u{de00}");
        check(r#""\ud83d\u0041""#, r"\u{d83d}A");
        check(r#""\ud83d\n""#, r"\u{d83d}\n");
    }

    #[test]
    fn errors_stand_where_the_text_goes_wrong() {
        use JsonErrorKind::*;
        #[track_caller]
        fn check(json: &str, kind: JsonErrorKind, offset: usize) {
            let mut cursor = Cursor::new(json);
            let result = match json.as_bytes()[0] {
                b'"' => cursor.string(&mut Discard).map(drop),
                b'n' => cursor.word("null"),
                _ => cursor.number().map(drop),
            };
            assert_eq!(result, Err(JsonError { kind, offset }), "{json}");
        }
        check("\"abc", UnexpectedEnd, 4);
        check("\"abc\\", UnexpectedEnd, 5);
        check("\"a\u{1}", ControlCharacter, 2);
        check("\"a\\n\n\"", ControlCharacter, 4);
        check(r#""\x41""#, InvalidEscape, 2);
        check(r#""\u12""#, InvalidEscape, 5);
        check(r#""\u+123""#, InvalidEscape, 3);
        check(r#""\ud83d\u12""#, InvalidEscape, 11);
        check(r#""\u00é""#, InvalidEscape, 5);
        check("-", UnexpectedEnd, 1);
        check("-a", MissingDigit, 1);
        check("-NaN", MissingDigit, 1);
        check("-Inf", UnexpectedEnd, 4);
        check("-InfinitY", ExpectedValue, 8);
        check("1.", UnexpectedEnd, 2);
        check("1.e5", MissingDigit, 2);
        check("1e+]", MissingDigit, 3);
        check("nulL", ExpectedValue, 3);
    }
}
