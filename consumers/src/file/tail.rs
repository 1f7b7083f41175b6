//! `Tail`: what is behind the last line end of a file, and whether that is the beginning of a line of ours.
//!
//! [`super::Journal`] takes it back: a process that was killed, or a host that lost its power, leaves half a line.
//! Whatever else ends so is somebody's file, which a wrong `path` must not cost.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use fedmsg_message::Value;

/// How much is looked at a time for the last line end.
const CHUNK: usize = 64 * 1024;

/// No line is longer: messages have 8 MiB, unless set otherwise, and three times that as JSON of ASCII.
const LONGEST: u64 = 32 << 20;

/// What lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A message as JSON with sorted keys.
    Json,
    /// What a template makes.
    Text,
}

/// What is behind the last line end of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// Where it begins: how many bytes the whole lines have.
    pub(super) start: u64,
    pub(super) length: u64,
}

impl Tail {
    /// Looks for it from the end of the file.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let start = whole_lines(file, size)?;
        let length = size - start;
        Ok(Self { start, length })
    }

    /// Whether it may be what is left of a line that was being written. Where it has not reached the disk
    /// there are zeros.
    pub(super) fn is_of_a_line(self, file: &File, form: Form) -> io::Result<bool> {
        if self.length > LONGEST {
            return Ok(false);
        }
        let mut bytes = vec![0; usize::try_from(self.length).unwrap_or_default()];
        file.read_exact_at(&mut bytes, self.start)?;
        Ok(form.begins_with(&bytes))
    }
}

impl Form {
    fn begins_with(self, bytes: &[u8]) -> bool {
        let written = bytes.iter().rposition(|byte| *byte != 0);
        let Some((bytes, _)) = written.and_then(|last| bytes.split_at_checked(last + 1)) else {
            return true;
        };
        match self {
            Self::Json => {
                let start: &[u8] = b"{\"";
                // One that is whole has lost nothing but its end, or is a file of one line.
                let is_other = || bytes.ends_with(b"}") && is_other_object(bytes);
                (bytes.starts_with(start) || start.starts_with(bytes)) && !is_other()
            }
            Self::Text => match std::str::from_utf8(bytes) {
                Ok(_) => true,
                Err(error) => error.error_len().is_none(), // within a character
            },
        }
    }
}

/// Whether it is JSON and no message.
fn is_other_object(bytes: &[u8]) -> bool {
    Value::parse(bytes).is_ok_and(|value| value.get("topic").or(value.get("msg")).is_none())
}

/// How many bytes up to and with the last line end, of a file of `size` bytes.
fn whole_lines(file: &File, size: u64) -> io::Result<u64> {
    let mut end = size;
    let mut chunk = vec![0; CHUNK];
    while end > 0 {
        let start = end.saturating_sub(CHUNK as u64);
        let length = usize::try_from(end - start).unwrap_or(CHUNK);
        let part = chunk.get_mut(..length).unwrap_or_default();
        file.read_exact_at(part, start)?;
        if let Some(place) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + place as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_leaves_is_told_from_files_of_others() {
        #[track_caller]
        fn check(bytes: &[u8], expected: [bool; 2]) {
            let is_ours = [Form::Json, Form::Text].map(|form| form.begins_with(bytes));
            assert_eq!(is_ours, expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        check(b"", [true; 2]);
        check(b"\0\0\0", [true; 2]);
        check(b"{", [true; 2]);
        check(b"{\"certif", [true; 2]);
        check(b"{\"certif\0\0", [true; 2]);
        check(b"{\"i\":1,\"msg\":{\"a\":{}", [true; 2]);
        check(b"{\"i\":1,\"msg\":{}}", [true; 2]);
        check(b"{\"topic\":\"a\"}", [true; 2]);
        check(b"{\"a\":{\"msg\":1}}", [false, true]);
        check(b"[1]", [false, true]);
        check(b" {\"msg\":1", [false, true]);
        check(b"half", [false, true]);
        check("é".as_bytes(), [false, true]);
        check(&"half é".as_bytes()[..6], [false, true]);
        check(b"\x7fELF\x02\x01\x01\0\0\0\x80", [false; 2]);
        check(b"\xff\xd8\xff\xe0", [false; 2]);
    }
}
