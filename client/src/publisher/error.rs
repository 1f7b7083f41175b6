//! Why a message could not be published, or a publisher not be opened.

use std::fmt;
use std::time::Duration;

use fedmsg_config::{ByteSize, ConfigErrors, Endpoint, EndpointName};
use fedmsg_message::{EncodeError, SignError, Topic, TopicError};
use thiserror::Error;

use crate::resolver::ResolveError;
use crate::signing::SigningError;
use crate::socket::SocketError;

/// What kept a publisher from opening or a message from going out.
///
/// ```
/// use fedmsg::PublishError;
///
/// /// Whether no later attempt with this message would succeed.
/// fn is_hopeless(error: &PublishError) -> bool {
///     matches!(error, PublishError::TooLarge { .. } | PublishError::Encode(_) | PublishError::Topic(_))
/// }
/// ```
#[derive(Debug, Error)]
pub enum PublishError {
    /// The configuration lists no address for this name.
    #[error(
        "no endpoint for publisher {name}: list its addresses under [endpoints] as \"{name}\", \
         publish under a listed name (`name`), or through a relay (`active = true`)"
    )]
    UnknownName {
        /// The name looked for.
        name: EndpointName,
    },
    /// Every address listed for this name is taken or cannot be bound.
    #[error("no free endpoint for publisher {name}: tried {}", list(tried))]
    NoFreeEndpoint {
        /// The name looked for.
        name: EndpointName,
        /// Each address in the order tried, and why it was not to be had.
        tried: Vec<(Endpoint, String)>,
    },
    /// `active` is set, but `relay_inbound` is empty.
    #[error("no relay to publish through: `relay_inbound` is empty")]
    NoRelay,
    /// No host of `relay_inbound` has an address.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// No relay has subscribed in time: none is running there, or none wants the topic.
    #[error(
        "nobody took {topic}: no relay at {} subscribed within {waited:?}",
        addresses(relays)
    )]
    NoSubscriber {
        /// The topic that was to be published.
        topic: Topic,
        /// The relays connected to.
        relays: Vec<Endpoint>,
        /// How long it waited (`timeout` of the configuration).
        waited: Duration,
    },
    /// A frame is larger than anybody on the bus takes; nothing has been sent.
    #[error(
        "{topic} not published: it has {size} bytes, more than `zmq_max_message_size` allows ({limit})"
    )]
    TooLarge {
        /// The topic that was to be published.
        topic: Topic,
        /// Bytes of its body, or of its topic.
        size: usize,
        /// The limit.
        limit: ByteSize,
    },
    /// The topic cannot be sent.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The payload has no JSON form that peers could read.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// What is published shall be signed (`sign_messages`), and there is nothing to sign with.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The message could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// libzmq refused.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The publisher has been closed, with the hub that it belongs to.
    #[error("the publisher is closed")]
    Closed,
    /// The configuration could not be loaded (only [`crate::publish`] loads it by itself).
    #[error("{0}")]
    Config(#[from] ConfigErrors),
}

fn list(tried: &[(Endpoint, String)]) -> impl fmt::Display + '_ {
    let reasons: Vec<_> = tried
        .iter()
        .map(|(endpoint, reason)| format!("{endpoint} ({reason})"))
        .collect();
    reasons.join(", ")
}

fn addresses(endpoints: &[Endpoint]) -> impl fmt::Display + '_ {
    let texts: Vec<_> = endpoints.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
