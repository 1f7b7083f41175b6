//! A plugin's value as its host sees it: without its type, and with its panics caught.
//!
//! [`crate::Registry`] makes them; `consumer_actor` and `producer_actor` call them. A whole lease of
//! messages runs in one future, so that a consumer that never waits pays nothing per message.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use fedmsg::LogLimit;
use futures::FutureExt;
use futures::future::BoxFuture;
use tracing::{error, warn};

use crate::consumer::{BoxError, ConsumeError, Consumer};
use crate::context::{ConsumerContext, ProducerContext};
use crate::counters::{ConsumerCounters, add, note_now};
use crate::mailbox::Lease;
use crate::producer::Producer;
use crate::progress::Progress;
use crate::pulse::Pulse;

/// How an attempt failed.
pub(crate) enum Failure {
    /// The plugin answered with an error.
    Consume(ConsumeError),
    /// The plugin panicked over the current message; its value must not be used again.
    Panic(String),
    /// The same over several messages, and nobody knows which: from here on they come one by one.
    BatchPanic(String),
}

/// A consumer, behind its type.
pub(crate) trait HostedConsumer: Send {
    /// Consumes what the lease holds, in order, until it is empty or a message fails; that message
    /// is then the lease's current one. Returns how many were consumed (`counters` has them
    /// already), and the failure. `pulse` beats with each call.
    fn consume<'a>(
        &'a mut self,
        lease: &'a mut Lease,
        counters: &'a ConsumerCounters,
        progress: &'a Progress,
        pulse: &'a Pulse,
    ) -> BoxFuture<'a, (u64, Option<Failure>)>;

    /// Tells the consumer that the whole hub runs.
    fn started(&mut self) -> BoxFuture<'_, Result<(), String>>;

    /// Waits until the consumer cannot go on; a panic is a reason, too.
    fn until_broken(&mut self) -> BoxFuture<'_, String>;

    /// Lets the consumer say goodbye.
    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>>;
}

/// A producer, behind its type.
pub(crate) trait HostedProducer: Send {
    /// Tells the producer that the whole hub runs.
    fn started(&mut self) -> BoxFuture<'_, Result<(), String>>;

    /// Runs one tick.
    fn tick(&mut self) -> BoxFuture<'_, Result<(), TickFailure>>;

    /// Lets the producer say goodbye.
    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>>;
}

/// How a tick failed.
pub(crate) enum TickFailure {
    /// The producer answered with an error.
    Error(BoxError),
    /// The producer panicked; its value must not be used again.
    Panic(String),
    /// It took longer than it may, and was cancelled.
    TookTooLong,
}

/// A plugin's value with the context that it is called with.
pub(crate) struct Hosted<T, C> {
    plugin: T,
    context: C,
    /// Of complaints about what it says of its batches.
    complaints: LogLimit,
}

/// At most one complaint about a plugin in this time.
const COMPLAINT_PERIOD: Duration = Duration::from_secs(60);

impl<T, C> Hosted<T, C> {
    pub(crate) fn new(plugin: T, context: C) -> Self {
        Self {
            plugin,
            context,
            complaints: LogLimit::new(COMPLAINT_PERIOD),
        }
    }
}

impl<C: Consumer> HostedConsumer for Hosted<C, ConsumerContext> {
    fn consume<'a>(
        &'a mut self,
        lease: &'a mut Lease,
        counters: &'a ConsumerCounters,
        progress: &'a Progress,
        pulse: &'a Pulse,
    ) -> BoxFuture<'a, (u64, Option<Failure>)> {
        let run = Run {
            lease,
            counters,
            progress,
            consumed: 0,
        };
        if C::BATCH <= 1 {
            Box::pin(self.consume_each(run, pulse))
        } else {
            Box::pin(self.consume_batches(run, pulse))
        }
    }

    fn started(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(caught(async { self.plugin.started(&self.context).await }))
    }

    fn until_broken(&mut self) -> BoxFuture<'_, String> {
        Box::pin(async move {
            let broken = caught(async { self.plugin.until_broken().await.to_string() }).await;
            broken.unwrap_or_else(|panic| format!("it panicked: {panic}"))
        })
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(caught(async { self.plugin.stop(&self.context).await }))
    }
}

/// Polls what a plugin does once. If that takes a while, those before it are seen as done. Evaluates to how it
/// went, or with what it panicked, and whether it took a while.
///
/// A macro, because the same as a function that is `async` costs 5 % of a hub whose consumer does nothing.
macro_rules! attempt {
    ($run:ident, $call:expr) => {{
        // Called within the future: a plugin may also panic before there is one to await.
        let call = AssertUnwindSafe(async { $call.await }).catch_unwind();
        tokio::pin!(call);
        match futures::poll!(call.as_mut()) {
            Poll::Ready(result) => (result, false),
            Poll::Pending => {
                $run.show();
                (call.await, true)
            }
        }
    }};
}

impl<C: Consumer> Hosted<C, ConsumerContext> {
    async fn consume_each(&mut self, mut run: Run<'_>, pulse: &Pulse) -> (u64, Option<Failure>) {
        while let Some(delivery) = run.lease.current().cloned() {
            pulse.beat();
            let (result, waited) = attempt!(run, self.plugin.consume(delivery, &self.context));
            match result {
                Ok(Ok(())) => run.finish(1, waited),
                Ok(Err(error)) => return run.end(Failure::Consume(error)),
                Err(panic) => return run.end(Failure::Panic(panic_text(&*panic))),
            }
        }
        (run.consumed, None)
    }

    async fn consume_batches(&mut self, mut run: Run<'_>, pulse: &Pulse) -> (u64, Option<Failure>) {
        loop {
            let batch = run.lease.batch(C::BATCH);
            let count = batch.len();
            if count == 0 {
                return (run.consumed, None);
            }
            pulse.beat();
            let (result, waited) = attempt!(run, self.plugin.consume_batch(batch, &self.context));
            match result {
                Ok(Ok(())) => run.finish(count, waited),
                Ok(Err(failed)) => {
                    let name = self.context.name();
                    let done = handled(failed.done, count, name, &self.complaints);
                    run.finish(done, false);
                    return run.end(Failure::Consume(failed.error));
                }
                Err(panic) => {
                    let text = panic_text(&*panic);
                    if count == 1 {
                        return run.end(Failure::Panic(text));
                    }
                    run.lease.separate(count);
                    return run.end(Failure::BatchPanic(text));
                }
            }
        }
    }
}

/// How many messages of a batch that failed have been handled, as its consumer says. All cannot be: one is
/// that which failed.
fn handled(done: usize, count: usize, consumer: &str, complaints: &LogLimit) -> usize {
    let most = count.saturating_sub(1);
    if done > most
        && let Some(held_back) = complaints.admit()
    {
        warn!(
            consumer,
            done,
            batch = count,
            held_back,
            "its `BatchError` says that more messages of a batch are handled than can be: all but the last one \
             are taken to be, and count as consumed"
        );
    }
    done.min(most)
}

/// A lease that is being worked off.
struct Run<'a> {
    lease: &'a mut Lease,
    counters: &'a ConsumerCounters,
    progress: &'a Progress,
    consumed: u64,
}

impl Run<'_> {
    /// So many more have been consumed. That is counted after each call, of a message or a batch: the next one may
    /// block for ever. What took a while is seen as done as well.
    #[inline]
    fn finish(&mut self, count: usize, waited: bool) {
        for _ in 0..count {
            self.lease.finish();
        }
        add(&self.counters.consumed, count as u64);
        self.consumed += count as u64;
        if waited {
            note_now(&self.counters.last_consumed_ms);
            self.show();
        }
    }

    /// Has those before the current message seen as done.
    fn show(&mut self) {
        self.lease.release();
        self.progress.beat();
    }

    fn end(self, failure: Failure) -> (u64, Option<Failure>) {
        (self.consumed, Some(failure))
    }
}

impl<P: Producer> HostedProducer for Hosted<P, ProducerContext> {
    fn tick(&mut self) -> BoxFuture<'_, Result<(), TickFailure>> {
        Box::pin(async move {
            match caught(async { self.plugin.tick(&self.context).await }).await {
                Ok(result) => result.map_err(TickFailure::Error),
                Err(panic) => Err(TickFailure::Panic(panic)),
            }
        })
    }

    fn started(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(caught(async { self.plugin.started(&self.context).await }))
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(caught(async { self.plugin.stop(&self.context).await }))
    }
}

/// Runs a call of a plugin; a panic is an error, in its words. What the panic has left behind nobody sees:
/// the plugin is dropped.
async fn caught<T>(call: impl Future<Output = T>) -> Result<T, String> {
    let called = AssertUnwindSafe(call).catch_unwind().await;
    called.map_err(|panic| panic_text(&*panic))
}

/// Builds a plugin; a panic while building is an error like any other.
pub(crate) async fn build<T>(
    building: BoxFuture<'static, Result<T, BoxError>>,
) -> Result<T, BoxError> {
    match caught(building).await {
        Ok(built) => built,
        Err(panic) => Err(format!("it panicked: {panic}").into()),
    }
}

/// Drops a plugin's value; a panic meanwhile must not take its host along.
pub(crate) fn discard<T>(plugin: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(plugin))) {
        error!(
            panic = panic_text(&*panic),
            "it panicked while being dropped"
        );
    }
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "with a value that is no text".to_owned())
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;
    use crate::context::NoParams;
    use crate::test_bus::TestBus;

    /// A consumer that does its work before it is awaited.
    struct Eager;

    impl Consumer for Eager {
        const KIND: &'static str = "eager";
        type Params = NoParams;

        async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
            Ok(Self)
        }

        fn consume(
            &mut self,
            delivery: fedmsg::Delivery,
            _: &ConsumerContext,
        ) -> impl Future<Output = Result<(), ConsumeError>> + Send {
            assert_ne!(delivery.msg().as_str(), Some("hot"), "burnt");
            ready(Ok(()))
        }
    }

    /// Counts warnings.
    struct Warnings(Arc<AtomicUsize>);

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == Level::WARN
        }

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_consumer_that_claims_more_than_its_batch_is_named_once() {
        let warnings = Arc::new(AtomicUsize::new(0));
        let _guard = tracing::subscriber::set_default(Warnings(Arc::clone(&warnings)));
        let complaints = LogLimit::new(COMPLAINT_PERIOD);
        let check = |done, expected, count| {
            assert_eq!(handled(done, 3, "x", &complaints), expected);
            assert_eq!(warnings.load(Ordering::Relaxed), count, "{done}");
        };
        check(0, 0, 0);
        check(2, 2, 0);
        check(3, 2, 1);
        check(99, 2, 1);
    }

    #[test]
    fn a_panic_before_the_first_await_costs_no_more_than_a_later_one() {
        let settings = "retry.first_delay = '1ms'\nrestart.first_delay = '1ms'";
        let hub = TestBus::new().consumer::<Eager>("eager", settings);
        let report = hub.run(async |bus| {
            bus.publish("com.example.a", "hot").await;
            bus.publish("com.example.b", "cool").await;
            bus.settle().await;
        });
        let eager = report.status.consumer("eager").unwrap();
        assert_eq!((eager.panics, eager.dropped, eager.consumed), (3, 1, 1));
    }
}
