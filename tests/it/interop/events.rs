//! What the Python peers tell us, read without loss.
//!
//! [`Process`] reads events with serde_json, which has no `NaN`, no lone surrogates and no large
//! integers; here the same lines are read with our own JSON.

use std::env;
use std::process::Command;

use fedmsg::Delivery;
use fedmsg::json::{Value, to_spaced};
use fedmsg_message::to_canonical;

use super::bodies::parse;
use crate::peers::Process;

/// Returns the next event of this name whose topic contains `about`; the lines before it are passed
/// over.
pub(super) fn next(process: &mut Process, event: &str, about: &str) -> Value {
    let wanted = format!("{{\"event\": \"{event}\"");
    loop {
        let line = process.line_with(&wanted);
        if line.starts_with(&wanted) {
            let event = parse(&line);
            if topic_of(&event).contains(about) {
                return event;
            }
        }
    }
}

/// Returns the next `count` events of this name whose topics contain `about`.
pub(super) fn take(process: &mut Process, event: &str, about: &str, count: usize) -> Vec<Value> {
    (0..count).map(|_| next(process, event, about)).collect()
}

/// Returns the events of this name among the lines of a process that has ended.
pub(super) fn among(lines: &[String], event: &str) -> Vec<Value> {
    let wanted = format!("{{\"event\": \"{event}\"");
    let found = lines.iter().filter(|line| line.starts_with(&wanted));
    found.map(|line| parse(line)).collect()
}

/// Returns the envelope of an event.
pub(super) fn envelope(event: &Value) -> &Value {
    event.get("envelope").expect("an event with an envelope")
}

fn topic_of(event: &Value) -> &str {
    let own = event.get("topic").and_then(Value::as_str);
    let of_envelope = || envelope(event).get("topic").and_then(Value::as_str);
    own.or_else(of_envelope).expect("an event with a topic")
}

/// Returns the text by which values are compared: it tells 1 from 1.0 and shows the order of keys.
pub(super) fn spaced(value: &Value) -> String {
    to_spaced(value).expect("a value that was received")
}

/// Returns what a value is sent as: canonical JSON, which is ASCII.
pub(super) fn canonical(value: &Value) -> String {
    let bytes = to_canonical(value).expect("a value that was received");
    String::from_utf8(bytes).expect("ASCII")
}

/// Returns a value with its keys in the order in which they are sent.
pub(super) fn sorted(value: &Value) -> Value {
    parse(&canonical(value))
}

/// Returns the body of a delivery as text.
pub(super) fn body(delivery: &Delivery) -> &str {
    std::str::from_utf8(delivery.envelope().bytes()).expect("a body in UTF-8")
}

/// Returns the user as an envelope names them (fedmsg wire specification §2.1).
pub(super) fn user_name() -> String {
    let variables = ["LOGNAME", "USER", "LNAME", "USERNAME"];
    let named = variables.into_iter().find_map(|name| env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| {
        let output = Command::new("id").arg("-un").output().expect("a user");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}
