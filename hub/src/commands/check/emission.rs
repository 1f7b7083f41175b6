//! What came from a monitoring socket, checked: of a hub of ours or of the original.
//!
//! [`super`] hears it, [`super::judge`] and [`super::form`] read it. Whoever owns the address may say
//! anything: nothing is taken for granted here.

use fedmsg::json::{Object, Value};
use thiserror::Error;

/// Ours has 6 levels, the original's 4; a text that nests deeper would grow when it is indented.
const MAX_DEPTH: usize = 8;

/// What is wrong with something that should be an emission.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum EmissionError {
    #[error("what it sends is no JSON: {0}")]
    Json(String),
    #[error("what it sends nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("{path} is {found}, expected {expected}")]
    Type {
        path: String,
        found: &'static str,
        expected: &'static str,
    },
}

/// One emission of a monitoring socket.
#[derive(Debug)]
pub(super) struct Emission {
    /// All of it, members sorted by key.
    pub(super) value: Value,
    pub(super) consumers: Vec<Entry>,
    pub(super) producers: Vec<Entry>,
    /// What a hub of ours says of itself.
    pub(super) hub: Option<Object>,
}

/// A consumer or a producer.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) module: String,
    /// The patterns of a consumer, joined by commas.
    pub(super) topic: String,
    pub(super) is_initialized: bool,
    pub(super) backlog: Option<u64>,
    pub(super) exceptions: u64,
    pub(super) headcount_in: Option<u64>,
    pub(super) headcount_out: Option<u64>,
    /// When a producer began to run last, seconds since the epoch; absent for what does not poll.
    pub(super) last_ran: Option<f64>,
    /// What a hub of ours says beside what the original says.
    pub(super) totals: Option<Object>,
}

impl Emission {
    /// Reads an emission.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, EmissionError> {
        let value = Value::parse(bytes).map_err(|error| EmissionError::Json(error.to_string()))?;
        let value = sorted(value, MAX_DEPTH)?;
        let root = object(&value, "it")?;
        let list = |key: &str| -> Result<Vec<Entry>, EmissionError> {
            let items = match root.get(key) {
                Some(Value::Array(items)) => items,
                other => return Err(wrong(key, other, "a list")),
            };
            let entries = (0..).zip(items).map(|(position, item): (usize, _)| {
                Entry::read(item, &format!("{key}[{position}]"))
            });
            entries.collect()
        };
        Ok(Self {
            consumers: list("consumers")?,
            producers: list("producers")?,
            hub: optional(root, "it", "hub", "an object", |it| it.as_object().cloned())?,
            value,
        })
    }
}

impl Entry {
    fn read(value: &Value, path: &str) -> Result<Self, EmissionError> {
        let fields = object(value, path)?;
        let text = |key| {
            optional(fields, path, key, "a string", |it| {
                it.as_str().map(str::to_owned)
            })
        };
        let count = |key| optional(fields, path, key, "a count", Value::as_u64);
        let name = text("name")?.ok_or_else(|| wrong(&format!("{path}.name"), None, "a string"))?;
        let initialized = optional(fields, path, "initialized", "true or false", Value::as_bool)?;
        Ok(Self {
            name,
            module: text("module")?.unwrap_or_default(),
            topic: optional(
                fields,
                path,
                "topic",
                "a string or a list of strings",
                topics,
            )?
            .unwrap_or_default(),
            is_initialized: initialized == Some(true),
            backlog: count("backlog")?,
            exceptions: count("exceptions")?.unwrap_or_default(),
            headcount_in: count("headcount_in")?,
            headcount_out: count("headcount_out")?,
            last_ran: optional(fields, path, "last_ran", "a number", Value::as_f64)?
                .filter(|time| time.is_finite()),
            totals: optional(fields, path, "totals", "an object", |it| {
                it.as_object().cloned()
            })?,
        })
    }

    /// Whether an operator who asks for `name` means this: the name that is emitted, or the one of the
    /// configuration of a hub of ours.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.total_text("name") == Some(name)
    }

    /// A number of those that only a hub of ours says.
    pub(super) fn total(&self, key: &str) -> Option<u64> {
        self.totals.as_ref()?.get(key)?.as_u64()
    }

    /// What a plugin of ours counts by itself.
    pub(super) fn figures(&self) -> impl Iterator<Item = (&str, u64)> {
        let totals = self.totals.as_ref();
        let figures = totals.and_then(|totals| totals.get("figures")?.as_object());
        let figures = figures.into_iter().flat_map(Object::iter);
        figures.filter_map(|(name, count)| Some((name.as_str()?, count.as_u64()?)))
    }

    /// A text of those that only a hub of ours says.
    pub(super) fn total_text(&self, key: &str) -> Option<&str> {
        self.totals.as_ref()?.get(key)?.as_str()
    }
}

fn topics(value: &Value) -> Option<String> {
    match value {
        Value::Array(topics) => {
            let topics: Option<Vec<_>> = topics.iter().map(Value::as_str).collect();
            topics.map(|topics| topics.join(","))
        }
        topic => topic.as_str().map(str::to_owned),
    }
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Object, EmissionError> {
    value
        .as_object()
        .ok_or_else(|| wrong(path, Some(value), "an object"))
}

/// A field that may be missing or null, but not anything else.
fn optional<T>(
    fields: &Object,
    path: &str,
    key: &str,
    expected: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, EmissionError> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(wrong(&format!("{path}.{key}"), Some(value), expected)),
        },
    }
}

fn wrong(path: &str, found: Option<&Value>, expected: &'static str) -> EmissionError {
    EmissionError::Type {
        path: path.to_owned(),
        found: match found {
            None => "missing",
            Some(Value::Int(_)) if expected == "a count" => "a negative number",
            Some(other) => other.kind(),
        },
        expected,
    }
}

/// The same value with the members of every object sorted by key, at most `depth` levels of it.
fn sorted(value: Value, depth: usize) -> Result<Value, EmissionError> {
    match value {
        Value::Array(_) | Value::Object(_) if depth == 0 => Err(EmissionError::TooDeep),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| sorted(item, depth - 1));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            let mut sorted_members = Object::with_capacity(members.len());
            for (key, member) in members {
                sorted_members.insert(key, sorted(member, depth - 1)?);
            }
            Ok(Value::Object(sorted_members))
        }
        plain => Ok(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_emission_is_refused_with_the_place() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = Emission::parse(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
        check("", "no JSON");
        check("{\"consumers\": []", "no JSON");
        check("[]", "it is array, expected an object");
        check("{}", "consumers is missing, expected a list");
        check(
            r#"{"consumers": {}, "producers": []}"#,
            "consumers is object",
        );
        check(
            r#"{"consumers": [1], "producers": []}"#,
            "consumers[0] is number",
        );
        check(
            r#"{"consumers": [{}], "producers": []}"#,
            "consumers[0].name is missing",
        );
        check(
            r#"{"consumers": [], "producers": [{"name": 5}]}"#,
            "producers[0].name is number",
        );
        check(
            r#"{"consumers": [{"name": "a", "backlog": -1}], "producers": []}"#,
            "consumers[0].backlog is a negative number",
        );
        check(
            r#"{"consumers": [{"name": "a", "initialized": 1}], "producers": []}"#,
            "consumers[0].initialized is number",
        );
        check(
            r#"{"consumers": [{"name": "a", "topic": [1]}], "producers": []}"#,
            "consumers[0].topic is array",
        );
        let deep = format!(
            r#"{{"consumers": [], "producers": [], "x": {}1{}}}"#,
            "[".repeat(8),
            "]".repeat(8)
        );
        check(&deep, "nests deeper");
        assert!(Emission::parse(b"\xff").is_err());
    }

    #[test]
    fn an_emission_of_the_original_is_read() {
        let text = r#"{"consumers": [{"name": "RelayConsumer", "module": "fedmsg.consumers.relay",
            "topic": ["a", "b*"], "initialized": true, "exceptions": 2, "jsonify": true, "backlog": null,
            "headcount_out": 6, "headcount_in": 7, "times": [0.000126]}],
            "producers": [{"name": "Plain", "module": "m", "initialized": false, "exceptions": 0}]}"#;
        let emission = Emission::parse(text.as_bytes()).unwrap();
        let relay = &emission.consumers[0];
        assert!(relay.is_initialized && relay.is_called("RelayConsumer"));
        assert!(!relay.is_called("relay"));
        assert_eq!((relay.topic.as_str(), relay.backlog), ("a,b*", None));
        assert_eq!((relay.exceptions, relay.headcount_in), (2, Some(7)));
        assert!(!emission.producers[0].is_initialized);
        assert!(emission.hub.is_none());
    }

    #[test]
    fn members_are_sorted_at_every_level() {
        let text = br#"{"producers": [], "consumers": [{"name": "x", "a": {"z": 1, "b": 2}}]}"#;
        let emission = Emission::parse(text).unwrap();
        assert_eq!(
            fedmsg::json::to_spaced(&emission.value).unwrap(),
            r#"{"consumers": [{"a": {"b": 2, "z": 1}, "name": "x"}], "producers": []}"#
        );
    }
}
