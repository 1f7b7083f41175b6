//! `Envelope`: what travels. Keeps the bytes it came from and reads the body on first use.
//!
//! Made by the subscriber from frames and by the publisher from a message and a stamp; the router
//! looks at its topic, consumers at its body, relay and gateway forward its bytes.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::DeserializeOwned;

use crate::canonical::{USUAL_LENGTH, append_canonical_without, append_sendable};
use crate::json::{self, MAX_DEPTH, Marks, Object, Shape, Value};
use crate::{DecodeError, EncodeError, Stamp, Topic};

/// The members a signature does not cover (fedmsg wire specification §3.3).
pub(crate) const CREDENTIALS: [&str; 2] = ["signature", "certificate"];

static NULL: Value = Value::Null;

/// A message as it travels: a topic and a body, in the bytes they came in.
///
/// | frame | content |
/// |---|---|
/// | 0 | topic, UTF-8 |
/// | 1 | body, one JSON text |
///
/// | member of the body | accessor |
/// |---|---|
/// | `topic` | compare with [`topic`](Envelope::topic) before believing either |
/// | `msg` | [`msg`](Envelope::msg), [`msg_as`](Envelope::msg_as): the payload, usually an object |
/// | `msg_id` | [`msg_id`](Envelope::msg_id) |
/// | `timestamp` | [`timestamp`](Envelope::timestamp): seconds since the epoch |
/// | `i` | [`i`](Envelope::i): the publisher's count |
/// | `username` | [`username`](Envelope::username) |
/// | `crypto`, `signature`, `certificate` | accessors of the same names, if signed |
/// | `seq_id`, `headers` | accessors of the same names, rare |
/// | anything else | [`get`](Envelope::get) |
///
/// Source: fedmsg wire specification §1.2, §2.1. Nothing about the body is promised by the wire,
/// so every accessor but `msg` may find nothing. Cloning is cheap and shares the parsed body.
///
/// ```
/// use bytes::Bytes;
/// use fedmsg_message::Envelope;
/// use fedmsg_message::json::Value;
///
/// let topic = Bytes::from("org.example.dev.bodhi.update.comment");
/// let body = Bytes::from(r#"{"topic":"org.example.dev.bodhi.update.comment","msg":{"n":1}}"#);
/// let envelope = Envelope::from_frames(topic, body)?;
/// assert_eq!(envelope.topic().segments().next(), Some("org"));
/// assert_eq!(envelope.msg().get("n").and_then(Value::as_i64), Some(1));
/// assert_eq!(envelope.msg_id(), None);
/// # Ok::<(), fedmsg_message::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Envelope(Arc<Inner>);

struct Inner {
    topic: Topic,
    body: ByteString,
    /// Elsewhere, because most messages are passed on or dropped without anybody looking into them.
    parsed: OnceLock<Box<Parsed>>,
}

struct Parsed {
    /// An object with a member `topic`.
    body: Value,
    /// Why the body received was not that already.
    refusal: Option<DecodeError>,
    /// Where the credentials are, if the bytes received are canonical.
    marks: Option<Marks>,
}

impl Envelope {
    /// Takes the frames of one message off the wire.
    ///
    /// Two frames are topic and body. Of any other number only the first is looked at, and split
    /// at its first NUL, as hubs of the original do (fedmsg wire specification §1.2).
    ///
    /// # Errors
    ///
    /// [`DecodeError::Frames`] if there is no NUL to split at, and those of
    /// [`Envelope::from_frames`].
    pub fn decode(frames: &[Bytes]) -> Result<Envelope, DecodeError> {
        match frames {
            [topic, body] => Envelope::from_frames(topic.clone(), body.clone()),
            [both, ..] => {
                let Some(nul) = memchr::memchr(0, both) else {
                    return Err(DecodeError::Frames {
                        frames: frames.len(),
                    });
                };
                Envelope::from_frames(both.slice(..nul), both.slice(nul + 1..))
            }
            [] => Err(DecodeError::Frames { frames: 0 }),
        }
    }

    /// Takes the two frames of one message off the wire. The body is not parsed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TopicNotUtf8`] and [`DecodeError::BodyNotUtf8`].
    pub fn from_frames(topic: Bytes, body: Bytes) -> Result<Envelope, DecodeError> {
        Envelope::received(Topic::received(topic)?, body)
    }

    /// Takes the body of a message off the wire, whose topic has been read already. The body is not
    /// parsed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::BodyNotUtf8`].
    #[inline]
    pub fn received(topic: Topic, body: Bytes) -> Result<Envelope, DecodeError> {
        match ByteString::try_from(body) {
            Ok(body) => Ok(Envelope::new(topic, body)),
            Err(error) => Err(DecodeError::BodyNotUtf8 {
                topic: topic.to_string(),
                offset: error.valid_up_to(),
            }),
        }
    }

    /// Makes the envelope of a new message: the six members every publisher sends, canonical.
    ///
    /// A `msg` of `null` is sent as `{}`, as the original does. The original does the same with
    /// `false`, `0`, `[]` and `""`; here they are sent as they are (fedmsg wire specification §8,
    /// Q19): whoever passes a value means it.
    ///
    /// # Errors
    ///
    /// Those of [`Envelope::encode`].
    ///
    /// ```
    /// use fedmsg_message::json::Value;
    /// use fedmsg_message::{Envelope, Stamp};
    ///
    /// let stamp = Stamp {
    ///     msg_id: "2026-00000000-0000-4000-8000-000000000000".into(),
    ///     timestamp: 1_793_000_000,
    ///     i: 1,
    ///     username: "apache".into(),
    /// };
    /// let envelope = Envelope::stamp("org.example.dev.a.b".parse()?, Value::Null, &stamp)?;
    /// assert_eq!(
    ///     *envelope.bytes(),
    ///     r#"{"i":1,"msg":{},"msg_id":"2026-00000000-0000-4000-8000-000000000000","#.to_owned()
    ///         + r#""timestamp":1793000000,"topic":"org.example.dev.a.b","username":"apache"}"#,
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stamp(topic: Topic, msg: Value, stamp: &Stamp) -> Result<Envelope, EncodeError> {
        let body = Envelope::stamped_body(&topic, msg, stamp);
        Envelope::encode(topic, body)
    }

    /// Returns the six members every publisher sends.
    pub(crate) fn stamped_body(topic: &Topic, msg: Value, stamp: &Stamp) -> Object {
        let msg = if msg.is_null() {
            Value::Object(Object::new())
        } else {
            msg
        };
        // In canonical order: the writer need not sort, `encode` finds the topic in place.
        let mut body = Object::with_capacity(6);
        body.insert("i", stamp.i);
        body.insert("msg", msg);
        body.insert("msg_id", stamp.msg_id.as_str());
        body.insert("timestamp", stamp.timestamp);
        body.insert("topic", topic.as_str());
        body.insert("username", stamp.username.as_str());
        body
    }

    /// Makes an envelope to send from a topic and a whole body, whose member `topic` is set to it.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Topic`] for a topic that was received but must not be sent,
    /// [`EncodeError::NotFinite`], [`EncodeError::TooDeep`].
    pub fn encode(topic: Topic, mut body: Object) -> Result<Envelope, EncodeError> {
        topic.check_sendable()?;
        body.insert("topic", topic.as_str());
        let mut text = String::with_capacity(USUAL_LENGTH);
        append_sendable(&mut text, &Value::Object(body))?;
        Ok(Envelope::new(topic, text.into()))
    }

    #[inline]
    pub(crate) fn new(topic: Topic, body: ByteString) -> Envelope {
        Envelope(Arc::new(Inner {
            topic,
            body,
            parsed: OnceLock::new(),
        }))
    }

    /// Returns the same envelope as it was before anybody looked into its body.
    #[must_use]
    pub fn unparsed(&self) -> Envelope {
        Envelope::new(self.0.topic.clone(), self.0.body.clone())
    }

    /// Returns the topic of frame 0; the body may claim another.
    #[inline]
    pub fn topic(&self) -> &Topic {
        &self.0.topic
    }

    /// Returns frame 1 as it came, or as it is to be sent.
    #[inline]
    pub fn bytes(&self) -> &Bytes {
        self.0.body.as_bytes()
    }

    /// Returns the length of both frames, in bytes: what the envelope costs a queue.
    #[inline]
    pub fn len(&self) -> usize {
        self.topic().as_bytes().len() + self.bytes().len()
    }

    /// Returns whether both frames are empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the body: always an object with a member `topic`.
    ///
    /// A body that is not JSON, or JSON but not such an object, is wrapped as the original's
    /// relay and hub do: `{"topic": <frame 0>, "msg": <body, or its text>}` (fedmsg wire
    /// specification §1.10). The body is parsed on the first call and shared by all clones.
    pub fn body(&self) -> &Value {
        &self.parsed().body
    }

    /// Returns the body for readers that do not want it wrapped.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Json`], [`DecodeError::NotAnObject`] or [`DecodeError::NoTopic`] where
    /// [`Envelope::body`] would be wrapped.
    pub fn strict(&self) -> Result<&Value, &DecodeError> {
        let parsed = self.parsed();
        match &parsed.refusal {
            None => Ok(&parsed.body),
            Some(refusal) => Err(refusal),
        }
    }

    /// Returns what a relay forwards as frame 1: the very bytes received if they are an object
    /// with a member `topic`, else the wrapped body in Python's default style, as the original
    /// writes it. The good case is checked, not parsed.
    pub fn relayed(&self) -> Bytes {
        match json::skim_str(&self.0.body) {
            Ok(Shape::Envelope) => self.bytes().clone(),
            // Wrapping never nests too deeply; if it did, the bytes as they came would do no harm.
            _ => json::to_spaced(&wrapped(self.topic(), &self.0.body))
                .map_or_else(|_| self.bytes().clone(), Bytes::from),
        }
    }

    /// Returns any member of the body.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.body().get(name)
    }

    /// Returns the payload, `null` if there is none.
    pub fn msg(&self) -> &Value {
        self.get("msg").unwrap_or(&NULL)
    }

    /// Returns the payload as a `Deserialize` type.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Mismatch`], as for [`json::from_value`].
    pub fn msg_as<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        json::from_value(self.msg())
    }

    /// Returns the identity of the message: opaque, usually `<year>-<uuid>`.
    pub fn msg_id(&self) -> Option<&str> {
        self.text("msg_id")
    }

    /// Returns when the message was made: seconds since the epoch, UTC; whole ones except in old
    /// messages.
    pub fn timestamp(&self) -> Option<f64> {
        self.get("timestamp")?.as_f64()
    }

    /// Returns the publisher's count of messages, which starts anew with every process and thread.
    pub fn i(&self) -> Option<i64> {
        self.get("i")?.as_i64()
    }

    /// Returns the user of the operating system the publisher ran as.
    pub fn username(&self) -> Option<&str> {
        self.text("username")
    }

    /// Returns how the message is signed: `x509` or `gpg`; unsigned and old messages do not say.
    pub fn crypto(&self) -> Option<&str> {
        self.text("crypto")
    }

    /// Returns the signature, in base64.
    pub fn signature(&self) -> Option<&str> {
        self.text("signature")
    }

    /// Returns the certificate the message was signed with: PEM, in base64 once more.
    pub fn certificate(&self) -> Option<&str> {
        self.text("certificate")
    }

    /// Returns the row number a publisher with a persistent store gave the message, from 1.
    pub fn seq_id(&self) -> Option<i64> {
        self.get("seq_id")?.as_i64()
    }

    /// Returns the headers that hubs and archives add to what came over STOMP.
    pub fn headers(&self) -> Option<&Object> {
        self.get("headers")?.as_object()
    }

    /// Returns the body without `signature` and `certificate`; `crypto` stays. It is a copy only if
    /// somebody else holds this message, too.
    pub fn without_credentials(self) -> Value {
        let mut body = self.into_body();
        if let Some(object) = body.as_object_mut() {
            object.retain(|key, _| !CREDENTIALS.iter().any(|name| key == name));
        }
        body
    }

    /// Returns the bytes an x509 signature covers: the body without `signature` and
    /// `certificate`, canonical (fedmsg wire specification §3.3). Spares the copy that
    /// [`Envelope::without_credentials`] makes.
    ///
    /// # Errors
    ///
    /// None in practice: what was parsed is never too deep to be written.
    pub fn signed_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = String::with_capacity(self.bytes().len());
        append_canonical_without(&mut out, self.body(), &CREDENTIALS)?;
        Ok(out.into_bytes())
    }

    /// Returns the bytes of [`Envelope::signed_bytes`] as parts of the bytes received, if those are
    /// canonical as they are: spares writing them anew, and copying them.
    pub(crate) fn signed_parts(&self) -> Option<[&[u8]; 3]> {
        let [signature, certificate] = self.parsed().marks.clone()?;
        // `topic` comes after both, and so does a comma.
        let (certificate, signature) = (certificate?, signature?);
        let bytes = self.bytes();
        let parts = [
            bytes.get(..certificate.start)?,
            bytes.get(certificate.end + 1..signature.start)?,
            bytes.get(signature.end + 1..)?,
        ];
        debug_assert_eq!(Ok(parts.concat()), self.signed_bytes());
        Some(parts)
    }

    fn into_body(self) -> Value {
        self.parsed();
        match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.parsed.into_inner().map_or(Value::Null, |it| it.body),
            Err(shared) => Envelope(shared).body().clone(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn parsed(&self) -> &Parsed {
        let Inner {
            topic,
            body,
            parsed,
        } = &*self.0;
        parsed.get_or_init(|| {
            Box::new(match read(body) {
                Ok((body, marks)) => Parsed {
                    body,
                    refusal: None,
                    marks,
                },
                Err(refusal) => Parsed {
                    body: wrapped(topic, body),
                    refusal: Some(refusal),
                    marks: None,
                },
            })
        })
    }
}

/// Reads a body that needs no wrapping.
fn read(body: &str) -> Result<(Value, Option<Marks>), DecodeError> {
    let (value, marks) = Value::parse_marking(body, CREDENTIALS)?;
    match &value {
        Value::Object(object) if object.contains_key("topic") => Ok((value, marks)),
        Value::Object(_) => Err(DecodeError::NoTopic),
        other => Err(DecodeError::NotAnObject { kind: other.kind() }),
    }
}

/// Wraps any other body. One level of nesting goes to the wrapping itself, so that what is
/// forwarded can be read again: a body of the full depth is wrapped as text, too.
fn wrapped(topic: &Topic, body: &str) -> Value {
    let msg = Value::parse_within(body, MAX_DEPTH - 1).unwrap_or_else(|_| Value::from(body));
    Value::Object(Object::from_iter([
        ("topic", Value::from(topic.as_str())),
        ("msg", msg),
    ]))
}

impl PartialEq for Envelope {
    /// Compares the frames, byte for byte.
    fn eq(&self, other: &Envelope) -> bool {
        self.topic() == other.topic() && self.bytes() == other.bytes()
    }
}

impl Eq for Envelope {}

impl fmt::Debug for Envelope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { topic, body, .. } = &*self.0;
        formatter
            .debug_struct("Envelope")
            .field("topic", topic)
            .field("body", body)
            .finish()
    }
}

#[cfg(test)]
mod tests;
