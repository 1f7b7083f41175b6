//! `StateFile`: what a producer has to know after a restart, in a file of its own.
//!
//! [`crate::FileProducer`] keeps how far it has read, [`crate::HttpProducer`] what it has published.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use fedmsg_config::{Config, ParamsError};
use rustix::fs::{Access, FlockOperation, OFlags, access, flock};
use rustix::io::Errno;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::warn;

/// Why a state is not known, or cannot be kept.
#[derive(Debug, Error)]
pub(crate) enum StateFileError {
    #[error("cannot read the state file {}: {source}", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error(
        "{} is no state file: {reason}; name another one, or remove it: then it begins as if it had never run",
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
pub(crate) struct Claim {
    #[expect(dead_code, reason = "held for its lock, which ends with it")]
    lock: File,
}

/// A file with the state of a producer.
#[derive(Debug, Clone)]
pub(crate) struct StateFile {
    file: PathBuf,
    /// What the state is about: that of something else is none.
    about: String,
    /// Larger ones, in bytes, are not ours.
    largest: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<S> {
    about: String,
    state: S,
}

/// The parameter of every producer that has a state file.
#[derive(Deserialize)]
struct Named {
    state_file: Option<PathBuf>,
    /// The others, which are of all sorts.
    #[serde(flatten)]
    _rest: BTreeMap<String, IgnoredAny>,
}

impl StateFile {
    pub(crate) fn new(file: PathBuf, about: String, largest: u64) -> Self {
        Self {
            file,
            about,
            largest,
        }
    }

    /// Where the state of a producer is when it does not say where: in the folder that systemd has for the
    /// states of a service (`StateDirectory=`, systemd.exec(5)). `None` where there is no such folder.
    pub(crate) fn default_path(producer: &str) -> Option<PathBuf> {
        let folders = env::var_os("STATE_DIRECTORY")?;
        let folder = env::split_paths(&folders).next()?;
        let file = format!("producer-{}.json", producer.replace('/', "_"));
        (!folder.as_os_str().is_empty()).then(|| folder.join(file))
    }

    /// Claims it for one producer, whoever else may know it by another spelling of its path. The file itself
    /// is a new one after each position, so what is locked is another beside it.
    pub(crate) fn claim(&self) -> Result<Claim, StateFileError> {
        let unwritable = |source| self.unwritable(source);
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(false);
        // Not to wait for somebody at the other end of a pipe.
        let options = options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let lock = options.open(self.beside(".lock")).map_err(unwritable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Claim { lock }),
            Err(Errno::WOULDBLOCK) => Err(StateFileError::Taken(self.file.clone())),
            Err(error) => Err(unwritable(error.into())),
        }
    }

    /// Reads it; `None` when there is none, or it is about something else.
    pub(crate) fn load<S: DeserializeOwned>(&self) -> Result<Option<S>, StateFileError> {
        let file = || self.file.clone();
        let foreign = |reason: String| StateFileError::Foreign {
            file: file(),
            reason,
        };
        match fs::metadata(&self.file) {
            Ok(metadata) if metadata.is_file() && metadata.len() <= self.largest => {}
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
        // What is about something else may have any form.
        let about = serde_json::from_slice::<Content<IgnoredAny>>(&text)
            .map_err(|error| foreign(error.to_string()))?
            .about;
        if about != self.about {
            warn!(
                state_file = %self.file.display(), about, expected = self.about,
                "the state file is about something else, and begins anew"
            );
            return Ok(None);
        }
        let content: Content<S> =
            serde_json::from_slice(&text).map_err(|error| foreign(error.to_string()))?;
        Ok(Some(content.state))
    }

    /// Says whether it can be read and written, as far as that shows without writing, and no other producer
    /// of a configuration names it.
    pub(crate) fn check<S: DeserializeOwned>(&self, config: &Config) -> Result<(), ParamsError> {
        let refuse = |error: StateFileError| ParamsError::invalid("state_file", error);
        self.load::<S>().map_err(refuse)?;
        // Each state is a new file, which takes the place of the one before.
        access(folder(&self.file), Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|error| refuse(self.unwritable(error.into())))?;
        self.check_alone(config).map_err(refuse)
    }

    /// Says whether only one producer of a configuration names it: two would each claim it at the start.
    fn check_alone(&self, config: &Config) -> Result<(), StateFileError> {
        let producers = config.producers.values().filter(|it| it.enabled);
        // What cannot be read is the matter of another finding.
        let named = producers.filter_map(|it| it.params.parse::<Named>().ok()?.state_file);
        match named.filter(|it| place(it) == place(&self.file)).count() {
            0 | 1 => Ok(()),
            _ => Err(StateFileError::Taken(self.file.clone())),
        }
    }

    /// Writes it: whoever reads it finds the old one or the new one, whole, whatever happens.
    pub(crate) fn save<S: Serialize>(&self, state: &S) -> Result<(), StateFileError> {
        self.write(state).map_err(|source| self.unwritable(source))
    }

    fn write<S: Serialize>(&self, state: &S) -> io::Result<()> {
        let about = self.about.clone();
        let content = Content { about, state };
        let name = self.beside(".new");
        let mut new = File::create(&name)?;
        new.write_all(&serde_json::to_vec(&content)?)?;
        new.sync_data()?;
        drop(new);
        fs::rename(name, &self.file)?;
        // So that the new name lasts over a loss of power as well.
        match File::open(folder(&self.file)).and_then(|folder| folder.sync_all()) {
            // The folder may not be read, or its file system has nothing of the kind.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
                ) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }

    fn unwritable(&self, source: io::Error) -> StateFileError {
        let file = self.file.clone();
        StateFileError::Unwritable { file, source }
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
    let folder = folder(file);
    let folder = fs::canonicalize(&folder).unwrap_or(folder);
    folder.join(name)
}

/// The folder of a file, also where its path is a bare name.
fn folder(file: &Path) -> PathBuf {
    file.parent().unwrap_or(file).join(".")
}
