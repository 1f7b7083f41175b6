//! Publish and tail on a federated message bus: the library for applications.
//!
//! Programs publish JSON messages on ZeroMQ PUB sockets; a shared configuration says who publishes
//! where; anyone may listen. It speaks with the Python program fedmsg in both directions.
//!
//! | you want to | use |
//! |---|---|
//! | publish now and then | [`publish()`] or [`blocking::publish`] |
//! | publish often, or know who listens | [`Bus::publisher`] → [`Publisher`] |
//! | listen to the bus | [`tail_messages`], or [`Bus::subscribe`] → [`Subscriber`], a `Stream` of [`Delivery`] |
//! | write a script without async | [`blocking`] |
//!
//! Consumers and producers that a hub runs are not written against this crate but against
//! `fedmsg-actors`, which hands them a [`Delivery`] and a publisher.

mod audience;
mod bus;
mod clock;
mod delivery;
mod expiry;
mod fetch;
mod forwarder;
mod identity;
mod inspector;
mod ipc_path;
mod log_limit;
mod monitoring;
mod preflight;
mod publisher;
mod resigner;
mod resolver;
mod signing;
mod socket;
mod subscriber;
mod tail;
mod trust;
mod zmtp;

pub mod blocking;

pub use fedmsg_config::{Config, Endpoint, EndpointName, Sources};
pub use fedmsg_message::{
    DecodeError, Envelope, Message, Refusal, SignError, Topic, TopicFilter, TopicPattern, Verdict,
    json,
};

pub use self::audience::Audience;
pub use self::bus::Bus;
pub use self::clock::now_ms;
pub use self::delivery::Delivery;
pub use self::fetch::{Fetch, FetchError, Version, with_causes};
pub use self::forwarder::{Forwarder, ForwarderCounts, SubscriberStatus};
pub use self::identity::{host_name, program_name, user_name};
pub use self::inspector::{Inspector, RefusalCount, Refusals};
pub use self::ipc_path::check_ipc_path;
pub use self::log_limit::LogLimit;
pub use self::monitoring::{MonitoringError, MonitoringSocket};
pub use self::preflight::{Lifetime, check_signing, check_trust, signing_entries};
pub use self::publisher::{PublishError, Published, Publisher, PublisherCounters, PublisherCounts};
pub use self::resigner::Resigner;
pub use self::resolver::{ResolveError, resolve};
pub use self::signing::SigningError;
pub use self::socket::SocketError;
pub use self::subscriber::{
    EndpointCounts, SubscribeError, Subscriber, SubscriberCounters, SubscriberCounts,
};
pub use self::tail::{TailError, publish, tail_messages};
pub use self::trust::TrustOpenError;
