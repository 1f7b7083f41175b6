//! The table of kinds: from the name in the configuration to the code that builds it.
//!
//! Filled by explicit lists (`fedmsg_consumers::register`, a plugin author's own `main`); read by the
//! supervisor. There is no magic that finds plugins: what is not registered does not exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use fedmsg_config::{Config, Params, ParamsError, Source};
use fedmsg_message::TopicPattern;
use futures::future::BoxFuture;
use schemars::{Schema, SchemaGenerator};

use crate::configuration_schema::{self, KindSchema};
use crate::consumer::{BoxError, Consumer};
use crate::context::{ConsumerContext, ProducerContext};
use crate::hosted::{Hosted, HostedConsumer, HostedProducer};
use crate::kind::Kind;
use crate::plan::{Plan, PlanError, StartError};
use crate::preflight::{Preflight, PreflightError, SettingError};
use crate::producer::Producer;

pub(crate) type Built<T> = BoxFuture<'static, Result<T, BoxError>>;
type Build<C, T> = Arc<dyn Fn(Params, C) -> Built<T> + Send + Sync>;

/// The kinds that a hub knows.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, Registry};
///
/// struct Sink;
///
/// impl Consumer for Sink {
///     const KIND: &'static str = "sink";
///     type Params = NoParams;
///     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
///         Ok(Sink)
///     }
///     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
///         Ok(())
///     }
/// }
///
/// let mut registry = Registry::default();
/// registry.consumer::<Sink>();
/// assert_eq!(registry.consumer_kinds().collect::<Vec<_>>(), ["sink"]);
/// ```
#[derive(Default)]
pub struct Registry {
    consumers: BTreeMap<&'static str, ConsumerKind>,
    producers: BTreeMap<&'static str, ProducerKind>,
}

#[derive(Clone)]
pub(crate) struct ConsumerKind {
    pub(crate) kind: &'static str,
    about: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
    params: fn() -> Schema,
    pub(crate) source: Source,
    pub(crate) validate_signatures: Option<bool>,
    pub(crate) default_topics: fn() -> Vec<TopicPattern>,
    pub(crate) check: fn(&Params) -> Result<(), ParamsError>,
    preflight: Preflight,
    pub(crate) build: Build<ConsumerContext, Box<dyn HostedConsumer>>,
}

#[derive(Clone)]
pub(crate) struct ProducerKind {
    pub(crate) kind: &'static str,
    about: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
    params: fn() -> Schema,
    pub(crate) check: fn(&Params) -> Result<(), ParamsError>,
    preflight: Preflight,
    pub(crate) build: Build<ProducerContext, Box<dyn HostedProducer>>,
}

impl Registry {
    /// Adds a kind of consumer. A later kind of the same name replaces an earlier one.
    pub fn consumer<C: Consumer>(&mut self) -> &mut Self {
        self.consumer_within(|building: Built<C>| building)
    }

    /// As [`Registry::consumer`], with each value put into another before it is hosted: `within` is given its
    /// building.
    pub(crate) fn consumer_within<C: Consumer, W: Consumer>(
        &mut self,
        within: impl Fn(Built<C>) -> Built<W> + Send + Sync + 'static,
    ) -> &mut Self {
        let build: Build<ConsumerContext, Box<dyn HostedConsumer>> =
            Arc::new(move |params, context| {
                let around = context.clone();
                let building = async move { C::from_params(params.parse()?, &around).await };
                let building = within(Box::pin(building));
                Box::pin(async move {
                    let consumer = building.await?;
                    Ok(Box::new(Hosted::new(consumer, context)) as Box<dyn HostedConsumer>)
                })
            });
        let kind = ConsumerKind {
            kind: C::KIND,
            about: C::ABOUT,
            schema: |generator| generator.subschema_for::<C::Params>(),
            params: Kind::params_schema::<C::Params>,
            source: C::SOURCE,
            validate_signatures: C::VALIDATE_SIGNATURES,
            default_topics: C::default_topics,
            check: |params| params.parse::<C::Params>().map(drop),
            preflight: |params, config| match params.parse() {
                Ok(params) => C::preflight(&params, config),
                Err(_) => Ok(()),
            },
            build,
        };
        self.consumers.insert(C::KIND, kind);
        self
    }

    /// Adds a kind of producer. A later kind of the same name replaces an earlier one.
    pub fn producer<P: Producer>(&mut self) -> &mut Self {
        self.producer_within(|building: Built<P>| building)
    }

    /// As [`Registry::producer`], with each value put into another before it is hosted: `within` is given its
    /// building.
    pub(crate) fn producer_within<P: Producer, W: Producer>(
        &mut self,
        within: impl Fn(Built<P>) -> Built<W> + Send + Sync + 'static,
    ) -> &mut Self {
        let build: Build<ProducerContext, Box<dyn HostedProducer>> =
            Arc::new(move |params, context| {
                let around = context.clone();
                let building = async move { P::from_params(params.parse()?, &around).await };
                let building = within(Box::pin(building));
                Box::pin(async move {
                    let producer = building.await?;
                    Ok(Box::new(Hosted::new(producer, context)) as Box<dyn HostedProducer>)
                })
            });
        let check = |params: &Params| params.parse::<P::Params>().map(drop);
        self.producers.insert(
            P::KIND,
            ProducerKind {
                kind: P::KIND,
                about: P::ABOUT,
                schema: |generator| generator.subschema_for::<P::Params>(),
                params: Kind::params_schema::<P::Params>,
                check,
                preflight: |params, config| match params.parse() {
                    Ok(params) => P::preflight(&params, config),
                    Err(_) => Ok(()),
                },
                build,
            },
        );
        self
    }

    /// The names of the kinds of consumers, sorted.
    pub fn consumer_kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.consumers.keys().copied()
    }

    /// The names of the kinds of producers, sorted.
    pub fn producer_kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.producers.keys().copied()
    }

    /// Everything that is known of the kinds: consumers first, each by name.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let consumers = self.consumers.values().map(|it| Kind {
            table: "consumers",
            kind: it.kind,
            about: it.about,
            source: Some(it.source),
            topics: (it.default_topics)()
                .iter()
                .map(ToString::to_string)
                .collect(),
            validate_signatures: it.validate_signatures,
            params: (it.params)(),
        });
        let producers = self.producers.values().map(|it| Kind {
            table: "producers",
            kind: it.kind,
            about: it.about,
            source: None,
            topics: Vec::new(),
            validate_signatures: None,
            params: (it.params)(),
        });
        consumers.chain(producers).collect()
    }

    /// The JSON Schema (2020-12) of a configuration file for a hub that knows these kinds: an editor that
    /// is given it completes keys, shows what they are for, and marks what is wrong.
    ///
    /// ```
    /// let schema = fedmsg_actors::Registry::default().configuration_schema();
    /// assert!(schema.pointer("/properties/topic_prefix/description").is_some());
    /// ```
    #[must_use]
    pub fn configuration_schema(&self) -> Schema {
        let consumers: Vec<_> = self
            .consumers
            .values()
            .map(|it| KindSchema {
                kind: it.kind,
                about: it.about,
                params: it.schema,
            })
            .collect();
        let producers: Vec<_> = self
            .producers
            .values()
            .map(|it| KindSchema {
                kind: it.kind,
                about: it.about,
                params: it.schema,
            })
            .collect();
        configuration_schema::of(&consumers, &producers)
    }

    /// Looks up everything that `config` enables, as a hub does before it starts, and starts nothing:
    /// every kind that is not known, and all params and schedules that do not do.
    pub fn check(&self, config: &Config) -> Vec<PlanError> {
        match Plan::new(config, self) {
            Err(StartError::Plan(errors)) => errors,
            _ => Vec::new(),
        }
    }

    /// Asks every kind that `config` enables what would keep it from starting, and starts nothing. What
    /// [`Registry::check`] finds is not found again.
    pub fn preflight(&self, config: &Config) -> Vec<PreflightError> {
        let consumers = config.consumers.iter().filter(|(_, it)| it.enabled);
        let consumers = consumers.filter_map(|(name, it)| {
            let preflight = self.consumers.get(&*it.kind)?.preflight;
            Some(("consumers", name, preflight(&it.params, config)))
        });
        let producers = config.producers.iter().filter(|(_, it)| it.enabled);
        let producers = producers.filter_map(|(name, it)| {
            let preflight = self.producers.get(&*it.kind)?.preflight;
            Some(("producers", name, preflight(&it.params, config)))
        });
        let all = consumers.chain(producers);
        all.filter_map(|(table, name, found)| {
            let (name, source) = (name.clone(), found.err()?);
            Some(PreflightError {
                table,
                name,
                source,
            })
        })
        .collect()
    }

    /// Has the kind say, if it can, which setting is to blame when an instance could not be built: what
    /// failed on the way knows a path, or a program, but not who has asked for it.
    pub(crate) fn explained(&self, error: StartError, config: &Config) -> StartError {
        let StartError::Build {
            table,
            name,
            source,
        } = error
        else {
            return error;
        };
        let is_setting = |error: &BoxError| error.is::<ParamsError>() || error.is::<SettingError>();
        let preflight = || match table {
            "consumers" => {
                let it = config.consumers.get(&name)?;
                let preflight = self.consumers.get(&*it.kind)?.preflight;
                preflight(&it.params, config).err()
            }
            _ => {
                let it = config.producers.get(&name)?;
                let preflight = self.producers.get(&*it.kind)?.preflight;
                preflight(&it.params, config).err()
            }
        };
        let source = match is_setting(&source) {
            true => source,
            false => preflight().filter(is_setting).unwrap_or(source),
        };
        StartError::Build {
            table,
            name,
            source,
        }
    }

    pub(crate) fn find_consumer(&self, kind: &str) -> Option<&ConsumerKind> {
        self.consumers.get(kind)
    }

    pub(crate) fn find_producer(&self, kind: &str) -> Option<&ProducerKind> {
        self.producers.get(kind)
    }
}
