//! `Topic`: what a message is about, and what subscribers choose by.
//!
//! The first frame of every message. The envelope holds one; authors compose one from the
//! configured prefix and environment and their own module and topic.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::DecodeError;

/// The topic of a message: dotted segments, `org.fedoraproject.prod.bodhi.update.comment`.
///
/// | segments | by convention |
/// |---|---|
/// | 0, 1 | prefix |
/// | 2 | environment: `dev`, `stg`, `prod` |
/// | 3 | module, the category |
/// | 4… | event |
///
/// Nothing enforces the convention. A topic that was received may be any UTF-8 text; a topic to
/// send ([`FromStr`], [`Topic::compose`]) has at least one character and no control characters.
/// Cloning is cheap. Ordered by code point.
///
/// ```
/// use fedmsg_message::Topic;
///
/// let topic = Topic::compose("org.fedoraproject", "prod", "bodhi", "update.comment")?;
/// assert_eq!(topic.as_str(), "org.fedoraproject.prod.bodhi.update.comment");
/// assert_eq!(topic.segments().nth(3), Some("bodhi"));
/// assert!("bell\u{7}".parse::<Topic>().is_err());
/// # Ok::<(), fedmsg_message::TopicError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(ByteString);

/// What the topic of an author who gives none becomes.
const UNSPECIFIED: &str = "unspecified";

impl Topic {
    /// Takes a topic off the wire: any UTF-8, control characters included.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TopicNotUtf8`].
    #[inline]
    pub fn received(frame: Bytes) -> Result<Topic, DecodeError> {
        ByteString::try_from(frame)
            .map(Topic)
            .map_err(|error| DecodeError::TopicNotUtf8 {
                offset: error.valid_up_to(),
            })
    }

    /// Composes the topic of a message to send (fedmsg wire specification §2.2).
    ///
    /// It is `modname.topic`, with `prefix.environment.` before it unless it starts with the
    /// characters of `prefix` already: a plain string test, not one of segments. An empty `topic`
    /// is `unspecified`.
    ///
    /// # Errors
    ///
    /// [`TopicError::ControlCharacter`] in any of the parts.
    ///
    /// ```
    /// use fedmsg_message::Topic;
    ///
    /// let compose = |modname, topic| Topic::compose("org.x", "dev", modname, topic);
    /// assert_eq!(compose("git", "")?.as_str(), "org.x.dev.git.unspecified");
    /// assert_eq!(compose("org.x.prod.git", "receive")?.as_str(), "org.x.prod.git.receive");
    /// assert_eq!(compose("org.xylophone", "a")?.as_str(), "org.xylophone.a");
    /// # Ok::<(), fedmsg_message::TopicError>(())
    /// ```
    pub fn compose(
        prefix: &str,
        environment: &str,
        modname: &str,
        topic: &str,
    ) -> Result<Topic, TopicError> {
        let topic = if topic.is_empty() { UNSPECIFIED } else { topic };
        let full = format!("{modname}.{topic}");
        if full.starts_with(prefix) {
            Topic::try_from(full)
        } else {
            Topic::try_from(format!("{prefix}.{environment}.{full}"))
        }
    }

    /// Returns the topic as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the topic as the bytes of frame 0.
    #[inline]
    pub fn as_bytes(&self) -> &Bytes {
        self.0.as_bytes()
    }

    /// Returns the dotted segments; always at least one, which may be empty.
    pub fn segments(&self) -> std::str::Split<'_, char> {
        self.as_str().split('.')
    }

    /// Returns whether the topic is fit to be sent.
    pub(crate) fn check_sendable(&self) -> Result<(), TopicError> {
        check_sendable(self.as_str())
    }
}

/// A text that is no topic to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// Nothing in it.
    #[error("empty topic")]
    Empty,
    /// A control character: they would be taken for separators by some peers (fedmsg wire
    /// specification §1.2, §8 Q22).
    #[error("control character {character:?} at byte {position} of the topic")]
    ControlCharacter {
        /// The character.
        character: char,
        /// Where it is, in bytes from the start.
        position: usize,
    },
}

fn check_sendable(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    match text
        .char_indices()
        .find(|(_, character)| character.is_control())
    {
        Some((position, character)) => Err(TopicError::ControlCharacter {
            character,
            position,
        }),
        None => Ok(()),
    }
}

impl TryFrom<String> for Topic {
    type Error = TopicError;

    fn try_from(text: String) -> Result<Topic, TopicError> {
        check_sendable(&text)?;
        Ok(Topic(text.into()))
    }
}

impl TryFrom<&str> for Topic {
    type Error = TopicError;

    fn try_from(text: &str) -> Result<Topic, TopicError> {
        check_sendable(text)?;
        Ok(Topic(text.into()))
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Topic, TopicError> {
        Topic::try_from(text)
    }
}

impl AsRef<str> for Topic {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Topic {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Topic {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Topic {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), formatter)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Topic {
    /// Reads a topic to send, as [`FromStr`] does.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Topic, D::Error> {
        Topic::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
