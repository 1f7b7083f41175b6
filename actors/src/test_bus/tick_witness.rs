//! Sees every tick of a producer under test: how it ended, and for how long it kept its thread.
//!
//! [`TestBus`](super::TestBus) puts one before each producer. It also cancels a tick where it waits, or lets
//! the producer crash there: after some of its work, before the rest.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use fedmsg_config::Config;
use futures::FutureExt;

use super::gate::Gate;
use super::other_calls::OtherCalls;
use super::witness::Stretch;
use crate::consumer::BoxError;
use crate::context::ProducerContext;
use crate::hosted::panic_text;
use crate::producer::Producer;
use crate::registry::Built;

/// How a tick ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TickEnd {
    Done,
    Failed(String),
    Panicked(String),
    /// The test has ended it.
    Cut,
}

/// Where the test ends a tick. Waits count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Where it waits for the so manieth time it is cancelled, as by its `time_limit`.
    Cancel(usize),
    /// Where it waits for the so manieth time the producer crashes.
    Crash(usize),
    /// Once it is done the producer crashes.
    CrashWhenDone,
}

/// What the producers of one hub did at their ticks.
#[derive(Default)]
pub(crate) struct TickWitness {
    pub(crate) others: OtherCalls,
    /// Before what the producers publish.
    pub(crate) gate: Arc<Gate>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<TickEnd>,
    first_failure: Option<String>,
    first_panic: Option<String>,
    /// What is to happen to the next tick.
    cut: Option<Cut>,
    /// How often the last tick has waited.
    waits: usize,
    /// Whether the stretches for which a tick keeps its thread are measured.
    times: bool,
    longest: Option<Duration>,
}

impl TickWitness {
    /// Measures from now on for how long a tick keeps its thread.
    pub(crate) fn take_times(&self) {
        self.others.take_times();
        self.state().times = true;
    }

    /// The longest time for which a tick has kept its thread, if that is measured.
    pub(crate) fn longest(&self) -> Option<Duration> {
        self.state().longest
    }

    /// Ends the next tick that gets so far.
    pub(crate) fn cut(&self, cut: Cut) {
        self.state().cut = Some(cut);
    }

    /// Takes back what was to happen, if it has not.
    pub(crate) fn cut_no_more(&self) {
        self.state().cut = None;
    }

    /// How often the last tick has waited.
    pub(crate) fn waits(&self) -> usize {
        self.state().waits
    }

    /// How the last tick has ended.
    pub(crate) fn last(&self) -> Option<TickEnd> {
        self.state().last.clone()
    }

    /// The first error of a tick.
    pub(crate) fn first_failure(&self) -> Option<String> {
        self.state().first_failure.clone()
    }

    /// The first panic of a tick by itself.
    pub(crate) fn first_panic(&self) -> Option<String> {
        self.state().first_panic.clone()
    }

    fn ended(&self, end: TickEnd, waits: usize) {
        let mut state = self.state();
        state.waits = waits;
        match &end {
            TickEnd::Failed(reason) => {
                state.first_failure.get_or_insert_with(|| reason.clone());
            }
            TickEnd::Panicked(text) => {
                state.first_panic.get_or_insert_with(|| text.clone());
            }
            TickEnd::Done | TickEnd::Cut => {}
        }
        state.last = Some(end);
    }

    fn note(&self, stretch: Duration) {
        let mut state = self.state();
        state.longest = state.longest.max(Some(stretch));
    }

    /// Returns whether the tick is cut where it now waits, having waited so often before.
    fn cuts_at(&self, waits: usize) -> Option<Cut> {
        let mut state = self.state();
        let is_there = |cut: &mut Cut| [Cut::Cancel(waits), Cut::Crash(waits)].contains(cut);
        state.cut.take_if(is_there)
    }

    fn cuts_when_done(&self) -> bool {
        let mut state = self.state();
        state
            .cut
            .take_if(|cut| *cut == Cut::CrashWhenDone)
            .is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A producer with a witness.
pub(crate) struct WitnessedProducer<P> {
    producer: P,
    witness: Arc<TickWitness>,
}

impl<P> WitnessedProducer<P> {
    pub(crate) fn new(producer: P, witness: Arc<TickWitness>) -> Self {
        Self { producer, witness }
    }

    /// Sees how it is built, and puts a witness before it.
    pub(crate) fn build(building: Built<P>, witness: &Arc<TickWitness>) -> Built<Self>
    where
        P: Producer,
    {
        let witness = Arc::clone(witness);
        Box::pin(async move {
            let producer = witness.others.attend("from_params", building).await?;
            Ok(Self::new(producer, witness))
        })
    }
}

impl<P: Producer> Producer for WitnessedProducer<P> {
    const KIND: &'static str = P::KIND;
    const ABOUT: &'static str = P::ABOUT;
    type Params = P::Params;

    async fn from_params(params: P::Params, context: &ProducerContext) -> Result<Self, BoxError> {
        let producer = P::from_params(params, context).await?;
        Ok(Self::new(producer, Arc::default()))
    }

    fn preflight(params: &P::Params, config: &Config) -> Result<(), BoxError> {
        P::preflight(params, config)
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        let Self { producer, witness } = self;
        let gated = witness.gate.before(context);
        attend(witness, async { producer.tick(&gated).await }).await
    }

    async fn started(&mut self, context: &ProducerContext) {
        let Self { producer, witness } = self;
        let call = async { producer.started(context).await };
        witness.others.attend("started", call).await;
    }

    async fn stop(&mut self, context: &ProducerContext) {
        let Self { producer, witness } = self;
        let call = async { producer.stop(context).await };
        witness.others.attend("stop", call).await;
    }
}

/// Attends a tick, and ends it as it ended, or as the test wants.
async fn attend(
    witness: &TickWitness,
    tick: impl Future<Output = Result<(), BoxError>>,
) -> Result<(), BoxError> {
    let times = witness.state().times;
    let mut waits = 0;
    let ended = {
        let mut tick = std::pin::pin!(AssertUnwindSafe(tick).catch_unwind());
        poll_fn(|task| {
            let stretch = times.then(Stretch::begin);
            let polled = tick.as_mut().poll(task);
            // Showing a panic takes time that is not the producer's.
            if let (Some(stretch), false) = (stretch, matches!(polled, Poll::Ready(Err(_)))) {
                witness.note(stretch.end());
            }
            let Poll::Ready(ended) = polled else {
                waits += 1;
                return witness
                    .cuts_at(waits - 1)
                    .map_or(Poll::Pending, |cut| Poll::Ready(Err(cut)));
            };
            Poll::Ready(Ok(ended))
        })
        .await
        // What is cut is dropped here, where it waits.
    };
    match ended {
        Err(Cut::Cancel(_)) => {
            witness.ended(TickEnd::Cut, waits);
            Err("cancelled by the test".into())
        }
        Err(Cut::Crash(_) | Cut::CrashWhenDone) => crash(witness, waits),
        Ok(Ok(Ok(()))) if witness.cuts_when_done() => crash(witness, waits),
        Ok(Ok(Ok(()))) => {
            witness.ended(TickEnd::Done, waits);
            Ok(())
        }
        Ok(Ok(Err(error))) => {
            witness.ended(TickEnd::Failed(error.to_string()), waits);
            Err(error)
        }
        Ok(Err(panic)) => {
            witness.ended(TickEnd::Panicked(panic_text(&*panic)), waits);
            resume_unwind(panic)
        }
    }
}

fn crash(witness: &TickWitness, waits: usize) -> Result<(), BoxError> {
    witness.ended(TickEnd::Cut, waits);
    // Without the hook that prints panics: this one is wanted.
    resume_unwind(Box::new("injected by the test: the producer crashes"))
}
