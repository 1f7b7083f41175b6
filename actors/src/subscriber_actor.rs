//! The actor that reads a source of messages and hands batches to its router.
//!
//! The supervisor starts one for each source that a consumer listens to, on an arbiter of its own: it
//! is the first stretch of the hot path, and nothing else runs there but its router.

use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, WrapFuture};
use fedmsg::{Delivery, Subscriber};
use fedmsg_config::Source;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};

use crate::alive::Alive;
use crate::router::{Incoming, Router};

/// What a source still has at the stop is taken, up to so many batches (256 messages or 256 KiB each),
/// so that a publisher that never pauses cannot keep the hub from stopping.
const LAST_BATCHES: usize = 256;

/// How long what was published at the stop, perhaps by this hub itself, may take from one socket to the other.
const ON_ITS_WAY: Duration = Duration::from_millis(50);

/// How long all of that is waited for: others may go on publishing.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Nothing more is added to so many bytes of a backlog: 16 MiB.
const MOST_BYTES_IN_ONE: usize = 16 << 20;

/// The actor of one source of messages.
pub(crate) struct SubscriberActor {
    pub(crate) source: Source,
    pub(crate) subscriber: Option<Subscriber>,
    pub(crate) router: Addr<Router>,
    /// How many batches the router takes at a time.
    pub(crate) batches: usize,
    /// How many batches of a backlog it takes as one.
    pub(crate) in_one: usize,
    pub(crate) stop: Option<oneshot::Receiver<()>>,
    pub(crate) alive: Option<Alive>,
}

impl Actor for SubscriberActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let (Some(subscriber), Some(stop)) = (self.subscriber.take(), self.stop.take()) else {
            return;
        };
        let alive = self.alive.take();
        let (router, batches, in_one) = (self.router.clone(), self.batches, self.in_one);
        let read = read(self.source, subscriber, router, batches, in_one, stop).into_actor(self);
        context.spawn(read.map(move |(), _, context| {
            drop(alive);
            context.stop();
        }));
    }
}

/// Reads until told to stop, then takes what has arrived by then. `batches` are with the router at a
/// time; it hands them out in order. Of a backlog `in_one` are taken as one.
async fn read(
    source: Source,
    mut subscriber: Subscriber,
    router: Addr<Router>,
    batches: usize,
    in_one: usize,
    mut stop: oneshot::Receiver<()>,
) {
    let mut sent = FuturesOrdered::new();
    loop {
        let batch = tokio::select! {
            biased;
            _ = &mut stop => break,
            routed = sent.next(), if sent.len() >= batches => match routed {
                Some(Err(_)) => {
                    error!("the router is gone: nothing can be received any more");
                    return;
                }
                _ => continue,
            },
            batch = subscriber.next_batch(), if sent.len() < batches => batch,
        };
        let Some(mut batch) = batch else {
            // It has ended by itself; what it has received is handed out all the same.
            while sent.next().await.is_some() {}
            return;
        };
        let mut bytes = 0;
        for _ in 1..in_one {
            let Some(Some(more)) = subscriber.next_batch().now_or_never() else {
                break;
            };
            bytes += more.iter().map(Delivery::size).sum::<usize>();
            batch.extend(more);
            if bytes > MOST_BYTES_IN_ONE {
                break;
            }
        }
        sent.push_back(router.send(Incoming(batch)));
        tokio::task::yield_now().await;
    }
    while sent.next().await.is_some() {}
    take_rest(&mut subscriber, &router).await;
    let counts = subscriber.counters().counts();
    info!(
        messages = counts.messages,
        malformed = counts.malformed(),
        refused_connections = counts.refused,
        connections_lost = counts.connections_lost,
        source = source.key(),
        "intake stopped"
    );
}

/// Takes what has arrived, and what is still on its way, within its limits.
async fn take_rest(subscriber: &mut Subscriber, router: &Addr<Router>) {
    let end = Instant::now() + LAST_WAIT;
    for _ in 0..LAST_BATCHES {
        let quiet = end.min(Instant::now() + ON_ITS_WAY);
        let Ok(Some(batch)) = timeout_at(quiet, subscriber.next_batch()).await else {
            return;
        };
        if router.send(Incoming(batch)).await.is_err() {
            error!("the router is gone: what has arrived cannot be handed on");
            return;
        }
    }
    let batches = LAST_BATCHES;
    warn!(
        batches,
        "publishers do not pause: what they have sent beyond so many batches is left in the sockets"
    );
}
