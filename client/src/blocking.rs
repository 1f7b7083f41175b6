//! The bus for scripts and programs without an async runtime: the same calls, which wait.
//!
//! Each type here drives its asynchronous twin on a small runtime of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fedmsg_config::{Config, Endpoint, Sources};
use fedmsg_message::{Message, Topic, TopicFilter};
use futures::StreamExt;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

use crate::audience::Audience;
use crate::bus::Bus;
use crate::delivery::Delivery;
use crate::publisher::{PublishError, Published, PublisherCounts};
use crate::subscriber::SubscribeError;
use crate::tail::TailError;

/// Why a blocking call failed.
#[derive(Debug, Error)]
pub enum BlockingError {
    /// The system gave no event loop (out of descriptors, most likely).
    #[error("cannot start an event loop: {0}")]
    Runtime(#[from] io::Error),
    /// The message did not go out.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// There is nothing to listen to.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    /// The process's own configuration has errors.
    #[error(transparent)]
    Tail(#[from] TailError),
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A publisher whose calls wait. Dropping it waits until its messages are out, at most `zmq_linger`.
///
/// # Examples
///
/// ```
/// use fedmsg::{Config, Message, blocking};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::from_toml("name = \"shop\"\npost_init_sleep = 0\nendpoints = { shop = \"tcp://127.0.0.1:0\" }")?;
/// let publisher = blocking::Publisher::open(config)?;
/// let published = publisher.publish(Message::new("sale", "tea").with_modname("shop"))?;
/// assert_eq!(published.audience, fedmsg::Audience::Nobody);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Publisher {
    // Declared before the runtime: it leaves the event loop before that ends.
    publisher: crate::Publisher,
    runtime: Runtime,
}

impl Publisher {
    /// Opens the publisher that `config` describes.
    ///
    /// # Errors
    ///
    /// As [`Bus::publisher`], or no event loop.
    pub fn open(config: impl Into<Arc<Config>>) -> Result<Self, BlockingError> {
        let runtime = runtime()?;
        let publisher = runtime.block_on(Bus::open(config).publisher())?;
        Ok(Self { publisher, runtime })
    }

    /// Publishes `message`; see [`crate::Publisher::publish`].
    ///
    /// # Errors
    ///
    /// As [`crate::Publisher::publish`].
    pub fn publish(&self, message: Message) -> Result<Published, BlockingError> {
        Ok(self.runtime.block_on(self.publisher.publish(message))?)
    }

    /// Sends a message of somebody else as it is, without a stamp; see [`crate::Publisher::forward`].
    ///
    /// # Errors
    ///
    /// As [`crate::Publisher::forward`].
    pub fn forward(&self, topic: &Topic, body: &[u8]) -> Result<Audience, BlockingError> {
        let _entered = self.runtime.enter();
        Ok(self.publisher.forward(topic, body)?)
    }

    /// Waits, up to `patience`, until somebody subscribes to `topic`; see
    /// [`crate::Publisher::wait_for_subscriber`].
    pub fn wait_for_subscriber(&self, topic: &Topic, patience: Duration) -> Audience {
        let subscriber = self.publisher.wait_for_subscriber(topic, patience);
        self.runtime.block_on(subscriber)
    }

    /// Running totals, with what has happened at the other end by now; see
    /// [`crate::Publisher::flush`].
    #[must_use]
    pub fn flush(&self) -> PublisherCounts {
        self.publisher.flush()
    }

    /// The address bound (one), or the relays connected to.
    #[must_use]
    pub fn addresses(&self) -> &[Endpoint] {
        self.publisher.addresses()
    }

    /// Running totals.
    #[must_use]
    pub fn counts(&self) -> PublisherCounts {
        self.publisher.counts()
    }
}

/// A subscriber whose iterator waits for the next message.
///
/// # Examples
///
/// ```no_run
/// for delivery in fedmsg::blocking::tail_messages()? {
///     println!("{}: {:?}", delivery.topic(), delivery.msg());
/// }
/// # Ok::<(), fedmsg::blocking::BlockingError>(())
/// ```
pub struct Subscriber {
    // Declared before the runtime: it leaves the event loop before that ends.
    subscriber: crate::Subscriber,
    runtime: Runtime,
}

impl Subscriber {
    /// Listens to every endpoint of `config` for what matches any of `filters` (none: everything).
    ///
    /// # Errors
    ///
    /// As [`Bus::subscribe`], or no event loop.
    pub fn open(
        config: impl Into<Arc<Config>>,
        filters: impl IntoIterator<Item = TopicFilter>,
    ) -> Result<Self, BlockingError> {
        let runtime = runtime()?;
        let subscriber = {
            let _entered = runtime.enter();
            Bus::open(config).subscribe(filters)?
        };
        Ok(Self {
            subscriber,
            runtime,
        })
    }
}

impl Iterator for Subscriber {
    type Item = Delivery;

    fn next(&mut self) -> Option<Delivery> {
        self.runtime.block_on(self.subscriber.next())
    }
}

/// Publishes `message` under the process's own configuration and waits until it is out: for scripts.
/// Each call opens and closes a publisher; a program that publishes often keeps a [`Publisher`].
///
/// # Errors
///
/// As [`crate::publish`].
///
/// # Examples
///
/// ```no_run
/// use fedmsg::{Message, blocking};
///
/// blocking::publish(Message::new("sale", "tea").with_modname("shop"))?;
/// # Ok::<(), blocking::BlockingError>(())
/// ```
pub fn publish(message: Message) -> Result<Published, BlockingError> {
    Publisher::open(process_config()?)?.publish(message)
}

/// Listens to everything on the bus under the process's own configuration.
///
/// # Errors
///
/// As [`crate::tail_messages`].
///
/// # Examples
///
/// ```no_run
/// for delivery in fedmsg::blocking::tail_messages()?.take(10) {
///     println!("{}", delivery.topic());
/// }
/// # Ok::<(), fedmsg::blocking::BlockingError>(())
/// ```
pub fn tail_messages() -> Result<Subscriber, BlockingError> {
    Subscriber::open(process_config()?, [])
}

fn process_config() -> Result<Config, TailError> {
    let sources = Sources::from_process(None, Default::default());
    Ok(Config::load(&sources).map_err(TailError::from)?.config)
}
