//! The lines that a hub and a program exchange: `consumers/README.md` has the table of them.
//!
//! [`super::Process`] writes what the functions here make, [`super::listener`] reads [`Said`]s.

use std::fmt::Write as _;
use std::time::Duration;

use fedmsg_actors::Delivery;
use fedmsg_message::json::{Object, Value};
use fedmsg_message::{EncodeError, append_canonical};
use serde_json::json;
use thiserror::Error;

/// The version of the protocol, which both sides name in their `hello`.
pub(super) const VERSION: u64 = 1;

/// How many characters of a text of a program are shown in an error.
const SHOWN: usize = 200;

/// How long a program may ask to be left in peace, before it is given a message again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What a program says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// It is ready, for so many messages at a time, if it says.
    Hello { window: Option<usize> },
    /// What becomes of messages.
    Answer(Ids, Answer),
    /// A message of its own.
    Publish { topic: String, msg: Value },
    /// A line for the log.
    Log { level: LogLevel, text: String },
    /// It cannot go on, whatever is tried.
    Halt { reason: String },
}

/// Which messages are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    /// This one.
    One(u64),
    /// All that have not been answered, up to this one.
    UpTo(u64),
}

/// What a program answers about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Ack,
    Retry {
        reason: String,
        after: Option<Duration>,
    },
    Drop {
        reason: String,
    },
}

/// How important a line for the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Why a line is none of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum LineError {
    #[error("it wrote what is no JSON object: {0:?}")]
    NoObject(String),
    #[error("it wrote a line without a `type` that is known: {0:?}")]
    UnknownType(String),
    #[error("its line `{line}` has {what}")]
    Member { line: &'static str, what: String },
    #[error("it speaks version {0} of the protocol, and this hub version {VERSION}")]
    Version(u64),
}

/// Reads a line, without its end.
pub(super) fn parse(line: &[u8]) -> Result<Said, LineError> {
    let no_object = || LineError::NoObject(shortened(&String::from_utf8_lossy(line)));
    let value = Value::parse(line).map_err(|_| no_object())?;
    let object = value.as_object().ok_or_else(no_object)?;
    let unknown = || LineError::UnknownType(shortened(&String::from_utf8_lossy(line)));
    let members = |line, known| Members::new(line, object, known);
    match value.get("type").and_then(Value::as_str) {
        Some("ack") => {
            let members = members("ack", &["id", "upto"])?;
            Ok(Said::Answer(members.ids()?, Answer::Ack))
        }
        Some("retry") => {
            let members = members("retry", &["id", "reason", "after"])?;
            let (reason, after) = (members.reason()?, members.after()?);
            let id = members.id()?;
            Ok(Said::Answer(Ids::One(id), Answer::Retry { reason, after }))
        }
        Some("drop") => {
            let members = members("drop", &["id", "reason"])?;
            let reason = members.reason()?;
            Ok(Said::Answer(
                Ids::One(members.id()?),
                Answer::Drop { reason },
            ))
        }
        Some("halt") => {
            let reason = members("halt", &["reason"])?.reason()?;
            Ok(Said::Halt { reason })
        }
        Some("publish") => {
            let members = members("publish", &["topic", "msg"])?;
            let topic = members.text("topic")?;
            let topic = topic.ok_or_else(|| members.wrong("no `topic`"))?;
            let msg = value.get("msg").cloned();
            let msg = msg.ok_or_else(|| members.wrong("no `msg`"))?;
            Ok(Said::Publish { topic, msg })
        }
        Some("log") => {
            let members = members("log", &["level", "text"])?;
            let level = match members.text("level")?.as_deref() {
                Some("error") => LogLevel::Error,
                Some("warn") => LogLevel::Warn,
                Some("info") | None => LogLevel::Info,
                Some("debug") => LogLevel::Debug,
                Some(_) => {
                    return Err(members.wrong("a `level` other than error, warn, info and debug"));
                }
            };
            let text = members.text("text")?;
            let text = text.ok_or_else(|| members.wrong("no `text`"))?;
            Ok(Said::Log { level, text })
        }
        Some("hello") => {
            let members = members("hello", &["version", "window"])?;
            if let Some(version) = members.number("version")?
                && version != VERSION
            {
                return Err(LineError::Version(version));
            }
            let window = members.number("window")?;
            let window = window.map(|window| usize::try_from(window).unwrap_or(usize::MAX));
            if window == Some(0) {
                return Err(members.wrong("a `window` of 0"));
            }
            Ok(Said::Hello { window })
        }
        _ => Err(unknown()),
    }
}

/// The members of a line.
struct Members<'a> {
    line: &'static str,
    object: &'a Object,
}

impl<'a> Members<'a> {
    fn new(line: &'static str, object: &'a Object, known: &[&str]) -> Result<Self, LineError> {
        let members = Self { line, object };
        for (key, _) in object.iter() {
            let key = key.to_string_lossy();
            if key != "type" && !known.contains(&&*key) {
                let what = format!(
                    "a member {:?}, and may have {}",
                    shortened(&key),
                    known.join(", ")
                );
                return Err(members.wrong(what));
            }
        }
        Ok(members)
    }

    fn wrong(&self, what: impl Into<String>) -> LineError {
        let (line, what) = (self.line, what.into());
        LineError::Member { line, what }
    }

    fn number(&self, name: &str) -> Result<Option<u64>, LineError> {
        let Some(value) = self.object.get(name) else {
            return Ok(None);
        };
        let number = value.as_u64();
        let wrong = || self.wrong(format!("a `{name}` that is no whole number"));
        number.map(Some).ok_or_else(wrong)
    }

    fn text(&self, name: &str) -> Result<Option<String>, LineError> {
        let Some(value) = self.object.get(name) else {
            return Ok(None);
        };
        let text = value
            .as_text()
            .map(|text| text.to_string_lossy().into_owned());
        let wrong = || self.wrong(format!("a `{name}` that is no text"));
        text.map(Some).ok_or_else(wrong)
    }

    fn id(&self) -> Result<u64, LineError> {
        self.number("id")?.ok_or_else(|| self.wrong("no `id`"))
    }

    fn ids(&self) -> Result<Ids, LineError> {
        match (self.number("id")?, self.number("upto")?) {
            (Some(id), None) => Ok(Ids::One(id)),
            (None, Some(id)) => Ok(Ids::UpTo(id)),
            (None, None) => Err(self.wrong("neither `id` nor `upto`")),
            (Some(_), Some(_)) => Err(self.wrong("both `id` and `upto`")),
        }
    }

    fn reason(&self) -> Result<String, LineError> {
        let reason = self.text("reason")?;
        Ok(reason.map_or_else(|| "it gave no reason".to_owned(), |it| shortened(&it)))
    }

    fn after(&self) -> Result<Option<Duration>, LineError> {
        let Some(value) = self.object.get("after") else {
            return Ok(None);
        };
        let seconds = value.as_f64();
        let after = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
        let after = after.filter(|after| *after <= LONGEST_PAUSE);
        let wrong = || self.wrong("an `after` that is no number of seconds from 0 to 3600");
        after.map(Some).ok_or_else(wrong)
    }
}

/// Returns a text, or its start where it is long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Returns the first line for a program.
pub(super) fn hello(
    consumer: &str,
    topics: &[String],
    window: usize,
    params: &serde_json::Map<String, serde_json::Value>,
) -> Vec<u8> {
    let hello = json!({
        "type": "hello",
        "version": VERSION,
        "consumer": consumer,
        "topics": topics,
        "window": window,
        "params": params,
    });
    let mut line = hello.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// The last line for a program.
pub(super) const STOP: &[u8] = b"{\"type\":\"stop\"}\n";

/// What ends the line of a message behind which others are, and that of the last.
pub(super) const MORE: &[u8] = b",\"more\":true}\n";
/// See [`MORE`].
pub(super) const LAST: &[u8] = b"}\n";

/// Returns the line of a message, without its end.
pub(super) fn message(id: u64, delivery: &Delivery) -> Result<String, EncodeError> {
    let envelope = delivery.envelope();
    let mut line = String::with_capacity(2 * delivery.size() + 64);
    let _ = write!(line, "{{\"type\":\"message\",\"id\":{id},\"topic\":");
    append_canonical(&mut line, &Value::from(envelope.topic().as_str()))?;
    for name in ["msg_id", "timestamp"] {
        if let Some(value) = envelope.get(name) {
            let _ = write!(line, ",\"{name}\":");
            append_canonical(&mut line, value)?;
        }
    }
    line.push_str(",\"body\":");
    append_canonical(&mut line, envelope.body())?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_protocol_is_read() {
        #[track_caller]
        fn check(line: &str, expected: Said) {
            assert_eq!(parse(line.as_bytes()), Ok(expected), "{line}");
        }
        let ack = |ids| Said::Answer(ids, Answer::Ack);
        check(r#"{"type":"hello"}"#, Said::Hello { window: None });
        let window = Some(8);
        check(
            r#"{"type":"hello","version":1,"window":8}"#,
            Said::Hello { window },
        );
        check(r#"{"type":"ack","id":3}"#, ack(Ids::One(3)));
        check(r#" {"upto": 3, "type": "ack"} "#, ack(Ids::UpTo(3)));
        let reason = "it gave no reason".to_owned();
        let drop = Answer::Drop { reason };
        check(r#"{"type":"drop","id":3}"#, Said::Answer(Ids::One(3), drop));
        let (reason, after) = ("busy".to_owned(), Some(Duration::from_millis(1500)));
        let retry = Answer::Retry { reason, after };
        let line = r#"{"type":"retry","id":3,"reason":"busy","after":1.5}"#;
        check(line, Said::Answer(Ids::One(3), retry));
        let reason = "no".to_owned();
        check(r#"{"type":"halt","reason":"no"}"#, Said::Halt { reason });
        let (level, text) = (LogLevel::Warn, "x".to_owned());
        check(
            r#"{"type":"log","level":"warn","text":"x"}"#,
            Said::Log { level, text },
        );
        let (topic, msg) = ("a.b".to_owned(), Value::parse(b"[1.0]").unwrap());
        check(
            r#"{"type":"publish","topic":"a.b","msg":[1.0]}"#,
            Said::Publish { topic, msg },
        );
    }

    #[test]
    fn anything_else_is_refused_with_what_is_wrong() {
        #[track_caller]
        fn check(line: &str, words: &str) {
            let error = parse(line.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
        check("", "no JSON object");
        check(
            "Traceback (most recent call last):",
            "no JSON object: \"Traceback (",
        );
        check("[1]", "no JSON object");
        check("\u{0}", "no JSON object");
        check("{}", "without a `type`");
        check(r#"{"type":"message"}"#, "without a `type`");
        check(r#"{"type":1}"#, "without a `type`");
        check(r#"{"type":"ack"}"#, "neither `id` nor `upto`");
        check(r#"{"type":"ack","id":1,"upto":1}"#, "both");
        check(r#"{"type":"ack","id":-1}"#, "no whole number");
        check(r#"{"type":"ack","id":"1"}"#, "no whole number");
        check(
            r#"{"type":"ack","ids":[1]}"#,
            "a member \"ids\", and may have id, upto",
        );
        check(r#"{"type":"retry"}"#, "no `id`");
        check(r#"{"type":"retry","id":1,"after":1e9}"#, "0 to 3600");
        check(r#"{"type":"retry","id":1,"after":-1}"#, "0 to 3600");
        check(r#"{"type":"drop","id":1,"reason":1}"#, "no text");
        check(
            r#"{"type":"log","text":"x","level":"loud"}"#,
            "other than error",
        );
        check(r#"{"type":"log"}"#, "no `text`");
        check(r#"{"type":"publish","topic":"a"}"#, "no `msg`");
        check(r#"{"type":"publish","msg":1}"#, "no `topic`");
        check(
            r#"{"type":"hello","version":2}"#,
            "version 2 of the protocol",
        );
        check(r#"{"type":"hello","window":0}"#, "`window` of 0");
        let long = format!("\"{}", "é".repeat(10_000));
        assert!(parse(long.as_bytes()).unwrap_err().to_string().len() < 600);
    }
}
