//! `TopicFilter`: what `fedmsg-tail --topic` takes.
//!
//! Written on the command line by people who know the original tool.

use std::fmt;
use std::str::FromStr;

use crate::{PatternError, TopicPattern};

/// A choice of topics as the original's `--topic` has it, with the patterns of [`TopicPattern`] as
/// soon as there is a wildcard.
///
/// | text | as a filter | as a [`TopicPattern`] |
/// |---|---|---|
/// | `org.t` | starts with `org.t`: `org.t.x` **and `org.tt`** | `org.t` and below, not `org.tt` |
/// | `org.t.` | everything below `org.t` | below an empty segment: `org.t.`, `org.t..x` |
/// | `bod` | `bodhi.x` too | `bod` and below |
/// | empty | everything | everything |
/// | `org.t.*`, `#.bodhi.#` | a pattern | the same |
///
/// The plain prefix is the original's (fedmsg wire specification §4: the argument is the ZeroMQ
/// subscription itself); configuration uses [`TopicPattern`] alone.
///
/// ```
/// use fedmsg_message::TopicFilter;
///
/// assert!("org.t".parse::<TopicFilter>()?.matches("org.tt"));
/// assert!(!"org.t.#".parse::<TopicFilter>()?.matches("org.tt"));
/// # Ok::<(), fedmsg_message::PatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TopicFilter {
    /// Topics that start with these characters.
    Prefix(String),
    /// Topics that match.
    Pattern(TopicPattern),
}

impl TopicFilter {
    /// Returns whether the filter lets a topic through.
    pub fn matches(&self, topic: &str) -> bool {
        match self {
            TopicFilter::Prefix(prefix) => topic.starts_with(prefix.as_str()),
            TopicFilter::Pattern(pattern) => pattern.matches(topic),
        }
    }

    /// Returns the longest text that every topic let through starts with, for `ZMQ_SUBSCRIBE`.
    pub fn literal_prefix(&self) -> &str {
        match self {
            TopicFilter::Prefix(prefix) => prefix,
            TopicFilter::Pattern(pattern) => pattern.literal_prefix(),
        }
    }
}

impl Default for TopicFilter {
    /// Returns the filter that lets everything through.
    fn default() -> TopicFilter {
        TopicFilter::Prefix(String::new())
    }
}

impl FromStr for TopicFilter {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<TopicFilter, PatternError> {
        if text.contains(['*', '#']) {
            text.parse().map(TopicFilter::Pattern)
        } else {
            Ok(TopicFilter::Prefix(text.to_owned()))
        }
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TopicFilter::Prefix(prefix) => fmt::Display::fmt(prefix, formatter),
            TopicFilter::Pattern(pattern) => fmt::Display::fmt(pattern, formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_wildcard_it_is_a_prefix_and_with_one_a_pattern() {
        #[track_caller]
        fn check(filter: &str, prefix: &str, matching: &[&str], other: &[&str]) {
            let filter: TopicFilter = filter.parse().unwrap();
            assert_eq!(filter.literal_prefix(), prefix);
            for topic in matching {
                assert!(filter.matches(topic), "{filter} does not match {topic}");
                assert!(
                    topic.starts_with(prefix),
                    "{prefix} is not the prefix of {topic}"
                );
            }
            for topic in other {
                assert!(!filter.matches(topic), "{filter} matches {topic}");
            }
        }
        check("", "", &["", "a", "org.t"], &[]);
        check(
            "org.t",
            "org.t",
            &["org.t", "org.t.x", "org.tt"],
            &["org", "x.org.t"],
        );
        check(
            "org.t.",
            "org.t.",
            &["org.t.", "org.t.x"],
            &["org.t", "org.tt"],
        );
        check(
            "org.t.*",
            "org.t.",
            &["org.t.", "org.t.x", "org.t.x.y"],
            &["org.t", "org.tt"],
        );
        check("*", "", &["", "a", "a.b"], &[]);
        check("#.bodhi.#", "", &["bodhi", "a.bodhi.b"], &["bodhix", "a"]);
        assert_eq!(TopicFilter::default(), "".parse().unwrap());
    }

    #[test]
    fn a_wildcard_inside_a_segment_is_refused() {
        let error = "org.bodhi*".parse::<TopicFilter>().unwrap_err();
        assert!(
            matches!(error, PatternError::PartialWildcard { .. }),
            "{error}"
        );
    }
}
