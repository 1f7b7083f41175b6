//! Values as Python's `str` shows them, since texts of the original have them so.
//!
//! Called by the built-in processors for what should be a text and is not.

use std::fmt::Write as _;

use crate::json::{self, Text, Value};

/// Returns a string as it is (U+FFFD for a lone surrogate), everything else as Python's `str` does:
/// `None`, `True`, `['a', 1.5]`, `{'k': nan}`. But of the characters in there that cannot be printed only
/// controls are escaped.
pub(super) fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string_lossy().into_owned(),
        other => {
            let mut out = String::new();
            write(&mut out, other);
            out
        }
    }
}

/// Returns whether Python takes the value for "nothing": `None`, `False`, zero, and what is empty. An
/// empty text is left out, for it is a text already.
pub(super) fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::String(_) => false,
        Value::Int(_) | Value::Float(_) => value.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Float(float) if float.is_nan() => out.push_str("nan"),
        Value::Float(float) if float.is_infinite() => {
            out.push_str(if *float > 0.0 { "inf" } else { "-inf" });
        }
        // Python writes finite numbers as in JSON.
        Value::Int(_) | Value::Float(_) => {
            out.push_str(&json::to_spaced(value).unwrap_or_default());
        }
        Value::String(text) => write_quoted(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_quoted(out, key);
                out.push_str(": ");
                write(out, value);
            }
            out.push('}');
        }
    }
}

/// In single quotes, unless there are some in the text and no double ones.
fn write_quoted(out: &mut String, text: &Text) {
    let text = text.to_string_lossy();
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            it if it == quote => {
                out.push('\\');
                out.push(it);
            }
            it if it.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(it));
            }
            it => out.push(it),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_python_does() {
        #[track_caller]
        fn check(json: &str, expected: &str) {
            assert_eq!(to_text(&Value::parse_str(json).unwrap()), expected);
        }
        check(r#""it's""#, "it's");
        check(r#""a\ud83d""#, "a\u{fffd}");
        check(
            r#"[null, true, false, 1, -2.50, 1e22, NaN, -Infinity]"#,
            "[None, True, False, 1, -2.5, 1e+22, nan, -inf]",
        );
        check(
            r#"{"k": {}, "it's": ["\"", "é"]}"#,
            r#"{'k': {}, "it's": ['"', 'é']}"#,
        );
        check(r#"["'\"", "\\\n\t\r\u0007"]"#, r#"['\'"', '\\\n\t\r\x07']"#);
        check("[]", "[]");
    }
}
