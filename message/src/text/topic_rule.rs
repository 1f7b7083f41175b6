//! `TopicRule`: which topics a processor knows.
//!
//! Made by [`super::Processors::add`].

use fancy_regex::Regex;

use super::ProcessorError;

/// `<prefix>.<name>`, alone or with more words after it.
#[derive(Debug)]
pub(super) struct TopicRule(Regex);

/// The group with what comes after the name; the prefix may have groups of its own.
const REST: &str = "rest_of_the_topic";

impl TopicRule {
    /// Makes the rule of the processor `name`, in lower case, after a prefix that is a regular
    /// expression. As in Python, whose `$` that is, a line feed at the end does not count.
    pub(super) fn new(prefix: &str, name: &str) -> Result<TopicRule, ProcessorError> {
        let lower_name = name.to_lowercase();
        let lower_name = fancy_regex::escape(&lower_name);
        let expression = format!(r"^(?:{prefix})\.{lower_name}(?:\.(?<{REST}>.*))?\n?\z");
        let regex = Regex::new(&expression).map_err(|error| ProcessorError::Expression {
            processor: name.to_owned(),
            expression: prefix.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(TopicRule(regex))
    }

    /// Returns what comes after the name, which may be nothing; `None` if the topic is somebody
    /// else's, or the expression gives up.
    pub(super) fn rest<'t>(&self, topic: &'t str) -> Option<&'t str> {
        let captures = self.0.captures(topic).ok()??;
        Some(captures.name(REST).map_or("", |rest| rest.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_known_by_its_prefix_and_the_name() {
        #[track_caller]
        fn check(topic: &str, expected: Option<&str>) {
            let rule = TopicRule::new(r"org\.example\.[^\W\d_]+", "Logger").unwrap();
            assert_eq!(rule.rest(topic), expected, "{topic:?}");
        }
        check("org.example.dev.logger.a.b", Some("a.b"));
        check("org.example.dev.logger", Some(""));
        check("org.example.dev.logger.", Some(""));
        check("org.example.dév.logger.a", Some("a"));
        check("org.example.dev.logger.log\n", Some("log"));
        check("org.example.dev.logger.log\n\n", None);
        check("org.example.dev.logger.a\nb", None);
        check("org.example.dev.loggerx.a", None);
        check("org.example.dev1.logger.a", None);
        check("org.example.my_env.logger.x", None);
        check("org.example..logger", None);
        check("org.example.dev.Logger.x", None);
        check("orgxexample.dev.logger.x", None);
        check("org.org.example.dev.logger.x", None);
        check("", None);
    }

    #[test]
    fn a_name_is_no_expression() {
        let rule = TopicRule::new("org", "a.b").unwrap();
        assert_eq!(rule.rest("org.a.b.c"), Some("c"));
        assert_eq!(rule.rest("org.axb.c"), None);
    }

    #[test]
    fn an_expression_may_be_wrong() {
        let error = TopicRule::new("org(", "logger").unwrap_err();
        assert!(matches!(error, ProcessorError::Expression { .. }));
    }
}
