//! `Position`: how far which file has been read.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

/// So many bytes at its beginning tell a file from others.
const HEAD: usize = 1024;

/// A place in a file. The file is known by its number in the file system, and by what is at its beginning:
/// numbers are used again, and a file may be emptied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    device: u64,
    /// 0 for no file at all.
    inode: u64,
    /// What comes before has been read.
    pub(super) offset: u64,
    /// How many bytes at the beginning `head` is of.
    head_length: usize,
    /// SHA-256, in hexadecimal digits.
    head: String,
    /// Whether what comes next, up to the end of the line, is the rest of a line that was too long.
    pub(super) is_within: bool,
}

/// A place in a file of which no more has been made yet: there is one for each line.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) identity: Arc<Identity>,
    pub(super) offset: u64,
    pub(super) is_within: bool,
}

impl From<Mark> for Position {
    fn from(mark: Mark) -> Self {
        mark.identity.at(mark.offset, mark.is_within)
    }
}

/// What a file is known by, read once.
#[derive(Debug)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    /// How long it is.
    length: u64,
    /// Its first bytes, at most [`HEAD`].
    head: Vec<u8>,
}

impl Identity {
    /// Reads it. What has been read of the file before is certain to be in it, as long as it only grows.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let mut head = vec![0; HEAD];
        let length = read_at(file, &mut head, 0)?;
        head.truncate(length);
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            head,
        })
    }

    /// The place at `offset`.
    pub(super) fn at(&self, offset: u64, is_within: bool) -> Position {
        let length = usize::try_from(offset).unwrap_or(usize::MAX);
        let head = self.head.get(..length).unwrap_or(&self.head);
        Position {
            device: self.device,
            inode: self.inode,
            offset,
            head_length: head.len(),
            head: digest(head),
            is_within,
        }
    }

    /// Whether the file has a place, and begins as the one that the place was in.
    pub(super) fn has(&self, position: &Position) -> bool {
        let head = self.head.get(..position.head_length);
        self.length >= position.offset && head.is_some_and(|head| digest(head) == position.head)
    }

    /// Whether the file has the number of the one that a place is in.
    pub(super) fn is_of(&self, position: &Position) -> bool {
        (self.device, self.inode) == (position.device, position.inode)
    }

    /// How long the file is.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

impl Position {
    /// Whether it is in no file: there was none.
    pub(super) fn is_nowhere(&self) -> bool {
        self.inode == 0
    }

    /// Whether there is anything by which a copy of its file could be told.
    pub(super) fn has_head(&self) -> bool {
        self.head_length > 0
    }
}

/// Reads as much as there is.
pub(super) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut length = 0;
    while let Some(free) = bytes.get_mut(length..).filter(|free| !free.is_empty()) {
        match file.read_at(free, offset + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn digest(head: &[u8]) -> String {
    let digits = sha256(head).map(|byte| format!("{byte:02x}"));
    digits.concat()
}
