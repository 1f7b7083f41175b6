//! The actor that hosts a consumer: order, retries, panics, restarts.
//!
//! The supervisor starts it on an arbiter; it takes leases from its mailbox and runs them through the
//! plugin. Its mailbox and its counters outlive it (`consumer_cell`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use fedmsg_config::duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::{Instrument, error, error_span, info, warn};

use crate::alive::Alive;
use crate::consumer::{BoxError, ConsumeError};
use crate::consumer_cell::{ConsumerCell, ConsumerState};
use crate::context::ConsumerContext;
use crate::counters::{add, add_time, note_now};
use crate::doorbell::Doorbell;
use crate::hosted::{Failure, HostedConsumer, build, discard};
use crate::mailbox::Lease;
use crate::opening::Opening;
use crate::progress::Progress;
use crate::pulse::Pulse;
use crate::registry::ConsumerKind;
use crate::restarts::{Restarts, pause};

/// Ends the actor at once; what it has not finished stays in the mailbox.
pub(crate) struct Abort;

impl actix::Message for Abort {
    type Result = ();
}

/// The actor of one worker of a consumer.
pub(crate) struct ConsumerActor(Option<Host>);

impl ConsumerActor {
    /// Prepares the actor.
    pub(crate) fn new(host: Host) -> Self {
        Self(Some(host))
    }
}

impl Actor for ConsumerActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some(host) = self.0.take() else {
            return;
        };
        // At every level: a line that says that something failed has to say whose it is.
        let span = error_span!("consumer", instance = %host.cell.name);
        let run = host.run().instrument(span);
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
    /// What this worker of it is doing.
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) kind: ConsumerKind,
    pub(crate) context: ConsumerContext,
    pub(crate) progress: Progress,
    pub(crate) opening: Opening,
    /// Hears how the first build went; nobody does when this takes the place of an actor that died.
    pub(crate) started: Option<oneshot::Sender<Result<(), BoxError>>>,
    #[expect(dead_code, reason = "held for its drop, which the supervisor watches")]
    pub(crate) alive: Alive,
}

impl Host {
    async fn run(mut self) {
        let mut restarts = Restarts::new(&self.cell.config.restart);
        self.pulse.reset();
        let built = match (self.build().await, self.started.take()) {
            (Ok(consumer), started) => {
                self.cell.set_state(ConsumerState::Running);
                if let Some(started) = started {
                    let _ = started.send(Ok(()));
                    if !self.opening.wait().await {
                        // The hub stops before it has run. It is told nothing but that: what has come meanwhile
                        // is left behind, and counted.
                        self.cell.end(ConsumerState::Stopped);
                        self.say_goodbye(consumer).await;
                        return self.progress.beat();
                    }
                }
                match self.tell_started(consumer).await {
                    Ok(consumer) => Ok(consumer),
                    Err(reason) => self.rebuild(&mut restarts, reason).await,
                }
            }
            (Err(error), Some(started)) => {
                self.cell
                    .set_state(ConsumerState::GivenUp(error.to_string()));
                let _ = started.send(Err(error));
                return;
            }
            (Err(error), None) => self.rebuild(&mut restarts, error.to_string()).await,
        };
        match built {
            Ok(consumer) => self.serve(consumer, restarts).await,
            Err(state) => self.cell.end(state),
        }
        self.progress.beat();
    }

    /// Consumes what comes until the mailbox is closed and empty, or the consumer cannot go on.
    async fn serve(&self, mut consumer: Box<dyn HostedConsumer>, mut restarts: Restarts) {
        let doorbell = Doorbell::here();
        let _attending = doorbell.attend();
        self.cell.mailbox.has_doorbell(doorbell);
        loop {
            let taken = tokio::select! {
                biased; // what is there costs nothing more
                taken = self.cell.mailbox.take() => taken,
                reason = async { consumer.until_broken().await } => {
                    add(&self.cell.counters.errors, 1);
                    discard(consumer);
                    return self.cell.end(ConsumerState::Halted(reason));
                }
            };
            let Some(mut lease) = taken else {
                break;
            };
            let worked = self.work(consumer, &mut lease, &mut restarts).await;
            drop(lease);
            consumer = match worked {
                Ok(consumer) => consumer,
                Err(state) => return self.cell.end(state),
            };
            self.progress.beat();
            tokio::task::yield_now().await; // other actors of this arbiter have their turn
        }
        self.say_goodbye(consumer).await;
    }

    async fn say_goodbye(&self, mut consumer: Box<dyn HostedConsumer>) {
        if let Err(panic) = consumer.stop().await {
            error!(%panic, "consumer panicked while stopping");
        }
        discard(consumer);
        info!("consumer stopped");
    }

    /// Tells the consumer that the whole hub runs; gives it back unless it panics.
    async fn tell_started(
        &self,
        mut consumer: Box<dyn HostedConsumer>,
    ) -> Result<Box<dyn HostedConsumer>, String> {
        let calling = self.pulse.calling();
        let told = consumer.started().await;
        drop(calling);
        match told {
            Ok(()) => Ok(consumer),
            Err(panic) => {
                discard(consumer);
                add(&self.cell.counters.panics, 1);
                Err(format!("it panicked when the hub had started: {panic}"))
            }
        }
    }

    async fn build(&self) -> Result<Box<dyn HostedConsumer>, BoxError> {
        self.context.settle_figures();
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
            let (consumed, failure) = self.consume(&mut *consumer, lease).await;
            if consumed > 0 {
                note_now(&counters.last_consumed_ms);
                restarts.succeeded();
                attempts = 0;
            }
            let Some(failure) = failure else {
                return Ok(consumer);
            };
            attempts += 1;
            match failure {
                Failure::Consume(error) => {
                    add(&counters.errors, 1);
                    attempts = match error {
                        ConsumeError::Halt(reason) => {
                            discard(consumer);
                            return Err(ConsumerState::Halted(reason.to_string()));
                        }
                        ConsumeError::Drop(reason) => {
                            self.drop_current(lease, attempts, &reason.to_string());
                            0
                        }
                        ConsumeError::Retry(reason) => {
                            self.retry(lease, attempts, &*reason, |own| own).await
                        }
                        ConsumeError::RetryAfter(asked, reason) => {
                            self.retry(lease, attempts, &*reason, |_| asked).await
                        }
                        ConsumeError::RetryNoSooner(asked, reason) => {
                            let longer = |own: Duration| own.max(asked);
                            self.retry(lease, attempts, &*reason, longer).await
                        }
                    };
                }
                Failure::BatchPanic(text) => {
                    discard(consumer);
                    add(&counters.panics, 1);
                    attempts -= 1; // the message in front is perhaps not to blame
                    let text = format!("it panicked: {text}");
                    consumer = self.rebuild(restarts, text).await?;
                }
                Failure::Panic(text) => {
                    discard(consumer); // before the next is built: it may own a port or a file
                    add(&counters.panics, 1);
                    let text = format!("it panicked: {text}");
                    attempts = self.retry(lease, attempts, &text, |own| own).await;
                    consumer = self.rebuild(restarts, text).await?;
                }
            }
        }
    }

    /// Has the lease worked off, and notes how long that took.
    async fn consume(
        &self,
        consumer: &mut dyn HostedConsumer,
        lease: &mut Lease,
    ) -> (u64, Option<Failure>) {
        let (cell, pulse) = (&self.cell, &*self.pulse);
        let began = Instant::now();
        let calling = pulse.calling();
        let worked = consumer
            .consume(lease, &cell.counters, &self.progress, pulse)
            .await;
        drop(calling);
        let elapsed = began.elapsed();
        add_time(&cell.counters.busy_us, elapsed);
        if let Some(timings) = &cell.timings {
            timings.note(worked.0, elapsed);
        }
        worked
    }

    /// Pauses before the next attempt at the current message, or drops it after the last one. `wanted` makes
    /// what the plugin wants of our own pause. Returns the attempts made at the message that is then current.
    async fn retry(
        &self,
        lease: &mut Lease,
        attempts: u32,
        reason: &dyn fmt::Display,
        wanted: impl FnOnce(Duration) -> Duration,
    ) -> u32 {
        let retry = &self.cell.config.retry;
        if attempts >= retry.attempts.max(1) {
            self.drop_current(lease, attempts, &reason.to_string());
            return 0;
        }
        let pause = wanted(pause(attempts, retry.first_delay, retry.max_delay));
        // Whoever asks for longer means for ever.
        let pause = pause.min(duration::LONGEST);
        if let Some(delivery) = lease.current() {
            let (topic, msg_id) = (delivery.topic(), delivery.msg_id());
            warn!(%topic, msg_id, attempts, %reason, retry_in = ?pause, "message not consumed");
        }
        lease.release();
        self.progress.beat();
        let _pausing = self.pulse.pausing();
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
            let pausing = self.pulse.pausing();
            sleep(pause).await;
            drop(pausing);
            let calling = self.pulse.calling();
            let built = self.build().await;
            drop(calling);
            match built {
                Ok(consumer) => match self.tell_started(consumer).await {
                    Ok(consumer) => {
                        self.cell.set_state(ConsumerState::Running);
                        return Ok(consumer);
                    }
                    Err(panic) => reason = panic,
                },
                Err(error) => reason = error.to_string(),
            }
        }
    }
}
