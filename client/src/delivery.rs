//! One received message, as it travels from a socket to those who want it.
//!
//! Made by [`crate::subscriber`], judged by [`crate::inspector`]; shared, so that many consumers hold
//! one copy.

use std::fmt;
use std::sync::Arc;

use fedmsg_config::EndpointName;
use fedmsg_message::json::Value;
use fedmsg_message::{Envelope, Topic, Verdict};

/// A received message: the envelope, the endpoint that it came from, and what is to be thought of it.
/// Cloning is cheap.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use fedmsg::{Delivery, Envelope};
///
/// let body = r#"{"topic":"org.example.dev.shop.sale","msg":{"item":"tea"},"msg_id":"2026-1"}"#;
/// let envelope = Envelope::from_frames("org.example.dev.shop.sale".into(), Bytes::from(body))?;
/// let delivery = Delivery::new(envelope, "shop.host".into());
/// assert_eq!(delivery.msg_id(), Some("2026-1"));
/// assert_eq!(delivery.msg().get("item").and_then(|item| item.as_str()), Some("tea"));
/// # Ok::<(), fedmsg::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Delivery {
    envelope: Envelope,
    endpoint: EndpointName,
    /// `None` where nobody has asked: most messages of most buses.
    verdict: Option<Arc<Verdict>>,
}

impl Delivery {
    /// Makes a delivery of `envelope` that came from `endpoint` and has not been checked.
    #[must_use]
    #[inline]
    pub fn new(envelope: Envelope, endpoint: EndpointName) -> Self {
        Self {
            envelope,
            endpoint,
            verdict: None,
        }
    }

    /// Returns the same delivery with another verdict. It forgets what has been parsed of it to find
    /// that: a parsed body may take many times the size that queues count.
    #[must_use]
    pub fn with_verdict(self, verdict: Verdict) -> Self {
        Self {
            verdict: Some(Arc::new(verdict)),
            ..self.unparsed()
        }
    }

    /// Returns a copy on the same bytes, of which nothing has been parsed.
    pub(crate) fn unparsed(&self) -> Self {
        Self {
            envelope: self.envelope.unparsed(),
            endpoint: self.endpoint.clone(),
            verdict: self.verdict.clone(),
        }
    }

    /// Whether its signature was checked, and with what result. A consumer that validates gets only
    /// what was accepted; the verdict then says who signed.
    #[must_use]
    #[inline]
    pub fn verdict(&self) -> &Verdict {
        self.verdict.as_deref().unwrap_or(&Verdict::NotChecked)
    }

    /// The message with all its fields and the bytes that it came as.
    #[must_use]
    #[inline]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The same, for those who are done with the rest.
    #[must_use]
    pub fn into_envelope(self) -> Envelope {
        self.envelope
    }

    /// The name, in the table of endpoints, of where it was received.
    #[must_use]
    pub fn endpoint(&self) -> &EndpointName {
        &self.endpoint
    }

    /// The topic that it was sent under (frame 0).
    #[must_use]
    #[inline]
    pub fn topic(&self) -> &Topic {
        self.envelope.topic()
    }

    /// The payload. The body is parsed on first use, once for all who hold this message.
    #[must_use]
    pub fn msg(&self) -> &Value {
        self.envelope.msg()
    }

    /// The sender's identifier of this message; old and foreign senders give none.
    #[must_use]
    pub fn msg_id(&self) -> Option<&str> {
        self.envelope.msg_id()
    }

    /// Bytes of both frames: what this message counts for in a bounded queue.
    #[must_use]
    #[inline]
    pub fn size(&self) -> usize {
        self.envelope.len()
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("topic", &self.topic().as_str())
            .field("endpoint", &self.endpoint().as_str())
            .field("bytes", &self.size())
            .finish()
    }
}
