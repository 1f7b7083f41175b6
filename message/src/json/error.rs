//! `JsonError`: why a text is not JSON, and where.
//!
//! Returned by [`Value::parse`](super::Value::parse) and [`skim`](super::skim()).

/// A text that CPython's decoder refuses, or that nests too deeply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Where, in bytes from the start of the text; the length of the text when it ends too early.
    pub offset: usize,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
// A whole word: the parser moves results about in words, and a tag of one byte makes it read what
// it has just written in pieces, at five per cent of its time.
#[repr(u64)]
pub enum JsonErrorKind {
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// The text starts with U+FEFF.
    #[error("a byte order mark")]
    ByteOrderMark,
    /// The text ends inside a value, or is empty.
    #[error("unexpected end of text")]
    UnexpectedEnd,
    /// Something other than a value, such as `nan`, `'a'` or a trailing comma in an array.
    #[error("expected a value")]
    ExpectedValue,
    /// Something other than a string where an object's key belongs, such as a trailing comma.
    #[error("expected a key in double quotes")]
    ExpectedKey,
    /// No colon after an object's key.
    #[error("expected a colon")]
    ExpectedColon,
    /// Neither a comma nor the closing bracket after a member or item.
    #[error("expected a comma or a closing bracket")]
    ExpectedCommaOrEnd,
    /// A number without digits where they belong: `-`, `1.`, `1e`.
    #[error("a digit is missing")]
    MissingDigit,
    /// A character below U+0020 inside a string, unescaped.
    #[error("a control character inside a string")]
    ControlCharacter,
    /// A backslash followed by something that is no escape: `\x41`, `\u12`.
    #[error("an invalid escape")]
    InvalidEscape,
    /// Something after the value.
    #[error("unexpected text after the value")]
    TrailingData,
    /// More than [`MAX_DEPTH`](super::MAX_DEPTH) levels of arrays and objects.
    #[error("nesting that is too deep")]
    TooDeep,
}
