//! The actor that hosts a consumer: order, retries, panics, restarts.
//!
//! The supervisor starts it on an arbiter; it takes leases from its mailbox and runs them through the
//! plugin. Its mailbox and its counters outlive it (`consumer_cell`).

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use fedmsg_config::RestartConfig;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::{Instrument, error, info, info_span, warn};

use crate::alive::Alive;
use crate::consumer::{BoxError, ConsumeError};
use crate::consumer_cell::{ConsumerCell, ConsumerState};
use crate::context::ConsumerContext;
use crate::counters::{add, note_now};
use crate::hosted::{Failure, HostedConsumer, build};
use crate::mailbox::Lease;
use crate::progress::Progress;
use crate::registry::ConsumerKind;

/// Ends the actor at once; what it has not finished stays in the mailbox.
pub(crate) struct Abort;

impl actix::Message for Abort {
    type Result = ();
}

/// The actor of one worker of a consumer.
pub(crate) struct ConsumerActor {
    host: Option<Host>,
    started: Option<oneshot::Sender<Result<(), BoxError>>>,
}

impl ConsumerActor {
    /// Prepares the actor; `started` hears how the first build went.
    pub(crate) fn new(host: Host, started: oneshot::Sender<Result<(), BoxError>>) -> Self {
        Self {
            host: Some(host),
            started: Some(started),
        }
    }
}

impl Actor for ConsumerActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let (Some(host), Some(started)) = (self.host.take(), self.started.take()) else {
            return;
        };
        let span = info_span!("consumer", name = %host.cell.name);
        let run = host.run(started).instrument(span);
        context.spawn(run.into_actor(self).map(|(), _, context| context.stop()));
    }
}

impl Handler<Abort> for ConsumerActor {
    type Result = ();

    fn handle(&mut self, _: Abort, context: &mut Self::Context) {
        context.stop();
    }
}

/// What a consumer's actor works with.
pub(crate) struct Host {
    pub(crate) cell: Arc<ConsumerCell>,
    pub(crate) kind: ConsumerKind,
    pub(crate) context: ConsumerContext,
    pub(crate) progress: Progress,
    #[expect(dead_code, reason = "held for its drop, which the supervisor watches")]
    pub(crate) alive: Alive,
}

impl Host {
    async fn run(self, started: oneshot::Sender<Result<(), BoxError>>) {
        let mut consumer = match self.build().await {
            Ok(consumer) => consumer,
            Err(error) => {
                self.cell
                    .set_state(ConsumerState::GivenUp(error.to_string()));
                let _ = started.send(Err(error));
                return;
            }
        };
        self.cell.set_state(ConsumerState::Running);
        let _ = started.send(Ok(()));
        let mut restarts = Restarts::new(&self.cell.config.restart);
        while let Some(mut lease) = self.cell.mailbox.take().await {
            let worked = self.work(consumer, &mut lease, &mut restarts).await;
            drop(lease);
            self.progress.beat();
            consumer = match worked {
                Ok(consumer) => consumer,
                Err(state) => return self.end(state),
            };
            tokio::task::yield_now().await; // other actors of this arbiter have their turn
        }
        if let Err(panic) = consumer.stop().await {
            error!(%panic, "consumer panicked while stopping");
        }
        self.end(ConsumerState::Stopped);
    }

    async fn build(&self) -> Result<Box<dyn HostedConsumer>, BoxError> {
        build((self.kind.build)(
            self.cell.config.params.clone(),
            self.context.clone(),
        ))
        .await
    }

    /// Works a lease off; gives the consumer back (another one after a panic), or the state in
    /// which this consumer ends.
    async fn work(
        &self,
        mut consumer: Box<dyn HostedConsumer>,
        lease: &mut Lease,
        restarts: &mut Restarts,
    ) -> Result<Box<dyn HostedConsumer>, ConsumerState> {
        let counters = &self.cell.counters;
        let mut attempts = 0;
        loop {
            let (consumed, failure) = consumer.consume(lease).await;
            if consumed > 0 {
                add(&counters.consumed, consumed);
                note_now(&counters.last_consumed_ms);
                restarts.succeeded();
                attempts = 0;
            }
            let Some(failure) = failure else {
                return Ok(consumer);
            };
            attempts += 1;
            match failure {
                Failure::Consume(ConsumeError::Halt(reason)) => {
                    add(&counters.errors, 1);
                    return Err(ConsumerState::Halted(reason.to_string()));
                }
                Failure::Consume(ConsumeError::Drop(reason)) => {
                    add(&counters.errors, 1);
                    self.drop_current(lease, attempts, &reason.to_string());
                    attempts = 0;
                }
                Failure::Consume(ConsumeError::Retry(reason)) => {
                    add(&counters.errors, 1);
                    attempts = self.retry(lease, attempts, &reason.to_string()).await;
                }
                Failure::Panic(text) => {
                    drop(consumer); // before the next is built: it may own a port or a file
                    add(&counters.panics, 1);
                    let text = format!("it panicked: {text}");
                    attempts = self.retry(lease, attempts, &text).await;
                    consumer = self.rebuild(restarts, text).await?;
                }
            }
        }
    }

    /// Pauses before the next attempt at the current message, or drops it after the last one.
    /// Returns the attempts made at the message that is then current.
    async fn retry(&self, lease: &mut Lease, attempts: u32, reason: &str) -> u32 {
        let retry = &self.cell.config.retry;
        if attempts >= retry.attempts.max(1) {
            self.drop_current(lease, attempts, reason);
            return 0;
        }
        let pause = pause(attempts, retry.first_delay, retry.max_delay);
        if let Some(delivery) = lease.current() {
            let (topic, msg_id) = (delivery.topic(), delivery.msg_id());
            warn!(%topic, msg_id, attempts, reason, retry_in = ?pause, "message not consumed");
        }
        lease.release();
        self.progress.beat();
        sleep(pause).await;
        attempts
    }

    fn drop_current(&self, lease: &mut Lease, attempts: u32, reason: &str) {
        add(&self.cell.counters.dropped, 1);
        if let Some(delivery) = lease.current() {
            let (topic, msg_id) = (delivery.topic(), delivery.msg_id());
            error!(%topic, msg_id, attempts, reason, "message dropped: this consumer has not handled it");
        }
        lease.finish();
    }

    /// Builds the consumer anew after a panic, with growing pauses, as often as the configuration
    /// allows.
    async fn rebuild(
        &self,
        restarts: &mut Restarts,
        mut reason: String,
    ) -> Result<Box<dyn HostedConsumer>, ConsumerState> {
        self.cell.set_state(ConsumerState::Restarting);
        loop {
            let Some(pause) = restarts.next_pause() else {
                return Err(ConsumerState::GivenUp(reason));
            };
            warn!(reason, restart_in = ?pause, "consumer is built anew");
            sleep(pause).await;
            match self.build().await {
                Ok(consumer) => {
                    self.cell.set_state(ConsumerState::Running);
                    return Ok(consumer);
                }
                Err(error) => reason = error.to_string(),
            }
        }
    }

    fn end(&self, state: ConsumerState) {
        match &state {
            ConsumerState::Stopped => info!("consumer stopped"),
            other => error!(state = %other, "consumer takes no more messages"),
        }
        // A sibling worker may have given up: its reason stays visible.
        if !self.cell.is_over() {
            self.cell.set_state(state);
        }
        let left = self.cell.mailbox.abandon();
        add(&self.cell.counters.undelivered, left.len() as u64);
        if let (Some(first), Some(last)) = (left.first(), left.last()) {
            error!(
                lost = left.len(), first = %first.topic(), first_msg_id = first.msg_id(),
                last = %last.topic(), last_msg_id = last.msg_id(),
                "messages left in the mailbox: this consumer has not handled them"
            );
        }
        self.progress.beat();
    }
}

/// How often a consumer was built anew without having consumed anything in between.
struct Restarts {
    config: RestartConfig,
    count: u32,
    since: Instant,
}

impl Restarts {
    fn new(config: &RestartConfig) -> Self {
        Self {
            config: config.clone(),
            count: 0,
            since: Instant::now(),
        }
    }

    fn succeeded(&mut self) {
        self.count = 0;
    }

    /// The pause before the next build, or `None` when there were too many.
    fn next_pause(&mut self) -> Option<Duration> {
        if self.count == 0 || self.since.elapsed() > self.config.within {
            (self.count, self.since) = (0, Instant::now());
        }
        self.count += 1;
        (self.count <= self.config.attempts)
            .then(|| pause(self.count, self.config.first_delay, self.config.max_delay))
    }
}

/// The pause before the attempt after `attempts` failed ones: doubles from `first` up to `max`.
fn pause(attempts: u32, first: Duration, max: Duration) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    first.saturating_mul(1 << doublings).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let (first, max) = (Duration::from_millis(100), Duration::from_secs(1));
        let pauses: Vec<_> = (1..=6).map(|n| pause(n, first, max).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(pause(u32::MAX, first, max), max);
    }

    #[tokio::test(start_paused = true)]
    async fn restarts_are_counted_within_their_window_and_between_successes() {
        let config = RestartConfig {
            attempts: 2,
            ..RestartConfig::default()
        };
        let mut restarts = Restarts::new(&config);
        assert!(restarts.next_pause().is_some());
        assert!(restarts.next_pause().is_some());
        assert!(restarts.next_pause().is_none());
        restarts.succeeded();
        assert!(restarts.next_pause().is_some());
        assert!(restarts.next_pause().is_some());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(
            restarts.next_pause().is_some(),
            "old failures are forgotten"
        );
    }
}
