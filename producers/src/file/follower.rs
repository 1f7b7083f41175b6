//! `Follower`: reads the lines of a file in batches, and goes on in the one that takes its place.
//!
//! It blocks; [`super::FileProducer`] runs it as an errand, and tells it how far lines were published.

use std::fs::File;
use std::io;
use std::mem;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::position::{Identity, Mark, Position, read_at};
use super::rotated;
use crate::state_file::{StateFile, StateFileError};

/// The most lines of a batch.
const LINES: usize = 256;

/// The most bytes of a batch, or one line that is longer.
const BYTES: usize = 1024 * 1024;

/// So many bytes are read at once: lines that do not become part of a batch are read again for the next.
const CHUNK: usize = 64 * 1024;

/// Why a file cannot be followed now.
#[derive(Debug, Error)]
pub(super) enum FollowError {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(transparent)]
    State(#[from] StateFileError),
}

/// A line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// Whether there is more of it.
    pub(super) is_cut: bool,
    /// Where the next one begins.
    pub(super) end: Mark,
}

/// Lines that follow one another.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    /// Where reading goes on; absent where nothing has been read.
    pub(super) end: Option<Mark>,
    /// Files that have gone, perhaps with lines that nobody has read.
    pub(super) files_lost: u64,
}

impl Batch {
    /// Whether there was nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        self.end.is_none()
    }
}

/// Follows a file.
pub(super) struct Follower {
    path: PathBuf,
    max_line: usize,
    state: StateFile,
    /// How far lines have been published; absent until the state has been read.
    position: Option<Position>,
    /// The file that the position is in.
    file: Option<File>,
    /// Whether another file was seen in its place, and this one at its end: its writer gets until the next
    /// look to notice.
    is_left: bool,
}

impl Follower {
    pub(super) fn new(path: PathBuf, max_line: usize, state: StateFile) -> Self {
        Self {
            path,
            max_line,
            state,
            position: None,
            file: None,
            is_left: false,
        }
    }

    /// Where to begin in a file that was never read.
    pub(super) fn beginning(path: &Path, is_at_end: bool) -> Result<Position, FollowError> {
        let position = || {
            let Some(file) = rotated::open(path)? else {
                return Ok(Position::default());
            };
            let identity = Identity::of(&file)?;
            let length = if is_at_end { identity.length() } else { 0 };
            let mut last = [b'\n'];
            if let Some(before) = length.checked_sub(1) {
                file.read_exact_at(&mut last, before)?;
            }
            // A line that has begun is no line of ours.
            Ok(identity.at(length, last != *b"\n"))
        };
        position().map_err(|source| FollowError::Unreadable {
            path: path.to_owned(),
            source,
        })
    }

    /// Notes that lines have been published up to there. After an error it is to be told again.
    pub(super) fn note(
        &mut self,
        published: Option<impl Into<Position>>,
    ) -> Result<(), FollowError> {
        if let Some(published) = published {
            self.state.save(self.position.insert(published.into()))?;
        }
        Ok(())
    }

    /// Reads the next lines. They come again until they are noted as published.
    pub(super) fn read(&mut self) -> Result<Batch, FollowError> {
        if self.position.is_none() {
            self.position = Some(self.state.load()?.unwrap_or_default());
        }
        let batch = self.read_on();
        batch.map_err(|source| FollowError::Unreadable {
            path: self.path.clone(),
            source,
        })
    }

    fn read_on(&mut self) -> io::Result<Batch> {
        let mut files_lost = 0;
        loop {
            let position = self.position.clone().unwrap_or_default();
            let (file, position) = match self.file.take() {
                Some(file) if Identity::of(&file)?.has(&position) => (file, position),
                left => match self.find(&position, left, &mut files_lost)? {
                    Some(found) => found,
                    None => return Ok(Batch::default()),
                },
            };
            self.position = Some(position.clone());
            let Some((mut batch, rest)) = self.lines(&file, &position)? else {
                self.file = Some(file);
                continue; // it was emptied at this very moment
            };
            batch.files_lost = mem::take(&mut files_lost);
            if !batch.is_empty() {
                (self.file, self.is_left) = (Some(file), false);
                return Ok(batch);
            }
            let Some(next) = self.next(&file, &position)? else {
                (self.file, self.is_left) = (Some(file), false);
                return Ok(batch);
            };
            if !mem::replace(&mut self.is_left, true) {
                self.file = Some(file);
                return Ok(batch);
            }
            if !rest.is_empty() {
                // Nobody will end this line any more.
                let end = Mark {
                    identity: Arc::new(Identity::of(&file)?),
                    offset: position.offset + rest.len() as u64,
                    is_within: false,
                };
                batch.lines.push(self.line(&rest, end.clone()));
                batch.end = Some(end);
                self.file = Some(file);
                return Ok(batch);
            }
            files_lost = batch.files_lost;
            self.position = Some(Identity::of(&next)?.at(0, false));
            (self.file, self.is_left) = (Some(next), false);
        }
    }

    /// Finds the file that a position is in, or where to go on when it has gone; `None` when there is
    /// nothing yet. `left` is the file that it was in and does not fit any more.
    fn find(
        &self,
        position: &Position,
        left: Option<File>,
        files_lost: &mut u64,
    ) -> io::Result<Option<(File, Position)>> {
        let present = match left {
            Some(left) => Some(left),
            None => rotated::open(&self.path)?,
        };
        if let Some(file) = &present {
            let identity = Identity::of(file)?;
            if identity.is_of(position) && identity.has(position) {
                return Ok(present.map(|file| (file, position.clone())));
            }
        }
        if !position.is_nowhere()
            && let Some(file) = self.find_rotated(position)?
        {
            let identity = Identity::of(&file)?;
            let position = identity.at(position.offset, position.is_within);
            return Ok(Some((file, position)));
        }
        let Some(file) = present else {
            return Ok(None);
        };
        *files_lost += u64::from(position.offset > 0);
        let start = Identity::of(&file)?.at(0, false);
        Ok(Some((file, start)))
    }

    /// Finds what the file that a position is in has been renamed or copied to.
    fn find_rotated(&self, position: &Position) -> io::Result<Option<File>> {
        let mut copy = None;
        for (_, path) in rotated::files(&self.path)? {
            let Some(file) = rotated::open(&path).ok().flatten() else {
                continue;
            };
            let identity = Identity::of(&file)?;
            if !identity.has(position) {
                continue;
            }
            if identity.is_of(position) {
                return Ok(Some(file));
            }
            if position.has_head() && copy.is_none() {
                copy = Some(file);
            }
        }
        Ok(copy)
    }

    /// The file that comes after one that has been read to its end: the oldest that is newer.
    fn next(&self, file: &File, position: &Position) -> io::Result<Option<File>> {
        let present = rotated::open(&self.path)?;
        if let Some(present) = &present
            && Identity::of(present)?.is_of(position)
        {
            return Ok(None);
        }
        let modified = file.metadata()?.modified()?;
        for (other, path) in rotated::files(&self.path)?.into_iter().rev() {
            if other <= modified {
                continue;
            }
            if let Some(next) = rotated::open(&path).ok().flatten()
                && !Identity::of(&next)?.is_of(position)
            {
                return Ok(Some(next));
            }
        }
        Ok(present)
    }

    /// The lines from a position on, or what is there of one that has no end yet; `None` when the file
    /// does not have that position any more.
    fn lines(&self, file: &File, position: &Position) -> io::Result<Option<(Batch, Vec<u8>)>> {
        let bytes = self.bytes(file, position.offset)?;
        // Afterwards: what was read before it was emptied and written anew is nothing to go by.
        let identity = Identity::of(file)?;
        if !identity.has(position) || identity.length() < position.offset + bytes.len() as u64 {
            return Ok(None);
        }
        let identity = Arc::new(identity);
        let mark = |offset, is_within| Mark {
            identity: Arc::clone(&identity),
            offset,
            is_within,
        };
        let (mut offset, mut is_within) = (position.offset, position.is_within);
        let (mut lines, mut rest) = (Vec::new(), &*bytes);
        while lines.len() < LINES {
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                if !is_within && rest.len() <= self.max_line {
                    break;
                }
                // Too long to wait for its end.
                offset += rest.len() as u64;
                if !mem::replace(&mut is_within, true) {
                    lines.push(self.line(rest, mark(offset, true)));
                }
                rest = &[];
                break;
            };
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            offset += end as u64 + 1;
            if !mem::take(&mut is_within) {
                lines.push(self.line(line, mark(offset, false)));
            }
        }
        let has_moved = offset > position.offset;
        let batch = Batch {
            lines,
            end: has_moved.then(|| mark(offset, is_within)),
            files_lost: 0,
        };
        let rest = if has_moved { &[] } else { rest };
        Ok(Some((batch, rest.to_vec())))
    }

    /// What there is from an offset on: what a batch takes of it, and the rest of what was read with that.
    fn bytes(&self, file: &File, offset: u64) -> io::Result<Vec<u8>> {
        let most = BYTES.max(self.max_line + 2);
        let (mut bytes, mut lines) = (Vec::new(), 0);
        // The first line may be one that is left out.
        while lines <= LINES && bytes.len() < most {
            let before = bytes.len();
            bytes.resize(most.min(before + CHUNK), 0);
            let free = bytes.get_mut(before..).unwrap_or_default();
            let length = read_at(file, free, offset + before as u64)?;
            let is_full = length == free.len();
            bytes.truncate(before + length);
            let new = bytes.get(before..).unwrap_or_default();
            lines += new.iter().filter(|&&byte| byte == b'\n').count();
            if !is_full {
                break;
            }
        }
        Ok(bytes)
    }

    fn line(&self, bytes: &[u8], end: Mark) -> Line {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let shown = bytes.get(..self.max_line).unwrap_or(bytes);
        Line {
            text: String::from_utf8_lossy(shown).into_owned(),
            is_cut: shown.len() < bytes.len(),
            end,
        }
    }
}
