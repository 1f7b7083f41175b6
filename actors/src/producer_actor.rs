//! The actor that hosts a producer: schedule, failures, panics.
//!
//! The supervisor starts it on an arbiter; it waits on its ticker and calls the plugin. A failing
//! producer goes on at its next tick, or as `on_error` says.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use fedmsg::LogLimit;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, error, error_span, info, warn};

use crate::alive::Alive;
use crate::clock::Clock;
use crate::consumer::BoxError;
use crate::consumer_actor::Abort;
use crate::context::ProducerContext;
use crate::counters::{add, add_time, note_now, read};
use crate::hosted::{HostedProducer, TickFailure, build, discard};
use crate::opening::Opening;
use crate::producer_cell::{ProducerCell, ProducerState};
use crate::progress::Progress;
use crate::registry::ProducerKind;
use crate::ticker::Ticker;

/// At most one line about skipped ticks of a producer in this time.
const SKIP_LOG_PERIOD: Duration = Duration::from_secs(60);

/// The actor of a producer.
pub(crate) struct ProducerActor(Option<Host>);

impl ProducerActor {
    /// Prepares the actor.
    pub(crate) fn new(host: Host) -> Self {
        Self(Some(host))
    }
}

impl Actor for ProducerActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some(host) = self.0.take() else {
            return;
        };
        // At every level: a line that says that something failed has to say whose it is.
        let span = error_span!("producer", instance = %host.cell.name);
        let run = host.run().instrument(span);
        context.spawn(run.into_actor(self).map(|(), _, context| context.stop()));
    }
}

impl Handler<Abort> for ProducerActor {
    type Result = ();

    fn handle(&mut self, _: Abort, context: &mut Self::Context) {
        context.stop();
    }
}

/// What a producer's actor works with.
pub(crate) struct Host {
    pub(crate) cell: Arc<ProducerCell>,
    pub(crate) kind: ProducerKind,
    pub(crate) context: ProducerContext,
    pub(crate) clock: Clock,
    pub(crate) progress: Progress,
    pub(crate) opening: Opening,
    /// Hears how the first build went; nobody does when this takes the place of an actor that died.
    pub(crate) started: Option<oneshot::Sender<Result<(), BoxError>>>,
    #[expect(dead_code, reason = "held for its drop, which the supervisor watches")]
    pub(crate) alive: Alive,
}

impl Host {
    async fn run(mut self) {
        let config = &self.cell.config;
        self.cell.pulse.reset();
        let ticker = |now| {
            let (schedule, missed) = (self.cell.schedule.clone(), config.missed);
            Ticker::new(
                schedule,
                now,
                missed,
                self.cell.offset(),
                self.clock.clone(),
            )
        };
        // Whoever takes the place of a dead actor waits for the next regular moment, so that one
        // that dies of every tick does not die all the time.
        let started = self.started.take();
        let (mut producer, mut ticker) = match started {
            None => (None, ticker(false)),
            Some(started) => match self.build().await {
                Ok(producer) => {
                    self.cell.set_state(ProducerState::Running);
                    let ticker = ticker(config.now); // before anybody can move the clock
                    let _ = started.send(Ok(()));
                    if !self.opening.wait().await {
                        // The hub stops before it has run: nothing is due any more.
                        self.cell.rest().await;
                        return self.say_goodbye(Some(producer)).await;
                    }
                    (self.begin(producer).await, ticker)
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                    return;
                }
            },
        };
        let skip_log = LogLimit::new(SKIP_LOG_PERIOD);
        let mut left_out = 0;
        // The first tick may wait for the start of the hub, and until the publisher has settled
        // (`post_init_sleep`): what is skipped before it, or before the second, is no fault of a tick.
        let mut at_start = 2_u8;
        loop {
            let skipped = tokio::select! {
                biased;
                () = self.cell.held() => {
                    self.cell.rest().await;
                    break;
                }
                skipped = ticker.tick() => skipped,
            };
            if skipped > 0 {
                add(&self.cell.counters.skipped, skipped);
                if at_start == 0
                    && let Some(held_back) = skip_log.admit()
                {
                    warn!(
                        skipped,
                        held_back, "a tick took longer than the schedule allows"
                    );
                }
            }
            at_start = at_start.saturating_sub(1);
            if left_out > 0 {
                left_out -= 1;
                add(&self.cell.counters.left_out, 1);
                continue;
            }
            let began = Instant::now();
            let calling = self.cell.pulse.calling();
            producer = self.tick(producer).await;
            drop(calling);
            add_time(&self.cell.counters.busy_us, began.elapsed());
            match self.setback() {
                (_, Some(moments)) => left_out = moments,
                (failures, None) if failures > 0 => {
                    self.give_up().await;
                    break;
                }
                (_, None) => {}
            }
            self.progress.beat();
        }
        self.say_goodbye(producer).await;
    }

    async fn say_goodbye(&self, producer: Option<Box<dyn HostedProducer>>) {
        if let Some(mut producer) = producer {
            if let Err(panic) = producer.stop().await {
                error!(%panic, "producer panicked while stopping");
            }
            discard(producer);
        }
        self.cell.set_state(ProducerState::Stopped);
        self.progress.beat();
        info!("producer stopped");
    }

    /// Tells the producer that the whole hub runs; gives it back unless it panicked.
    async fn begin(&self, producer: Box<dyn HostedProducer>) -> Option<Box<dyn HostedProducer>> {
        let _calling = self.cell.pulse.calling();
        self.tell_started(producer).await
    }

    async fn tell_started(
        &self,
        mut producer: Box<dyn HostedProducer>,
    ) -> Option<Box<dyn HostedProducer>> {
        match producer.started().await {
            Ok(()) => Some(producer),
            Err(panic) => {
                discard(producer);
                self.cell.set_state(ProducerState::Restarting);
                self.failed(&format!("it panicked when the hub had started: {panic}"));
                None
            }
        }
    }

    async fn build(&self) -> Result<Box<dyn HostedProducer>, BoxError> {
        self.context.settle_figures();
        build((self.kind.build)(
            self.cell.config.params.clone(),
            self.context.clone(),
        ))
        .await
    }

    /// Does nothing until the hub stops.
    async fn give_up(&self) {
        error!("producer has failed and does no more: its `on_error` is \"stop\"");
        self.cell.set_state(ProducerState::GivenUp);
        self.progress.beat();
        tokio::select! {
            () = self.cell.rest() => {}
            never = self.clock.never() => match never {},
        }
    }

    /// Runs a tick, building the producer first if a panic has cost the last one; gives it back
    /// unless it panicked.
    async fn tick(
        &self,
        producer: Option<Box<dyn HostedProducer>>,
    ) -> Option<Box<dyn HostedProducer>> {
        note_now(&self.cell.counters.last_tick_ms);
        let mut producer = match producer {
            Some(producer) => producer,
            None => match self.build().await {
                Ok(producer) => {
                    self.cell.set_state(ProducerState::Running);
                    self.tell_started(producer).await?
                }
                Err(error) => {
                    self.failed(&format!("cannot be built anew: {error}"));
                    return None;
                }
            },
        };
        let limit = self.cell.config.time_limit;
        let tick = async {
            if limit.is_zero() {
                return producer.tick().await;
            }
            // The system's time, whatever the schedule goes by: what a tick waits for is real.
            let tick = timeout(limit, producer.tick()).await;
            tick.unwrap_or_else(|_| Err(TickFailure::TookTooLong))
        };
        match tick.await {
            Ok(()) => {
                add(&self.cell.counters.ticks, 1);
                self.cell.counters.recovered();
                Some(producer)
            }
            Err(TickFailure::Error(error)) => {
                self.failed(&error.to_string());
                Some(producer)
            }
            Err(TickFailure::TookTooLong) => {
                self.failed(&format!("it took longer than {limit:?} and was cancelled"));
                Some(producer)
            }
            Err(TickFailure::Panic(text)) => {
                discard(producer);
                self.cell.set_state(ProducerState::Restarting);
                self.failed(&format!("it panicked: {text}"));
                None
            }
        }
    }

    /// How many attempts have failed in a row, and how many moments are left out for it.
    fn setback(&self) -> (u64, Option<u64>) {
        let failures = read(&self.cell.counters.consecutive_failures);
        (failures, self.cell.config.on_error.leaves_out(failures))
    }

    fn failed(&self, reason: &str) {
        let counters = &self.cell.counters;
        add(&counters.failures, 1);
        add(&counters.consecutive_failures, 1);
        let (consecutive, left_out) = self.setback();
        let left_out = left_out.filter(|moments| *moments > 0);
        warn!(reason, consecutive, left_out, "tick failed");
    }
}
