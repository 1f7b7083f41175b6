//! How a supervisor stops: no more ticks, intake first, then the mailboxes run empty, then producers, then
//! sockets.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorContext, ActorFutureExt, Addr, Context, Handler, ResponseActFuture, WrapFuture};
use fedmsg::PublisherCounts;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::{error, warn};

use super::{ConsumerHandle, ProducerHandle, Supervisor, Worker};
use crate::alive::Ending;
use crate::consumer_actor::Abort;
use crate::consumer_cell::{ConsumerCell, ConsumerState};
use crate::counters::read;
use crate::producer_cell::{ProducerCell, ProducerState};
use crate::publisher_actor::{ClosePublisher, PublisherActor};
use crate::pulse::Doing;
use crate::status::HubStatus;

/// What an actor gets to notice that it is cut off.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// What a tick in progress gets at most to end before the intake does.
const A_TICK: Duration = Duration::from_secs(1);

/// What the intake gets to go on when a consumer that held it up has been cut off.
const A_TURN: Duration = Duration::from_millis(10);

/// How long it takes to see whether it does.
const A_LOOK: Duration = Duration::from_millis(1);

/// Stops everything; the answer comes when it is done.
pub(crate) struct Stop;

impl actix::Message for Stop {
    type Result = StopReport;
}

/// How a stop went.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, TestBus};
/// # struct Sink;
/// # impl Consumer for Sink {
/// #     const KIND: &'static str = "sink";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Sink) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
///
/// TestBus::new().consumer::<Sink>("sink", "").run(async |bus| {
///     bus.publish("com.example.test.a", 1).await;
///     let report = bus.stop().await;
///     assert!(report.is_clean() && report.unfinished.is_empty());
/// });
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopReport {
    /// The state of everything at the end.
    pub status: HubStatus,
    /// Consumers and producers that were not done within `stop_timeout`, by name.
    pub unfinished: Vec<String>,
}

impl StopReport {
    /// Whether every message that reached the hub was handled by all who wanted it.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unfinished.is_empty() && self.status.lost() == 0
    }
}

/// A consumer with the actors of its workers.
type StoppingConsumer = (Arc<ConsumerCell>, Vec<Worker>);

/// What a stop works on: a copy of the supervisor's handles, so that it can still answer meanwhile.
pub(super) struct Shutdown {
    sources: Vec<(Option<oneshot::Sender<()>>, Ending)>,
    consumers: Vec<StoppingConsumer>,
    producers: Vec<(Arc<ProducerCell>, Worker)>,
    publisher: Addr<PublisherActor>,
    stop_timeout: Duration,
}

impl Supervisor {
    /// Hands over what a stop works on. From here on no part is started again.
    pub(super) fn shut_down(&mut self) -> Shutdown {
        self.stopping = true;
        let consumer = |handle: &ConsumerHandle| (Arc::clone(&handle.cell), handle.workers.clone());
        let producer = |handle: &ProducerHandle| (Arc::clone(&handle.cell), handle.worker.clone());
        Shutdown {
            sources: self
                .sources
                .iter_mut()
                .map(|source| (source.stop.take(), source.ending.clone()))
                .collect(),
            consumers: self.consumers.iter().map(consumer).collect(),
            producers: self.producers.iter().map(producer).collect(),
            publisher: self.publisher.clone(),
            stop_timeout: self.bus.config().stop_timeout,
        }
    }

    /// Stops what has started of a hub that will not run. Sources may have been open: whatever they have
    /// received nobody has handled.
    pub(super) async fn call_off(&mut self) -> StopReport {
        self.opening.fail();
        let ended = self.shut_down().run().await;
        self.wind_up(ended)
    }

    /// Ends the threads, and says how the stop went.
    fn wind_up(
        &mut self,
        (unfinished, publisher): (Vec<String>, Option<PublisherCounts>),
    ) -> StopReport {
        self.cut_off_sources();
        let mut status = self.status();
        status.publisher = publisher.or(status.publisher);
        self.arbiters.stop();
        StopReport { status, unfinished }
    }

    /// Counts what each source has received and not routed, which nobody will see to any more.
    fn cut_off_sources(&mut self) {
        for source in &mut self.sources {
            let routed = read(&source.routed);
            source.cut_off = source.counters.counts().messages.saturating_sub(routed);
            if source.cut_off > 0 {
                error!(
                    source = ?source.source, lost = source.cut_off,
                    "messages are lost: the intake was cut off before they had reached every mailbox; \
                     what waited in its sockets is not counted"
                );
            }
        }
    }
}

impl Handler<Stop> for Supervisor {
    type Result = ResponseActFuture<Self, StopReport>;

    fn handle(&mut self, _: Stop, _: &mut Context<Self>) -> Self::Result {
        let shutdown = self.shut_down();
        Box::pin(
            shutdown
                .run()
                .into_actor(self)
                .map(|ended, supervisor, context| {
                    context.stop();
                    supervisor.wind_up(ended)
                }),
        )
    }
}

impl Shutdown {
    /// Stops in order. Returns the names of those that were not done in time, and what the hub's
    /// publisher has sent.
    pub(super) async fn run(mut self) -> (Vec<String>, Option<PublisherCounts>) {
        let deadline = Instant::now() + self.stop_timeout;
        self.hold_producers(deadline).await;
        let mut unfinished = self.stop_sources(deadline).await;
        // Whoever held up the intake has used up the time of the others: they get a moment.
        let deadline = deadline.max(Instant::now() + LAST_MOMENT);
        unfinished.extend(self.stop_consumers(deadline).await);
        let deadline = deadline.max(Instant::now() + LAST_MOMENT);
        unfinished.extend(self.stop_producers(deadline).await);
        let publisher = self.publisher.send(ClosePublisher).await.ok().flatten();
        (unfinished, publisher)
    }

    /// Has no tick begin any more: what it published, this hub itself would no longer hear, and a producer
    /// that keeps how far it was would not publish it again.
    async fn hold_producers(&self, deadline: Instant) {
        let patience = A_TICK.min(self.stop_timeout / 4); // most of the time is for the consumers
        let deadline = deadline.min(Instant::now() + patience);
        self.producers.iter().for_each(|(cell, _)| cell.hold());
        for (cell, worker) in &self.producers {
            let rests = async {
                tokio::select! {
                    () = cell.rests() => {}
                    () = worker.ending.clone().wait() => {} // it has never started, or has died
                }
            };
            let _ = timeout_at(deadline, rests).await; // one that takes longer is waited for later
        }
    }

    /// Ends the intake. Consumers whose full mailboxes hold it up beyond the deadline are cut off,
    /// and named.
    async fn stop_sources(&mut self, deadline: Instant) -> Vec<String> {
        let stop = |(stop, ending): (Option<oneshot::Sender<()>>, Ending)| {
            drop(stop); // the other half resolves
            ending
        };
        let endings: Vec<_> = self.sources.drain(..).map(stop).collect();
        if all_ended(&endings, deadline).await {
            return Vec::new();
        }
        let mut cut = Vec::new();
        // They share the moment: there may be many, and each may block its thread.
        let last_moment = Instant::now() + LAST_MOMENT;
        // One that is cut off lets the intake go on, perhaps to the next that holds it up.
        while let Some(position) = self.holds_up() {
            let consumer = self.consumers.swap_remove(position);
            cut.push(consumer.0.name.clone());
            cut_off(&[&consumer], last_moment).await;
            self.goes_on(&endings).await;
        }
        if !all_ended(&endings, Instant::now() + LAST_MOMENT).await {
            warn!(
                "intake did not stop in time: it goes on while the consumers end, and is then cut off"
            );
        }
        cut
    }

    /// Gives the intake a turn; returns at once when it has ended, or the next consumer holds it up.
    async fn goes_on(&self, endings: &[Ending]) {
        let turn = Instant::now() + A_TURN;
        while Instant::now() < turn && self.holds_up().is_none() {
            if all_ended(endings, Instant::now() + A_LOOK).await {
                return;
            }
        }
    }

    fn holds_up(&self) -> Option<usize> {
        self.consumers
            .iter()
            .position(|(cell, _)| cell.mailbox.holds_up())
    }

    /// Lets the consumers work off their mailboxes, and cuts off those that are not done in time.
    async fn stop_consumers(&self, deadline: Instant) -> Vec<String> {
        let mut unfinished = Vec::new();
        self.consumers
            .iter()
            .for_each(|(cell, _)| cell.mailbox.close());
        for consumer in &self.consumers {
            let (cell, workers) = consumer;
            if all_ended(workers.iter().map(|worker| &worker.ending), deadline).await {
                // An actor that has died meanwhile may have left something behind.
                cell.end(ConsumerState::Stopped);
            } else {
                unfinished.push(consumer);
            }
        }
        cut_off(&unfinished, Instant::now() + LAST_MOMENT).await;
        let names = unfinished.iter().map(|(cell, _)| cell.name.clone());
        names.collect()
    }

    async fn stop_producers(&self, deadline: Instant) -> Vec<String> {
        let mut unfinished = Vec::new();
        self.producers.iter().for_each(|(cell, _)| cell.stop());
        for (cell, worker) in &self.producers {
            if !all_ended([&worker.ending], deadline).await {
                let what = match cell.pulse.read().0 {
                    Doing::Calling => "a tick",
                    Doing::Idle | Doing::Pausing => "its `stop`",
                };
                error!(producer = %cell.name, "{what} did not end in time and is cut off");
                unfinished.push(cell.name.clone());
                let _ = worker.actor.try_send(Abort);
                cell.set_state(ProducerState::Stopped);
            }
        }
        unfinished
    }
}

async fn all_ended<'a>(endings: impl IntoIterator<Item = &'a Ending>, deadline: Instant) -> bool {
    for ending in endings {
        if timeout_at(deadline, ending.clone().wait()).await.is_err() {
            return false;
        }
    }
    true
}

/// Cuts off consumers that do not finish: what they hold is counted as lost, and named. They have until
/// `last_moment` to notice, all together.
async fn cut_off(consumers: &[&StoppingConsumer], last_moment: Instant) {
    let workers = consumers.iter().flat_map(|(_, workers)| workers);
    for worker in workers.clone() {
        let _ = worker.actor.try_send(Abort);
    }
    // An actor that merely waits gives back what it has not finished; one whose thread is blocked
    // does not, and what it has taken counts as lost just the same.
    for worker in workers {
        let _ = timeout_at(last_moment, worker.ending.clone().wait()).await;
    }
    for (cell, _) in consumers {
        cell.cut_off(ConsumerState::GivenUp(
            "it did not finish before the hub stopped".to_owned(),
        ));
    }
}
