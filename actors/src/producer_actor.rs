//! The actor that hosts a producer: schedule, failures, panics.
//!
//! The supervisor starts it on an arbiter; it waits on its ticker and calls the plugin. A failing
//! producer goes on at its next tick.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use fedmsg::LogLimit;
use tokio::sync::oneshot;
use tracing::{Instrument, error, info, info_span, warn};

use crate::alive::Alive;
use crate::clock::Clock;
use crate::consumer::BoxError;
use crate::consumer_actor::Abort;
use crate::context::ProducerContext;
use crate::counters::{add, note_now, read};
use crate::hosted::{HostedProducer, TickFailure, build};
use crate::producer_cell::{ProducerCell, ProducerState};
use crate::progress::Progress;
use crate::registry::ProducerKind;
use crate::ticker::Ticker;

/// At most one line about skipped ticks of a producer in this time.
const SKIP_LOG_PERIOD: Duration = Duration::from_secs(60);

/// The actor of a producer.
pub(crate) struct ProducerActor {
    host: Option<Host>,
    started: Option<oneshot::Sender<Result<(), BoxError>>>,
}

impl ProducerActor {
    /// Prepares the actor; `started` hears how the first build went.
    pub(crate) fn new(host: Host, started: oneshot::Sender<Result<(), BoxError>>) -> Self {
        Self {
            host: Some(host),
            started: Some(started),
        }
    }
}

impl Actor for ProducerActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let (Some(host), Some(started)) = (self.host.take(), self.started.take()) else {
            return;
        };
        let span = info_span!("producer", name = %host.cell.name);
        let run = host.run(started).instrument(span);
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
    #[expect(dead_code, reason = "held for its drop, which the supervisor watches")]
    pub(crate) alive: Alive,
}

impl Host {
    async fn run(self, started: oneshot::Sender<Result<(), BoxError>>) {
        let mut producer = match self.build().await {
            Ok(producer) => Some(producer),
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        self.cell.set_state(ProducerState::Running);
        let _ = started.send(Ok(()));
        let config = &self.cell.config;
        let mut ticker = Ticker::new(
            self.cell.schedule.clone(),
            config.now,
            config.missed,
            self.clock.clone(),
        );
        let skip_log = LogLimit::new(SKIP_LOG_PERIOD);
        loop {
            let skipped = tokio::select! {
                biased;
                () = self.cell.stopped() => break,
                skipped = ticker.tick() => skipped,
            };
            if skipped > 0 {
                add(&self.cell.counters.skipped, skipped);
                if let Some(held_back) = skip_log.admit() {
                    warn!(
                        skipped,
                        held_back, "a tick took longer than the schedule allows"
                    );
                }
            }
            producer = self.tick(producer).await;
            self.progress.beat();
        }
        if let Some(mut producer) = producer
            && let Err(panic) = producer.stop().await
        {
            error!(%panic, "producer panicked while stopping");
        }
        self.cell.set_state(ProducerState::Stopped);
        self.progress.beat();
        info!("producer stopped");
    }

    async fn build(&self) -> Result<Box<dyn HostedProducer>, BoxError> {
        build((self.kind.build)(
            self.cell.config.params.clone(),
            self.context.clone(),
        ))
        .await
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
                    producer
                }
                Err(error) => {
                    self.failed(&format!("cannot be built anew: {error}"));
                    return None;
                }
            },
        };
        match producer.tick().await {
            Ok(()) => {
                add(&self.cell.counters.ticks, 1);
                self.cell.counters.recovered();
                Some(producer)
            }
            Err(TickFailure::Error(error)) => {
                self.failed(&error.to_string());
                Some(producer)
            }
            Err(TickFailure::Panic(text)) => {
                self.cell.set_state(ProducerState::Restarting);
                self.failed(&format!("it panicked: {text}"));
                None
            }
        }
    }

    fn failed(&self, reason: &str) {
        let counters = &self.cell.counters;
        add(&counters.failures, 1);
        add(&counters.consecutive_failures, 1);
        let consecutive = read(&counters.consecutive_failures);
        warn!(
            reason,
            consecutive, "tick failed; the next comes at its time"
        );
    }
}
