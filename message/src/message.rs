//! `Message`: what an author writes. `Stamp`: what the publisher adds to it.
//!
//! The publisher composes the topic, makes a stamp and turns both into an
//! [`Envelope`](crate::Envelope).

use serde::Serialize;

use crate::EncodeError;
use crate::json::{self, Value};

/// A message as its author thinks of it: an event and what there is to say about it.
///
/// ```
/// use fedmsg_message::Message;
///
/// let message = Message::new("update.comment", serde_json::json!({"karma": 1}))
///     .with_modname("bodhi");
/// assert_eq!(message.modname.as_deref(), Some("bodhi"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The event, without prefix, environment and module: `update.comment`. An empty one is sent
    /// as `unspecified`.
    pub topic: String,
    /// The module the event belongs to, `bodhi`; the publisher's own by default.
    pub modname: Option<String>,
    /// The payload, usually an object. `null` is sent as `{}`, everything else as it is.
    pub msg: Value,
}

impl Message {
    /// Returns a message about `topic` that says `msg`, of the publisher's default module.
    pub fn new(topic: impl Into<String>, msg: impl Into<Value>) -> Message {
        Message {
            topic: topic.into(),
            modname: None,
            msg: msg.into(),
        }
    }

    /// Returns a message about `topic` that says what `msg` looks like as JSON.
    ///
    /// # Errors
    ///
    /// Those of [`json::to_value`].
    ///
    /// ```
    /// use fedmsg_message::Message;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Comment<'a> {
    ///     user: &'a str,
    /// }
    /// let message = Message::from_serialize("update.comment", &Comment { user: "ralph" })?;
    /// assert_eq!(message.msg.get("user").and_then(|user| user.as_str()), Some("ralph"));
    /// # Ok::<(), fedmsg_message::EncodeError>(())
    /// ```
    pub fn from_serialize(
        topic: impl Into<String>,
        msg: &(impl Serialize + ?Sized),
    ) -> Result<Message, EncodeError> {
        Ok(Message::new(topic, json::to_value(msg)?))
    }

    /// Returns the message as one of another module.
    #[must_use]
    pub fn with_modname(mut self, modname: impl Into<String>) -> Message {
        self.modname = Some(modname.into());
        self
    }
}

/// What a publisher adds to a message (fedmsg wire specification §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// `<year>-<uuid>`: a four-digit year, a hyphen, a lower-case random UUID; 41 characters.
    pub msg_id: String,
    /// Whole seconds since the epoch, UTC.
    pub timestamp: i64,
    /// The publisher's count of messages, from 1.
    pub i: u64,
    /// The user of the operating system the publisher runs as.
    pub username: String,
}
