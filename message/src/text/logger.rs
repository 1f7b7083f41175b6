//! The processor for what `fedmsg-logger` publishes.
//!
//! Built into [`super::Processors`]. Payload: `{"log": "…"}`, or any JSON at all (fedmsg wire
//! specification §6.4).

use std::collections::BTreeSet;
use std::fmt;

use super::python::to_text;
use super::{About, Missing, Processor, sender};
use crate::json::writer::{self, Style};
use crate::json::{Object, Value};

/// Knows lines of a log, and JSON in their place.
pub(super) struct Logger;

/// How long the JSON in a long form may be, in bytes; of a longer one the rest is cut off and marked.
/// Indentation can make a payload a thousand times as long as it was.
const LONGEST: usize = 64 * 1024;

impl Processor for Logger {
    fn about(&self) -> About<'_> {
        About {
            name: "logger",
            description: "shell scripts",
            link: "https://fedmsg.readthedocs.io",
            docs: "https://fedmsg.readthedocs.io",
            obj: "log messages",
            ..About::default()
        }
    }

    fn subtitle(&self, message: &Value) -> Result<String, Missing> {
        if !is_log(message)? {
            return Ok("<unhandled log message>".to_owned());
        }
        let log = match log(message)? {
            Some(log) => text(log)?,
            None => "<custom JSON message>".into(),
        };
        let user = message.get("username").map(to_text);
        let user = user.unwrap_or_else(|| "none".to_owned());
        Ok(format!("{log} ({user})"))
    }

    fn long_form(&self, message: &Value) -> Result<String, Missing> {
        if !is_log(message)? || log(message)?.is_some() {
            return Ok(String::new());
        }
        let user = message.get("username").map(to_text);
        let user = user.unwrap_or_else(|| "(None)".to_owned());
        let payload = message.get("msg").ok_or(Missing)?;
        let payload = indented(payload);
        Ok(format!(
            "A custom JSON message was logged by {user}::\n\n{payload}"
        ))
    }

    fn subjective(&self, message: &Value, subject: Option<&str>) -> Result<String, Missing> {
        let user = message.get("username").ok_or(Missing)?;
        if subject.is_none() || user.as_str() != subject {
            return Ok(String::new());
        }
        let log = log(message)?.ok_or(Missing)?;
        Ok(format!("you logged \"{}\"", to_text(log)))
    }

    fn usernames(&self, message: &Value) -> BTreeSet<String> {
        sender(message)
    }
}

/// Whether it is a line of a log; the original looks for this text anywhere in the topic.
fn is_log(message: &Value) -> Result<bool, Missing> {
    let topic = message.get("topic").and_then(Value::as_str);
    Ok(topic.ok_or(Missing)?.contains("logger.log"))
}

/// The member `log` of the payload. A payload that only contains the word, as a text or as an item, is
/// as bad as none: the original fails with it.
fn log(message: &Value) -> Result<Option<&Value>, Missing> {
    match message.get("msg").ok_or(Missing)? {
        Value::Object(payload) => Ok(payload.get("log")),
        Value::Array(items) if !items.contains(&Value::from("log")) => Ok(None),
        Value::String(text) if !text.to_string_lossy().contains("log") => Ok(None),
        _ => Err(Missing),
    }
}

fn text(value: &Value) -> Result<std::borrow::Cow<'_, str>, Missing> {
    Ok(value.as_text().ok_or(Missing)?.to_string_lossy())
}

/// The payload as the member `msg` of an object, without the brackets of that, and not too long.
fn indented(payload: &Value) -> String {
    struct Wide;
    impl Style for Wide {
        const ITEM_SEPARATOR: &str = ",";
        const KEY_SEPARATOR: &str = ": ";
        const INDENT: Option<&str> = Some("    ");
    }
    let object = Value::Object(Object::from_iter([("msg", payload.clone())]));
    let mut out = Limited(String::new());
    let whole = writer::write::<Wide>(&mut out, &object).is_ok();
    let Limited(mut text) = out;
    if whole {
        text.truncate(text.trim_end_matches("\n}").len());
    } else {
        text.push('…');
    }
    text.trim_start_matches("{\n").to_owned()
}

/// A text that takes no more when it is long enough.
struct Limited(String);

impl fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_form_is_not_longer_than_it_may_be() {
        let payload = format!("{}1{}", "[".repeat(400), ",1]".repeat(400));
        let text = indented(&Value::parse_str(&payload).unwrap());
        assert!(text.len() <= LONGEST + '…'.len_utf8() && text.ends_with('…'));
        let text = indented(&Value::parse_str("{\"a\": {}}").unwrap());
        assert_eq!(text, "    \"msg\": {\n        \"a\": {}\n    }");
    }
}
