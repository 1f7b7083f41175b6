//! A plugin's value as its host sees it: without its type, and with its panics caught.
//!
//! [`crate::Registry`] makes them; `consumer_actor` and `producer_actor` call them. A whole lease of
//! messages runs in one future, so that a consumer that never waits pays nothing per message.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use fedmsg::Delivery;
use futures::FutureExt;
use futures::future::BoxFuture;
use tracing::error;

use crate::consumer::{BatchError, BoxError, ConsumeError, Consumer};
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
    /// The plugin panicked; its value must not be used again.
    Panic(String),
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
}

impl<T, C> Hosted<T, C> {
    pub(crate) fn new(plugin: T, context: C) -> Self {
        Self { plugin, context }
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
        Box::pin(async move {
            let mut consumed = 0;
            while let Some(delivery) = lease.current().cloned() {
                pulse.beat();
                let batch = lease.batch(C::BATCH);
                let count = batch.len().max(1);
                // Called within the future: a plugin may also panic before there is one to await.
                let attempt =
                    async { take(&mut self.plugin, delivery, batch, &self.context).await };
                // The value is dropped after a panic, so nobody sees what the panic left behind.
                let attempt = AssertUnwindSafe(attempt).catch_unwind();
                tokio::pin!(attempt);
                let (result, waited) = match futures::poll!(attempt.as_mut()) {
                    Poll::Ready(result) => (result, false),
                    Poll::Pending => {
                        // This may take long: those before it are seen as done.
                        lease.release();
                        progress.beat();
                        (attempt.await, true)
                    }
                };
                let (done, failure) = match result {
                    Ok(Ok(())) => (count, None),
                    Ok(Err(failed)) => (
                        failed.done.min(count.saturating_sub(1)),
                        Some(Failure::Consume(failed.error)),
                    ),
                    Err(panic) => (0, Some(Failure::Panic(panic_text(&*panic)))),
                };
                for _ in 0..done {
                    lease.finish();
                }
                consumed += done as u64;
                add(&counters.consumed, done as u64);
                if failure.is_some() {
                    return (consumed, failure);
                }
                if waited {
                    note_now(&counters.last_consumed_ms);
                    lease.release();
                    progress.beat();
                }
            }
            (consumed, None)
        })
    }

    fn started(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let started = async { self.plugin.started(&self.context).await };
            let started = AssertUnwindSafe(started).catch_unwind();
            started.await.map_err(|panic| panic_text(&*panic))
        })
    }

    fn until_broken(&mut self) -> BoxFuture<'_, String> {
        Box::pin(async move {
            let broken = async { self.plugin.until_broken().await.to_string() };
            let broken = AssertUnwindSafe(broken).catch_unwind();
            broken
                .await
                .unwrap_or_else(|panic| format!("it panicked: {}", panic_text(&*panic)))
        })
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let stop = async { self.plugin.stop(&self.context).await };
            let stop = AssertUnwindSafe(stop).catch_unwind();
            stop.await.map_err(|panic| panic_text(&*panic))
        })
    }
}

/// Has a plugin handle one message or a batch, as it wants them.
async fn take<C: Consumer>(
    plugin: &mut C,
    delivery: Delivery,
    batch: Vec<Delivery>,
    context: &ConsumerContext,
) -> Result<(), BatchError> {
    if !batch.is_empty() {
        return plugin.consume_batch(batch, context).await;
    }
    let consumed = plugin.consume(delivery, context).await;
    consumed.map_err(|error| BatchError { done: 0, error })
}

impl<P: Producer> HostedProducer for Hosted<P, ProducerContext> {
    fn tick(&mut self) -> BoxFuture<'_, Result<(), TickFailure>> {
        Box::pin(async move {
            let tick = async { self.plugin.tick(&self.context).await };
            match AssertUnwindSafe(tick).catch_unwind().await {
                Ok(result) => result.map_err(TickFailure::Error),
                Err(panic) => Err(TickFailure::Panic(panic_text(&*panic))),
            }
        })
    }

    fn started(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let started = async { self.plugin.started(&self.context).await };
            let started = AssertUnwindSafe(started).catch_unwind();
            started.await.map_err(|panic| panic_text(&*panic))
        })
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let stop = async { self.plugin.stop(&self.context).await };
            let stop = AssertUnwindSafe(stop).catch_unwind();
            stop.await.map_err(|panic| panic_text(&*panic))
        })
    }
}

/// Builds a plugin; a panic while building is an error like any other.
pub(crate) async fn build<T>(
    building: BoxFuture<'static, Result<T, BoxError>>,
) -> Result<T, BoxError> {
    match AssertUnwindSafe(building).catch_unwind().await {
        Ok(built) => built,
        Err(panic) => Err(format!("it panicked: {}", panic_text(&*panic)).into()),
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
