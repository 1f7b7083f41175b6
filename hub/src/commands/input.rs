//! What a command reads from standard input, within bounds: its lines, or all of it.
//!
//! Used by the commands that publish what they read. What is longer than a message may be is refused
//! before it is read to its end, so that no input fills the memory.

use std::io::{self, BufRead, Read};

use fedmsg_config::ByteSize;
use thiserror::Error;

use crate::exit::Exit;

/// Why an input cannot be used.
#[derive(Debug, Error)]
pub(crate) enum InputError {
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no text.
    #[error("it is not valid UTF-8")]
    NotUtf8,
    /// It is longer than what may be published.
    #[error("it is longer than `zmq_max_message_size` allows ({limit})")]
    TooLong {
        /// The most bytes that are read.
        limit: ByteSize,
    },
}

impl InputError {
    /// The status to end with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Io(_) => Exit::Io,
            Self::NotUtf8 | Self::TooLong { .. } => Exit::Data,
        }
    }
}

/// The lines of an input, without their ends. After an error there are no more.
pub(crate) struct Lines<R> {
    /// Absent once there was an error.
    input: Option<R>,
    limit: ByteSize,
}

impl<R: BufRead> Lines<R> {
    /// Returns the lines of `input`, none of which may have more than `limit` bytes.
    pub(crate) fn new(input: R, limit: ByteSize) -> Self {
        let input = Some(input);
        Self { input, limit }
    }

    fn read(&mut self) -> Result<Option<String>, InputError> {
        let Some(input) = &mut self.input else {
            return Ok(None);
        };
        let limit = self.limit;
        let mut line = Vec::new();
        let most = limit.as_usize() as u64 + 1;
        input.take(most).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > limit.as_usize() {
            return Err(InputError::TooLong { limit });
        }
        String::from_utf8(line)
            .map(Some)
            .map_err(|_| InputError::NotUtf8)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<String, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.read();
        if line.is_err() {
            self.input = None;
        }
        line.transpose()
    }
}

/// Reads all of `input`, which may have up to `limit` bytes.
pub(crate) fn read_all(input: impl Read, limit: ByteSize) -> Result<Vec<u8>, InputError> {
    let mut all = Vec::new();
    let most = limit.as_usize() as u64 + 1;
    input.take(most).read_to_end(&mut all)?;
    if all.len() > limit.as_usize() {
        return Err(InputError::TooLong { limit });
    }
    Ok(all)
}

/// Returns a text without what Python takes for white space at its ends: that of Unicode, and the
/// four separators of ASCII (U+001C to U+001F).
pub(crate) fn stripped(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the lines of `input` with a limit of one kibibyte, and how many bytes are left unread.
    #[track_caller]
    fn check(input: &[u8], expected: &[&str], complaint: Option<&str>) {
        let mut lines = Lines::new(input, ByteSize::kib(1));
        let read: Vec<_> = lines.by_ref().map_while(Result::ok).collect();
        assert_eq!(read, expected);
        let mut lines = Lines::new(input, ByteSize::kib(1));
        let error = lines.by_ref().find_map(Result::err);
        let error = error.map(|error| error.to_string());
        assert_eq!(error.as_deref(), complaint);
        assert!(lines.next().is_none(), "nothing after its end");
    }

    #[test]
    fn lines_come_without_their_ends_and_no_longer_than_they_may_be() {
        check(b"", &[], None);
        check(b"a\nb", &["a", "b"], None);
        check(b"\n\r\n", &["", "\r"], None);
        let longest = "x".repeat(1024);
        check(longest.as_bytes(), &[&longest], None);
        check(format!("{longest}\ny\n").as_bytes(), &[&longest, "y"], None);
        let too_long = Some("it is longer than `zmq_max_message_size` allows (1 KiB)");
        check(format!("a\n{longest}x\ny\n").as_bytes(), &["a"], too_long);
        check(&b"a\n\xff\nb"[..], &["a"], Some("it is not valid UTF-8"));
    }

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        let mut lines = Lines::new(io::BufReader::new(io::repeat(b'x')), ByteSize::kib(1));
        assert!(matches!(
            lines.next(),
            Some(Err(InputError::TooLong { .. }))
        ));
        assert!(lines.next().is_none());
        assert!(read_all(io::repeat(b'x'), ByteSize::kib(1)).is_err());
        assert_eq!(read_all(&b"ab"[..], ByteSize::kib(1)).unwrap(), b"ab");
    }

    #[test]
    fn a_text_is_stripped_as_python_does() {
        assert_eq!(
            stripped(" \t\u{a0}\u{1c}a \u{200b}b\u{1f}\u{2003}\n"),
            "a \u{200b}b"
        );
        assert_eq!(stripped(" \n"), "");
    }
}
