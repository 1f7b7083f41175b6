//! The actor that starts everything else, watches it, and stops it in order.
//!
//! The hub (or the test kit) launches it with a bus and a registry. It reads the configuration into a
//! [`Plan`], starts an actor for each part, replaces one that dies, and answers for the state of all.

mod look;
mod shutdown;
mod start;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use actix::{Actor, Addr, AsyncContext, Context, Handler, MessageResult, Recipient, WrapFuture};
use fedmsg::{Bus, Inspector, Publisher, SubscriberCounters, now_ms};
use fedmsg_config::Source;
use tokio::sync::{OnceCell, oneshot};
use tracing::error;

use self::look::{ConsumerWatch, SourceWatch};
pub(crate) use self::shutdown::Stop;
pub use self::shutdown::StopReport;
use crate::alive::{Alive, Ending, alive};
use crate::arbiters::Arbiters;
use crate::clock::Clock;
use crate::consumer_actor::Abort;
use crate::consumer_cell::{ConsumerCell, ConsumerState};
use crate::counters::read;
use crate::hub_view::HubView;
use crate::opening::Opening;
use crate::plan::{Plan, StartError};
use crate::producer_cell::{ProducerCell, ProducerState};
use crate::progress::Progress;
use crate::publisher_actor::{PublisherActor, PublisherSource};
use crate::registry::{ConsumerKind, ProducerKind, Registry};
use crate::restarts::Restarts;
use crate::status::{ConsumerStatus, HubStatus, ProducerStatus, SourceStatus};
use crate::stuck::Watch;

/// Asks for the state of everything.
pub(crate) struct GetStatus;

impl actix::Message for GetStatus {
    type Result = HubStatus;
}

/// Takes the times of the newest messages of each consumer, by name.
pub(crate) struct TakeTimings;

impl actix::Message for TakeTimings {
    type Result = BTreeMap<String, Vec<f64>>;
}

/// The actor above all others of a hub.
pub(crate) struct Supervisor {
    bus: Bus,
    clock: Clock,
    /// What plugins see of this hub.
    view: HubView,
    progress: Progress,
    /// Beats when a part has ended.
    endings: Progress,
    /// Tells the hosts when all of them have started.
    opening: Opening,
    arbiters: Arbiters,
    sources: Vec<SourceHandle>,
    consumers: Vec<ConsumerHandle>,
    producers: Vec<ProducerHandle>,
    publisher: Addr<PublisherActor>,
    /// The hub's publisher, once somebody has asked for it.
    opened: Weak<OnceCell<Publisher>>,
    /// Checks signatures, if a consumer wants that.
    inspector: Option<Arc<Inspector>>,
    stopping: bool,
    started_ms: u64,
    #[expect(
        dead_code,
        reason = "held for its drop, which whoever has started the hub watches"
    )]
    alive: Alive,
}

/// How the start of a hub ended.
pub(crate) enum Launched<T> {
    /// All of it runs.
    Running(Addr<Supervisor>, Ending),
    /// It was called off, with this, and what had started has stopped.
    CalledOff(T, StopReport),
}

/// A running source of messages.
struct SourceHandle {
    source: Source,
    counters: Arc<SubscriberCounters>,
    /// Messages that its router has dealt with.
    routed: Arc<AtomicU64>,
    watch: SourceWatch,
    /// For how long it has been stuck, in milliseconds; 0 when it is not.
    stuck_ms: AtomicU64,
    /// Messages received and not routed when the hub stopped.
    cut_off: u64,
    stop: Option<oneshot::Sender<()>>,
    ending: Ending,
    /// Whether it has ended although nobody stopped it.
    ended: bool,
}

/// A running actor of a consumer or producer.
#[derive(Clone)]
struct Worker {
    actor: Recipient<Abort>,
    ending: Ending,
}

/// A running consumer with the actors of its workers.
struct ConsumerHandle {
    cell: Arc<ConsumerCell>,
    kind: ConsumerKind,
    workers: Vec<Worker>,
    /// Deaths of its actors with nothing consumed in between.
    restarts: Restarts,
    consumed_at_death: u64,
    watch: ConsumerWatch,
}

/// A running producer.
struct ProducerHandle {
    cell: Arc<ProducerCell>,
    kind: ProducerKind,
    worker: Worker,
    watch: Watch<u64>,
}

/// An actor has ended, in order or not.
struct Ended(Part);

/// Which actor.
#[derive(Clone, Copy)]
enum Part {
    Source(usize),
    Consumer { index: usize, worker: usize },
    Producer(usize),
}

impl actix::Message for Ended {
    type Result = ();
}

impl Supervisor {
    /// Starts everything that the bus's configuration enables; nothing runs if anything fails, or when
    /// `called_off` resolves before all of it has started. Of the two pulses the first beats at every
    /// progress, the second when a part has ended.
    pub(crate) async fn launch<T>(
        bus: Bus,
        registry: &Registry,
        clock: Clock,
        (progress, endings): (Progress, Progress),
        called_off: impl Future<Output = T>,
    ) -> Result<Launched<T>, StartError> {
        let plan = Plan::new(bus.config(), registry)?;
        let publisher = PublisherActor::new(bus.clone());
        let opened = publisher.opened();
        let (alive, ending) = alive();
        let mut supervisor = Self {
            bus,
            view: HubView::new(clock.clone()),
            clock,
            progress,
            endings,
            opening: Opening::default(),
            arbiters: Arbiters::default(),
            sources: Vec::new(),
            consumers: Vec::new(),
            producers: Vec::new(),
            publisher: publisher.start(),
            opened,
            inspector: None,
            stopping: false,
            started_ms: now_ms(),
            alive,
        };
        let started = tokio::select! {
            biased; // whoever has called it off already wants nothing to start
            off = called_off => return Ok(Launched::CalledOff(off, supervisor.call_off().await)),
            started = supervisor.start_all(plan) => started,
        };
        match started {
            Ok(watched) => {
                let supervisor = Supervisor::create(|context| {
                    supervisor.opening.open();
                    for (part, ending) in watched {
                        supervisor.watch(part, ending, context);
                    }
                    supervisor.keep_looking(context);
                    let view = context.address().downgrade().recipient();
                    supervisor.view.open(view);
                    supervisor
                });
                Ok(Launched::Running(supervisor, ending))
            }
            Err(error) => {
                supervisor.call_off().await;
                Err(registry.explained(error, supervisor.bus.config()))
            }
        }
    }

    fn status(&self) -> HubStatus {
        let sources = self.sources.iter().map(|source| SourceStatus {
            source: source.source,
            received: source.counters.counts(),
            routed: read(&source.routed),
            cut_off: source.cut_off,
            ended: source.ended,
            stuck_ms: read(&source.stuck_ms),
            endpoints: source.counters.endpoints(),
        });
        let consumers = self
            .consumers
            .iter()
            .map(|consumer| ConsumerStatus::of(&consumer.cell));
        let producers = self
            .producers
            .iter()
            .map(|producer| ProducerStatus::of(&producer.cell));
        let opened = self.opened.upgrade();
        HubStatus {
            started_ms: self.started_ms,
            read_ms: now_ms(),
            sources: sources.collect(),
            consumers: consumers.collect(),
            producers: producers.collect(),
            publisher: opened.and_then(|cell| cell.get().map(Publisher::counts)),
            refusals: self
                .inspector
                .as_ref()
                .map_or_else(Vec::new, |inspector| inspector.refusals().counts()),
        }
    }

    fn publisher_source(&self) -> PublisherSource {
        PublisherSource(self.publisher.clone().recipient())
    }

    /// Sees to a consumer one of whose actors died: another takes over, after a pause that grows, or
    /// the consumer is given up.
    fn replace_worker(&mut self, index: usize, worker: usize, context: &mut Context<Self>) {
        let Some(consumer) = self.consumers.get_mut(index) else {
            return;
        };
        let cell = &consumer.cell;
        if cell.is_over() {
            return;
        }
        let consumed = read(&cell.counters.consumed);
        if consumed > consumer.consumed_at_death {
            consumer.restarts.succeeded();
        }
        consumer.consumed_at_death = consumed;
        let Some(restart_in) = consumer.restarts.next_pause() else {
            cell.end(ConsumerState::GivenUp(
                "its actor died too often".to_owned(),
            ));
            return;
        };
        error!(consumer = %cell.name, ?restart_in, "its actor died: a new one takes over its mailbox");
        cell.set_state(ConsumerState::Restarting);
        context.run_later(restart_in, move |supervisor, context| {
            if !supervisor.stopping {
                supervisor.restart_worker(index, worker, context);
            }
        });
    }

    /// Tells this actor when a part ends, even if its thread dies.
    fn watch(&self, part: Part, ending: Ending, context: &mut Context<Self>) {
        let address = context.address();
        let watch = async move {
            ending.wait().await;
            let _ = address.send(Ended(part)).await;
        };
        context.spawn(watch.into_actor(self));
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

impl Handler<Ended> for Supervisor {
    type Result = ();

    fn handle(&mut self, Ended(part): Ended, context: &mut Self::Context) {
        if self.stopping {
            return;
        }
        match part {
            Part::Source(index) => {
                if let Some(source) = self.sources.get_mut(index) {
                    error!(source = ?source.source, "intake ended: nothing is received from it any more");
                    source.ended = true;
                }
            }
            Part::Consumer { index, worker } => self.replace_worker(index, worker, context),
            Part::Producer(index) => {
                if let Some(producer) = self.producers.get(index) {
                    error!(producer = %producer.cell.name, "its actor died: a new one takes over");
                    producer.cell.set_state(ProducerState::Restarting);
                    self.restart_producer(index, context);
                }
            }
        }
        self.progress.beat();
        self.endings.beat();
    }
}

impl Handler<GetStatus> for Supervisor {
    type Result = MessageResult<GetStatus>;

    fn handle(&mut self, _: GetStatus, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.status())
    }
}

impl Handler<TakeTimings> for Supervisor {
    type Result = MessageResult<TakeTimings>;

    fn handle(&mut self, _: TakeTimings, _: &mut Self::Context) -> Self::Result {
        let times = |consumer: &ConsumerHandle| {
            let timings = consumer.cell.timings.as_ref()?;
            Some((consumer.cell.name.clone(), timings.take()))
        };
        MessageResult(self.consumers.iter().filter_map(times).collect())
    }
}

#[cfg(test)]
mod tests;
