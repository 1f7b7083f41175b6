//! Finds and reads the configuration files.
//!
//! [`crate::load`] calls it; [`crate::Sources`] says where to look.

use std::ffi::OsStr;
use std::fs;
use std::io::{Error, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::error::ConfigError;
use crate::key_path::KeyPath;
use crate::layer::Layer;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::sources::Sources;

/// The largest file that is read, in bytes; thousands of endpoints take less than one.
const LARGEST: u64 = 16 << 20;

/// What a search has found: a layer for each file that could be read, the lowest first.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) layers: Vec<Layer>,
    /// Every file that was read, in the order in which they were, those with syntax errors too.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) errors: Vec<ConfigError>,
    /// What is there to be read by the original only, where nothing else is.
    pub(crate) warnings: Vec<ConfigError>,
}

impl Files {
    /// Reads the named file or directory, or else all the usual files that exist.
    pub(crate) fn read(sources: &Sources) -> Self {
        let mut files = Self::default();
        match sources.named() {
            Some(named) => files.read_named(&sources.cwd, &named),
            None => {
                files.read_usual(sources);
                if files.paths.is_empty() && files.errors.is_empty() {
                    files.look_for_original(sources);
                }
            }
        }
        files
    }

    /// Notes the files that whoever comes from the original takes for the configuration.
    fn look_for_original(&mut self, sources: &Sources) {
        for place in &sources.original {
            if holds_python(&sources.cwd.join(place)) {
                let warning = about(place, Problem::Original);
                self.warnings.push(warning);
            }
        }
    }

    fn read_named(&mut self, cwd: &Path, named: &Path) {
        let path = cwd.join(named);
        match fs::metadata(&path) {
            Err(error) => self.refuse(named, error),
            Ok(metadata) if metadata.is_dir() => self.read_named_directory(&path, named),
            // It may be a pipe: a shell makes one of `--config <(command)`.
            Ok(_) => {
                if let Err(error) = self.read_file(&path, named) {
                    self.refuse(named, error);
                }
            }
        }
    }

    fn read_named_directory(&mut self, path: &Path, named: &Path) {
        let before = self.paths.len() + self.errors.len();
        self.read_if_present(&path.join("fedmsg.toml"), &named.join("fedmsg.toml"));
        self.read_directory(&path.join("conf.d"), &named.join("conf.d"));
        if self.paths.len() + self.errors.len() == before {
            self.read_directory(path, named);
        }
        if self.paths.len() + self.errors.len() == before {
            self.error(
                named,
                match holds_python(path) {
                    true => Problem::Original,
                    false => Problem::EmptyDirectory,
                },
            );
        }
    }

    fn read_usual(&mut self, sources: &Sources) {
        let root = &sources.root;
        let vendor = root.join("usr/lib/fedmsg/conf.d");
        let system = root.join("etc/fedmsg");
        self.read_directory(&vendor, &vendor);
        let file = system.join("fedmsg.toml");
        self.read_if_present(&file, &file);
        let drop_ins = system.join("conf.d");
        self.read_directory(&drop_ins, &drop_ins);
        if let Some(user) = &sources.xdg_config_home {
            let file = user.join("fedmsg/fedmsg.toml");
            self.read_if_present(&file, &file);
        }
        let name = Path::new("fedmsg.toml");
        self.read_if_present(&sources.cwd.join(name), name);
    }

    /// Reads the `*.toml` files of a directory in the order of their names; one that does not exist
    /// is empty.
    fn read_directory(&mut self, path: &Path, shown: &Path) {
        let names = match toml_files(path) {
            Ok(names) => names,
            Err(error) if is_absent(&error) => return,
            Err(error) => return self.refuse(shown, error),
        };
        for name in names {
            let shown = shown.join(&name);
            if let Err(error) = self.read_found(&path.join(&name), &shown) {
                self.refuse(&shown, error);
            }
        }
    }

    fn read_if_present(&mut self, path: &Path, shown: &Path) {
        match self.read_found(path, shown) {
            Err(error) if !is_absent(&error) => self.refuse(shown, error),
            _ => {}
        }
    }

    /// Reads one file that nobody has asked for by name: a pipe among them would be waited for, for ever.
    fn read_found(&mut self, path: &Path, shown: &Path) -> Result<(), Error> {
        if fs::metadata(path)?.is_file() {
            self.read_file(path, shown)
        } else {
            let message = "it is no regular file";
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
    }

    /// Reads one file; `shown` is its name in messages.
    fn read_file(&mut self, path: &Path, shown: &Path) -> Result<(), Error> {
        let text = text_of(path)?;
        self.paths.push(shown.to_owned());
        let source = Origin::File {
            path: shown.to_owned(),
            position: None,
        };
        match Layer::parse(source, &text) {
            Ok(layer) => self.layers.push(layer),
            Err(_) if is_python(shown) => self.error(shown, Problem::Original),
            Err(errors) => self.errors.extend(errors),
        }
        Ok(())
    }

    fn refuse(&mut self, shown: &Path, error: Error) {
        let problem = if is_absent(&error) {
            Problem::NotFound
        } else {
            Problem::Unreadable(error)
        };
        self.error(shown, problem);
    }

    fn error(&mut self, shown: &Path, problem: Problem) {
        self.errors.push(about(shown, problem));
    }
}

/// Returns a problem of a file or directory as a whole.
fn about(shown: &Path, problem: Problem) -> ConfigError {
    let origin = Origin::File {
        path: shown.to_owned(),
        position: None,
    };
    ConfigError::new(origin, KeyPath::root(), problem)
}

fn is_python(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("py"))
}

/// Whether there is a file of the original at `path`, or a directory that has one.
fn holds_python(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(entries) => entries
            .flatten()
            .any(|entry| is_python(&entry.path()) && entry.path().is_file()),
        Err(_) => is_python(path) && path.is_file(),
    }
}

/// Returns the text of a file that is not too large.
fn text_of(path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        let message = "it is larger than 16 MiB, as no configuration is";
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

/// Whether there is nothing at a path, not even on the way to it.
fn is_absent(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Returns the names of the `*.toml` files of a directory in the order of their bytes. Hidden ones,
/// which editors leave behind, are left out, and so are directories; a link that leads nowhere is
/// not.
fn toml_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let name = PathBuf::from(entry?.file_name());
        let is_hidden = name.as_os_str().as_encoded_bytes().starts_with(b".");
        if name.extension() == Some(OsStr::new("toml")) && !is_hidden && !path.join(&name).is_dir()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests;
