//! `Archived`: a message as the archive has it, and what can be published of it.
//!
//! [`super::replay`] reads it from the archive's answer, which is as hostile as any message.

use fedmsg::json::{JsonError, Object, Value};
use fedmsg::{Envelope, Message, Topic};
use fedmsg_message::{EncodeError, TopicError, fix_datagrepper_message};
use thiserror::Error;

/// How many words of a topic come before its module: prefix and environment, by custom.
const BEFORE_MODULE: usize = 3;

/// Why an answer is not the message that was asked for.
#[derive(Debug, Error)]
pub(super) enum ArchivedError {
    #[error("it is no JSON: {0}")]
    Json(#[from] JsonError),
    #[error("it is of kind {kind}, not an object")]
    NotAnObject { kind: &'static str },
    #[error("it has no {member}")]
    Missing { member: &'static str },
    #[error("it has another msg_id: {found:?}")]
    OtherMessage { found: String },
}

/// Why an archived message cannot be published again.
#[derive(Debug, Error)]
pub(super) enum ReplayError {
    #[error("its topic {topic:?} has no module: fewer than {} words", BEFORE_MODULE + 1)]
    NoModule { topic: String },
    #[error(transparent)]
    Topic(#[from] TopicError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// A message of the archive, without what the archive has added.
#[derive(Debug)]
pub(super) struct Archived {
    topic: String,
    body: Object,
}

impl Archived {
    /// Reads the message `id` from what the archive has answered.
    pub(super) fn read(answer: &[u8], id: &str) -> Result<Self, ArchivedError> {
        let mut body = match Value::parse(answer)? {
            Value::Object(body) => body,
            other => return Err(ArchivedError::NotAnObject { kind: other.kind() }),
        };
        fix_datagrepper_message(&mut body);
        let text = |member: &'static str| {
            let text = body.get(member).and_then(Value::as_str);
            text.ok_or(ArchivedError::Missing { member })
        };
        let (found, topic) = (text("msg_id")?, text("topic")?.to_owned());
        if found != id {
            let found = found.chars().take(100).collect();
            return Err(ArchivedError::OtherMessage { found });
        }
        if !body.contains_key("msg") {
            return Err(ArchivedError::Missing { member: "msg" });
        }
        Ok(Self { topic, body })
    }

    /// The message itself, with its signature.
    pub(super) fn envelope(self) -> Result<Envelope, ReplayError> {
        let topic = Topic::try_from(self.topic)?;
        Ok(Envelope::encode(topic, self.body)?)
    }

    /// A new message of the same module and event that says the same.
    pub(super) fn message(mut self) -> Result<Message, ReplayError> {
        let mut words = self
            .topic
            .splitn(BEFORE_MODULE + 2, '.')
            .skip(BEFORE_MODULE);
        let module = words.next().filter(|module| !module.is_empty());
        let event = words.next().unwrap_or_default();
        let Some(module) = module else {
            return Err(ReplayError::NoModule { topic: self.topic });
        };
        let msg = self.body.remove("msg").unwrap_or(Value::Null);
        Ok(Message::new(event, msg).with_modname(module))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuse(answer: &str, complaint: &str) {
        let error = Archived::read(answer.as_bytes(), "1").unwrap_err();
        assert_eq!(error.to_string(), complaint, "{answer}");
    }

    #[test]
    fn what_is_not_the_message_asked_for_is_refused() {
        assert!(Archived::read(b"<html>", "1").is_err());
        refuse("[]", "it is of kind array, not an object");
        refuse(r#"{"msg_id": 1}"#, "it has no msg_id");
        refuse(r#"{"msg_id": "1", "msg": 1}"#, "it has no topic");
        refuse(r#"{"msg_id": "1", "topic": "t"}"#, "it has no msg");
        refuse(
            r#"{"msg_id": "2\n", "topic": "t", "msg": 1}"#,
            r#"it has another msg_id: "2\n""#,
        );
    }

    #[test]
    fn the_module_is_the_fourth_word_and_the_event_what_follows() {
        #[track_caller]
        fn check(topic: &str, expected: Option<(&str, &str)>) {
            let answer = format!(r#"{{"msg_id": "1", "topic": "{topic}", "msg": {{"a": 1.0}}}}"#);
            let archived = Archived::read(answer.as_bytes(), "1").unwrap();
            let message = archived.message().ok();
            let found = message.as_ref().map(|it| {
                assert_eq!(it.msg, Value::parse(br#"{"a": 1.0}"#).unwrap());
                (it.modname.as_deref().unwrap_or_default(), it.topic.as_str())
            });
            assert_eq!(found, expected, "{topic}");
        }
        check("org.fp.prod.git.receive.x", Some(("git", "receive.x")));
        check("org.fp.prod.git.receive", Some(("git", "receive")));
        check("org.fp.prod.git", Some(("git", "")));
        check("org.fp.prod.", None);
        check("org.fp.prod..x", None);
        check("org.fp.prod", None);
        check("", None);
    }

    #[test]
    fn the_message_itself_is_what_was_signed() {
        let answer = r#"{"source_name": "datanommer", "source_version": "0.6.4", "headers": {},
            "timestamp": 1500000000.0, "topic": "org.x", "msg_id": "1", "msg": [1.50],
            "signature": "s", "users": ["a"]}"#;
        let archived = Archived::read(answer.as_bytes(), "1").unwrap();
        let expected =
            r#"{"msg":[1.5],"msg_id":"1","signature":"s","timestamp":1500000000,"topic":"org.x"}"#;
        assert_eq!(*archived.envelope().unwrap().bytes(), expected);
    }
}
