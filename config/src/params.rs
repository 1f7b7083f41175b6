//! The settings that only a kind of consumer or producer understands.
//!
//! [`crate::ConsumerConfig`] and [`crate::ProducerConfig`] carry them unread; the constructor of
//! the kind turns them into its own type.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::extract::extract;
use crate::key_path::{KeyPath, Segment};
use crate::problem::Problem;

/// The table `params` of a consumer or producer. Shown for debugging, it names its keys only:
/// values may be secrets.
///
/// ```
/// use fedmsg_config::{Config, KeyPath, Problem};
///
/// #[derive(Debug, serde::Deserialize)]
/// struct MailParams {
///     recipient: String,
/// }
///
/// let toml = "[consumers.mail]\nkind = 'mail'\nparams = { recipient = 'ops@example.org' }";
/// let params = &Config::from_toml(toml)?.consumers["mail"].params;
/// let typed: MailParams = params.parse().unwrap();
/// assert_eq!(typed.recipient, "ops@example.org");
///
/// // Every problem at once, unknown keys included.
/// let toml = "[consumers.mail]\nkind = 'mail'\nparams = { recipiet = 'ops@example.org' }";
/// let params = &Config::from_toml(toml)?.consumers["mail"].params;
/// let error = params.parse::<MailParams>().unwrap_err();
/// let keys: Vec<_> = error.problems().map(|(key, _)| key.to_string()).collect();
/// assert_eq!(keys, ["recipient", "recipiet"]);
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(Table);

impl Params {
    /// Reads the table as the type of the kind that it belongs to. A key that `T` does not declare
    /// is a problem even if `T` does not say `deny_unknown_fields`; a kind without params takes
    /// `()`.
    ///
    /// # Errors
    ///
    /// Every problem that was found. [`crate::Origins::consumer_errors`] and
    /// [`crate::Origins::producer_errors`] add file and line.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ParamsError> {
        let mut extraction = extract(&self.0);
        match extraction.value {
            Some(value) if extraction.problems.is_empty() => Ok(value),
            _ => {
                extraction.problems.sort_by(|(a, _), (b, _)| a.cmp(b));
                Err(ParamsError {
                    problems: extraction.problems,
                })
            }
        }
    }

    /// Sets a parameter, whatever it was before.
    ///
    /// ```
    /// let mut params = fedmsg_config::Params::default();
    /// params.set("interval", 10);
    /// assert!(!params.is_empty());
    /// ```
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Returns whether there are no params.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Table> for Params {
    fn from(table: Table) -> Self {
        Self(table)
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What is wrong with the params of a consumer or producer: at least one problem, each with its key
/// below `params`, in the order of the keys.
#[derive(Debug)]
pub struct ParamsError {
    problems: Vec<(KeyPath, Problem)>,
}

impl ParamsError {
    /// Returns the error of a value that can be read and yet does not do: for constructors that
    /// check more than types. `key` is the path below `params`.
    pub fn invalid(key: impl Into<KeyPath>, message: impl fmt::Display) -> Self {
        Self {
            problems: vec![(key.into(), Problem::Invalid(message.to_string()))],
        }
    }

    /// Returns the problems one by one.
    pub fn problems(&self) -> impl Iterator<Item = (&KeyPath, &Problem)> {
        self.problems.iter().map(|(key, problem)| (key, problem))
    }

    pub(crate) fn into_problems(self) -> Vec<(KeyPath, Problem)> {
        self.problems
    }
}

impl fmt::Display for ParamsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (key, problem)) in self.problems.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            let path = KeyPath::from("params").join(key);
            write!(f, "{path}: {problem}")?;
            let name = match key.last() {
                Some(Segment::Key(name)) => name.as_str(),
                Some(Segment::Index(_)) | None => "",
            };
            if let Some(advice) = problem.advice(name) {
                write!(f, ", {advice}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ParamsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Typed {
        host: String,
        #[serde(default)]
        port: u16,
    }

    fn params(toml: &str) -> Params {
        Params::from(toml.parse::<Table>().unwrap())
    }

    #[track_caller]
    fn check(toml: &str, expected: &[&str]) {
        let error = params(toml).parse::<Typed>().unwrap_err();
        let keys: Vec<_> = error.problems().map(|(key, _)| key.to_string()).collect();
        assert_eq!(keys, expected, "{error}");
    }

    #[test]
    fn params_become_the_type_of_their_kind() {
        let typed: Typed = params("host = 'a'\nport = 1").parse().unwrap();
        assert_eq!(
            typed,
            Typed {
                host: "a".to_owned(),
                port: 1
            }
        );
    }

    #[test]
    fn every_problem_is_named_with_its_key() {
        check("", &["host"]);
        check("hots = 'a'\nport = 'x'", &["host", "hots", "port"]);
        check("host = 1\nport = 70000", &["host", "port"]);
    }

    #[test]
    fn a_key_that_is_not_declared_is_a_problem() {
        let error = params("host = 'a'\nprot = 1").parse::<Typed>().unwrap_err();
        assert!(matches!(
            error.problems().next(),
            Some((_, Problem::UnknownKey { .. }))
        ));
        assert!(
            error.to_string().contains("did you mean \"port\"?"),
            "{error}"
        );
    }

    #[test]
    fn a_kind_without_params_takes_an_empty_table() {
        assert!(params("").parse::<()>().is_ok());
        let error = params("x = 1").parse::<()>().unwrap_err();
        assert!(matches!(
            error.problems().next(),
            Some((_, Problem::UnknownKey { .. }))
        ));
    }

    #[test]
    fn neither_errors_nor_debugging_show_values() {
        let params = params("host = 42\nport = 'hunter2'\npassword = 'hunter2'");
        let error = params.parse::<Typed>().unwrap_err();
        for shown in [
            format!("{params:?}"),
            error.to_string(),
            format!("{error:?}"),
        ] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn a_constructor_can_refuse_a_value() {
        let error = ParamsError::invalid("pattern", "unbalanced parenthesis");
        assert_eq!(error.to_string(), "params.pattern: unbalanced parenthesis");
    }
}
