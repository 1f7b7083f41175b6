//! `MsgTemplate`: a payload in whose texts there are templates.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Display;

use fedmsg::json::{Object, Text, Value};
use fedmsg_actors::BoxError;
use fedmsg_message::text::{Template, Variables};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::announcer::VARIABLES;

/// A text of a payload that is no template, or cannot be rendered.
#[derive(Debug, Error)]
#[error("{}{}{source}", pointer, if pointer.is_empty() { "" } else { ": " })]
struct Misfit {
    /// Where in the payload, as a JSON pointer; that to all of it is empty.
    pointer: String,
    source: BoxError,
}

impl Misfit {
    fn new(source: impl Into<BoxError>) -> Self {
        Self {
            pointer: String::new(),
            source: source.into(),
        }
    }

    /// The same, within what is at `key`.
    fn below(mut self, key: &dyn Display) -> Self {
        self.pointer.insert_str(0, &format!("/{key}"));
        self
    }
}

/// A payload with templates in its texts. A text that is one expression becomes what that is.
///
/// ```
/// use fedmsg_producers::MsgTemplate;
///
/// let msg: Result<MsgTemplate, _> = serde_json::from_str(r#"{"n": "{{ count }}", "fixed": [1, true]}"#);
/// assert!(msg.is_ok());
/// let msg: Result<MsgTemplate, _> = serde_json::from_str(r#"{"n": "{{ cuont }}"}"#);
/// let error = msg.unwrap_err().to_string();
/// assert!(error.contains("/n: line 1, column 4: there is no cuont"), "{error}");
/// ```
#[derive(Debug, Clone)]
pub struct MsgTemplate(Node);

#[derive(Debug, Clone)]
enum Node {
    Fixed(Value),
    /// Becomes a text.
    Text(Template),
    /// Becomes JSON: an expression that is shown as such.
    Json(Template),
    List(Vec<Node>),
    Table(Vec<(Text, Node)>),
}

impl MsgTemplate {
    /// Returns the payload with these values.
    pub(super) fn render(&self, variables: &Variables) -> Result<Value, impl Error + use<>> {
        render(&self.0, variables)
    }
}

fn render(node: &Node, variables: &Variables) -> Result<Value, Misfit> {
    let text = |template: &Template| template.render(variables).map_err(Misfit::new);
    Ok(match node {
        Node::Fixed(value) => value.clone(),
        Node::Text(template) => text(template)?.into(),
        Node::Json(template) => Value::parse(text(template)?.as_bytes()).map_err(Misfit::new)?,
        Node::List(nodes) => {
            let items = nodes.iter().enumerate().map(|(index, node)| {
                render(node, variables).map_err(|misfit| misfit.below(&index))
            });
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Node::Table(members) => {
            let mut object = Object::new();
            for (key, node) in members {
                let value = render(node, variables);
                let value = value.map_err(|misfit| misfit.below(&key.to_string_lossy()))?;
                object.insert(key.clone(), value);
            }
            Value::Object(object)
        }
    })
}

fn compile(value: Value, pointer: &str) -> Result<Node, Misfit> {
    Ok(match value {
        Value::String(text) => {
            let text = text.to_string_lossy();
            if !text.contains('{') {
                return Ok(Node::Fixed(Value::from(&*text)));
            }
            let compile = |source: &str| {
                Template::compile(source, &VARIABLES).map_err(|source| Misfit {
                    pointer: pointer.to_owned(),
                    source: source.into(),
                })
            };
            // As it was written first: errors have the places in that.
            let template = compile(&text)?;
            match expression(&text) {
                Some(inner) => Node::Json(compile(&format!("{{{{ ({inner}) | tojson }}}}"))?),
                None => Node::Text(template),
            }
        }
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            let nodes = items.map(|(index, item)| compile(item, &format!("{pointer}/{index}")));
            Node::List(nodes.collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let nodes = members.into_iter().map(|(key, value)| {
                let below = format!("{pointer}/{}", key.to_string_lossy());
                Ok((key, compile(value, &below)?))
            });
            Node::Table(nodes.collect::<Result<_, _>>()?)
        }
        fixed => Node::Fixed(fixed),
    })
}

/// The expression of a text that is nothing else.
fn expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
    let is_one = ["{{", "}}", "{%", "{#"]
        .iter()
        .all(|mark| !inner.contains(mark));
    is_one.then(|| inner.trim())
}

impl<'de> Deserialize<'de> for MsgTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        compile(value, "").map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for MsgTemplate {
    fn schema_name() -> Cow<'static, str> {
        "MsgTemplate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "any value with templates", "examples": [{ "text": "{{ host }} is up" }] })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use fedmsg::json::to_spaced;

    use super::*;

    #[test]
    fn a_text_that_is_no_template_is_named_with_its_place() {
        #[track_caller]
        fn check(msg: &str, expected: &str) {
            let error = serde_json::from_str::<MsgTemplate>(msg).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        check(r#""{{ cuont }}""#, "line 1, column 4: there is no cuont");
        check(
            r#"["{{ cuont }}"]"#,
            "/0: line 1, column 4: there is no cuont",
        );
    }

    #[test]
    fn what_cannot_be_rendered_is_named_with_its_place() {
        let msg = r#"{"a": [1, {"b": "{{ count }} {{ 1 // (count - 3) }}"}], "c": "{{ count }}"}"#;
        let template: MsgTemplate = serde_json::from_str(msg).unwrap();
        let variables = Variables::new().with("count", 3);
        let error = template.render(&variables).unwrap_err().to_string();
        assert!(error.starts_with("/a/1/b: line 1, column "), "{error}");
        let error = template.render(&Variables::new()).unwrap_err().to_string();
        assert!(error.ends_with("`count` is undefined"), "{error}");
    }

    #[test]
    fn texts_become_texts_and_single_expressions_what_they_are() {
        #[track_caller]
        fn check(msg: &str, expected: &str) {
            let variables = Variables::new().with("count", 3).with("host", "<a & b>");
            let template: MsgTemplate = serde_json::from_str(msg).unwrap();
            let msg = template.render(&variables).unwrap();
            assert_eq!(to_spaced(&msg).unwrap(), expected);
        }
        check(
            r#"{"b": 1, "a": [true, null, 1.5]}"#,
            r#"{"b": 1, "a": [true, null, 1.5]}"#,
        );
        check(r#""{{ count }}""#, "3");
        check(r#"" {{- count - 1 -}} ""#, "2");
        check(r#""{{ count }} ""#, "3");
        check(r#""n={{ count }}""#, r#""n=3""#);
        check(r#""{{ count }}{{ count }}""#, r#""33""#);
        check(r#""{{ host }}""#, r#""<a & b>""#);
        check(r#""{{ [host, count > 2] }}""#, r#"["<a & b>", true]"#);
        check(r#""{% if count > 2 %}yes{% endif %}""#, r#""yes""#);
        check(r#"{"{{ count }}": "}{"}"#, r#"{"{{ count }}": "}{"}"#);
    }
}
