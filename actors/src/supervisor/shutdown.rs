//! How a supervisor stops: intake first, then the mailboxes run empty, then producers, then sockets.

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
use crate::counters::add;
use crate::producer_cell::{ProducerCell, ProducerState};
use crate::publisher_actor::{ClosePublisher, PublisherActor};
use crate::status::HubStatus;

/// What an actor gets to notice that it is cut off.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Stops everything; the answer comes when it is done.
pub(crate) struct Stop;

impl actix::Message for Stop {
    type Result = StopReport;
}

/// How a stop went.
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

/// What a stop works on: a copy of the supervisor's handles, so that it can still answer meanwhile.
pub(super) struct Shutdown {
    sources: Vec<(Option<oneshot::Sender<()>>, Ending)>,
    consumers: Vec<(Arc<ConsumerCell>, Vec<Worker>)>,
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
}

impl Handler<Stop> for Supervisor {
    type Result = ResponseActFuture<Self, StopReport>;

    fn handle(&mut self, _: Stop, _: &mut Context<Self>) -> Self::Result {
        let shutdown = self.shut_down();
        Box::pin(shutdown.run().into_actor(self).map(
            |(unfinished, publisher), supervisor, context| {
                let mut status = supervisor.status();
                status.publisher = publisher.or(status.publisher);
                supervisor.arbiters.stop();
                context.stop();
                StopReport { status, unfinished }
            },
        ))
    }
}

impl Shutdown {
    /// Stops in order. Returns the names of those that were not done in time, and what the hub's
    /// publisher has sent.
    pub(super) async fn run(self) -> (Vec<String>, Option<PublisherCounts>) {
        let deadline = Instant::now() + self.stop_timeout;
        let mut unfinished = Vec::new();
        for (stop, ending) in self.sources {
            drop(stop); // the other half resolves
            if timeout_at(deadline, ending.wait()).await.is_err() {
                warn!("intake did not stop in time: a consumer does not take its messages");
            }
        }
        self.consumers
            .iter()
            .for_each(|(cell, _)| cell.mailbox.close());
        for (cell, workers) in &self.consumers {
            if !all_ended(workers, deadline).await {
                unfinished.push(cell.name.clone());
                abandon(cell, workers).await;
            }
        }
        // Consumers may have used up the time; a tick in progress still gets a moment.
        let deadline = deadline.max(Instant::now() + LAST_MOMENT);
        self.producers.iter().for_each(|(cell, _)| cell.stop());
        for (cell, worker) in &self.producers {
            if !all_ended(std::slice::from_ref(worker), deadline).await {
                error!(producer = %cell.name, "a tick did not end in time and is cut off");
                unfinished.push(cell.name.clone());
                let _ = worker.actor.try_send(Abort);
                cell.set_state(ProducerState::Stopped);
            }
        }
        let publisher = self.publisher.send(ClosePublisher).await.ok().flatten();
        (unfinished, publisher)
    }
}

async fn all_ended(workers: &[Worker], deadline: Instant) -> bool {
    for worker in workers {
        if timeout_at(deadline, worker.ending.clone().wait())
            .await
            .is_err()
        {
            return false;
        }
    }
    true
}

/// Cuts off a consumer that does not finish: what it holds is counted as lost, and named.
async fn abandon(cell: &ConsumerCell, workers: &[Worker]) {
    cell.set_state(ConsumerState::GivenUp(
        "it did not finish before the hub stopped".to_owned(),
    ));
    for worker in workers {
        let _ = worker.actor.try_send(Abort);
    }
    // An actor that is merely slow gives back what it has not finished; one whose thread is blocked
    // does not, and what it has taken counts as lost just the same.
    all_ended(workers, Instant::now() + LAST_MOMENT).await;
    let left = cell.mailbox.abandon();
    let in_work = cell.mailbox.depth().messages;
    add(&cell.counters.undelivered, (left.len() + in_work) as u64);
    error!(
        consumer = %cell.name, lost = left.len() + in_work, in_work,
        first = left.first().map(|delivery| tracing::field::display(delivery.topic())),
        first_msg_id = left.first().and_then(|delivery| delivery.msg_id()),
        last_msg_id = left.last().and_then(|delivery| delivery.msg_id()),
        "consumer did not finish before the hub stopped: these messages are not handled"
    );
}
