//! `Template`: messages in the words of the user, `--format`.
//!
//! Jinja by minijinja. [`super::form`] renders one message at a time.

use std::fmt::Display;
use std::sync::Arc;

use fedmsg::Envelope;
use fedmsg_message::Value;
use fedmsg_message::text::Processors;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::Value as Variable;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::plain::plain;
use crate::commands::bad_expression::BadExpression;

/// What a template may use up for one message: as many instructions, or 64 times as many bytes of text.
/// Loops within loops over a large message end here.
const FUEL: u64 = 1_000_000;

/// The name of the template, as errors show it.
const NAME: &str = "--format";

/// What a template may name.
const VARIABLES: [&str; 16] = [
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

/// A template and what it says about messages.
#[derive(Debug)]
pub(super) struct Template {
    environment: Environment<'static>,
    processors: Arc<Processors>,
}

impl Template {
    /// Compiles a template. For a terminal the control characters in values are escaped, not those of
    /// the template itself.
    pub(super) fn new(
        source: &str,
        processors: Arc<Processors>,
        is_terminal: bool,
    ) -> Result<Self, BadExpression> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("strftime", strftime);
        if is_terminal {
            environment.set_formatter(|out, _, value| {
                let text = value.to_string();
                Ok(out.write_str(&plain(&text))?)
            });
        }
        environment.set_debug(true); // errors know their place
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| misplaced(source, &error))?;
        let template = environment.get_template(NAME);
        let template = template.map_err(|error| misplaced(source, &error))?;
        let known = |name: &str| {
            VARIABLES.contains(&name) || environment.globals().any(|(global, _)| global == name)
        };
        let unknown = template.undeclared_variables(false);
        if let Some(name) = unknown.iter().filter(|name| !known(name)).min() {
            let at = source.find(&**name).unwrap_or(0);
            let reason = format!("there is no {name}, but {}", VARIABLES.join(", "));
            return Err(BadExpression::at(NAME, source, at..at + name.len(), reason));
        }
        // Names of filters and tests are looked up when they are used: with a message that has nothing.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        if let Err(error) = environment.get_template(NAME).and_then(|it| it.render(()))
            && is_of_template(error.kind())
        {
            return Err(misplaced(source, &error));
        }
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_debug(false); // of no use later, and slow
        Ok(Self {
            environment,
            processors,
        })
    }

    /// Returns the text about a message.
    ///
    /// # Errors
    ///
    /// A value that is not there is printed or looked into, a filter gets what it cannot use, or a limit
    /// is passed.
    pub(super) fn render(&self, envelope: &Envelope) -> Result<String, String> {
        self.environment
            .get_template(NAME)
            .and_then(|template| template.render(self.variables(envelope)))
            .map_err(|error| error.to_string())
    }

    fn variables(&self, envelope: &Envelope) -> Variable {
        let body = envelope.body();
        let reading = self.processors.read(body);
        let mut variables = Vec::with_capacity(VARIABLES.len());
        let mut set = |name: &'static str, value: Variable| variables.push((name, value));
        for name in ["i", "msg", "msg_id", "timestamp", "topic", "username"] {
            if let Some(value) = body.get(name) {
                set(name, variable(value));
            }
        }
        set("body", variable(body));
        set("agent", Variable::from(reading.agent()));
        set("icon", Variable::from(reading.icon()));
        set("link", Variable::from(reading.link().unwrap_or_default()));
        set("long_form", Variable::from(reading.long_form()));
        set("packages", Variable::from_iter(reading.packages()));
        set(
            "processor",
            Variable::from(reading.processor().about().name),
        );
        set("subtitle", Variable::from(reading.subtitle()));
        set("title", Variable::from(reading.title()));
        set("usernames", Variable::from_iter(reading.usernames()));
        Variable::from_pairs(variables)
    }
}

/// Whether a template that fails so fails with every message.
fn is_of_template(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::MissingArgument
            | ErrorKind::TooManyArguments
            | ErrorKind::TemplateNotFound
    )
}

/// Says where the template is wrong; minijinja knows the line at least.
fn misplaced(source: &str, error: &Error) -> BadExpression {
    let reason = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    match (error.range(), error.line()) {
        (Some(range), _) => BadExpression::at(NAME, source, range, reason),
        (None, Some(line)) => {
            let start = source.split_inclusive('\n').take(line - 1).map(str::len);
            let start = start.sum();
            BadExpression::at(NAME, source, start..start, reason)
        }
        (None, None) => BadExpression::new(NAME, source, reason),
    }
}

/// A value as templates see it: U+FFFD for lone surrogates, a float for what is longer than 128 bits.
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

/// The filter `strftime`: seconds since the epoch as local time, `{{ timestamp | strftime("%F %T") }}`.
fn strftime(seconds: f64, format: &str) -> Result<String, Error> {
    let invalid = |error: &dyn Display| Error::new(ErrorKind::InvalidOperation, error.to_string());
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time out of range saturates, and is refused then"
    )]
    let time = Timestamp::from_millisecond((seconds * 1000.0) as i64);
    let local = time
        .map_err(|error| invalid(&error))?
        .to_zoned(TimeZone::system());
    jiff::fmt::strtime::format(format, &local).map_err(|error| invalid(&error))
}

#[cfg(test)]
mod tests;
