//! `Journal`: a file of whole lines, with older ones beside it.
//!
//! [`super::File`] appends to it, on threads for work that blocks.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, metadata, remove_file, rename};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Access, FlockOperation, access, flock};
use rustix::io::Errno;
use thiserror::Error;
use tracing::{info, warn};

use super::params::{FileParams, Sync};
use super::tail::{Form, Tail};

/// Why lines could not be written. The file then ends as it did before.
#[derive(Debug, Error)]
pub(super) enum JournalError {
    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("{} is no regular file", .0.display())]
    Kind(PathBuf),
    #[error("another program, or another worker, writes to {}: give each consumer a file of its own, and one worker", .0.display())]
    Locked(PathBuf),
    #[error("{} ends in {bytes} bytes that are no line of messages and would be cut off: name another file, or end them with a line feed", path.display())]
    Foreign { path: PathBuf, bytes: u64 },
    #[error("cannot write to {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot begin a new file after {}: {source}", path.display())]
    Rotate { path: PathBuf, source: io::Error },
}

/// A file that lines are appended to.
#[derive(Debug)]
pub(super) struct Journal {
    params: FileParams,
    file: File,
    /// Its bytes, all of them whole lines.
    size: u64,
    born: SystemTime,
}

impl Journal {
    /// Opens the file, for this process alone, and takes back a line without an end.
    pub(super) fn open(params: FileParams) -> Result<Self, JournalError> {
        let path = &params.path;
        let failed = |source| JournalError::Open {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        // Not to wait for somebody at the other end of a pipe.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let file = options
            .mode(params.mode.bits())
            .open(path)
            .map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(JournalError::Kind(path.clone()));
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(JournalError::Locked(path.clone())),
            Err(error) => return Err(failed(error.into())),
        }
        // Another may have written between our look and our lock.
        let size = take_back(&file, &params)?;
        if size == 0 && params.sync == Sync::Always {
            keep_names(path).map_err(failed)?;
        }
        let born = about.created().or_else(|_| about.modified());
        let born = born.unwrap_or_else(|_| SystemTime::now());
        // An empty one has not begun yet.
        let born = if size == 0 { SystemTime::now() } else { born };
        Ok(Self {
            params,
            file,
            size,
            born,
        })
    }

    /// Says whether it could be opened, as far as that shows without making it.
    pub(super) fn check(params: &FileParams) -> Result<(), JournalError> {
        let path = &params.path;
        let failed = |source| JournalError::Open {
            path: path.clone(),
            source,
        };
        match metadata(path) {
            Ok(about) if !about.is_file() => Err(JournalError::Kind(path.clone())),
            Ok(_) => {
                let may = access(path, Access::READ_OK | Access::WRITE_OK);
                may.map_err(|error| failed(error.into()))?;
                let file = File::open(path).map_err(failed)?;
                unfinished(&file, params).map(drop)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = path.parent().unwrap_or(path).join(".");
                let may = access(&folder, Access::WRITE_OK | Access::EXEC_OK);
                may.map_err(|error| failed(error.into()))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Says when it was begun.
    #[cfg(test)]
    pub(super) fn born(&self) -> SystemTime {
        self.born
    }

    /// Has it begun at another time.
    #[cfg(test)]
    pub(super) fn was_born(&mut self, born: SystemTime) {
        self.born = born;
    }

    /// Appends lines, each with its end.
    ///
    /// # Errors
    ///
    /// How many are written, and why the next is not. Nothing of that and those behind it is.
    pub(super) fn append(&mut self, lines: &[Vec<u8>]) -> Result<(), (usize, JournalError)> {
        self.follow().map_err(|error| (0, error))?;
        let (mut done, mut rest) = (0, lines);
        while !rest.is_empty() {
            if self.is_over() {
                self.rotate().map_err(|error| (done, error))?;
            }
            let count = self.fitting(rest);
            let (now, later) = rest.split_at(count);
            match self.write(now) {
                Ok(()) => done += count,
                Err((written, error)) => return Err((done + written, error)),
            }
            rest = later;
        }
        Ok(())
    }

    /// Makes sure that all is on the disk, and lets go of the file.
    pub(super) fn close(self) {
        if self.params.sync != Sync::Never
            && let Err(error) = self.file.sync_data()
        {
            warn!(path = %self.params.path.display(), %error, "not sure to be on the disk");
        }
    }

    /// The file, for somebody who synchronises it later.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Opens the file anew if another is there now, or none; and looks at it again if somebody else has
    /// written to it or cut it: taken back to our size it would get longer, by zeros.
    fn follow(&mut self) -> Result<(), JournalError> {
        let path = &self.params.path;
        let (ours, there) = (self.file.metadata(), metadata(path));
        let (Ok(ours), Ok(there)) = (ours, there) else {
            return self.replace();
        };
        if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) {
            return self.replace();
        }
        if ours.len() != self.size {
            warn!(path = %path.display(), bytes = ours.len(), expected = self.size, "somebody else has changed the file");
            self.size = match take_back(&self.file, &self.params) {
                // Whoever has written that keeps it: what is ours goes behind it, on a line of its own.
                Err(JournalError::Foreign { .. }) => self.end_line()?,
                size => size?,
            };
            if self.size == 0 {
                self.born = SystemTime::now();
            }
        }
        Ok(())
    }

    /// Ends the last line, and returns the size of the file then.
    fn end_line(&mut self) -> Result<u64, JournalError> {
        let ended = self.file.write_all(b"\n");
        let size = ended.and_then(|()| Ok(self.file.metadata()?.len()));
        size.map_err(|source| JournalError::Write {
            path: self.params.path.clone(),
            source,
        })
    }

    fn replace(&mut self) -> Result<(), JournalError> {
        info!(path = %self.params.path.display(), "file was moved away: it is made anew");
        self.reopen()
    }

    fn reopen(&mut self) -> Result<(), JournalError> {
        let next = Self::open(self.params.clone())?;
        std::mem::replace(self, next).close();
        Ok(())
    }

    /// Whether it is time for a new file.
    fn is_over(&mut self) -> bool {
        let age = self.born.elapsed().unwrap_or_else(|_| {
            self.born = SystemTime::now(); // by a clock that was set back since
            Duration::ZERO
        });
        let is_full = |most: u64| self.size >= most;
        let is_old = !self.params.max_age.is_zero() && age >= self.params.max_age;
        self.size > 0
            && (self
                .params
                .max_size
                .is_some_and(|it| is_full(it.as_usize() as u64))
                || is_old)
    }

    /// How many of the lines come before the file is full, at least one.
    fn fitting(&self, lines: &[Vec<u8>]) -> usize {
        let Some(most) = self.params.max_size else {
            return lines.len();
        };
        let mut size = self.size;
        let fits = lines.iter().take_while(|line| {
            let fits = size < most.as_usize() as u64;
            size += line.len() as u64;
            fits
        });
        fits.count().max(1)
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        let path = self.params.path.clone();
        let moved = shift(&path, self.params.keep);
        moved.map_err(|source| JournalError::Rotate { path, source })?;
        self.reopen()
    }

    /// Writes lines; says how many of them are there if one is not.
    fn write(&mut self, lines: &[Vec<u8>]) -> Result<(), (usize, JournalError)> {
        let bytes = lines.concat();
        let (mut written, mut failure) = (0, None);
        while failure.is_none()
            && let Some(rest) = bytes.get(written..)
            && !rest.is_empty()
        {
            match self.file.write(rest) {
                Ok(0) => failure = Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failure = Some(error),
            }
        }
        let mut whole = 0;
        let is_whole = |line: &&Vec<u8>| {
            let is_whole = whole + line.len() <= written;
            if is_whole {
                whole += line.len();
            }
            is_whole
        };
        let mut count = lines.iter().take_while(is_whole).count();
        if count > 0
            && self.params.sync == Sync::Always
            && let Err(error) = self.file.sync_data()
        {
            (whole, count) = (0, 0); // nobody knows what is on the disk
            failure = Some(error);
        }
        self.size += whole as u64;
        let Some(source) = failure else {
            return Ok(());
        };
        let path = self.params.path.clone();
        if let Err(error) = self.file.set_len(self.size) {
            warn!(path = %path.display(), %error, "half a line may be left");
        }
        Err((count, JournalError::Write { path, source }))
    }
}

/// Moves PATH to PATH.1, that to PATH.2, and so on; the one behind the last is removed.
fn shift(path: &Path, keep: u8) -> io::Result<()> {
    let numbered = |number: u8| {
        let mut name = OsString::from(path);
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    if keep == 0 {
        return if_there(remove_file(path));
    }
    for number in (1..keep).rev() {
        if_there(rename(numbered(number), numbered(number + 1)))?;
    }
    if_there(rename(path, numbered(1)))
}

fn if_there(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Waits until the name of a new file is on the disk, and those of the older ones.
fn keep_names(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path).join(".");
    let kept = File::open(&folder).and_then(|folder| folder.sync_all());
    match kept {
        // It may not be read, or its file system has nothing of the kind.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
            ) =>
        {
            warn!(folder = %folder.display(), %error, "not sure that a new file is on the disk");
            Ok(())
        }
        kept => kept,
    }
}

/// Takes back a line without an end, and returns the size of the file, which is whole lines then.
fn take_back(file: &File, params: &FileParams) -> Result<u64, JournalError> {
    let tail = unfinished(file, params)?;
    if tail.length > 0 {
        let path = &params.path;
        warn!(path = %path.display(), bytes = tail.length, "line without an end taken back");
        file.set_len(tail.start)
            .map_err(|source| JournalError::Open {
                path: path.clone(),
                source,
            })?;
    }
    Ok(tail.start)
}

/// Returns the line without an end, or none, if that is what it looks like.
fn unfinished(file: &File, params: &FileParams) -> Result<Tail, JournalError> {
    let form = match params.format {
        Some(_) => Form::Text,
        None => Form::Json,
    };
    let found = Tail::of(file).and_then(|tail| Ok((tail, tail.is_of_a_line(file, form)?)));
    let path = params.path.clone();
    match found {
        Ok((tail, true)) => Ok(tail),
        Ok((tail, false)) => Err(JournalError::Foreign {
            path,
            bytes: tail.length,
        }),
        Err(source) => Err(JournalError::Open { path, source }),
    }
}
