//! Deliveries made for a test: any topic, payload, member, publisher, signer and verdict.
//!
//! Tests make them; [`TestHub::send`](super::TestHub::send) sends them.

use fedmsg::json::{Object, Value};
use fedmsg::{Delivery, EndpointName, Envelope, Topic, Verdict};
use fedmsg_message::Signer;

/// Where messages of a test come from unless it says otherwise.
pub(crate) const TEST: &str = "test";

/// When messages of a test were made unless it says otherwise: 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600;

/// Makes a [`Delivery`] for a test.
///
/// Unless told otherwise it comes from the publisher `test`, made by the user `test` on
/// 2026-01-01T00:00:00Z, with `i` 1 and a `msg_id` that is made of topic and payload, so that the same
/// message has the same one. Nobody has signed it or looked at it.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::DeliveryBuilder;
/// use fedmsg::Verdict;
///
/// let delivery = DeliveryBuilder::new("com.example.shop.sale", "tea")
///     .msg_id("2026-1")
///     .timestamp(1_767_225_600)
///     .header("sent-by", "till 3")
///     .from_publisher("shop.host")
///     .verdict(Verdict::Accepted { signer: "shop".into(), serial: None, alarms: Vec::new() })
///     .build();
/// assert_eq!(delivery.msg_id(), Some("2026-1"));
/// assert_eq!(delivery.endpoint().as_str(), "shop.host");
/// assert!(delivery.verdict().is_accepted());
/// ```
#[derive(Debug, Clone)]
pub struct DeliveryBuilder {
    topic: Topic,
    body: Object,
    endpoint: EndpointName,
    verdict: Verdict,
}

impl DeliveryBuilder {
    /// A message with this full topic and this payload.
    ///
    /// # Panics
    ///
    /// When the topic is none.
    #[must_use]
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn new(topic: &str, msg: impl Into<Value>) -> Self {
        let parsed = topic.parse::<Topic>();
        let parsed = parsed.unwrap_or_else(|error| panic!("{topic:?} is no topic: {error}"));
        let msg = msg.into();
        let id = fnv_1a(format!("{topic} {msg:?}").as_bytes());
        let body = [
            ("i", Value::from(1)),
            ("msg", msg),
            ("msg_id", Value::from(format!("2026-{id:016x}"))),
            ("timestamp", Value::from(NEW_YEAR)),
            ("topic", Value::from(topic)),
            ("username", Value::from(TEST)),
        ];
        Self {
            topic: parsed,
            body: Object::from_iter(body),
            endpoint: EndpointName::from(TEST),
            verdict: Verdict::NotChecked,
        }
    }

    /// Sets the identifier.
    #[must_use]
    pub fn msg_id(self, msg_id: &str) -> Self {
        self.member("msg_id", msg_id)
    }

    /// Sets when it was made: seconds since the epoch, UTC.
    #[must_use]
    pub fn timestamp(self, seconds: i64) -> Self {
        self.member("timestamp", seconds)
    }

    /// Sets the user that the publisher runs as.
    #[must_use]
    pub fn username(self, name: &str) -> Self {
        self.member("username", name)
    }

    /// Adds a member to `headers`, as hubs and archives do to what came over STOMP.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        let headers = self.body.remove("headers");
        let mut headers = match headers {
            Some(Value::Object(headers)) => headers,
            _ => Object::new(),
        };
        headers.insert(name, value);
        self.member("headers", Value::Object(headers))
    }

    /// Sets any member of the body.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.insert(name, value);
        self
    }

    /// Removes a member of the body: old and foreign publishers leave out most of them.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.body.remove(name);
        self
    }

    /// Sets the publisher that it comes from. A bus knows `test`, and those that
    /// [`TestBus::publisher`](crate::TestBus::publisher) has added.
    #[must_use]
    pub fn from_publisher(mut self, name: &str) -> Self {
        self.endpoint = EndpointName::from(name);
        self
    }

    /// Sets what is thought of it, for a function of yours that takes a [`Delivery`]. On a bus it is
    /// thought of as the hub's settings and the signature say: see [`TestCa`](crate::TestCa).
    #[must_use]
    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    /// Makes it, unsigned.
    ///
    /// # Panics
    ///
    /// When it cannot be sent: a number that JSON does not have, nesting that is too deep.
    #[must_use]
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn build(self) -> Delivery {
        let Self { topic, body, .. } = self;
        let envelope = Envelope::encode(topic, body);
        let envelope = envelope.unwrap_or_else(|error| panic!("message cannot be sent: {error}"));
        delivery(envelope, self.endpoint, self.verdict)
    }

    /// Makes it, signed by one of a [`TestCa`](crate::TestCa)'s, or by anybody.
    ///
    /// # Panics
    ///
    /// As [`DeliveryBuilder::build`].
    #[must_use]
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn build_signed(self, signer: &Signer) -> Delivery {
        let Self { topic, body, .. } = self;
        let envelope = signer.sign(topic, body);
        let envelope = envelope.unwrap_or_else(|error| panic!("message cannot be sent: {error}"));
        delivery(envelope, self.endpoint, self.verdict)
    }
}

impl From<DeliveryBuilder> for Delivery {
    fn from(builder: DeliveryBuilder) -> Self {
        builder.build()
    }
}

fn delivery(envelope: Envelope, endpoint: EndpointName, verdict: Verdict) -> Delivery {
    let delivery = Delivery::new(envelope, endpoint);
    match verdict {
        Verdict::NotChecked => delivery,
        verdict => delivery.with_verdict(verdict),
    }
}

/// A hash that is the same everywhere and for ever (FNV-1a, 64 bits).
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
