//! The engine of a hub: what runs, and the two traits that plugin authors implement.
//!
//! A plugin author needs [`Consumer`] or [`Producer`], the context that its methods get, and
//! [`TestBus`], [`Conformance`] and [`ProducerConformance`] to test it. [`Registry`] and [`RunningHub`] are for those who build a hub of their own
//! without the façade of `fedmsg-hub`. Actors are an inner matter: none appears in a public type.

mod alive;
mod arbiters;
mod child;
mod clock;
mod configuration_schema;
mod conformance;
mod consumer;
mod consumer_actor;
mod consumer_cell;
mod context;
mod counters;
mod doorbell;
mod figures;
mod hosted;
mod hub_view;
mod kind;
mod mailbox;
mod opening;
mod plan;
mod preflight;
mod producer;
mod producer_actor;
mod producer_cell;
mod progress;
mod publisher_actor;
mod pulse;
mod rate_limit;
mod registry;
mod restarts;
mod router;
mod running;
mod status;
mod stuck;
mod subscriber_actor;
mod supervisor;
mod test_bus;
mod ticker;
mod timings;

pub use fedmsg::Delivery;
pub use fedmsg_config::Source;
// With these a plugin needs no other dependency to declare its params.
pub use {schemars, serde};

pub use self::child::{
    Argv, Command, CommandError, Exit, Outcome, ProcessGroup, ProgramLog, Run, Variables,
    message_variables, raise_descriptors,
};
pub use self::conformance::{
    Conformance, ConformanceReport, Finding, ProducerConformance, Requirement, World,
};
pub use self::consumer::{BatchError, BoxError, ConsumeError, Consumer};
pub use self::consumer_cell::ConsumerState;
pub use self::context::{ConsumerContext, NoParams, ProducerContext};
pub use self::kind::{Kind, Parameter};
pub use self::plan::{PlanError, StartError};
pub use self::preflight::{ParamsError, PreflightError, SettingError};
pub use self::producer::Producer;
pub use self::producer_cell::ProducerState;
pub use self::rate_limit::{Rate, RateError, RateLimit};
pub use self::registry::Registry;
pub use self::running::{RunningHub, Started, block_on};
pub use self::status::{ConsumerStatus, HubStatus, ProducerStatus, SourceStatus};
pub use self::supervisor::StopReport;
pub use self::test_bus::{
    BadLine, Call, CallOutcome, DeliveryBuilder, Faults, Order, Recording, RecordingError, TestBus,
    TestCa, TestHub, TestReport,
};
