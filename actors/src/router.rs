//! From a batch of deliveries to the mailboxes that want them.
//!
//! `subscriber_actor` sends it what arrives, `consumer_actor` takes from the mailboxes. It looks at
//! topics only: no body is parsed here, but for messages that somebody wants who wants signatures
//! checked. Those go through the [`Inspector`] first, once each, on other threads.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};
use fedmsg::{Delivery, Inspector, LogLimit};
use fedmsg_message::{TopicIndex, TopicPattern};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use crate::consumer_cell::ConsumerCell;
use crate::counters::add;
use crate::doorbell::Rings;
use crate::progress::Progress;

/// At most one line about a full or closed mailbox in this time.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// When the intake has waited so long for one consumer, the log names it.
const HELD_UP: Duration = Duration::from_secs(5);

/// One more batch of 256 messages is taken from a backlog for so many consumers: about 16 messages for each
/// (tests/bench/README.md, "A thousand").
const CONSUMERS_TO_A_BATCH: usize = 16;
/// At most so many: 16 384 messages.
const MOST_BATCHES_IN_ONE: usize = 64;
/// Messages of a batch, at most (`fedmsg::Subscriber::next_batch`).
const BATCH_MESSAGES: usize = 256;

/// What arrived together, in the order of arrival.
pub(crate) struct Incoming(pub(crate) Vec<Delivery>);

impl actix::Message for Incoming {
    type Result = ();
}

/// The actor between one source of messages and the consumers that listen to it.
pub(crate) struct Router {
    routes: Arc<Routes>,
    /// Resolves when the batch before has been handed out.
    before: Option<oneshot::Receiver<()>>,
}

impl Router {
    /// Routes to `consumers`, each with its patterns. `inspector` is there if any of them validates.
    /// `routed` counts what has been dealt with.
    pub(crate) fn new(
        consumers: &[Arc<ConsumerCell>],
        inspector: Option<Arc<Inspector>>,
        routed: Arc<AtomicU64>,
        progress: Progress,
    ) -> Self {
        Self {
            routes: Arc::new(Routes::new(consumers, inspector, routed, progress)),
            before: None,
        }
    }

    /// How many batches it is worth giving it at a time: while signatures of one are checked, those of
    /// the next can be, too, so that no core waits for the last part of a batch.
    pub(crate) fn batches_at_a_time(&self) -> usize {
        if self.routes.inspector.is_some() {
            2
        } else {
            1
        }
    }

    /// How many batches of a backlog it is worth giving it as one: with many consumers, so many that there
    /// are some messages for each, because waking a consumer costs more than a message.
    pub(crate) fn batches_in_one(&self) -> usize {
        let mailboxes = self.routes.consumers.iter().map(|it| &it.cell.mailbox);
        let dropping = mailboxes.filter(|it| !it.blocks());
        // All of it may be for one consumer, whose mailbox must not overflow while it is idle.
        let smallest = dropping.map(|it| it.max_messages()).min();
        let most = smallest.map_or(MOST_BATCHES_IN_ONE, |it| it / BATCH_MESSAGES);
        let wanted = self.routes.consumers.len() / CONSUMERS_TO_A_BATCH;
        wanted.min(most).clamp(1, MOST_BATCHES_IN_ONE)
    }
}

impl Actor for Router {
    type Context = Context<Self>;
}

impl Handler<Incoming> for Router {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Incoming(batch): Incoming, _: &mut Context<Self>) -> ResponseFuture<()> {
        let routes = Arc::clone(&self.routes);
        let (done, after) = oneshot::channel();
        let before = self.before.replace(after);
        Box::pin(async move {
            let count = batch.len();
            let batch = routes.inspect(batch).await;
            if let Some(before) = before {
                let _ = before.await; // an error: that one was dropped, with the hub
            }
            routes.hand_out(batch, count).await;
            let _ = done.send(());
        })
    }
}

/// Who wants what.
struct Routes {
    consumers: Vec<Route>,
    index: TopicIndex,
    /// The one consumer there is, if it wants everything: the batch goes to it whole.
    only: Option<usize>,
    /// Checks signatures, if any of these consumers wants that.
    inspector: Option<Arc<Inspector>>,
    routed: Arc<AtomicU64>,
    progress: Progress,
}

struct Route {
    cell: Arc<ConsumerCell>,
    log: LogLimit,
    held_up_log: LogLimit,
}

impl Routes {
    fn new(
        cells: &[Arc<ConsumerCell>],
        inspector: Option<Arc<Inspector>>,
        routed: Arc<AtomicU64>,
        progress: Progress,
    ) -> Self {
        let mut index = TopicIndex::new();
        for (key, cell) in (0..).zip(cells) {
            cell.topics
                .iter()
                .for_each(|pattern| index.insert(pattern, key));
        }
        let only = match cells {
            [cell] if cell.topics.iter().any(TopicPattern::is_everything) => Some(0),
            _ => None,
        };
        let route = |cell: &Arc<_>| Route {
            cell: Arc::clone(cell),
            log: LogLimit::new(LOG_PERIOD),
            held_up_log: LogLimit::new(LOG_PERIOD),
        };
        Self {
            consumers: cells.iter().map(route).collect(),
            index,
            only,
            inspector: inspector.filter(|_| cells.iter().any(|cell| cell.validates)),
            routed,
            progress,
        }
    }

    /// Hands every message of `batch` to each mailbox that wants it. Those that have room get theirs
    /// at once; then it waits for those that are full and say so. `count` were received.
    async fn hand_out(&self, mut batch: Vec<Delivery>, count: usize) {
        if let Some(route) = self.only.and_then(|key| self.consumers.get(key)) {
            if route.cell.validates {
                batch.retain(|delivery| route.admits(delivery));
            }
            let rest = route.offer(batch, &mut Rings::default());
            route.finish(rest).await;
        } else {
            let mut full = Vec::new();
            let mut rings = Rings::default();
            for (key, batch) in self.sort(batch) {
                let Some(route) = self.consumers.get(key as usize) else {
                    continue;
                };
                let rest = route.offer(batch, &mut rings);
                if !rest.is_empty() {
                    full.push((route, rest));
                }
            }
            drop(rings);
            for (route, rest) in full {
                route.finish(rest).await;
            }
        }
        add(&self.routed, count as u64);
        self.progress.beat();
    }

    /// Has those messages checked that a consumer wants which wants signatures checked; the others
    /// stay as they are. The order is kept.
    async fn inspect(&self, batch: Vec<Delivery>) -> Vec<Delivery> {
        let Some(inspector) = &self.inspector else {
            return batch;
        };
        let mut keys = Vec::new();
        let is_to_check = batch.iter().map(|delivery| {
            keys.clear();
            self.index.lookup(delivery.topic().as_str(), &mut keys);
            let mut wanting = keys
                .iter()
                .filter_map(|key| self.consumers.get(*key as usize));
            wanting.any(|route| route.cell.validates)
        });
        let is_to_check: Vec<bool> = is_to_check.collect();
        if is_to_check.iter().all(|is_to_check| *is_to_check) {
            return inspector.inspect(batch).await;
        }
        let (mut to_check, mut others) = (Vec::new(), Vec::new());
        for (is_to_check, delivery) in is_to_check.iter().zip(batch) {
            let part = if *is_to_check {
                &mut to_check
            } else {
                &mut others
            };
            part.push(delivery);
        }
        let mut checked = inspector.inspect(to_check).await.into_iter();
        let mut others = others.into_iter();
        let in_order = is_to_check.into_iter().filter_map(|is_checked| {
            let part = if is_checked {
                &mut checked
            } else {
                &mut others
            };
            part.next()
        });
        in_order.collect()
    }

    /// Splits a batch by consumer. A consumer with several matching patterns gets a message once.
    fn sort(&self, batch: Vec<Delivery>) -> Vec<(u32, Vec<Delivery>)> {
        let mut sorted: Vec<(u32, Vec<Delivery>)> = Vec::new();
        let mut slots: Vec<Option<usize>> = vec![None; self.consumers.len()];
        let mut keys = Vec::new();
        let expected = batch.len() / self.consumers.len().max(1) + 1;
        for delivery in batch {
            keys.clear();
            self.index.lookup(delivery.topic().as_str(), &mut keys);
            for &key in &keys {
                let route = self.consumers.get(key as usize);
                let Some(slot) = slots
                    .get_mut(key as usize)
                    .filter(|_| route.is_some_and(|route| route.admits(&delivery)))
                else {
                    continue;
                };
                let slot = *slot.get_or_insert_with(|| {
                    sorted.push((key, Vec::with_capacity(expected)));
                    sorted.len() - 1
                });
                if let Some((_, wanted)) = sorted.get_mut(slot) {
                    wanted.push(delivery.clone());
                }
            }
        }
        sorted
    }
}

impl Route {
    /// Whether its consumer may have a message: one that validates gets only what was accepted.
    fn admits(&self, delivery: &Delivery) -> bool {
        !self.cell.validates || delivery.verdict().is_accepted()
    }

    /// Puts in what fits and returns the rest. Its consumer wakes up when `rings` ring, at the latest.
    fn offer(&self, batch: Vec<Delivery>, rings: &mut Rings) -> Vec<Delivery> {
        let offered = batch.len();
        let rest = self.cell.mailbox.offer(batch, rings);
        add(&self.cell.counters.accepted, (offered - rest.len()) as u64);
        rest
    }

    /// Sees to what did not fit: waits for room, or counts it as lost and names the first.
    async fn finish(&self, mut rest: Vec<Delivery>) {
        let mailbox = &self.cell.mailbox;
        if !rest.is_empty() && mailbox.blocks() && !mailbox.is_closed() {
            add(&self.cell.counters.waits, 1);
        }
        while let Some(first) = rest.first() {
            if mailbox.is_closed() {
                self.lose(
                    first,
                    rest.len(),
                    &self.cell.counters.late,
                    "the consumer has stopped",
                );
                return;
            }
            if !mailbox.blocks() {
                let counter = &self.cell.counters.overflowed;
                self.lose(first, rest.len(), counter, "its mailbox is full");
                return;
            }
            self.wait_for_room(first).await;
            rest = self.offer(rest, &mut Rings::default());
        }
    }

    /// Waits until there is room for a message, and says so when that takes long.
    async fn wait_for_room(&self, first: &Delivery) {
        let mut room = pin!(self.cell.mailbox.room_for(first));
        while timeout(HELD_UP, &mut room).await.is_err() {
            self.name_who_holds_up();
        }
    }

    /// Those who get nothing meanwhile have nothing in the log, so that this is all that tells.
    fn name_who_holds_up(&self) {
        if self.held_up_log.admit().is_some() {
            warn!(
                consumer = %self.cell.name,
                backlog = self.cell.mailbox.depth().messages,
                "its mailbox is full: all who listen to the same source wait for this consumer \
                 (mailbox.when_full = \"drop-newest\" has it lose messages in their place)"
            );
        }
    }

    fn lose(&self, first: &Delivery, lost: usize, counter: &AtomicU64, reason: &str) {
        add(counter, lost as u64);
        if let Some(held_back) = self.log.admit() {
            warn!(
                consumer = %self.cell.name, reason, lost, held_back,
                topic = %first.topic(), msg_id = first.msg_id(),
                "messages not delivered; the first of them is named"
            );
        }
    }
}

#[cfg(test)]
mod tests;
