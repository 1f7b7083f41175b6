//! The two calls that every user of the original knows, `publish` and `tail_messages`, under the
//! configuration that the process finds (`/etc/fedmsg`, `./fedmsg.toml`, `FEDMSG_*`).
//!
//! Applications call them; they keep one [`crate::Bus`] and one [`crate::Publisher`] for the process.

use fedmsg_config::{Config, ConfigErrors, Sources};
use fedmsg_message::{Message, TopicFilter};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::bus::Bus;
use crate::publisher::{PublishError, Published, Publisher};
use crate::subscriber::{SubscribeError, Subscriber};

static PUBLISHER: OnceCell<Publisher> = OnceCell::const_new();

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

/// Publishes `message` through the process's own publisher, which the first call opens.
///
/// For a program that publishes now and then. One that wants to choose its configuration, or to
/// know about losses, opens a [`Bus`] and keeps a [`Publisher`].
///
/// # Errors
///
/// Those of loading the configuration, of [`Bus::publisher`] and of [`Publisher::publish`].
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
    let publisher = PUBLISHER
        .get_or_try_init(async || {
            let loaded = Config::load(&Sources::from_process(None, Default::default()))?;
            Bus::open(loaded.config).publisher().await
        })
        .await?;
    publisher.publish(message).await
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
