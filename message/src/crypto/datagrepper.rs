//! Undoes what the archive adds to messages, so that their signatures can be checked again.
//!
//! For whoever reads messages back from datagrepper: consumers that catch up after a restart.

use crate::json::{Int, Object, Value};

/// What the archive adds to every message; both are there, or it is not from the archive.
const MARKS: [&str; 2] = ["source_name", "source_version"];

/// What newer versions of the archive add, too.
const ADDITIONS: [&str; 3] = ["users", "packages", "agent_name"];

/// Makes of a message that the archive datagrepper returned what was signed, as far as possible
/// (fedmsg wire specification §3.9).
///
/// Only if both `source_name` and `source_version` are there: they are removed, as are `users`,
/// `packages` and `agent_name`, and `headers` if there is nothing in it; `timestamp` becomes an
/// integer. Any other message is left alone. Whether it was signed with empty `headers` or a
/// fractional `timestamp` is lost, and such a message cannot be verified.
///
/// ```
/// use fedmsg_message::fix_datagrepper_message;
/// use fedmsg_message::json::Value;
///
/// let mut message = Value::parse(br#"{
///     "source_name": "datanommer", "source_version": "0.6.4", "headers": {},
///     "timestamp": 1500000000.0, "topic": "t"
/// }"#)?;
/// message.as_object_mut().map(fix_datagrepper_message);
/// assert_eq!(message, Value::parse(br#"{"timestamp": 1500000000, "topic": "t"}"#)?);
/// # Ok::<(), fedmsg_message::json::JsonError>(())
/// ```
pub fn fix_datagrepper_message(message: &mut Object) {
    if !MARKS.iter().all(|mark| message.contains_key(mark)) {
        return;
    }
    for added in MARKS.iter().chain(&ADDITIONS) {
        message.remove(added);
    }
    if message.get("headers").is_some_and(is_nothing) {
        message.remove("headers");
    }
    if let Some(timestamp) = message.get_mut("timestamp")
        && let Some(whole) = whole(timestamp)
    {
        *timestamp = Value::Int(whole);
    }
}

/// Returns whether Python takes the value for false.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(bool) => !bool,
        Value::Int(int) => *int == Int::from(0),
        Value::Float(float) => *float == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
    }
}

/// Returns the value as Python's `int` has it; nothing where that is an error.
fn whole(value: &Value) -> Option<Int> {
    match value {
        Value::Bool(bool) => Some(Int::from(i32::from(*bool))),
        Value::Int(int) => Some(int.clone()),
        // Exact: no digit behind the point means all before it.
        Value::Float(float) if float.is_finite() => format!("{:.0}", float.trunc()).parse().ok(),
        Value::String(text) => text.as_str()?.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::to_canonical;

    #[track_caller]
    fn check(input: &Value, expected: &Value) {
        let mut message = input.clone();
        fix_datagrepper_message(message.as_object_mut().unwrap());
        // Canonical text, because equality of values does not tell `1` from `1`, but not `1.0`.
        assert_eq!(to_canonical(&message), to_canonical(expected), "{input:?}");
    }

    #[test]
    fn messages_from_the_archive_are_repaired_as_by_the_original() {
        for case in fixture::cases("utils/fix_datagrepper_message.json", "cases") {
            let parse = |key| Value::parse_str(fixture::text(&case, key)).unwrap();
            check(&parse("input_json"), &parse("output_json"));
        }
        for case in fixture::cases("wire-vectors.json", "fix_datagrepper") {
            check(case.get("in").unwrap(), case.get("out").unwrap());
        }
    }

    #[test]
    fn what_newer_archives_add_is_removed_too() {
        let marked = |rest: &str| {
            let text = format!(r#"{{"source_name":"d","source_version":"1",{rest}}}"#);
            Value::parse_str(&text).unwrap()
        };
        let plain = |text: &str| Value::parse_str(text).unwrap();
        check(
            &marked(r#""users":["a"],"packages":[],"agent_name":"a","username":"b""#),
            &plain(r#"{"username":"b"}"#),
        );
        check(&plain(r#"{"users":["a"]}"#), &plain(r#"{"users":["a"]}"#));
        check(
            &marked(r#""timestamp":-1.9"#),
            &plain(r#"{"timestamp":-1}"#),
        );
        check(
            &marked(r#""timestamp":1e22"#),
            &plain(r#"{"timestamp":10000000000000000000000}"#),
        );
        check(
            &marked(r#""timestamp":NaN"#),
            &plain(r#"{"timestamp":NaN}"#),
        );
        check(
            &marked(r#""timestamp":"soon""#),
            &plain(r#"{"timestamp":"soon"}"#),
        );
        check(
            &marked(r#""timestamp":null"#),
            &plain(r#"{"timestamp":null}"#),
        );
        check(&marked(r#""headers":[]"#), &plain("{}"));
        check(
            &marked(r#""headers":{"a":0}"#),
            &plain(r#"{"headers":{"a":0}}"#),
        );
    }
}
