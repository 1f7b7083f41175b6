//! Where every setting came from.
//!
//! [`crate::load`] fills it; whoever finds fault with a setting later (a kind that nobody
//! registered, params that a constructor refuses) turns that into an error with file and line here.

use std::collections::BTreeMap;

use crate::error::{ConfigError, ConfigErrors};
use crate::key_path::{KeyPath, Segment};
use crate::origin::Origin;
use crate::params::ParamsError;
use crate::problem::Problem;

/// The source of every setting of one loaded configuration.
///
/// ```
/// use fedmsg_config::{Config, KeyPath, Origin, Sources};
///
/// let sources = Sources {
///     root: "/nonexistent".into(),
///     cwd: "/nonexistent".into(),
///     flags: toml::toml! { active = true },
///     ..Sources::default()
/// };
/// let loaded = Config::load(&sources)?;
/// assert_eq!(loaded.origins.of(&KeyPath::from("active")), Origin::Flag);
/// assert_eq!(loaded.origins.of(&KeyPath::from("timeout")), Origin::Default);
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Origins {
    origins: BTreeMap<KeyPath, Origin>,
}

impl Origins {
    pub(crate) fn insert(&mut self, path: KeyPath, origin: Origin) {
        self.origins.insert(path, origin);
    }

    /// Returns where the value at `path` came from. For a path that nothing was written at it is
    /// that of the nearest table above: where one would write it.
    pub fn of(&self, path: &KeyPath) -> Origin {
        let mut path = Some(path.clone());
        while let Some(here) = path {
            if let Some(origin) = self.origins.get(&here) {
                return origin.clone();
            }
            path = here.parent();
        }
        Origin::Default
    }

    /// Returns where `path` itself is written, or `None` when no source has it.
    pub fn written_at(&self, path: &KeyPath) -> Option<&Origin> {
        self.origins.get(path)
    }

    /// Returns every single value and list with its origin, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyPath, &Origin)> {
        let is_setting = |path: &KeyPath| {
            let is_item = path
                .segments()
                .iter()
                .any(|segment| matches!(segment, Segment::Index(_)));
            let below = self.origins.range(path.clone()..).nth(1);
            let is_table = below.is_some_and(|(below, _)| {
                below.starts_with(path)
                    && matches!(
                        below.segments().get(path.segments().len()),
                        Some(Segment::Key(_))
                    )
            });
            !is_item && !is_table
        };
        self.origins
            .iter()
            .filter(move |(path, _)| is_setting(path))
    }

    /// Returns the error that says `problem` of the setting at `path`.
    pub fn error(&self, path: KeyPath, problem: Problem) -> ConfigError {
        ConfigError::new(self.of(&path), path, problem)
    }

    /// Returns the errors that a consumer's params made, each with its place.
    pub fn consumer_errors(&self, name: &str, error: ParamsError) -> ConfigErrors {
        self.params_errors(KeyPath::from(["consumers", name, "params"]), error)
    }

    /// Returns the errors that a producer's params made, each with its place.
    pub fn producer_errors(&self, name: &str, error: ParamsError) -> ConfigErrors {
        self.params_errors(KeyPath::from(["producers", name, "params"]), error)
    }

    fn params_errors(&self, params: KeyPath, error: ParamsError) -> ConfigErrors {
        let problems = error.into_problems().into_iter();
        let errors = problems
            .map(|(key, problem)| self.error(params.join(&key), problem))
            .collect();
        let nothing = || {
            self.error(params.clone(), Problem::Invalid("refused".to_owned()))
                .into()
        };
        ConfigErrors::from_vec(errors).unwrap_or_else(nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Position;

    fn origins(lines: &[(KeyPath, usize)]) -> Origins {
        let mut origins = Origins::default();
        for (path, line) in lines {
            let position = Some(Position {
                line: *line,
                column: 1,
            });
            origins.insert(
                path.clone(),
                Origin::Text {
                    name: "t",
                    position,
                },
            );
        }
        origins
    }

    fn sample() -> Origins {
        origins(&[
            (KeyPath::from("consumers"), 1),
            (KeyPath::from(["consumers", "audit"]), 1),
            (KeyPath::from(["consumers", "audit", "kind"]), 2),
            (KeyPath::from(["consumers", "audit", "topics"]), 3),
            (KeyPath::from(["consumers", "audit", "topics"]).child(0), 4),
            (KeyPath::from("timeout"), 9),
        ])
    }

    #[track_caller]
    fn check(path: KeyPath, line: Option<usize>) {
        assert_eq!(
            sample().of(&path).position().map(|position| position.line),
            line,
            "{path}"
        );
    }

    #[test]
    fn what_was_not_written_belongs_to_the_table_around_it() {
        check(KeyPath::from("timeout"), Some(9));
        check(
            KeyPath::from(["consumers", "audit", "topics"]).child(0),
            Some(4),
        );
        check(
            KeyPath::from(["consumers", "audit", "topics"]).child(7),
            Some(3),
        );
        check(
            KeyPath::from(["consumers", "audit", "params", "x"]),
            Some(1),
        );
        check(KeyPath::from("environment"), None);
    }

    #[test]
    fn the_settings_are_single_values_and_lists() {
        let paths: Vec<_> = sample().iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(
            paths,
            ["consumers.audit.kind", "consumers.audit.topics", "timeout"]
        );
    }

    #[test]
    fn an_error_of_params_gets_its_place() {
        let errors =
            sample().consumer_errors("audit", ParamsError::invalid("level", "no such level"));
        assert_eq!(
            errors.to_string(),
            "t:1: consumers.audit.params.level: no such level"
        );
        let errors = sample().producer_errors("beat", ParamsError::invalid("text", "empty"));
        assert_eq!(
            errors.to_string(),
            "built-in default: producers.beat.params.text: empty"
        );
    }
}
