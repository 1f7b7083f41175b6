//! The façade of a hub: a configuration, the kinds that it may use, and `run`.
//!
//! Plugin authors and the commands build one; it drives the engine of `fedmsg-actors` and listens to
//! signals. It does nothing that the crates below do not offer to everybody.

use std::io;
use std::sync::Arc;

use fedmsg::{Bus, Config};
use fedmsg_actors::{
    Consumer, PlanError, ProcessGroup, Producer, Registry, RunningHub, StartError, Started,
    StopReport, block_on,
};
use fedmsg_config::ConfigErrors;
use thiserror::Error;
use tracing::{info, warn};

use crate::foreign_topics::{foreign_topics, topics_begin_with};
use crate::hub_command::HubCommand;
use crate::monitoring::{Monitoring, MonitoringStartError};
use crate::report;
use crate::signals::{Questions, Signals};
use crate::systemd::Systemd;

/// Why a hub did not run, or ended by itself.
///
/// # Examples
///
/// ```
/// use fedmsg_hub::{Config, Hub, HubError};
///
/// let config = Config::from_toml("[consumers.a]\nkind = \"nobody's\"")?;
/// let ended = Hub::builder(config).run_until(async {});
/// assert!(matches!(ended, Err(HubError::Start(_))));
/// # Ok::<(), HubError>(())
/// ```
#[derive(Debug, Error)]
pub enum HubError {
    /// The configuration has errors.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// Something that the configuration enables does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It cannot say how it is (`moksha.monitoring.socket`).
    #[error(transparent)]
    Monitoring(#[from] MonitoringStartError),
    /// The system gave no event loop, or no signals.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// Every consumer has given up or halted and there is no producer, or the hub has gone deaf, or died.
    #[error("{}", reasons(.0))]
    AllStopped(Box<StopReport>),
}

fn reasons(report: &StopReport) -> String {
    if report.status.read_ms == 0 {
        return "the hub has died inside: what it had received is lost, and nobody could count it; \
                the log has the panic"
            .to_owned();
    }
    if let Some(source) = report.status.sources.iter().find(|source| source.ended) {
        let source = source.source.key();
        return format!("the intake from {source} has ended by itself");
    }
    let reason = |consumer: &fedmsg_actors::ConsumerStatus| {
        format!("{} ({})", consumer.name, consumer.state)
    };
    let reasons = report.status.consumers.iter().map(reason);
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    format!("every consumer has stopped: {reasons}")
}

/// Where a hub begins: as a command for operators, or under a configuration made by code.
///
/// # Examples
///
/// ```
/// use fedmsg_hub::{Config, Hub};
///
/// let config = Config::from_toml("[consumers.audit]\nkind = \"log\"\n[endpoints]\nshop = \"tcp://127.0.0.1:0\"")?;
/// Hub::builder(config).run_until(async { /* until something has happened */ })?;
/// # Ok::<(), fedmsg_hub::HubError>(())
/// ```
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

    /// Looks up all that the configuration enables, as [`HubBuilder::run`] does before it starts, and
    /// starts nothing: what is wrong with it, or nothing. For a test of a hub's own configuration.
    ///
    /// ```
    /// use fedmsg_hub::{Config, Hub};
    ///
    /// let config = Config::from_toml("[consumers.audit]\nkind = \"lgo\"")?;
    /// assert_eq!(Hub::builder(config).check().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn check(&self) -> Vec<PlanError> {
        self.registry.check(&self.config)
    }

    /// Runs the hub on this thread until SIGTERM, SIGINT or SIGHUP, then stops it in order; a second
    /// signal, half a second or more after it, ends the process at once (exit status 128 + its number).
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
        let mut questions = Questions::listen()?;
        let bus = Bus::open(self.config);
        // Before anything starts: of two hubs with one configuration the second does nothing.
        let monitoring = Monitoring::open(&bus).await?;
        let systemd = Systemd::from_environment();
        // A plugin may take long to start, or for ever. A signal that comes as the last one has started is not
        // forgotten.
        let mut is_called_off = false;
        let called_off = async {
            let signal = signals.next().await;
            is_called_off = true;
            info!(%signal, "stopping before everything has started");
            systemd.say_stopping(bus.config().stop_timeout).await;
        };
        let started = RunningHub::start_unless(bus.clone(), &self.registry, called_off).await?;
        let (report, all_stopped) = match started {
            Started::CalledOff(report) => {
                // Whatever belongs to a plugin that had not started.
                ProcessGroup::kill_running();
                (report, false)
            }
            Started::Running(hub) => {
                let mut all_stopped = false;
                if !is_called_off {
                    info!("hub running");
                    warn_of_foreign_topics(bus.config());
                    all_stopped = tokio::select! {
                        signal = signals.next() => {
                            info!(%signal, "stopping");
                            false
                        }
                        () = end => false,
                        _ = hub.until_idle() => true,
                        () = monitoring.run(&hub) => false,
                        () = systemd.attend(&hub) => false,
                        () = answer(&mut questions, &hub) => false,
                    };
                }
                signals.end_process_at_next();
                let report = tokio::select! {
                    report = hub.stop() => report,
                    () = systemd.attend_stop(bus.config().stop_timeout) => StopReport::default(),
                };
                (report, all_stopped)
            }
        };
        drop(monitoring);
        bus.close().await;
        report::summarise(&report);
        if all_stopped {
            Err(HubError::AllStopped(Box::new(report)))
        } else {
            Ok(report)
        }
    }
}

/// Says which patterns will most likely never match, for whoever has not asked `fedmsg-config check`.
fn warn_of_foreign_topics(config: &Config) {
    let enabled = |name: &str| config.consumers.get(name).is_some_and(|it| it.enabled);
    for (name, _, pattern) in foreign_topics(config).filter(|(name, ..)| enabled(name)) {
        warn!(
            consumer = name,
            topics = pattern.as_str(),
            topics_begin_with = topics_begin_with(config),
            "these topics match nothing that is published under this configuration"
        );
    }
}

/// Logs the state of `hub` whenever somebody asks, for ever.
async fn answer(questions: &mut Questions, hub: &RunningHub) {
    loop {
        questions.next().await;
        report::log_status(&hub.status().await);
    }
}
