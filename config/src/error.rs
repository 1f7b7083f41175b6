//! What is wrong with a configuration: every problem, each with its place.
//!
//! [`crate::Config::load`] and [`crate::Config::from_toml`] return these, [`crate::Origins`] makes
//! them for those who judge a setting later (a kind that nobody registered, params).

use std::fmt;

use crate::key_path::{KeyPath, Segment};
use crate::origin::Origin;
use crate::problem::Problem;

/// One problem of a configuration.
///
/// It is shown on one line, origin first, so that an editor can jump there; only a syntax error
/// adds the line at fault and a caret:
///
/// ```text
/// fedmsg.toml:12: consumers.audit.kindd: unknown key; did you mean "kind"?
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ConfigError {
    /// The source that the value came from, with its line where it has lines.
    pub origin: Origin,
    /// The setting; the root when a file as a whole is at fault.
    pub key: KeyPath,
    /// What is wrong.
    pub problem: Problem,
    /// What to do about it, where that can be said: `did you mean "kind"?`.
    pub suggestion: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(origin: Origin, key: KeyPath, problem: Problem) -> Self {
        let name = match key.last() {
            Some(Segment::Key(name)) => name.as_str(),
            Some(Segment::Index(_)) | None => "",
        };
        let suggestion = problem
            .advice(name)
            .or_else(|| quoting_advice(&origin, &problem));
        Self {
            origin,
            key,
            problem,
            suggestion,
        }
    }

    /// Returns the line in the file or text, counted from 1, where there is one.
    pub fn line(&self) -> Option<usize> {
        self.origin.position().map(|position| position.line)
    }

    /// Returns the column in characters, counted from 1, where there is one.
    pub fn column(&self) -> Option<usize> {
        self.origin.position().map(|position| position.column)
    }
}

/// An environment variable `42` is a number: says how to make it a string.
fn quoting_advice(origin: &Origin, problem: &Problem) -> Option<String> {
    match (origin, problem) {
        (Origin::Variable { name }, Problem::WrongType { expected, .. })
            if expected.contains("string") =>
        {
            Some(format!("quotes make a string of it: {name}='\"…\"'"))
        }
        _ => None,
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_root() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.problem)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// All problems of a configuration that could be found in one go: at least one, in the order of
/// their origins (files by path and line first).
///
/// It is shown with one problem a line.
///
/// ```
/// use fedmsg_config::{Config, Problem};
///
/// let errors = Config::from_toml("timeout = true\nenvironmet = \"prod\"").unwrap_err();
/// assert_eq!(errors.len(), 2);
/// let lines: Vec<_> = errors.iter().map(|error| error.line()).collect();
/// assert_eq!(lines, [Some(1), Some(2)]);
/// assert!(errors.iter().any(|error| matches!(error.problem, Problem::UnknownKey { .. })));
/// ```
#[derive(Debug)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// Sorts the errors, or returns `None` when there are none.
    pub(crate) fn from_vec(mut errors: Vec<ConfigError>) -> Option<Self> {
        errors.sort_by(|a, b| a.origin.cmp(&b.origin));
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// Returns the problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }

    /// Returns how many problems there are: never 0.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl Extend<ConfigError> for ConfigErrors {
    fn extend<I: IntoIterator<Item = ConfigError>>(&mut self, errors: I) {
        self.0.extend(errors);
    }
}

impl IntoIterator for ConfigErrors {
    type Item = ConfigError;
    type IntoIter = std::vec::IntoIter<ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Position;

    fn error(path: &str, line: usize, problem: Problem) -> ConfigError {
        let position = Some(Position { line, column: 1 });
        let origin = Origin::File {
            path: path.into(),
            position,
        };
        ConfigError::new(origin, KeyPath::from("key"), problem)
    }

    #[test]
    fn errors_are_shown_one_a_line_in_the_order_of_their_places() {
        let errors = ConfigErrors::from_vec(vec![
            ConfigError::new(Origin::Default, KeyPath::root(), Problem::More),
            error("b.toml", 2, Problem::MissingKey),
            error("b.toml", 1, Problem::Invalid("too late".to_owned())),
            error(
                "a.toml",
                9,
                Problem::UnknownKey {
                    known: vec!["keys".to_owned()],
                },
            ),
        ]);
        assert_eq!(
            errors.unwrap().to_string(),
            "a.toml:9: key: unknown key; did you mean \"keys\"?\n\
             b.toml:1: key: too late\n\
             b.toml:2: key: missing key\n\
             built-in default: more problems follow; correct the ones above first"
        );
        assert!(ConfigErrors::from_vec(Vec::new()).is_none());
    }

    #[test]
    fn an_error_knows_its_line_and_column() {
        let with = error("a.toml", 9, Problem::MissingKey);
        assert_eq!((with.line(), with.column()), (Some(9), Some(1)));
        let without = ConfigError::new(Origin::Flag, KeyPath::from("key"), Problem::MissingKey);
        assert_eq!((without.line(), without.column()), (None, None));
    }
}
