//! The two calls that every user of the original knows, `publish` and `tail_messages`, under the
//! configuration that the process finds (`/etc/fedmsg`, `./fedmsg.toml`, `FEDMSG_*`).
//!
//! Applications call them; they keep one [`crate::Bus`] and one [`crate::Publisher`] for the process.

use std::future;
use std::sync::{Arc, Weak};

use fedmsg_config::{Config, ConfigErrors, Sources};
use fedmsg_message::{Message, TopicFilter};
use thiserror::Error;
use tokio::sync::Mutex;

use crate::bus::Bus;
use crate::publisher::{PublishError, Published, Publisher};
use crate::subscriber::{SubscribeError, Subscriber};

/// What the process publishes through. A task of the runtime has it: statics are never dropped, and what is
/// not dropped does not wait until its messages are out.
static OPENED: Mutex<Weak<Opened>> = Mutex::const_new(Weak::new());

struct Opened {
    // Before the bus, which waits for its sockets.
    publisher: Publisher,
    _bus: Bus,
}

/// Why [`tail_messages`] could not start.
#[derive(Debug, Error)]
pub enum TailError {
    /// The configuration has errors.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// There is nothing to listen to.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
}

/// Publishes `message` through the process's own publisher, which the first call opens, and which stays
/// open for as long as the tokio runtime of that call.
///
/// For a program that publishes now and then. One that wants to choose its configuration, or to
/// know about losses, opens a [`Bus`] and keeps a [`Publisher`].
///
/// When it returns, the message is on its way. The end of the runtime, at the end of an `async fn main` with
/// `#[tokio::main]`, waits until it is out, at most `zmq_linger` (1 s unless set otherwise). Who ends the
/// process in another way ([`std::process::exit`], a signal) may lose what was published last.
///
/// # Errors
///
/// Those of loading the configuration, of [`Bus::publisher`] and of [`Publisher::publish`].
///
/// # Panics
///
/// Outside of a tokio runtime; [`crate::blocking::publish`] needs none.
///
/// # Examples
///
/// ```no_run
/// # async fn run() -> Result<(), fedmsg::PublishError> {
/// use fedmsg::Message;
///
/// let published = fedmsg::publish(Message::new("sale", "tea").with_modname("shop")).await?;
/// println!("{} went out as {}", published.topic, published.msg_id);
/// # Ok(())
/// # }
/// ```
pub async fn publish(message: Message) -> Result<Published, PublishError> {
    opened().await?.publisher.publish(message).await
}

/// What this process publishes through, opened if it is not, or was so in a runtime that has ended.
async fn opened() -> Result<Arc<Opened>, PublishError> {
    let mut known = OPENED.lock().await;
    if let Some(opened) = known.upgrade() {
        return Ok(opened);
    }
    let loaded = Config::load(&Sources::from_process(None, Default::default()))?;
    let bus = Bus::open(loaded.config);
    let publisher = bus.publisher().await?;
    let opened = Arc::new(Opened {
        publisher,
        _bus: bus,
    });
    *known = Arc::downgrade(&opened);
    tokio::spawn(keep(Arc::clone(&opened)));
    Ok(opened)
}

/// Has it until the runtime ends.
async fn keep(opened: Arc<Opened>) {
    future::pending::<()>().await;
    drop(opened);
}

/// Listens to everything on the bus; see [`Subscriber`].
///
/// # Errors
///
/// Those of loading the configuration, or that it lists no endpoint.
///
/// # Examples
///
/// ```no_run
/// use futures::StreamExt;
///
/// # async fn run() -> Result<(), fedmsg::TailError> {
/// let mut messages = fedmsg::tail_messages()?;
/// while let Some(delivery) = messages.next().await {
///     println!("{}: {:?}", delivery.topic(), delivery.msg());
/// }
/// # Ok(())
/// # }
/// ```
pub fn tail_messages() -> Result<Subscriber, TailError> {
    let loaded = Config::load(&Sources::from_process(None, Default::default()))?;
    Ok(Bus::open(loaded.config).subscribe([] as [TopicFilter; 0])?)
}
