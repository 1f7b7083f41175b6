//! Which messages a command takes: topics, regular expressions to include and to exclude, signatures.
//!
//! `fedmsg-tail` shows what it admits, `fedmsg-trigger` runs a command for it.

use std::error::Error as _;

use clap::Args;
use fancy_regex::{CompileError, Error, Regex};
use fedmsg::{Bus, SubscribeError, Subscriber, TopicFilter};
use toml::Table;

use super::bad_expression::BadExpression;
use super::common::fail;
use crate::exit::Exit;

/// The original's default for `--include`, which says no more than its default for `--exclude`.
const INCLUDE_BY_DEFAULT: &str = "^((?!_heartbeat).)*$";
/// The original's default for `--exclude`.
const EXCLUDE_BY_DEFAULT: &str = "_heartbeat";

/// The options of a command that listens.
#[derive(Debug, Args)]
#[command(next_help_heading = "The messages")]
pub(crate) struct FilterArgs {
    /// Only topics that begin with this, or match this pattern; may be repeated
    #[arg(long, value_name = "PREFIX|PATTERN")]
    topic: Vec<TopicFilter>,

    /// No topics in which this regular expression is found
    #[arg(long, value_name = "REGEX", default_value = EXCLUDE_BY_DEFAULT)]
    exclude: String,

    /// Only topics in which this regular expression is found (look-ahead works)
    #[arg(long, value_name = "REGEX", default_value = INCLUDE_BY_DEFAULT)]
    include: String,

    /// Only messages whose signature is good [validate_signatures]
    #[arg(long, overrides_with = "no_validate")]
    validate: bool,

    /// All messages, whoever sent them
    #[arg(long, overrides_with = "validate")]
    no_validate: bool,
}

impl FilterArgs {
    /// Adds to the settings that the command line makes whether signatures are checked, if that was said.
    pub(crate) fn add_to(&self, flags: &mut Table) {
        if self.validate || self.no_validate {
            flags.insert("validate_signatures".to_owned(), self.validate.into());
        }
    }

    /// Compiles the regular expressions.
    pub(crate) fn filter(&self) -> Result<Filter, Exit> {
        let filter = Filter::new(&self.include, &self.exclude);
        filter.map_err(|error| fail(Exit::Usage, error))
    }

    /// Subscribes to the topics.
    pub(crate) fn subscribe(&self, bus: &Bus) -> Result<Subscriber, Exit> {
        let subscriber = bus.subscribe(self.topic.iter().cloned());
        subscriber.map_err(|error| match error {
            SubscribeError::Trust(_) => fail(Exit::Config, error),
            error => fail(Exit::Unavailable, error),
        })
    }
}

/// Two regular expressions, searched for anywhere in the topic. Look-around works, since the original's
/// own default and its users' filters need it.
#[derive(Debug)]
pub(crate) struct Filter {
    include: Option<Regex>,
    exclude: Regex,
}

impl Filter {
    /// Compiles both.
    pub(crate) fn new(include: &str, exclude: &str) -> Result<Self, BadExpression> {
        let both_default = include == INCLUDE_BY_DEFAULT && exclude == EXCLUDE_BY_DEFAULT;
        let include = (!both_default).then(|| compile("--include", include));
        Ok(Self {
            include: include.transpose()?,
            exclude: compile("--exclude", exclude)?,
        })
    }

    /// Whether a message with this topic is wanted. An expression that gives up (too much backtracking)
    /// counts as not found.
    pub(crate) fn admits(&self, topic: &str) -> bool {
        let found = |regex: &Regex| regex.is_match(topic).unwrap_or(false);
        self.include.as_ref().is_none_or(found) && !found(&self.exclude)
    }
}

fn compile(option: &'static str, expression: &str) -> Result<Regex, BadExpression> {
    Regex::new(expression).map_err(|error| match error {
        Error::ParseError(at, reason) => {
            let next = expression.get(at..).and_then(|rest| rest.chars().next());
            let place = at..at + next.map_or(0, char::len_utf8);
            BadExpression::at(option, expression, place, reason)
        }
        Error::CompileError(error) => {
            let reason = match &*error {
                // Its cause shows the place itself, with the expression.
                CompileError::InnerError(inner) => inner.source().map(ToString::to_string),
                _ => None,
            };
            let reason = reason.unwrap_or_else(|| error.to_string());
            BadExpression::new(option, expression, reason)
        }
        error => BadExpression::new(option, expression, error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(include: &str, exclude: &str, shown: &[&str], hidden: &[&str]) {
        let filter = Filter::new(include, exclude).unwrap();
        shown
            .iter()
            .for_each(|topic| assert!(filter.admits(topic), "{topic}"));
        hidden
            .iter()
            .for_each(|topic| assert!(!filter.admits(topic), "{topic}"));
    }

    #[test]
    fn heartbeats_are_hidden_by_default() {
        check(
            INCLUDE_BY_DEFAULT,
            "_heartbeat",
            &["org.a", ""],
            &["org._heartbeat", "x_heartbeat.y"],
        );
    }

    #[test]
    fn expressions_are_searched_for_anywhere() {
        check(
            "git|bodhi",
            "comment",
            &["org.git.push"],
            &["org.shop", "org.bodhi.comment"],
        );
        check(
            "^((?!askbot).)*$",
            "nothing",
            &["org.git"],
            &["org.askbot.x"],
        );
    }

    #[test]
    fn a_bad_expression_is_named_with_the_place() {
        #[track_caller]
        fn check(expression: &str, expected: &str) {
            let error = compile("--include", expression).unwrap_err().to_string();
            assert!(error.contains(expected), "{expression}: {error}");
        }
        check("ab(", "--include, line 1, column ");
        check("ab(", "\n  ab(\n  ");
        check("[a", "^");
        check("(?<x", "^");
        check(r"\p{Nonsense}", "^");
    }
}
