//! `StateFile`: the position in a file, kept over restarts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use rustix::fs::{Access, access};
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
    #[error("{} is no state file: {reason}; name another one, or remove it", file.display())]
    Foreign { file: PathBuf, reason: String },
    #[error("cannot write the state file {}: {source}", file.display())]
    Unwritable { file: PathBuf, source: io::Error },
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
        let mut name = self.file.clone().into_os_string();
        name.push(".new");
        let mut new = File::create(&name)?;
        new.write_all(&serde_json::to_vec(&content)?)?;
        new.sync_data()?;
        drop(new);
        fs::rename(name, &self.file)
    }
}
