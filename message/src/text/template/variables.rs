//! `Variables`: what a template can name, with its value.
//!
//! Filled by whoever renders a [`super::Template`].

use std::collections::BTreeMap;

use minijinja::value::Value as Variable;

use super::Template;
use crate::envelope::Envelope;
use crate::json::Value;
use crate::text::Processors;

/// What [`Variables::of_message`] knows, sorted: what a template for messages may name.
pub const MESSAGE_VARIABLES: [&str; 16] = [
    "agent",
    "body",
    "i",
    "icon",
    "link",
    "long_form",
    "msg",
    "msg_id",
    "packages",
    "processor",
    "subtitle",
    "timestamp",
    "title",
    "topic",
    "username",
    "usernames",
];

/// The values that a template is rendered with, by their names.
///
/// ```
/// use fedmsg_message::json::Value;
/// use fedmsg_message::text::{Template, Variables};
///
/// let sale = Value::parse(br#"{"item": "tea", "tags": ["green", "loose"]}"#)?;
/// let variables = Variables::new().with("n", 3).with_json("sale", &sale);
/// let template = Template::compile("{{ n }} {{ sale.tags | join(', ') }}", &["n", "sale"])?;
/// assert_eq!(template.render(&variables)?, "3 green, loose");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<&'static str, Variable>);

impl Variables {
    /// Returns no variables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what `template` names of a message, see [`MESSAGE_VARIABLES`]: `topic`, `msg`, `msg_id`,
    /// `timestamp`, `i` and `username` where the message has them, `body`, all of it, and what
    /// `processors` say about it.
    #[must_use]
    pub fn of_message(envelope: &Envelope, processors: &Processors, template: &Template) -> Self {
        let body = envelope.body();
        let reading = processors.read(body);
        let mut variables = Self::new();
        for name in MESSAGE_VARIABLES {
            if !template.uses(name) {
                continue;
            }
            let value = match name {
                "body" => variable(body),
                "agent" => Variable::from(reading.agent()),
                "icon" => Variable::from(reading.icon()),
                "link" => Variable::from(reading.link().unwrap_or_default()),
                "long_form" => Variable::from(reading.long_form()),
                "packages" => Variable::from_iter(reading.packages()),
                "processor" => Variable::from(reading.processor().about().name),
                "subtitle" => Variable::from(reading.subtitle()),
                "title" => Variable::from(reading.title()),
                "usernames" => Variable::from_iter(reading.usernames()),
                of_body => match body.get(of_body) {
                    Some(value) => variable(value),
                    None => continue,
                },
            };
            variables.0.insert(name, value);
        }
        variables
    }

    /// Adds a number, a text, or whatever else of Rust is a value of minijinja.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Variable>) -> Self {
        self.0.insert(name, value.into());
        self
    }

    /// Adds a value of JSON: U+FFFD stands for lone surrogates, a float for what is longer than 128 bits.
    #[must_use]
    pub fn with_json(mut self, name: &'static str, value: &Value) -> Self {
        self.0.insert(name, variable(value));
        self
    }

    pub(super) fn value(&self) -> Variable {
        let values = self.0.iter();
        Variable::from_pairs(values.map(|(name, value)| (*name, value.clone())))
    }
}

fn variable(value: &Value) -> Variable {
    match value {
        Value::Null => Variable::from(()),
        Value::Bool(bool) => Variable::from(*bool),
        Value::Float(float) => Variable::from(*float),
        Value::Int(int) => match (int.as_i64(), int.as_i128()) {
            (Some(int), _) => Variable::from(int),
            (None, Some(int)) => Variable::from(int),
            (None, None) => Variable::from(int.as_f64()),
        },
        Value::String(text) => Variable::from(&*text.to_string_lossy()),
        Value::Array(items) => items.iter().map(variable).collect(),
        Value::Object(members) => {
            let members = members.iter();
            Variable::from_pairs(
                members
                    .map(|(key, value)| (Variable::from(&*key.to_string_lossy()), variable(value))),
            )
        }
    }
}
