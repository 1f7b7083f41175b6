//! Messages recorded with `fedmsg-tail --json`, to be played to a hub under test.
//!
//! [`TestHub::play`](super::TestHub::play) and the conformance suite read them. A line is the body of a
//! message, byte for byte; its topic is the member `topic`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use bytes::Bytes;
use fedmsg::json::Value;
use fedmsg::{Delivery, EndpointName, Envelope, Topic};
use thiserror::Error;

use super::delivery_builder::TEST;

/// So many bad lines are named; the others are counted.
const NAMED: usize = 20;

/// Messages that were recorded with `fedmsg-tail --json`, in order, each with the bytes that it had.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::Recording;
///
/// let lines = concat!(
///     r#"{"topic":"org.example.dev.shop.sale","msg":{"item":"tea"},"msg_id":"2026-1"}"#, "\n",
///     r#"{"msg": 1.50, "topic": "org.example.dev.shop.sale"}"#, "\n",
/// );
/// let recording = Recording::parse(lines.as_bytes())?;
/// assert_eq!(recording.deliveries()[0].msg_id(), Some("2026-1"));
/// assert_eq!(recording.deliveries()[1].envelope().bytes(), lines.lines().nth(1).unwrap());
/// # Ok::<(), fedmsg_actors::RecordingError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Recording(Vec<Delivery>);

/// Why a file is no recording.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::Recording;
///
/// let error = Recording::parse(b"{\"topic\": \"a.b\"}\n{\"msg\": 1}\nhello\n").unwrap_err();
/// let lines: Vec<_> = error.bad_lines.iter().map(|line| line.number).collect();
/// assert_eq!(lines, [2, 3]);
/// assert!(error.to_string().contains("line 2: body has no topic"));
/// ```
#[derive(Debug, Error)]
#[error("{}: {}", path.display(), self.reason())]
#[non_exhaustive]
pub struct RecordingError {
    /// The file; empty for bytes that are from none.
    pub path: PathBuf,
    /// The lines that are no message, the first 20.
    pub bad_lines: Vec<BadLine>,
    /// How many more there are.
    pub more: usize,
    /// Why the file cannot be read, if it cannot.
    #[source]
    pub unreadable: Option<io::Error>,
}

/// A line of a recording that is no message.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::Recording;
///
/// let error = Recording::parse(b"[]").unwrap_err();
/// assert_eq!(error.bad_lines[0].number, 1);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl RecordingError {
    fn reason(&self) -> String {
        if let Some(error) = &self.unreadable {
            return format!("cannot be read: {error}; record one with `fedmsg-tail --json`");
        }
        let lines = self.bad_lines.iter();
        let lines = lines.map(|line| format!("\n  line {}: {}", line.number, line.reason));
        let more = match self.more {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let lines: String = lines.collect();
        format!("no recording of `fedmsg-tail --json`:{lines}{more}")
    }
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has lines that are no messages: all of them are named.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = path.as_ref();
        let read = fs::read(path).map_err(|error| RecordingError {
            path: path.to_owned(),
            bad_lines: Vec::new(),
            more: 0,
            unreadable: Some(error),
        })?;
        Self::parse(&read).map_err(|error| RecordingError {
            path: path.to_owned(),
            ..error
        })
    }

    /// Takes the lines of a recording apart. Empty lines are passed over.
    ///
    /// # Errors
    ///
    /// Lines that are no messages.
    pub fn parse(text: &[u8]) -> Result<Self, RecordingError> {
        let text = Bytes::copy_from_slice(text);
        let (mut deliveries, mut bad_lines, mut more) = (Vec::new(), Vec::new(), 0);
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            match message(text.slice_ref(line)) {
                Ok(delivery) => deliveries.push(delivery),
                Err(_) if bad_lines.len() >= NAMED => more += 1,
                Err(reason) => bad_lines.push(BadLine { number, reason }),
            }
        }
        if bad_lines.is_empty() {
            return Ok(Self(deliveries));
        }
        Err(RecordingError {
            path: PathBuf::new(),
            bad_lines,
            more,
            unreadable: None,
        })
    }

    /// The messages, in order, from the publisher `test`: a recording does not say where they came from.
    #[must_use]
    pub fn deliveries(&self) -> &[Delivery] {
        &self.0
    }
}

impl IntoIterator for Recording {
    type Item = Delivery;
    type IntoIter = std::vec::IntoIter<Delivery>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn message(body: Bytes) -> Result<Delivery, String> {
    let value = Value::parse(&body).map_err(|error| error.to_string())?;
    let topic = match value.as_object().map(|it| it.get("topic")) {
        Some(Some(topic)) => topic.as_str().ok_or("topic is no text")?.to_owned(),
        Some(None) => return Err("body has no topic".to_owned()),
        None => return Err("body is no object".to_owned()),
    };
    let topic: Topic = topic
        .parse()
        .map_err(|error| format!("topic {topic:?}: {error}"))?;
    let envelope = Envelope::received(topic, body).map_err(|error| error.to_string())?;
    Ok(Delivery::new(envelope, EndpointName::from(TEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_kept_byte_for_byte_and_bad_lines_are_named() {
        let body = r#"{ "topic": "a.b",  "msg": {"n": 1.0, "s": "\u00e9\ud800"} }"#;
        let recording = Recording::parse(format!("\n{body}\r\n\n{body}").as_bytes()).unwrap();
        assert_eq!(recording.deliveries().len(), 2);
        for delivery in recording {
            assert_eq!(delivery.envelope().bytes(), body);
            assert_eq!(delivery.topic().as_str(), "a.b");
        }
        let many = "no json\n".repeat(30);
        let error = Recording::parse(format!("{body}\n{many}").as_bytes()).unwrap_err();
        assert_eq!((error.bad_lines.len(), error.more), (20, 10));
        assert_eq!(error.bad_lines[0].number, 2);
        let error = Recording::parse(b"{\"topic\": 5}\n{\"topic\": \"\"}\n\xff").unwrap_err();
        assert_eq!(error.bad_lines.len(), 3, "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Recording::open("/nonexistent/bus.jsonl").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("/nonexistent/bus.jsonl: cannot be read")
        );
    }
}
