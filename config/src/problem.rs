//! What can be wrong with one setting, apart from where it stands.
//!
//! The reader of values, the search for files and the params of a consumer or producer find
//! problems; [`crate::ConfigError`] adds the place, [`crate::ParamsError`] the key below `params`.

use std::io;

use thiserror::Error;

use crate::schedule::ScheduleError;
use crate::suggestion::advise;

/// What is wrong with a file or a setting.
///
/// Neither the variants nor their texts hold the value that was refused where its meaning is not
/// known: it may be a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// A file that was asked for by name does not exist.
    #[error("no such file or directory")]
    NotFound,
    /// A directory that was asked for by name holds no `*.toml` file.
    #[error("no *.toml file in this directory")]
    EmptyDirectory,
    /// A file of the original, or a directory of them.
    #[error("not read: it is Python, as configurations of the original are")]
    Original,
    /// A file or directory exists but cannot be read, or is not UTF-8.
    #[error("cannot read: {0}")]
    Unreadable(io::Error),
    /// A text is not TOML.
    #[error("{message}\n{excerpt}")]
    Syntax {
        /// What the parser says.
        message: String,
        /// The line at fault and a line of carets below it.
        excerpt: String,
    },
    /// A key that does not exist at this place.
    #[error("unknown key")]
    UnknownKey {
        /// The keys that do.
        known: Vec<String>,
    },
    /// A key without which the table around it means nothing.
    #[error("missing key")]
    MissingKey,
    /// A value of a wrong type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the key takes.
        expected: String,
        /// The type that the value has.
        found: String,
    },
    /// A name where only certain names are allowed, such as a kind or a policy.
    #[error("unknown value")]
    UnknownName {
        /// The name given.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A value of the right type that does not do: out of range, or not in the form it must have.
    #[error("{0}")]
    Invalid(String),
    /// A producer without a usable schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// There are more problems than are reported at once.
    #[error("more problems follow; correct the ones above first")]
    More,
}

impl Problem {
    /// Returns what to do about the problem where that can be said; `key` is the key it was found
    /// at.
    pub(crate) fn advice(&self, key: &str) -> Option<String> {
        match self {
            Self::UnknownKey { known } => advise(key, known),
            Self::UnknownName { name, known } => advise(name, known),
            Self::Original => Some("`fedmsg-config import` makes TOML of it".to_owned()),
            _ => None,
        }
    }
}
