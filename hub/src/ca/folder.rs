//! `Folder`: a directory of which one process at a time changes several files at once, or none.
//!
//! The [`Authority`](super::Authority) keeps its files in one. A change is made in three steps, of
//! which the second decides: all files are written and synced in `.change.new/`, that is renamed to
//! `.change/`, and the files are moved from there to their places. Whoever opens the directory next
//! completes a change that was interrupted after the second step, and forgets one interrupted
//! before. Moving a file replaces the one that was there, so that readers see either.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::retry_on_intr;

/// Held while somebody is at work.
const LOCK: &str = ".lock";
/// A change that has been decided.
const DECIDED: &str = ".change";
/// A change that has not.
const PREPARED: &str = ".change.new";

/// A directory, and nobody else at work in it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Unlocked when it is closed, also by the end of the process.
    _lock: File,
}

/// A file to be.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) name: String,
    contents: Vec<u8>,
    audience: Audience,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Only its owner, from the moment it is there.
    Owner,
    /// Everybody, whatever the umask of the process says.
    Everybody,
}

impl Audience {
    fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everybody => 0o644,
        }
    }
}

impl NewFile {
    /// Makes one, of which nothing is written yet.
    pub(super) fn new(name: impl Into<String>, contents: Vec<u8>, audience: Audience) -> Self {
        Self {
            name: name.into(),
            contents,
            audience,
        }
    }
}

/// What could not be done with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub(crate) struct FolderError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl FolderError {
    fn of<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Self + 'a {
        move |source| Self {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl Folder {
    /// Opens a directory, and makes it first if there is none. Waits while somebody else is at work.
    ///
    /// # Errors
    ///
    /// [`FolderError`].
    pub(super) fn create(path: &Path) -> Result<Self, FolderError> {
        let made = fs::create_dir_all(path);
        made.map_err(FolderError::of("make the directory", path))?;
        Self::lock(path)
    }

    /// Opens a directory in which there is a file called `name`, or one that is about to be; else
    /// leaves it alone and returns `None`. Waits while somebody else is at work.
    ///
    /// # Errors
    ///
    /// [`FolderError`].
    pub(super) fn open(path: &Path, name: &str) -> Result<Option<Self>, FolderError> {
        let names = [name.to_owned(), format!("{DECIDED}/{name}")];
        for file in names.map(|name| path.join(name)) {
            // A directory that may not be looked into is another matter than an empty one.
            let exists = file.try_exists();
            if exists.map_err(FolderError::of("read", &file))? {
                return Self::lock(path).map(Some);
            }
        }
        Ok(None)
    }

    fn lock(path: &Path) -> Result<Self, FolderError> {
        let found = path.canonicalize();
        let path = found.map_err(FolderError::of("find", path))?;
        let lock = path.join(LOCK);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let file = options.mode(Audience::Owner.mode()).open(&lock);
        let file = file.map_err(FolderError::of("write", &lock))?;
        retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))
            .map_err(|error| FolderError::of("lock", &lock)(error.into()))?;
        let folder = Self { path, _lock: file };
        folder.recover()?;
        Ok(folder)
    }

    /// Returns the absolute path of the directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the absolute path of a file.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns whether there is a file of that name, or anything else.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.path_of(name).symlink_metadata().is_ok()
    }

    /// Returns what is in a file, if it is there.
    ///
    /// # Errors
    ///
    /// [`FolderError`].
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FolderError> {
        let path = self.path_of(name);
        match fs::read(&path) {
            Ok(contents) => Ok(Some(contents)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FolderError::of("read", &path)(error)),
        }
    }

    /// Writes files in place of those with the same names: all of them or none. On return they are
    /// on the disk.
    ///
    /// # Errors
    ///
    /// [`FolderError`]. If the change was decided before, whoever comes next completes it.
    pub(super) fn apply(&self, files: &[NewFile]) -> Result<(), FolderError> {
        if let Err(error) = self.prepare(files) {
            // Else whoever comes next does it. The error that counts is the first one.
            let _ = fs::remove_dir_all(self.path_of(PREPARED));
            return Err(error);
        }
        let (prepared, decided) = (self.path_of(PREPARED), self.path_of(DECIDED));
        let renamed = fs::rename(&prepared, &decided);
        renamed.map_err(FolderError::of("rename", &prepared))?;
        sync(&self.path)?;
        self.complete()
    }

    fn prepare(&self, files: &[NewFile]) -> Result<(), FolderError> {
        let prepared = self.path_of(PREPARED);
        let made = DirBuilder::new().mode(0o700).create(&prepared);
        made.map_err(FolderError::of("make", &prepared))?;
        for file in files {
            let path = prepared.join(&file.name);
            write(&path, file).map_err(FolderError::of("write", &path))?;
        }
        sync(&prepared)
    }

    fn complete(&self) -> Result<(), FolderError> {
        let decided = self.path_of(DECIDED);
        let entries = fs::read_dir(&decided).map_err(FolderError::of("read", &decided))?;
        for entry in entries {
            let entry = entry.map_err(FolderError::of("read", &decided))?;
            let moved = fs::rename(entry.path(), self.path.join(entry.file_name()));
            moved.map_err(FolderError::of("move", &entry.path()))?;
        }
        sync(&self.path)?;
        let removed = fs::remove_dir(&decided);
        removed.map_err(FolderError::of("remove", &decided))
    }

    /// Completes or forgets what an interrupted process has left.
    fn recover(&self) -> Result<(), FolderError> {
        let prepared = self.path_of(PREPARED);
        if self.contains(PREPARED) {
            let removed = fs::remove_dir_all(&prepared);
            removed.map_err(FolderError::of("remove", &prepared))?;
        }
        if self.contains(DECIDED) {
            self.complete()?;
        }
        Ok(())
    }
}

fn write(path: &Path, file: &NewFile) -> io::Result<()> {
    let mode = file.audience.mode();
    let mut options = OpenOptions::new();
    let mut written = options.create_new(true).write(true).mode(mode).open(path)?;
    written.set_permissions(Permissions::from_mode(mode))?;
    written.write_all(&file.contents)?;
    written.sync_all()
}

/// Waits until the names in a directory are on the disk.
fn sync(directory: &Path) -> Result<(), FolderError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(FolderError::of("sync", directory))
}

#[cfg(test)]
mod tests;
