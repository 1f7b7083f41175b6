//! Sees every call of a consumer under test: what came of it, and for how long it kept its thread.
//!
//! [`TestBus`](super::TestBus) puts one before each consumer. It also lets a consumer crash at the worst
//! moment: after its work is done, before the hub knows.

use std::fs;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use fedmsg::Delivery;
use fedmsg_config::Source;
use fedmsg_message::TopicPattern;
use futures::FutureExt;

use super::door::Door;
use super::gate::Gate;
use super::other_calls::OtherCalls;
use super::test_report::{Call, CallOutcome};
use crate::consumer::{BatchError, BoxError, ConsumeError, Consumer};
use crate::context::ConsumerContext;
use crate::hosted::panic_text;
use crate::registry::Built;

/// So many calls are kept for the report; later ones are counted.
const KEPT: usize = 10_000;

/// What the consumers of one hub were called with, and what they answered.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) others: OtherCalls,
    /// Before what the consumers publish.
    pub(crate) gate: Arc<Gate>,
    /// Before each of their calls.
    pub(crate) door: Door,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    /// Calls that are not in the list.
    beyond: u64,
    /// Messages after which a consumer crashes, each once.
    crashes: Vec<Delivery>,
    /// Whether nothing is kept of calls.
    forgets: bool,
    /// Whether the stretches for which a call keeps its thread are measured.
    times: bool,
    /// Whether pauses that consumers ask for are left out.
    hurries: bool,
    longest: Option<(Duration, Delivery)>,
}

impl Witness {
    /// Keeps nothing of calls, so that what is measured is the consumer's memory.
    pub(crate) fn forget(&self) {
        self.state().forgets = true;
    }

    /// Measures from now on for how long a call keeps its thread.
    pub(crate) fn take_times(&self) {
        self.others.take_times();
        self.state().times = true;
    }

    /// The next consumer that has handled this message crashes before the hub knows.
    pub(crate) fn crash_after(&self, delivery: Delivery) {
        self.state().crashes.push(delivery);
    }

    /// The calls, in the order in which they began, and how many more there were.
    pub(crate) fn calls(&self) -> (Vec<Call>, u64) {
        let state = self.state();
        (state.calls.clone(), state.beyond)
    }

    /// The longest time for which a call has kept its thread, if that is measured.
    pub(crate) fn longest(&self) -> Option<(Duration, Delivery)> {
        self.state().longest.clone()
    }

    /// Notes that a call begins; returns where, and whether times are taken.
    fn begin(&self, consumer: &str, batch: &[Delivery]) -> (Option<usize>, bool) {
        let mut state = self.state();
        if state.forgets || state.calls.len() + batch.len() > KEPT {
            state.beyond += batch.len() as u64;
            return (None, state.times);
        }
        let first = state.calls.len();
        state.calls.extend(batch.iter().map(|delivery| Call {
            consumer: consumer.to_owned(),
            delivery: delivery.clone(),
            outcome: CallOutcome::Unfinished,
        }));
        (Some(first), state.times)
    }

    fn end(&self, first: Option<usize>, outcomes: &[CallOutcome]) {
        let mut state = self.state();
        let Some(first) = first else { return };
        for (call, outcome) in state.calls.iter_mut().skip(first).zip(outcomes) {
            call.outcome = outcome.clone();
        }
    }

    fn crashes_now(&self, batch: &[Delivery]) -> bool {
        let mut state = self.state();
        let before = state.crashes.len();
        // One crash is enough for all of a batch.
        for delivery in batch {
            let crashes = state.crashes.iter();
            let mut crashes = crashes.map(Delivery::envelope);
            if let Some(index) = crashes.position(|it| it == delivery.envelope()) {
                state.crashes.swap_remove(index);
            }
        }
        state.crashes.len() < before
    }

    /// Leaves out a pause that a consumer has asked for, in a test that does not wait.
    fn hurry(&self, error: ConsumeError) -> ConsumeError {
        match error {
            ConsumeError::RetryAfter(_, reason) | ConsumeError::RetryNoSooner(_, reason)
                if self.state().hurries =>
            {
                ConsumeError::Retry(reason)
            }
            error => error,
        }
    }

    /// Leaves out pauses that consumers ask for.
    pub(crate) fn hurry_all(&self) {
        self.state().hurries = true;
    }

    fn note(&self, stretch: Duration, delivery: &Delivery) {
        let mut state = self.state();
        if state
            .longest
            .as_ref()
            .is_none_or(|(longest, _)| stretch > *longest)
        {
            state.longest = Some((stretch, delivery.clone()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A consumer with a witness.
pub(crate) struct Witnessed<C> {
    consumer: C,
    witness: Arc<Witness>,
}

impl<C> Witnessed<C> {
    pub(crate) fn new(consumer: C, witness: Arc<Witness>) -> Self {
        Self { consumer, witness }
    }

    /// Sees how it is built, and puts a witness before it.
    pub(crate) fn build(building: Built<C>, witness: &Arc<Witness>) -> Built<Self>
    where
        C: Consumer,
    {
        let witness = Arc::clone(witness);
        Box::pin(async move {
            let consumer = witness.others.attend("from_params", building).await?;
            Ok(Self::new(consumer, witness))
        })
    }
}

impl<C: Consumer> Consumer for Witnessed<C> {
    const KIND: &'static str = C::KIND;
    const ABOUT: &'static str = C::ABOUT;
    const SOURCE: Source = C::SOURCE;
    const VALIDATE_SIGNATURES: Option<bool> = C::VALIDATE_SIGNATURES;
    type Params = C::Params;

    fn default_topics() -> Vec<TopicPattern> {
        C::default_topics()
    }

    async fn from_params(params: C::Params, context: &ConsumerContext) -> Result<Self, BoxError> {
        let consumer = C::from_params(params, context).await?;
        Ok(Self::new(consumer, Arc::default()))
    }

    const BATCH: usize = C::BATCH;

    async fn consume(
        &mut self,
        delivery: Delivery,
        context: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let Self { consumer, witness } = self;
        let seen = vec![delivery.clone()];
        witness.door.pass().await;
        let gated = witness.gate.before(context);
        let call = async {
            let consumed = consumer.consume(delivery, &gated).await;
            consumed.map_err(|error| BatchError { done: 0, error })
        };
        let attended = attend(witness, context.name(), seen, call).await;
        attended.map_err(|failed| failed.error)
    }

    async fn consume_batch(
        &mut self,
        batch: Vec<Delivery>,
        context: &ConsumerContext,
    ) -> Result<(), BatchError> {
        let Self { consumer, witness } = self;
        let seen = batch.clone();
        witness.door.pass().await;
        let gated = witness.gate.before(context);
        let call = async { consumer.consume_batch(batch, &gated).await };
        attend(witness, context.name(), seen, call).await
    }

    async fn until_broken(&mut self) -> BoxError {
        let Self { consumer, witness } = self;
        let call = async { consumer.until_broken().await };
        witness.others.watch("until_broken", call).await
    }

    async fn started(&mut self, context: &ConsumerContext) {
        let Self { consumer, witness } = self;
        let call = async { consumer.started(context).await };
        witness.others.attend("started", call).await;
    }

    async fn stop(&mut self, context: &ConsumerContext) {
        let Self { consumer, witness } = self;
        let call = async { consumer.stop(context).await };
        witness.others.attend("stop", call).await;
    }
}

/// Attends a call with these messages, and ends it as it ended, or with a crash.
async fn attend(
    witness: &Witness,
    consumer: &str,
    seen: Vec<Delivery>,
    call: impl Future<Output = Result<(), BatchError>>,
) -> Result<(), BatchError> {
    let (first, times) = witness.begin(consumer, &seen);
    let mut call = std::pin::pin!(AssertUnwindSafe(call).catch_unwind());
    let ended = poll_fn(|task| {
        if !times {
            return call.as_mut().poll(task);
        }
        let stretch = Stretch::begin();
        let polled = call.as_mut().poll(task);
        let stretch = stretch.end();
        // Showing a panic takes time that is not the consumer's.
        if let (false, Some(delivery)) = (matches!(polled, Poll::Ready(Err(_))), seen.first()) {
            witness.note(stretch, delivery);
        }
        polled
    });
    match ended.await {
        Ok(Ok(())) if witness.crashes_now(&seen) => {
            witness.end(first, &vec![CallOutcome::Crashed; seen.len()]);
            // Without the hook that prints panics: this one is wanted.
            resume_unwind(Box::new(
                "injected by the test: the work is done, the hub does not know",
            ))
        }
        Ok(Ok(())) => {
            witness.end(first, &vec![CallOutcome::Consumed; seen.len()]);
            Ok(())
        }
        Ok(Err(BatchError { done, error })) => {
            let mut outcomes = vec![CallOutcome::Consumed; done.min(seen.len())];
            outcomes.push(CallOutcome::of(&error));
            outcomes.resize(seen.len(), CallOutcome::NotReached);
            witness.end(first, &outcomes);
            let error = witness.hurry(error);
            Err(BatchError { done, error })
        }
        Err(panic) => {
            let outcome = CallOutcome::Panicked(panic_text(&*panic));
            witness.end(first, &vec![outcome; seen.len()]);
            resume_unwind(panic)
        }
    }
}

/// A time for which a task keeps its thread, computing or waiting; that the machine had no core for the
/// thread does not count.
pub(super) struct Stretch {
    began: Instant,
    delayed: Duration,
}

impl Stretch {
    pub(super) fn begin() -> Self {
        Self {
            delayed: delayed(),
            began: Instant::now(),
        }
    }

    pub(super) fn end(self) -> Duration {
        let elapsed = self.began.elapsed();
        elapsed.saturating_sub(delayed().saturating_sub(self.delayed))
    }
}

/// For how long this thread has waited for a core (the second number of `schedstat`, in nanoseconds:
/// Documentation/scheduler/sched-stats.rst of Linux); zero where the system does not say.
fn delayed() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().nth(1);
    Duration::from_nanos(nanoseconds.and_then(|it| it.parse().ok()).unwrap_or(0))
}
