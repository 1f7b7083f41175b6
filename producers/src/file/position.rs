//! `Position`: how far which file has been read.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

/// So many bytes at its beginning tell a file from others.
const HEAD: u64 = 1024;

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
    head_length: u64,
    /// SHA-256, in hexadecimal digits.
    head: String,
    /// Whether what comes next, up to the end of the line, is the rest of a line that was too long.
    pub(super) is_within: bool,
}

impl Position {
    /// The place at `offset` of a file.
    pub(super) fn at(file: &File, offset: u64, is_within: bool) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let head_length = offset.min(HEAD);
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            offset,
            head_length,
            head: head(file, head_length)?.unwrap_or_default(),
            is_within,
        })
    }

    /// Whether it is in no file: there was none.
    pub(super) fn is_nowhere(&self) -> bool {
        self.inode == 0
    }

    /// Whether a file has the number of the one that this is in.
    pub(super) fn is_in(&self, metadata: &Metadata) -> bool {
        (metadata.dev(), metadata.ino()) == (self.device, self.inode)
    }

    /// Whether there is anything by which a copy of its file could be told.
    pub(super) fn has_head(&self) -> bool {
        self.head_length > 0
    }

    /// Whether a file has this place, and begins as the one that it was in.
    pub(super) fn fits(&self, file: &File) -> io::Result<bool> {
        if file.metadata()?.len() < self.offset {
            return Ok(false);
        }
        Ok(head(file, self.head_length)?.is_some_and(|head| head == self.head))
    }
}

/// What is at the beginning of a file, or `None` where it is shorter.
fn head(file: &File, length: u64) -> io::Result<Option<String>> {
    let mut bytes = vec![0; usize::try_from(length.min(HEAD)).unwrap_or_default()];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => {
            let digits = sha256(&bytes).map(|byte| format!("{byte:02x}"));
            Ok(Some(digits.concat()))
        }
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
