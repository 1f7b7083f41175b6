//! Which topics a command takes: regular expressions to include and to exclude.
//!
//! `fedmsg-tail` shows what it admits, `fedmsg-trigger` runs a command for it.

use anyhow::Context as _;
use fancy_regex::Regex;

/// The original's default for `--include`, which says no more than its default for `--exclude`.
const INCLUDE_BY_DEFAULT: &str = "^((?!_heartbeat).)*$";

/// Two regular expressions, searched for anywhere in the topic. Look-around works, since the original's
/// own default and its users' filters need it.
#[derive(Debug)]
pub(crate) struct Filter {
    include: Option<Regex>,
    exclude: Regex,
}

impl Filter {
    /// Compiles both; the error names the option and the position.
    pub(crate) fn new(include: &str, exclude: &str) -> Result<Self, anyhow::Error> {
        let both_default = include == INCLUDE_BY_DEFAULT && exclude == "_heartbeat";
        let include = (!both_default)
            .then(|| Regex::new(include).with_context(|| format!("--include {include}")))
            .transpose()?;
        let exclude = Regex::new(exclude).with_context(|| format!("--exclude {exclude}"))?;
        Ok(Self { include, exclude })
    }

    /// Whether a message with this topic is wanted. An expression that gives up (too much backtracking)
    /// counts as not found.
    pub(crate) fn admits(&self, topic: &str) -> bool {
        let found = |regex: &Regex| regex.is_match(topic).unwrap_or(false);
        self.include.as_ref().is_none_or(found) && !found(&self.exclude)
    }
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
    fn a_bad_expression_is_named() {
        let error = Filter::new("(", "x").unwrap_err();
        assert!(format!("{error:#}").starts_with("--include ("), "{error:#}");
        assert!(Filter::new("x", "[").is_err());
    }
}
