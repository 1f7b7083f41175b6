//! From the configuration to what is to run: every kind found, every parameter checked.
//!
//! The supervisor makes one before it starts anything, so that a hub either starts whole or says
//! everything that is wrong at once.

use std::sync::Arc;

use fedmsg::{PublishError, SubscribeError, TrustOpenError};
use fedmsg_config::{Config, ParamsError, ScheduleError, advise};
use fedmsg_message::TopicPattern;
use thiserror::Error;

use crate::consumer::BoxError;
use crate::consumer_cell::ConsumerCell;
use crate::producer_cell::ProducerCell;
use crate::registry::{ConsumerKind, ProducerKind, Registry};
use crate::timings::Timings;

/// What is wrong with one consumer or producer of the configuration.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{PlanError, Registry};
///
/// let config = fedmsg::Config::from_toml("[consumers.a]\nkind = 'none'")?;
/// let errors = Registry::default().check(&config);
/// assert!(matches!(&errors[..], [PlanError::UnknownKind { name, .. }] if name == "a"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
pub enum PlanError {
    /// No such kind is registered.
    #[error("{table}.{name}.kind: unknown kind \"{kind}\"{}", advice(kind, known))]
    UnknownKind {
        /// `consumers` or `producers`.
        table: &'static str,
        /// The instance.
        name: String,
        /// The kind asked for.
        kind: String,
        /// The kinds there are, by name.
        known: Vec<String>,
    },
    /// Its parameters do not fit its kind.
    #[error("{table}.{name}.{source}")]
    Params {
        /// `consumers` or `producers`.
        table: &'static str,
        /// The instance.
        name: String,
        /// What does not fit, with the key below `params`.
        source: ParamsError,
    },
    /// Its schedule says nothing, or never fires.
    #[error("producers.{name}: {source}")]
    Schedule {
        /// The instance.
        name: String,
        /// What is wrong with it.
        source: ScheduleError,
    },
}

/// Why a hub did not start. Nothing of it runs then.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{StartError, TestBus};
///
/// let started = TestBus::new().try_run(async |_| ());
/// assert!(matches!(started, Err(StartError::NothingEnabled)));
/// ```
#[derive(Debug, Error)]
pub enum StartError {
    /// No consumer and no producer is enabled.
    #[error("nothing to do: the configuration enables no consumer and no producer")]
    NothingEnabled,
    /// The configuration asks for what does not exist.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Plan(Vec<PlanError>),
    /// A consumer or producer could not be built. Where a setting is to blame, `source` is a
    /// [`ParamsError`] or a [`crate::SettingError`].
    #[error("{table}.{name} does not start: {source}")]
    Build {
        /// `consumers` or `producers`.
        table: &'static str,
        /// The instance.
        name: String,
        /// What it said.
        source: BoxError,
    },
    /// A source of messages cannot be opened.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    /// A consumer wants signatures checked, and there is no CA to go by.
    #[error("signatures cannot be checked: {0}")]
    Trust(#[from] TrustOpenError),
    /// Producers are enabled, but the hub cannot publish.
    #[error("producers are enabled, but the hub cannot publish: {0}")]
    Publish(Arc<PublishError>),
    /// An actor died before it could say anything.
    #[error("{0} died while starting")]
    Died(String),
}

/// What is to run.
pub(crate) struct Plan {
    pub(crate) consumers: Vec<(Arc<ConsumerCell>, ConsumerKind)>,
    pub(crate) producers: Vec<(Arc<ProducerCell>, ProducerKind)>,
}

impl Plan {
    /// Looks everything up that is enabled.
    pub(crate) fn new(config: &Config, registry: &Registry) -> Result<Self, StartError> {
        let mut errors = Vec::new();
        let consumers = consumers(config, registry, &mut errors);
        let producers = producers(config, registry, &mut errors);
        if !errors.is_empty() {
            return Err(StartError::Plan(errors));
        }
        if consumers.is_empty() && producers.is_empty() {
            return Err(StartError::NothingEnabled);
        }
        Ok(Self {
            consumers,
            producers,
        })
    }
}

fn consumers(
    hub: &Config,
    registry: &Registry,
    errors: &mut Vec<PlanError>,
) -> Vec<(Arc<ConsumerCell>, ConsumerKind)> {
    let mut planned = Vec::new();
    for (name, config) in hub.consumers.iter().filter(|(_, config)| config.enabled) {
        let Some(kind) = registry.find_consumer(&config.kind) else {
            errors.push(unknown(
                "consumers",
                name,
                &config.kind,
                registry.consumer_kinds(),
            ));
            continue;
        };
        if let Err(source) = (kind.check)(&config.params) {
            errors.push(PlanError::Params {
                table: "consumers",
                name: name.clone(),
                source,
            });
            continue;
        }
        let topics = config
            .topics
            .clone()
            .unwrap_or_else(|| (kind.default_topics)());
        let topics = if topics.is_empty() {
            vec![TopicPattern::everything()]
        } else {
            topics
        };
        let source = config.source.unwrap_or(kind.source);
        let validates = config
            .validate_signatures
            .or(kind.validate_signatures)
            .unwrap_or(hub.validate_signatures);
        let timings = hub.monitoring_socket.as_ref().map(|_| Timings::default());
        let config = config.clone();
        let cell = ConsumerCell::new(name, kind.kind, topics, source, validates, config, timings);
        planned.push((cell, kind.clone()));
    }
    planned
}

fn producers(
    config: &Config,
    registry: &Registry,
    errors: &mut Vec<PlanError>,
) -> Vec<(Arc<ProducerCell>, ProducerKind)> {
    let mut planned = Vec::new();
    for (name, config) in config.producers.iter().filter(|(_, config)| config.enabled) {
        let Some(kind) = registry.find_producer(&config.kind) else {
            errors.push(unknown(
                "producers",
                name,
                &config.kind,
                registry.producer_kinds(),
            ));
            continue;
        };
        if let Err(source) = (kind.check)(&config.params) {
            errors.push(PlanError::Params {
                table: "producers",
                name: name.clone(),
                source,
            });
            continue;
        }
        match config.schedule() {
            Ok(schedule) => {
                let cell = ProducerCell::new(name, kind.kind, schedule, config.clone());
                planned.push((cell, kind.clone()));
            }
            Err(source) => errors.push(PlanError::Schedule {
                name: name.clone(),
                source,
            }),
        }
    }
    planned
}

fn unknown(
    table: &'static str,
    name: &str,
    kind: &str,
    known: impl Iterator<Item = &'static str>,
) -> PlanError {
    PlanError::UnknownKind {
        table,
        name: name.to_owned(),
        kind: kind.to_owned(),
        known: known.map(str::to_owned).collect(),
    }
}

fn advice(kind: &str, known: &[String]) -> String {
    advise(kind, known).map_or_else(String::new, |advice| format!("; {advice}"))
}
