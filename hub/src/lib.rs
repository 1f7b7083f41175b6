//! The hub: what you start.
//!
//! To run one with consumers and producers of your own, write them against the traits that are
//! exported here, register them, and run:
//!
//! ```no_run
//! use fedmsg_hub::{BoxError, Config, ConsumeError, Consumer, ConsumerContext, Delivery, Hub, NoParams};
//!
//! struct Print;
//!
//! impl Consumer for Print {
//!     const KIND: &'static str = "print";
//!     type Params = NoParams;
//!     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
//!         Ok(Print)
//!     }
//!     async fn consume(&mut self, delivery: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
//!         println!("{}", delivery.topic());
//!         Ok(())
//!     }
//! }
//!
//! fn main() -> Result<(), fedmsg_hub::HubError> {
//!     let config = Config::from_toml("[consumers.print]\nkind = \"print\"")?;
//!     Hub::builder(config).consumer::<Print>().run()?;
//!     Ok(())
//! }
//! ```
//!
//! # What a plugin depends on
//!
//! `fedmsg-hub` alone is enough: all that the traits and their tests need is exported here, whatever crate of the
//! project it is from. Examples of such items name that crate, `use fedmsg_actors::…`, `fedmsg::…` or
//! `fedmsg_config::…`; in a crate that depends on `fedmsg-hub` it is `use fedmsg_hub::…`.
//!
//! | crate | a plugin needs it beside `fedmsg-hub` |
//! |---|---|
//! | `serde`, `schemars` | not: they are [`serde`] and [`schemars`] here, and the derives for params are told so by `#[serde(crate = "fedmsg_hub::serde")]` and `#[schemars(crate = "fedmsg_hub::schemars")]`; with dependencies of its own (`serde` 1, `schemars` 1) it leaves those attributes out |
//! | `jiff` 0.2 | for times of its own; [`Timestamp`] is here |
//! | `tokio` 1 | for what a plugin waits for by itself: `time::timeout`, `task::spawn_blocking`, sockets, files; it runs on the hub's runtime, so it must start none |
//! | `tracing` 0.1 | for lines of its own in the log of the hub, which have its name |
//!
//! Times and sizes in params are read as everywhere in the configuration, with what is wrong with one:
//!
//! ```
//! use std::time::Duration;
//!
//! use fedmsg_hub::schemars::JsonSchema;
//! use fedmsg_hub::{ByteSize, duration};
//!
//! #[derive(serde::Deserialize, JsonSchema)]
//! struct Params {
//!     /// How long to wait: a time such as "5s". Required.
//!     #[serde(with = "duration")]
//!     #[schemars(schema_with = "duration::schema")]
//!     pause: Duration,
//!     /// The largest file. Required.
//!     max_size: ByteSize,
//! }
//!
//! let params: Params = toml::from_str("pause = '1m 30s'\nmax_size = '64 MiB'")?;
//! assert_eq!(params.pause, Duration::from_secs(90));
//! # Ok::<(), toml::de::Error>(())
//! ```
//!
//! The commands of the project (`fedmsg-hub`, `fedmsg-relay`, `fedmsg-tail`, `fedmsg-logger`, `fedmsg-check`,
//! `fedmsg-collectd`, `fedmsg-ca`) are in [`cli`]. But for the last one, which has OpenSSL make certificates, they use
//! nothing that is not public here or in the crates below.

mod ca;
mod commands;
mod exit;
mod foreign_topics;
mod hub;
mod hub_command;
mod monitoring;
mod report;
mod signals;
mod systemd;
mod telemetry;

pub mod cli;

pub use fedmsg::{
    Audience, Bus, Config, Delivery, Endpoint, EndpointName, Envelope, Message, PublishError,
    Published, Publisher, PublisherCounts, Refusal, RefusalCount, SubscribeError, Subscriber,
    SubscriberCounts, Topic, TopicFilter, Verdict, json,
};
pub use fedmsg_actors::{
    Argv, BadLine, BatchError, BoxError, Call, CallOutcome, Command, CommandError, Conformance,
    ConformanceReport, ConsumeError, Consumer, ConsumerContext, ConsumerState, ConsumerStatus,
    DeliveryBuilder, Faults, Finding, HubStatus, Kind, NoParams, Order, Outcome, Parameter,
    ParamsError, PlanError, PreflightError, Producer, ProducerConformance, ProducerContext,
    ProducerState, ProducerStatus, ProgramLog, Rate, RateLimit, Recording, RecordingError,
    Registry, Requirement, SettingError, Source, SourceStatus, StartError, StopReport, TestBus,
    TestCa, TestHub, TestReport, Variables, World, message_variables, schemars, serde,
};
pub use fedmsg_config::{ByteSize, KeyPath, duration};
pub use fedmsg_message::{Signer, TopicPattern};
pub use jiff::Timestamp;

pub use self::hub::{Hub, HubBuilder, HubError};
pub use self::hub_command::HubCommand;
pub use self::monitoring::MonitoringStartError;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme; // so that its blocks of Rust are compiled
