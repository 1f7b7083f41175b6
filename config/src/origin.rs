//! Where one value came from: a line of a file, an environment variable, the command line, or
//! nowhere but the program itself.
//!
//! [`crate::Origins`] holds one for every setting; [`crate::ConfigError`] begins with one.

use std::fmt;
use std::path::PathBuf;

use crate::position::Position;

/// The source of one value.
///
/// It is shown as an operator looks it up: `/etc/fedmsg/fedmsg.toml:12`, `FEDMSG_TIMEOUT`,
/// `command line`, `built-in default`. Origins order in this way: files by path and line, texts,
/// variables by name, the command line, defaults.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// A file; the position is missing when the file as a whole is meant.
    File {
        /// The path as it was searched for or given.
        path: PathBuf,
        /// Where in the file the key stands.
        position: Option<Position>,
    },
    /// A text that is no file: the embedded default of a program, or what a caller handed over.
    Text {
        /// What the text is called in messages.
        name: &'static str,
        /// Where in the text the key stands.
        position: Option<Position>,
    },
    /// An environment variable.
    Variable {
        /// The name of the variable, as in the environment.
        name: String,
    },
    /// An option of the command line.
    Flag,
    /// The default that is built into the program.
    Default,
}

impl Origin {
    /// Returns the line and column in the file or text, where there is one.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::File { position, .. } | Self::Text { position, .. } => *position,
            Self::Variable { .. } | Self::Flag | Self::Default => None,
        }
    }

    /// Returns the same source, at `position` where it is one that has lines.
    #[must_use]
    pub(crate) fn at(&self, position: Option<Position>) -> Self {
        match self {
            Self::File { path, .. } => Self::File {
                path: path.clone(),
                position,
            },
            Self::Text { name, .. } => Self::Text { name, position },
            other => other.clone(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "{}", path.display())?,
            Self::Text { name, .. } => f.write_str(name)?,
            Self::Variable { name } => f.write_str(name)?,
            Self::Flag => f.write_str("command line")?,
            Self::Default => f.write_str("built-in default")?,
        }
        match self.position() {
            Some(Position { line, .. }) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_reads_as_something_to_look_up() {
        let position = Some(Position {
            line: 12,
            column: 3,
        });
        let file = Origin::File {
            path: "/etc/fedmsg/fedmsg.toml".into(),
            position: None,
        };
        for (origin, expected) in [
            (file.clone(), "/etc/fedmsg/fedmsg.toml"),
            (file.at(position), "/etc/fedmsg/fedmsg.toml:12"),
            (
                Origin::Text {
                    name: "default-hub.toml",
                    position,
                },
                "default-hub.toml:12",
            ),
            (
                Origin::Variable {
                    name: "FEDMSG_NAME".into(),
                }
                .at(position),
                "FEDMSG_NAME",
            ),
            (Origin::Flag, "command line"),
            (Origin::Default, "built-in default"),
        ] {
            assert_eq!(origin.to_string(), expected);
        }
    }
}
