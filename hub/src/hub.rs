//! The façade of a hub: a configuration, the kinds that it may use, and `run`.
//!
//! Plugin authors and the commands build one; it drives the engine of `fedmsg-actors` and listens to
//! signals. It does nothing that the crates below do not offer to everybody.

use std::io;
use std::sync::Arc;

use fedmsg::{Bus, Config};
use fedmsg_actors::{
    Consumer, Producer, Registry, RunningHub, Source, StartError, StopReport, block_on,
};
use fedmsg_config::ConfigErrors;
use thiserror::Error;
use tracing::{error, info, warn};

use crate::hub_command::HubCommand;
use crate::signals::Signals;

/// Why a hub did not run, or ended by itself.
#[derive(Debug, Error)]
pub enum HubError {
    /// The configuration has errors.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// Something that the configuration enables does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system gave no event loop, or no signals.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// Every consumer has given up or halted and there is no producer, or the hub has gone deaf.
    #[error("{}", reasons(.0))]
    AllStopped(Box<StopReport>),
}

fn reasons(report: &StopReport) -> String {
    if let Some(source) = report.status.sources.iter().find(|source| source.ended) {
        let source = name_of(source.source);
        return format!("the intake from {source} has ended by itself");
    }
    let reason = |consumer: &fedmsg_actors::ConsumerStatus| {
        format!("{} ({})", consumer.name, consumer.state)
    };
    let reasons = report.status.consumers.iter().map(reason);
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    format!("every consumer has stopped: {reasons}")
}

/// What a source is called in the configuration.
fn name_of(source: Source) -> &'static str {
    match source {
        Source::Endpoints => "endpoints",
        Source::RelayInbound => "relay_inbound",
    }
}

/// Where a hub begins: as a command for operators, or under a configuration made by code.
#[derive(Debug)]
pub struct Hub;

impl Hub {
    /// Starts to describe a hub that runs under `config` and knows the built-in kinds.
    #[must_use]
    pub fn builder(config: impl Into<Arc<Config>>) -> HubBuilder {
        HubBuilder::new(config.into(), built_in_kinds())
    }

    /// Starts to describe a command like `fedmsg-hub`: it finds its configuration by itself, has
    /// all the flags, and knows the built-in kinds.
    #[must_use]
    pub fn command() -> HubCommand {
        HubCommand::new(built_in_kinds())
    }
}

pub(crate) fn built_in_kinds() -> Registry {
    let mut registry = Registry::default();
    fedmsg_consumers::register(&mut registry);
    fedmsg_producers::register(&mut registry);
    registry
}

/// A hub before it runs.
///
/// # Examples
///
/// ```
/// use fedmsg_hub::{Config, Hub};
///
/// let config = Config::from_toml("[consumers.audit]\nkind = \"log\"\n[endpoints]\nshop = \"tcp://127.0.0.1:0\"")?;
/// let report = Hub::builder(config).run_until(async { /* until something has happened */ })?;
/// assert!(report.is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HubBuilder {
    config: Arc<Config>,
    registry: Registry,
}

impl HubBuilder {
    pub(crate) fn new(config: Arc<Config>, registry: Registry) -> Self {
        Self { config, registry }
    }

    /// Makes the kind of consumer `C` known; the configuration says which instances there are.
    #[must_use]
    pub fn consumer<C: Consumer>(mut self) -> Self {
        self.registry.consumer::<C>();
        self
    }

    /// Makes the kind of producer `P` known; the configuration says which instances there are.
    #[must_use]
    pub fn producer<P: Producer>(mut self) -> Self {
        self.registry.producer::<P>();
        self
    }

    /// Runs the hub on this thread until SIGTERM, SIGINT or SIGHUP, then stops it in order; a second
    /// signal ends the process at once (exit status 128 + its number).
    ///
    /// # Errors
    ///
    /// It does not start, or all of its consumers have stopped by themselves.
    pub fn run(self) -> Result<StopReport, HubError> {
        self.run_until(std::future::pending())
    }

    /// Runs the hub as [`HubBuilder::run`] does, and also stops it when `end` resolves.
    ///
    /// # Errors
    ///
    /// As [`HubBuilder::run`].
    pub fn run_until(self, end: impl Future<Output = ()>) -> Result<StopReport, HubError> {
        block_on(self.drive(end))?
    }

    async fn drive(self, end: impl Future<Output = ()>) -> Result<StopReport, HubError> {
        let mut signals = Signals::listen()?;
        let bus = Bus::open(self.config);
        let hub = tokio::select! {
            started = RunningHub::start(bus.clone(), &self.registry) => started?,
            // A plugin may take long to start, or for ever. Nothing has been received yet.
            signal = signals.next() => {
                info!(%signal, "stopping before everything has started");
                return Ok(StopReport::default());
            }
        };
        info!("hub running");
        let all_stopped = tokio::select! {
            signal = signals.next() => {
                info!(%signal, "stopping");
                false
            }
            () = end => false,
            _ = hub.until_idle() => true,
        };
        signals.end_process_at_next();
        let report = hub.stop().await;
        bus.close().await;
        summarise(&report);
        if all_stopped {
            Err(HubError::AllStopped(Box::new(report)))
        } else {
            Ok(report)
        }
    }
}

fn summarise(report: &StopReport) {
    for consumer in &report.status.consumers {
        info!(
            consumer = %consumer.name, state = %consumer.state, accepted = consumer.accepted,
            consumed = consumer.consumed, dropped = consumer.dropped,
            overflowed = consumer.overflowed, undelivered = consumer.undelivered,
            "consumer at the end"
        );
    }
    for producer in &report.status.producers {
        info!(
            producer = %producer.name, ticks = producer.ticks, failures = producer.failures,
            skipped = producer.skipped, "producer at the end"
        );
    }
    for source in &report.status.sources {
        let (malformed, refused) = (source.received.malformed(), source.received.refused);
        // Connections that were lost are no warning: publishers come and go. The intake has told them.
        if malformed > 0 || refused > 0 {
            warn!(
                source = name_of(source.source),
                malformed,
                refused_connections = refused,
                "malformed messages were skipped, or peers did not speak ZMTP"
            );
        }
    }
    for refused in &report.status.refusals {
        warn!(
            endpoint = %refused.endpoint, reason = refused.reason, messages = refused.messages,
            "messages refused: their signatures were checked"
        );
    }
    if let Some(publisher) = &report.status.publisher
        && publisher.unheard > 0
    {
        warn!(
            unheard = publisher.unheard,
            of = publisher.messages,
            "published, but nobody listened"
        );
    }
    match report.status.lost() {
        0 => info!("hub stopped"),
        lost => error!(
            lost,
            "hub stopped; messages that reached it were not handled (see above)"
        ),
    }
}
