//! What the original's `fedmsg-config` prints: all settings as JSON, or one in the form for scripts.
//!
//! [`super::run`] calls it. Rules: fedmsg hub specification, section 5.13.

use std::fmt::Write as _;

use fedmsg_config::Listing;
use fedmsg_message::json;
use serde::Serialize;
use toml::Value;

use super::{fail, find};
use crate::exit::Exit;

/// Returns all settings, or the one at `query`.
pub(super) fn text(listing: &Listing, query: Option<&str>) -> Result<String, Exit> {
    let Some(path) = query else {
        return pretty(listing.table());
    };
    let (_, value) = find(listing, path)?;
    match value {
        Value::Array(items) => Ok(items.iter().map(|item| line(&bare(item))).collect()),
        Value::Table(_) => pretty(value),
        value => Ok(line(&bare_or_json(value))),
    }
}

/// Returns JSON, indented by two, with a newline.
pub(super) fn pretty(value: &impl Serialize) -> Result<String, Exit> {
    let text = json::to_value(value).and_then(|value| json::to_pretty(&value));
    text.map(|text| line(&text))
        .map_err(|error| fail(Exit::Software, error))
}

fn line(text: &str) -> String {
    format!("{text}\n")
}

/// A text as it is, a number or a boolean as JSON.
fn bare_or_json(value: &Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        value => bare(value),
    }
}

/// The item of a list as Python's `str` writes it.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => representation(value),
    }
}

/// A value as Python's `repr` writes it. Values of a configuration are as deep as TOML allows.
fn representation(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(representation).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let entries = table.iter();
            let entries =
                entries.map(|(key, value)| format!("{}: {}", quoted(key), representation(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        // TOML and Python write numbers alike, and Python has no dates of TOML.
        value => value.to_string(),
    }
}

/// A string literal: in single quotes, unless it has some and no double ones.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut literal = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c == quote => literal.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(literal, "\\x{:02x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push(quote);
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_a_list_is_written_as_python_writes_it() {
        let check = |toml: &str, expected: &str| {
            assert_eq!(bare(&toml.parse::<Value>().unwrap()), expected, "{toml}");
        };
        check("'it''s'".replace("''", "\u{2019}").as_str(), "it\u{2019}s");
        check("\"tcp://a:1\"", "tcp://a:1");
        check("\"a\\nb\"", "a\nb");
        check("true", "True");
        check("false", "False");
        check("5", "5");
        check("0.5", "0.5");
        check("2.0", "2.0");
        check("['a', \"it's\", 'é']", "['a', \"it's\", 'é']");
        check("[\"\\u0001\\\\\\\"'\"]", r#"['\x01\\"\'']"#);
        check(
            "{ a = [1, true], 'b.c' = {} }",
            "{'a': [1, True], 'b.c': {}}",
        );
    }

    #[test]
    fn a_boolean_by_itself_is_json() {
        assert_eq!(bare_or_json(&Value::Boolean(true)), "true");
        assert_eq!(bare_or_json(&Value::from("x")), "x");
        assert_eq!(bare_or_json(&Value::Float(0.5)), "0.5");
    }
}
