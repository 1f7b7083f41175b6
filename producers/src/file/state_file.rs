//! `StateFile`: the position in a file, kept over restarts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, FlockOperation, OFlags, access, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::warn;

use super::position::Position;

/// Larger ones are not ours.
const LARGEST: u64 = 64 * 1024;

/// Why a position is not known, or cannot be kept.
#[derive(Debug, Error)]
pub(super) enum StateFileError {
    #[error("cannot read the state file {}: {source}", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error(
        "{} is no state file: {reason}; name another one, or remove it: then the file that is followed counts as \
         never read, and `from` says where to begin",
        file.display()
    )]
    Foreign { file: PathBuf, reason: String },
    #[error("cannot write the state file {}: {source}", file.display())]
    Unwritable { file: PathBuf, source: io::Error },
    #[error("{} is the state file of another producer, or of another hub: give each a state file of its own", .0.display())]
    Taken(PathBuf),
}

/// The right to a state file; there is one at a time.
#[derive(Debug)]
pub(super) struct Claim {
    #[expect(dead_code, reason = "held for its lock, which ends with it")]
    lock: File,
}

/// A file with the position in the file at `path`.
#[derive(Debug, Clone)]
pub(super) struct StateFile {
    file: PathBuf,
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    path: PathBuf,
    position: Position,
}

impl StateFile {
    pub(super) fn new(file: PathBuf, path: PathBuf) -> Self {
        Self { file, path }
    }

    /// Claims it for one producer, whoever else may know it by another spelling of its path. The file itself
    /// is a new one after each position, so what is locked is another beside it.
    pub(super) fn claim(&self) -> Result<Claim, StateFileError> {
        let unwritable = |source| StateFileError::Unwritable {
            file: self.file.clone(),
            source,
        };
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(false);
        // Not to wait for somebody at the other end of a pipe.
        let options = options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let lock = options.open(self.beside(".lock")).map_err(unwritable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Claim { lock }),
            Err(Errno::WOULDBLOCK) => Err(self.taken()),
            Err(error) => Err(unwritable(error.into())),
        }
    }

    /// The error of a second producer that has it.
    pub(super) fn taken(&self) -> StateFileError {
        StateFileError::Taken(self.file.clone())
    }

    /// Says whether both are the same file, however they are spelled.
    pub(super) fn is_that_of(&self, other: &Self) -> bool {
        place(&self.file) == place(&other.file)
    }

    /// Reads it; `None` when there is none, or it is about another file.
    pub(super) fn load(&self) -> Result<Option<Position>, StateFileError> {
        let file = || self.file.clone();
        let foreign = |reason: String| StateFileError::Foreign {
            file: file(),
            reason,
        };
        match fs::metadata(&self.file) {
            Ok(metadata) if metadata.is_file() && metadata.len() <= LARGEST => {}
            Ok(_) => return Err(foreign("it is large, or no file".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let file = file();
                return Err(StateFileError::Unreadable { file, source });
            }
        }
        let text = fs::read(&self.file).map_err(|source| StateFileError::Unreadable {
            file: file(),
            source,
        })?;
        if text.trim_ascii().is_empty() {
            return Err(foreign("it is empty".to_owned()));
        }
        let content: Content =
            serde_json::from_slice(&text).map_err(|error| foreign(error.to_string()))?;
        if content.path != self.path {
            warn!(
                state_file = %self.file.display(), about = %content.path.display(),
                "the state file is about another file, and begins anew"
            );
            return Ok(None);
        }
        Ok(Some(content.position))
    }

    /// Says whether it can be read and written, as far as that shows without writing.
    pub(super) fn check(&self) -> Result<(), StateFileError> {
        self.load()?;
        // Each position is a new file, which takes the place of the one before.
        let folder = self.file.parent().unwrap_or(&self.file).join(".");
        access(&folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
            StateFileError::Unwritable {
                file: self.file.clone(),
                source: error.into(),
            }
        })
    }

    /// Writes it: whoever reads it finds the old one or the new one, whole, whatever happens.
    pub(super) fn save(&self, position: &Position) -> Result<(), StateFileError> {
        self.write(position)
            .map_err(|source| StateFileError::Unwritable {
                file: self.file.clone(),
                source,
            })
    }

    fn write(&self, position: &Position) -> io::Result<()> {
        let content = Content {
            path: self.path.clone(),
            position: position.clone(),
        };
        let name = self.beside(".new");
        let mut new = File::create(&name)?;
        new.write_all(&serde_json::to_vec(&content)?)?;
        new.sync_data()?;
        drop(new);
        fs::rename(name, &self.file)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(ending);
        name.into()
    }
}

/// The path of a file that need not be there, in the folder as the system knows that.
fn place(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default();
    let folder = file.parent().unwrap_or(file).join(".");
    let folder = fs::canonicalize(&folder).unwrap_or(folder);
    folder.join(name)
}
