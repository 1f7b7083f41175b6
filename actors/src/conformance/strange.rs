//! Messages that anybody could send: the topics of real ones, and payloads that nobody has thought of.
//!
//! The suite hands them to a consumer to see whether it panics.

use fedmsg::json::{Object, Value};
use fedmsg::{Delivery, Envelope};

/// Bodies that are no message at all; hubs hand them on, wrapped.
const BODIES: [&str; 5] = [
    "",
    "no json",
    "[]",
    "{}",
    "{\"topic\": 1, \"msg\": \"\u{0}\"}",
];

/// Returns strange variants of each message: other payloads, members of the payload left out or replaced,
/// no envelope at all.
pub(super) fn variants(messages: &[Delivery]) -> Vec<Delivery> {
    let mut seen = Vec::new();
    let mut variants = Vec::new();
    for message in messages {
        let body = message.envelope().body();
        let shape = (message.topic().clone(), shape(message.msg()));
        let (Some(body), false) = (body.as_object(), seen.contains(&shape)) else {
            continue; // one like it has been there
        };
        seen.push(shape);
        let mut bodies = Vec::new();
        for payload in payloads(message.msg()) {
            bodies.push(with(body, "msg", Some(payload)));
        }
        for member in ["msg", "msg_id", "timestamp", "username", "i", "headers"] {
            bodies.push(with(body, member, None));
            bodies.extend(odd_values().map(|odd| with(body, member, Some(odd))));
        }
        let odd = bodies.into_iter().filter_map(|body| {
            let envelope = Envelope::encode(message.topic().clone(), body).ok()?;
            Some(Delivery::new(envelope, message.endpoint().clone()))
        });
        variants.extend(odd);
        variants.extend(BODIES.iter().filter_map(|body| {
            let envelope = Envelope::received(message.topic().clone(), (*body).into()).ok()?;
            Some(Delivery::new(envelope, message.endpoint().clone()))
        }));
    }
    variants
}

fn odd_values() -> impl Iterator<Item = Value> {
    let deep = (0..100).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    let odd = [
        Value::Null,
        Value::from(false),
        Value::from(0),
        Value::from(-1),
        Value::from(i64::MAX),
        Value::from(1e308),
        Value::from(""),
        Value::from("\u{0}\u{202e}é\u{10ffff}"),
        Value::from("x".repeat(100_000)),
        Value::from(Vec::<Value>::new()),
        Value::Object(Object::new()),
        deep,
    ];
    odd.into_iter()
}

/// Other payloads: anything, and this one without each of its members, and with each replaced.
fn payloads(payload: &Value) -> Vec<Value> {
    let mut payloads: Vec<_> = odd_values().collect();
    let members = payload
        .as_object()
        .into_iter()
        .flat_map(|it| it.keys().map(move |key| (it, key)));
    for (object, key) in members {
        let Some(key) = key.as_str() else { continue };
        payloads.push(Value::Object(with(object, key, None)));
        payloads.extend(odd_values().map(|odd| Value::Object(with(object, key, Some(odd)))));
    }
    payloads
}

fn with(object: &Object, key: &str, value: Option<Value>) -> Object {
    let mut changed = object.clone();
    match value {
        Some(value) => changed.insert(key, value),
        None => changed.remove(key),
    };
    changed
}

/// What is taken to be treated alike: the names of the members.
fn shape(payload: &Value) -> Vec<String> {
    let names = payload.as_object().into_iter().flat_map(Object::keys);
    names.map(|name| format!("{name:?}")).collect()
}
