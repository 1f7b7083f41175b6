//! A plugin's value as its host sees it: without its type, and with its panics caught.
//!
//! [`crate::Registry`] makes them; `consumer_actor` and `producer_actor` call them. A whole lease of
//! messages runs in one future, so that a consumer that never waits pays nothing per message.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::consumer::{BoxError, ConsumeError, Consumer};
use crate::context::{ConsumerContext, ProducerContext};
use crate::mailbox::Lease;
use crate::producer::Producer;

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
    /// is then the lease's current one. Returns how many were consumed, and the failure.
    fn consume<'a>(&'a mut self, lease: &'a mut Lease) -> BoxFuture<'a, (u64, Option<Failure>)>;

    /// Lets the consumer say goodbye.
    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>>;
}

/// A producer, behind its type.
pub(crate) trait HostedProducer: Send {
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
    fn consume<'a>(&'a mut self, lease: &'a mut Lease) -> BoxFuture<'a, (u64, Option<Failure>)> {
        Box::pin(async move {
            let mut consumed = 0;
            while let Some(delivery) = lease.current().cloned() {
                let attempt = self.plugin.consume(delivery, &self.context);
                // The value is dropped after a panic, so nobody sees what the panic left behind.
                match AssertUnwindSafe(attempt).catch_unwind().await {
                    Ok(Ok(())) => {
                        consumed += 1;
                        lease.finish();
                    }
                    Ok(Err(error)) => return (consumed, Some(Failure::Consume(error))),
                    Err(panic) => return (consumed, Some(Failure::Panic(panic_text(&*panic)))),
                }
            }
            (consumed, None)
        })
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let stop = AssertUnwindSafe(self.plugin.stop(&self.context)).catch_unwind();
            stop.await.map_err(|panic| panic_text(&*panic))
        })
    }
}

impl<P: Producer> HostedProducer for Hosted<P, ProducerContext> {
    fn tick(&mut self) -> BoxFuture<'_, Result<(), TickFailure>> {
        Box::pin(async move {
            match AssertUnwindSafe(self.plugin.tick(&self.context))
                .catch_unwind()
                .await
            {
                Ok(result) => result.map_err(TickFailure::Error),
                Err(panic) => Err(TickFailure::Panic(panic_text(&*panic))),
            }
        })
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let stop = AssertUnwindSafe(self.plugin.stop(&self.context)).catch_unwind();
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

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "with a value that is no text".to_owned())
}
