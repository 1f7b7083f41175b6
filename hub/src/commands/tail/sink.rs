//! `Sink`: text on its way to a byte stream.
//!
//! The indented forms write through it, piece by piece: a message of a few megabytes may be gigabytes
//! when it is indented, and nobody should hold those.

use std::fmt;
use std::io::{self, Write};

use fedmsg_message::EncodeError;

/// Passes text on to `out`, and keeps the error, for which [`fmt::Error`] has no room.
pub(super) struct Sink<'a, W> {
    out: &'a mut W,
    error: Option<io::Error>,
}

/// Writes what `write` makes to `out`.
///
/// # Errors
///
/// The first of `out`, after which nothing more is written; a value that cannot be encoded is one of
/// [`io::ErrorKind::Other`].
pub(super) fn write_text<W: Write>(
    out: &mut W,
    write: impl FnOnce(&mut Sink<'_, W>) -> Result<(), EncodeError>,
) -> io::Result<()> {
    let mut sink = Sink { out, error: None };
    let written = write(&mut sink);
    written.map_err(|error| sink.error.unwrap_or_else(|| io::Error::other(error)))
}

impl<W: Write> fmt::Write for Sink<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}
