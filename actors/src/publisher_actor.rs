//! The actor that owns the hub's own publisher: opened when somebody first asks, closed last.
//!
//! Contexts ask it once for a handle and then publish through that, without a message to an actor
//! for each message to the bus. The supervisor stops it after everything that might still publish.

use std::sync::{Arc, Weak};

use actix::{Actor, ActorContext, Context, Handler, Recipient, ResponseFuture};
use fedmsg::{Bus, PublishError, Publisher, PublisherCounts};
use tokio::sync::OnceCell;
use tracing::info;

/// Asks for the hub's publisher.
pub(crate) struct OpenPublisher;

impl actix::Message for OpenPublisher {
    type Result = Result<Publisher, Arc<PublishError>>;
}

/// Closes the hub's publisher and answers with what it has sent, if it was ever opened.
pub(crate) struct ClosePublisher;

impl actix::Message for ClosePublisher {
    type Result = Option<PublisherCounts>;
}

/// Where contexts get the hub's publisher from.
#[derive(Clone)]
pub(crate) struct PublisherSource(pub(crate) Recipient<OpenPublisher>);

impl PublisherSource {
    /// The hub's publisher.
    pub(crate) async fn publisher(&self) -> Result<Publisher, Arc<PublishError>> {
        self.0
            .send(OpenPublisher)
            .await
            .unwrap_or_else(|_| Err(Arc::new(PublishError::Closed)))
    }
}

/// The actor of the hub's publisher.
pub(crate) struct PublisherActor {
    bus: Bus,
    publisher: Arc<OnceCell<Publisher>>,
}

impl PublisherActor {
    /// Prepares the actor; nothing is opened yet.
    pub(crate) fn new(bus: Bus) -> Self {
        Self {
            bus,
            publisher: Arc::default(),
        }
    }

    /// Where the publisher will be once somebody has asked for it.
    pub(crate) fn opened(&self) -> Weak<OnceCell<Publisher>> {
        Arc::downgrade(&self.publisher)
    }
}

impl Actor for PublisherActor {
    type Context = Context<Self>;
}

impl Handler<OpenPublisher> for PublisherActor {
    type Result = ResponseFuture<Result<Publisher, Arc<PublishError>>>;

    fn handle(&mut self, _: OpenPublisher, _: &mut Self::Context) -> Self::Result {
        let (bus, cell) = (self.bus.clone(), Arc::clone(&self.publisher));
        Box::pin(async move {
            let publisher = cell
                .get_or_try_init(|| open(&bus))
                .await
                .map_err(Arc::new)?;
            Ok(publisher.clone())
        })
    }
}

async fn open(bus: &Bus) -> Result<Publisher, PublishError> {
    let publisher = bus.publisher().await?;
    info!(name = %publisher.name(), addresses = ?publisher.addresses(), "publisher open");
    Ok(publisher)
}

impl Handler<ClosePublisher> for PublisherActor {
    type Result = Option<PublisherCounts>;

    fn handle(&mut self, _: ClosePublisher, context: &mut Self::Context) -> Self::Result {
        context.stop();
        let publisher = std::mem::take(&mut self.publisher);
        publisher.get().map(Publisher::counts)
    }
}
