//! `TopicTemplate`: under which topic a producer publishes, with what it knows put in.
//!
//! A parameter of every kind that publishes by template; [`crate::announcer`] renders it.

use std::borrow::Cow;

use fedmsg_message::text::{Template, TemplateError, Variables};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::announcer::VARIABLES;

/// Why there is no topic.
#[derive(Debug, Error)]
pub enum TopicTemplateError {
    /// The template is none, or cannot be rendered with what there is.
    #[error("topic: {0}")]
    Template(#[from] TemplateError),
    /// What it makes is no topic.
    #[error(
        "topic {0:?}: expected at least two words joined by dots, such as \"wiki.edit\"; \
         the prefix and the environment come before them"
    )]
    TooShort(String),
}

/// What comes after `<topic_prefix>.<environment>.` in a topic: at least two words, with templates.
///
/// It may name `count`, `now`, `now_ms`, `iso`, `host`, `user`, `process`, `pid`, `name`, `environment`
/// and `msg`, the payload. What no topic can have (blanks, control characters, `*`, `#`) becomes `_`, and
/// so does a word that is empty: a payload comes from who knows where.
///
/// ```
/// use fedmsg_producers::TopicTemplate;
///
/// assert!("wiki.{{ msg.kind }}".parse::<TopicTemplate>().is_ok());
/// let error = "wiki.{{ mgs.kind }}".parse::<TopicTemplate>().unwrap_err();
/// assert!(error.to_string().starts_with("topic: line 1, column 9: there is no mgs"));
/// ```
#[derive(Debug, Clone)]
pub struct TopicTemplate(Template);

impl std::str::FromStr for TopicTemplate {
    type Err = TopicTemplateError;

    fn from_str(source: &str) -> Result<Self, TopicTemplateError> {
        let template = Template::compile(source, &[&VARIABLES[..], &["msg"]].concat())?;
        if !source.contains('{') {
            check(source)?;
        }
        Ok(Self(template))
    }
}

impl TopicTemplate {
    /// Returns the topic with these values.
    pub(crate) fn render(&self, variables: &Variables) -> Result<String, TopicTemplateError> {
        let topic = sanitized(self.0.render(variables)?.trim());
        check(&topic)?;
        Ok(topic)
    }
}

impl<'de> Deserialize<'de> for TopicTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        source.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for TopicTemplate {
    fn schema_name() -> Cow<'static, str> {
        "TopicTemplate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "template", "type": "string", "examples": ["{{ name }}.news"] })
    }

    fn inline_schema() -> bool {
        true
    }
}

fn check(topic: &str) -> Result<(), TopicTemplateError> {
    if topic.split('.').count() < 2 || topic != sanitized(topic) {
        return Err(TopicTemplateError::TooShort(topic.to_owned()));
    }
    Ok(())
}

/// Puts `_` for what no topic can have.
fn sanitized(topic: &str) -> String {
    let is_allowed = |c: char| !c.is_whitespace() && !c.is_control() && c != '*' && c != '#';
    let words = topic.split('.').map(|word| match word {
        "" => "_".to_owned(),
        word => word
            .chars()
            .map(|c| if is_allowed(c) { c } else { '_' })
            .collect(),
    });
    words.collect::<Vec<String>>().join(".")
}

#[cfg(test)]
mod tests {
    use fedmsg::json::Value;

    use super::*;
    use crate::announcer::AnnounceError;

    #[test]
    fn what_a_payload_brings_along_is_made_fit_for_a_topic() {
        #[track_caller]
        fn check(template: &str, msg: &str, expected: Option<&str>) {
            let msg = Value::parse(msg.as_bytes()).unwrap();
            let variables = Variables::new().with("name", "n").with_json("msg", &msg);
            let topic = template.parse::<TopicTemplate>().unwrap();
            assert_eq!(topic.render(&variables).ok().as_deref(), expected);
        }
        check("a.b", "1", Some("a.b"));
        check("{{ name }}.{{ msg.k }}", r#"{"k": "x y"}"#, Some("n.x_y"));
        check("a.{{ msg.k }}", r#"{"k": "*\n.#"}"#, Some("a.__._"));
        check("a.{{ msg.k }}", r#"{"k": ""}"#, Some("a._"));
        check("a.{{ msg.k }}", "{}", None);
        check("{{ msg }}", r#""word""#, None);
        check("{{ msg }}", r#""two.words""#, Some("two.words"));
    }

    #[test]
    fn what_a_payload_does_not_have_is_named_with_the_parameter() {
        let topic: TopicTemplate = "a.{{ msg.k }}".parse().unwrap();
        let variables = Variables::new().with_json("msg", &Value::parse(b"{}").unwrap());
        let error = AnnounceError::from(topic.render(&variables).unwrap_err()).to_string();
        assert!(
            error.starts_with("params.topic: line 1, column "),
            "{error}"
        );
        assert!(error.ends_with("`msg.k` is undefined"), "{error}");
    }

    #[test]
    fn what_can_never_be_a_topic_is_refused_at_once() {
        for bad in ["", "word", "a. b", "a..b", "a.*", "{{ who }}.x", "{{ a.b"] {
            assert!(bad.parse::<TopicTemplate>().is_err(), "{bad}");
        }
    }
}
