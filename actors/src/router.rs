//! From a batch of deliveries to the mailboxes that want them.
//!
//! `subscriber_actor` sends it what arrives, `consumer_actor` takes from the mailboxes. It looks at
//! topics only: no body is parsed here.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};
use fedmsg::{Delivery, LogLimit};
use fedmsg_message::{TopicIndex, TopicPattern};
use tracing::warn;

use crate::consumer_cell::ConsumerCell;
use crate::counters::add;
use crate::progress::Progress;

/// At most one line about a full or closed mailbox in this time.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// What arrived together, in the order of arrival.
pub(crate) struct Incoming(pub(crate) Vec<Delivery>);

impl actix::Message for Incoming {
    type Result = ();
}

/// The actor between one source of messages and the consumers that listen to it.
pub(crate) struct Router {
    routes: Arc<Routes>,
}

impl Router {
    /// Routes to `consumers`, each with its patterns.
    /// `routed` counts what has been dealt with.
    pub(crate) fn new(
        consumers: &[Arc<ConsumerCell>],
        routed: Arc<AtomicU64>,
        progress: Progress,
    ) -> Self {
        Self {
            routes: Arc::new(Routes::new(consumers, routed, progress)),
        }
    }
}

impl Actor for Router {
    type Context = Context<Self>;
}

impl Handler<Incoming> for Router {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Incoming(batch): Incoming, _: &mut Context<Self>) -> ResponseFuture<()> {
        let routes = Arc::clone(&self.routes);
        Box::pin(async move { routes.route(batch).await })
    }
}

/// Who wants what.
struct Routes {
    consumers: Vec<Route>,
    index: TopicIndex,
    /// The one consumer there is, if it wants everything: the batch goes to it whole.
    only: Option<usize>,
    routed: Arc<AtomicU64>,
    progress: Progress,
}

struct Route {
    cell: Arc<ConsumerCell>,
    log: LogLimit,
}

impl Routes {
    fn new(cells: &[Arc<ConsumerCell>], routed: Arc<AtomicU64>, progress: Progress) -> Self {
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
        };
        Self {
            consumers: cells.iter().map(route).collect(),
            index,
            only,
            routed,
            progress,
        }
    }

    /// Hands every message of `batch` to each mailbox that wants it. Those that have room get theirs
    /// at once; then it waits for those that are full and say so.
    async fn route(&self, batch: Vec<Delivery>) {
        let count = batch.len() as u64;
        if let Some(route) = self.only.and_then(|key| self.consumers.get(key)) {
            let rest = route.offer(batch);
            route.finish(rest).await;
        } else {
            let mut full = Vec::new();
            for (key, batch) in self.sort(batch) {
                let Some(route) = self.consumers.get(key as usize) else {
                    continue;
                };
                let rest = route.offer(batch);
                if !rest.is_empty() {
                    full.push((route, rest));
                }
            }
            for (route, rest) in full {
                route.finish(rest).await;
            }
        }
        add(&self.routed, count);
        self.progress.beat();
    }

    /// Splits a batch by consumer. A consumer with several matching patterns gets a message once.
    fn sort(&self, batch: Vec<Delivery>) -> Vec<(u32, Vec<Delivery>)> {
        let mut sorted: Vec<(u32, Vec<Delivery>)> = Vec::new();
        let mut slots: Vec<Option<usize>> = vec![None; self.consumers.len()];
        let mut keys = Vec::new();
        let expected = batch.len();
        for delivery in batch {
            keys.clear();
            self.index.lookup(delivery.topic().as_str(), &mut keys);
            for &key in &keys {
                let Some(slot) = slots.get_mut(key as usize) else {
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
    /// Puts in what fits and returns the rest.
    fn offer(&self, batch: Vec<Delivery>) -> Vec<Delivery> {
        let offered = batch.len();
        let rest = self.cell.mailbox.offer(batch);
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
            mailbox.room_for(first).await;
            rest = self.offer(rest);
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
