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
//! The commands of the project (`fedmsg-hub`, `fedmsg-relay`, `fedmsg-tail`, `fedmsg-logger`,
//! `fedmsg-check`, `fedmsg-ca`) are in [`cli`]. But for the last one, which has OpenSSL make certificates, they use
//! `fedmsg-collectd`, `fedmsg-ca`) are in [`cli`]. But for the last one, which has OpenSSL make certificates, they use
//! nothing that is not public here or in the crates below.

mod ca;
mod commands;
mod exit;
mod hub;
mod hub_command;
mod limits;
mod monitoring;
mod report;
mod signals;
mod systemd;
mod telemetry;

pub mod cli;

pub use fedmsg::{
    Bus, Config, Delivery, Message, Publisher, Refusal, RefusalCount, Subscriber, Topic,
    TopicFilter, Verdict, json,
};
pub use fedmsg_actors::{
    BadLine, BatchError, BoxError, Call, CallOutcome, Conformance, ConformanceReport, ConsumeError,
    Consumer, ConsumerContext, ConsumerState, ConsumerStatus, DeliveryBuilder, Faults, Finding,
    HubStatus, Kind, NoParams, Order, Parameter, PlanError, Producer, ProducerConformance,
    ProducerContext, ProducerState, ProducerStatus, Rate, RateLimit, Recording, RecordingError,
    Registry, Requirement, Source, SourceStatus, StopReport, TestBus, TestCa, TestHub, TestReport,
    World, schemars, serde,
};
pub use fedmsg_message::TopicPattern;

pub use self::hub::{Hub, HubBuilder, HubError};
pub use self::hub_command::HubCommand;
pub use self::monitoring::MonitoringStartError;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme; // so that its blocks of Rust are compiled
