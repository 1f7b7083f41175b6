//! What a program is told of its message by variables of its environment.
//!
//! Whoever runs a [`super::Command`] for a message hands these over.

use fedmsg_message::{Envelope, Value, to_canonical};

/// The longest value; the system takes 128 KiB (MAX_ARG_STRLEN of Linux), together with the name, and a
/// topic may be much longer.
const LONGEST: usize = 32 * 1024;

/// Variables of the environment; one without a value is to be taken out of it.
pub type Variables = [(&'static str, Option<String>)];

/// Returns what a program is told of a message, as [`fedmsg_config::MESSAGE_VARIABLES`] names it:
///
/// | variable | is |
/// |---|---|
/// | `FEDMSG_TOPIC` | the topic that it was sent under |
/// | `FEDMSG_MSG_ID` | its identifier |
/// | `FEDMSG_TIMESTAMP` | when it was made: seconds since the epoch, as the message writes it |
/// | `FEDMSG_USERNAME` | the user its publisher runs as |
///
/// What the message does not have, or what no variable can hold (a NUL, more than 32 KiB), has no value:
/// the variable is taken out then. The values are those of whoever sent the message.
///
/// ```
/// use bytes::Bytes;
/// use fedmsg_actors::message_variables;
/// use fedmsg_message::Envelope;
///
/// let body = Bytes::from(r#"{"topic": "org.x", "msg_id": "2026-1", "timestamp": 1.0}"#);
/// let variables = message_variables(&Envelope::from_frames("org.x".into(), body)?);
/// let value = |name| variables.iter().find(|(it, _)| *it == name)?.1.as_deref();
/// assert_eq!(value("FEDMSG_TOPIC"), Some("org.x"));
/// assert_eq!(value("FEDMSG_TIMESTAMP"), Some("1.0"));
/// assert_eq!(value("FEDMSG_USERNAME"), None);
/// # Ok::<(), fedmsg_message::DecodeError>(())
/// ```
#[must_use]
pub fn message_variables(envelope: &Envelope) -> Vec<(&'static str, Option<String>)> {
    fedmsg_config::MESSAGE_VARIABLES
        .into_iter()
        .map(|name| {
            let value = match name {
                "FEDMSG_TOPIC" => Some(envelope.topic().as_str().to_owned()),
                "FEDMSG_MSG_ID" => envelope.msg_id().map(str::to_owned),
                "FEDMSG_TIMESTAMP" => envelope.get("timestamp").and_then(number),
                _ => envelope.username().map(str::to_owned),
            };
            (name, value.filter(|value| is_possible(value)))
        })
        .collect()
}

/// The text of a number, as it is written on the wire.
fn number(value: &Value) -> Option<String> {
    if !matches!(value, Value::Int(_) | Value::Float(_)) {
        return None;
    }
    String::from_utf8(to_canonical(value).ok()?).ok()
}

fn is_possible(value: &str) -> bool {
    value.len() <= LONGEST && !value.contains('\0')
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_no_variable_can_hold_has_no_value() {
        #[track_caller]
        fn check(topic: &str, body: &str, expected: [Option<&str>; 4]) {
            let (topic, body) = (topic.to_owned(), body.to_owned());
            let envelope = Envelope::from_frames(Bytes::from(topic), Bytes::from(body)).unwrap();
            let variables = message_variables(&envelope);
            let names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, fedmsg_config::MESSAGE_VARIABLES);
            let values = variables.iter().map(|(_, value)| value.as_deref());
            assert_eq!(values.collect::<Vec<_>>(), expected);
        }
        check(
            "a.b\n$(id)",
            r#"{"topic": "x", "msg_id": "'1'", "timestamp": 1504643075.0, "username": "ü"}"#,
            [
                Some("a.b\n$(id)"),
                Some("'1'"),
                Some("1504643075.0"),
                Some("ü"),
            ],
        );
        check(
            "nul\0",
            r#"{"topic": "x", "msg_id": "\u0000", "timestamp": "1", "username": "\ud800"}"#,
            [None; 4],
        );
        check(&"x".repeat(LONGEST + 1), "no JSON", [None; 4]);
        check(
            "",
            r#"{"topic": 1, "msg_id": 1, "timestamp": true}"#,
            [Some(""), None, None, None],
        );
    }
}
