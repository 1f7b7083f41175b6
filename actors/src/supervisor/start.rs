//! How a supervisor starts its parts, and starts one again that died.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix::{Actor, Context};
use fedmsg::{EndpointName, Inspector, Subscriber, TopicFilter};
use fedmsg_config::Source;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{info, warn};

use super::look::{ConsumerWatch, SourceWatch};
use super::{ConsumerHandle, Part, ProducerHandle, SourceHandle, Supervisor, Worker};
use crate::alive::{Ending, alive};
use crate::consumer::BoxError;
use crate::consumer_actor::{self, ConsumerActor};
use crate::consumer_cell::ConsumerCell;
use crate::context::{ConsumerContext, ProducerContext};
use crate::plan::{Plan, StartError};
use crate::producer_actor::{self, ProducerActor};
use crate::producer_cell::ProducerCell;
use crate::registry::{ConsumerKind, ProducerKind};
use crate::restarts::Restarts;
use crate::router::Router;
use crate::stuck::{Turn, Watch};
use crate::subscriber_actor::SubscriberActor;

/// How long a plugin may take to start before the log says whom the hub waits for, again and again.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to watch: each part with the signal of its end.
pub(super) type Watched = Vec<(Part, Ending)>;

/// How the first build went.
type Report = oneshot::Sender<Result<(), BoxError>>;

impl Supervisor {
    /// Starts consumers, then what they listen to, then producers: a message that arrives finds
    /// everybody there.
    pub(super) async fn start_all(&mut self, plan: Plan) -> Result<Watched, StartError> {
        let mut watched = Vec::new();
        self.open_inspector(&plan)?;
        for (index, (cell, kind)) in plan.consumers.into_iter().enumerate() {
            self.start_consumer(index, cell, kind, &mut watched).await?;
        }
        for source in [Source::Endpoints, Source::RelayInbound] {
            self.start_source(source, &mut watched).await?;
        }
        if !plan.producers.is_empty() {
            self.publisher_source()
                .publisher()
                .await
                .map_err(StartError::Publish)?;
        }
        for (index, (cell, kind)) in plan.producers.into_iter().enumerate() {
            self.start_producer(index, cell, kind, &mut watched).await?;
        }
        Ok(watched)
    }

    /// Gets ready to check signatures, if a consumer wants that.
    fn open_inspector(&mut self, plan: &Plan) -> Result<(), StartError> {
        let mut consumers = plan.consumers.iter();
        if consumers.any(|(cell, _)| cell.validates) {
            self.inspector = Some(Arc::new(Inspector::open(self.bus.config())?));
        }
        Ok(())
    }

    async fn start_consumer(
        &mut self,
        index: usize,
        cell: Arc<ConsumerCell>,
        kind: ConsumerKind,
        watched: &mut Watched,
    ) -> Result<(), StartError> {
        let workers = cell.config.workers.max(1);
        let mut handle = ConsumerHandle {
            restarts: Restarts::new(&cell.config.restart),
            consumed_at_death: 0,
            workers: Vec::new(),
            watch: ConsumerWatch::new(&cell),
            cell,
            kind,
        };
        let mut outcome = Ok(());
        for worker in 0..workers {
            let (report, built) = oneshot::channel();
            let spawned = self.spawn_worker(&handle.cell, worker, &handle.kind, Some(report));
            watched.push((Part::Consumer { index, worker }, spawned.ending.clone()));
            handle.workers.push(spawned);
            outcome = started("consumers", &handle.cell.name, built).await;
            if outcome.is_err() {
                break;
            }
        }
        let topics: Vec<_> = handle.cell.topics.iter().map(ToString::to_string).collect();
        if outcome.is_ok() {
            let validates = handle.cell.validates;
            info!(name = %handle.cell.name, kind = handle.cell.kind, ?topics, validates, "consumer started");
        }
        self.consumers.push(handle);
        outcome
    }

    /// Starts the actor of a worker; without a `report` in the place of one that died.
    fn spawn_worker(
        &mut self,
        cell: &Arc<ConsumerCell>,
        worker: usize,
        kind: &ConsumerKind,
        report: Option<Report>,
    ) -> Worker {
        let (alive, ending) = alive();
        let figures = cell.figures.get(worker).cloned().unwrap_or_default();
        let (bus, publisher) = (self.bus.clone(), self.publisher_source());
        let view = self.view.clone();
        let context = ConsumerContext::new(&cell.name, bus, publisher, figures, view);
        let host = consumer_actor::Host {
            cell: Arc::clone(cell),
            pulse: cell.pulses.get(worker).cloned().unwrap_or_default(),
            kind: kind.clone(),
            context,
            progress: self.progress.clone(),
            opening: self.opening.clone(),
            started: report,
            alive,
        };
        let arbiter = self.arbiters.next();
        let actor = ConsumerActor::start_in_arbiter(&arbiter, move |_| ConsumerActor::new(host));
        Worker {
            actor: actor.recipient(),
            ending,
        }
    }

    async fn start_producer(
        &mut self,
        index: usize,
        cell: Arc<ProducerCell>,
        kind: ProducerKind,
        watched: &mut Watched,
    ) -> Result<(), StartError> {
        let (report, built) = oneshot::channel();
        let worker = self.spawn_producer(&cell, &kind, Some(report));
        watched.push((Part::Producer(index), worker.ending.clone()));
        let outcome = started("producers", &cell.name, built).await;
        if outcome.is_ok() {
            info!(name = %cell.name, kind = cell.kind, schedule = %cell.schedule, "producer started");
        }
        let watch = Watch::new(cell.config.stuck_after);
        self.producers.push(ProducerHandle {
            cell,
            kind,
            worker,
            watch,
        });
        outcome
    }

    /// Starts the actor of a producer; without a `report` in the place of one that died.
    fn spawn_producer(
        &mut self,
        cell: &Arc<ProducerCell>,
        kind: &ProducerKind,
        report: Option<Report>,
    ) -> Worker {
        let (alive, ending) = alive();
        let (bus, publisher) = (self.bus.clone(), self.publisher_source());
        let (figures, view) = (Arc::clone(&cell.figures), self.view.clone());
        let context = ProducerContext::new(&cell.name, bus, publisher, figures, view);
        let host = producer_actor::Host {
            cell: Arc::clone(cell),
            kind: kind.clone(),
            context,
            clock: self.clock.clone(),
            progress: self.progress.clone(),
            opening: self.opening.clone(),
            started: report,
            alive,
        };
        let arbiter = self.arbiters.next();
        let actor = ProducerActor::start_in_arbiter(&arbiter, move |_| ProducerActor::new(host));
        Worker {
            actor: actor.recipient(),
            ending,
        }
    }

    /// Opens a source if a consumer listens to it, on an arbiter of its own.
    async fn start_source(
        &mut self,
        source: Source,
        watched: &mut Watched,
    ) -> Result<(), StartError> {
        let listeners: Vec<_> = self
            .consumers
            .iter()
            .map(|consumer| &consumer.cell)
            .filter(|cell| cell.source == source)
            .cloned()
            .collect();
        if listeners.is_empty() {
            return Ok(());
        }
        let arbiter = self.arbiters.dedicated();
        let (stop, stopped) = oneshot::channel();
        let (alive, ending) = alive();
        let (report, opened) = oneshot::channel();
        let (bus, progress) = (self.bus.clone(), self.progress.clone());
        let inspector = self.inspector.clone();
        let routed = Arc::new(AtomicU64::new(0));
        let (counted, cells) = (Arc::clone(&routed), listeners.clone());
        let open = async move {
            let subscriber = match open(&bus, source, &listeners).await {
                Ok(subscriber) => subscriber,
                Err(error) => return drop(report.send(Err(error))),
            };
            let counters = subscriber.counters();
            let router = Router::new(&listeners, inspector, counted, progress);
            let batches = router.batches_at_a_time();
            let in_one = router.batches_in_one();
            SubscriberActor {
                source,
                subscriber: Some(subscriber),
                router: router.start(),
                batches,
                in_one,
                stop: Some(stopped),
                alive: Some(alive),
            }
            .start();
            let _ = report.send(Ok(counters));
        };
        let (turn, listeners) = (Turn::new(arbiter.clone()), cells);
        arbiter.spawn(open);
        let counters = opened
            .await
            .map_err(|_| StartError::Died(format!("source {source:?}")))??;
        let index = self.sources.len();
        watched.push((Part::Source(index), ending.clone()));
        self.sources.push(SourceHandle {
            source,
            counters,
            routed,
            watch: SourceWatch::new(turn, listeners),
            stuck_ms: AtomicU64::new(0),
            cut_off: 0,
            stop: Some(stop),
            ending,
            ended: false,
        });
        Ok(())
    }

    /// Puts a new actor in the place of a worker that died.
    pub(super) fn restart_worker(
        &mut self,
        index: usize,
        worker: usize,
        context: &mut Context<Self>,
    ) {
        let Some(consumer) = self.consumers.get(index) else {
            return;
        };
        let (cell, kind) = (Arc::clone(&consumer.cell), consumer.kind.clone());
        let spawned = self.spawn_worker(&cell, worker, &kind, None);
        let part = Part::Consumer { index, worker };
        self.watch(part, spawned.ending.clone(), context);
        let workers = self.consumers.get_mut(index).map(|it| &mut it.workers);
        if let Some(slot) = workers.and_then(|workers| workers.get_mut(worker)) {
            *slot = spawned;
        }
    }

    /// Puts a new actor in the place of a producer's that died.
    pub(super) fn restart_producer(&mut self, index: usize, context: &mut Context<Self>) {
        let Some(producer) = self.producers.get(index) else {
            return;
        };
        let (cell, kind) = (Arc::clone(&producer.cell), producer.kind.clone());
        let spawned = self.spawn_producer(&cell, &kind, None);
        self.watch(Part::Producer(index), spawned.ending.clone(), context);
        if let Some(producer) = self.producers.get_mut(index) {
            producer.worker = spawned;
        }
    }
}

/// Opens the sockets of a source, subscribed to what its listeners want.
async fn open(
    bus: &fedmsg::Bus,
    source: Source,
    listeners: &[Arc<ConsumerCell>],
) -> Result<Subscriber, StartError> {
    // Only the byte prefixes matter to the sockets; the router looks at whole patterns.
    let patterns = listeners.iter().flat_map(|cell| &cell.topics);
    let filters = patterns.map(|pattern| TopicFilter::Prefix(pattern.literal_prefix().to_owned()));
    match source {
        Source::Endpoints => Ok(bus.subscribe_unchecked(filters)?),
        Source::RelayInbound => {
            let name = EndpointName::from("relay_inbound");
            let (subscriber, addresses) = bus
                .listen(&name, &bus.config().relay_inbound, filters)
                .await?;
            info!(?addresses, "listening for publishers");
            Ok(subscriber)
        }
    }
}

/// Waits until a plugin has been built.
async fn started(
    table: &'static str,
    name: &str,
    mut started: oneshot::Receiver<Result<(), BoxError>>,
) -> Result<(), StartError> {
    let mut waiting = Waiting {
        table,
        name,
        is_over: false,
    };
    let started = loop {
        match timeout(PATIENCE, &mut started).await {
            Ok(started) => break started,
            Err(_) => warn!("{table}.{name} has not started yet: the hub waits for it"),
        }
    };
    waiting.is_over = true;
    match started {
        Ok(Ok(())) => Ok(()),
        Ok(Err(source)) => Err(StartError::Build {
            table,
            name: name.to_owned(),
            source,
        }),
        Err(_) => Err(StartError::Died(format!("{table}.{name}"))),
    }
}

/// Says which plugin the hub has waited for in vain, when it is told to stop meanwhile.
struct Waiting<'a> {
    table: &'static str,
    name: &'a str,
    is_over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            warn!("{}.{} had not started", self.table, self.name);
        }
    }
}
