//! Passing on what others have said: a bound socket with a queue of its own for each subscriber.
//!
//! Relays and gateways send through it. It speaks ZMTP ([`crate::zmtp`]) by itself, because libzmq tells
//! nobody which subscriber misses a message, nor how many. [`queues`] has the messages, [`listener`]
//! the address, [`connection`] one task for each subscriber.

mod connection;
mod listener;
mod queues;
mod stream;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fedmsg_config::{ByteSize, Config, Endpoint, EndpointName, FileMode, SocketOptions};
use fedmsg_message::Topic;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tracing::{debug, warn};

use self::listener::{Listener, SocketFile};
use self::queues::Queues;
use crate::audience::Audience;
use crate::log_limit::LogLimit;
use crate::publisher::PublishError;
use crate::resolver::resolve_bind;

/// At most one line of a kind in this time.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// How long connections may take to end that have been told to: their threads may be busy.
const ENDING: Duration = Duration::from_secs(1);

/// Passes messages on, byte for byte, to all who connect and subscribe; made by
/// [`crate::Bus::forwarder`]. Cloning shares the socket.
///
/// Each subscriber has a queue of at most `high_water_mark` messages, and of 16 KiB for each of so many (at
/// least 64 MiB); 0 means no limit. While it is full, that subscriber
/// misses messages, the others do not; every one that is missed is counted. Nothing here waits, but
/// [`Forwarder::close`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use fedmsg::{Audience, Bus, Config, EndpointName};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Bus::open(Config::from_toml("endpoints.relay_outbound = 'tcp://127.0.0.1:0'")?);
/// let forwarder = bus.forwarder(&EndpointName::from("relay_outbound")).await?;
/// let heard = forwarder.forward(&"org.example.dev.shop.sale".parse()?, br#"{"msg": "tea"}"#)?;
/// assert_eq!(heard, Audience::Nobody); // nobody has connected
/// let counts = forwarder.close(Duration::from_secs(1)).await;
/// assert_eq!((counts.messages, counts.unheard, counts.missed), (1, 1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Forwarder(Arc<Handle>);

/// What a forwarder has done: totals since it opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForwarderCounts {
    /// Messages passed on.
    pub messages: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Messages that nobody had subscribed to.
    pub unheard: u64,
    /// Messages that a subscriber has missed because its queue was full; two that miss the same one
    /// count twice.
    pub missed: u64,
    /// Messages queued for subscribers whose connections ended, or that were left at the end.
    pub cut_off: u64,
    /// Messages that were not sent because a frame was larger than `zmq_max_message_size`.
    pub too_large: u64,
    /// Subscribers that are connected now.
    pub subscribers: usize,
    /// Subscribers that have ever connected.
    pub joined: u64,
    /// Connections of something that is no subscriber.
    pub refused: u64,
}

/// One subscriber of a [`Forwarder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriberStatus {
    /// Its address as its connection has it, or the process at the other end of a Unix domain socket.
    pub address: String,
    /// Messages that wait for it.
    pub queued: u64,
    /// Messages that the system has taken for it.
    pub sent: u64,
    /// Messages that it has missed because its queue was full.
    pub missed: u64,
}

/// What the handles of a forwarder share; the last one ends its tasks.
struct Handle {
    shared: Arc<Shared>,
    addresses: Vec<Endpoint>,
    limit: ByteSize,
    task: AbortHandle,
    /// Goes when nobody may connect any more.
    file: Mutex<Option<SocketFile>>,
}

/// What the tasks of a forwarder share with its handles.
struct Shared {
    name: EndpointName,
    queues: Mutex<Queues>,
    /// No connection is taken any more.
    closing: Notify,
    /// A subscriber has left.
    left: Notify,
    overflows: LogLimit,
    refusals: LogLimit,
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        // No code panics while it holds the lock, and what the lock guards is valid in any case.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no subscriber is left.
    async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable(); // before looking, so that nobody is missed
            if self.queues().counts().subscribers == 0 {
                return;
            }
            left.await;
        }
    }

    /// Names a subscriber that had something left when the time was over.
    fn overdue(&self, left: &SubscriberStatus) {
        warn!(
            name = %self.name, subscriber = left.address, sent = left.sent,
            missed = left.missed, cut_off = left.queued,
            "a subscriber has not taken what was queued for it within `zmq_linger`"
        );
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Forwarder {
    /// Binds the first free address of `listed`, with queues of `high_water_mark` messages.
    pub(crate) async fn bind(
        config: &Config,
        name: &EndpointName,
        listed: &[Endpoint],
        high_water_mark: u32,
    ) -> Result<Self, PublishError> {
        let options = SocketOptions::from(config);
        let mut tried = Vec::new();
        for endpoint in listed {
            let bound = match resolve_bind(endpoint, options.bind_host.as_deref()).await {
                Ok(address) => Self::bind_address(config, name, &address, high_water_mark, None)
                    .await
                    .map_err(|error| reason(&error)),
                Err(error) => Err(error.to_string()),
            };
            match bound {
                Ok(forwarder) => return Ok(forwarder),
                Err(reason) => tried.push((endpoint.clone(), reason)),
            }
        }
        let name = name.clone();
        Err(match tried.is_empty() {
            true => PublishError::UnknownName { name },
            false => PublishError::NoFreeEndpoint { name, tried },
        })
    }

    /// Binds `address`, whose host needs no looking up. The file of an `ipc://` address gets `mode`.
    pub(crate) async fn bind_address(
        config: &Config,
        name: &EndpointName,
        address: &Endpoint,
        high_water_mark: u32,
        mode: Option<FileMode>,
    ) -> std::io::Result<Self> {
        let options = SocketOptions::from(config);
        let (listener, address, file) = Listener::bind(address, &options, mode).await?;
        debug!(%name, %address, "forwarder bound");
        let shared = Arc::new(Shared {
            name: name.clone(),
            queues: Mutex::new(Queues::new(high_water_mark)),
            closing: Notify::new(),
            left: Notify::new(),
            overflows: LogLimit::new(LOG_PERIOD),
            refusals: LogLimit::new(LOG_PERIOD),
        });
        let task = tokio::spawn(listener.run(Arc::clone(&shared))).abort_handle();
        Ok(Self(Arc::new(Handle {
            shared,
            addresses: vec![address],
            limit: config.zmq_max_message_size,
            task,
            file: Mutex::new(file),
        })))
    }

    /// Queues a message of one frame, as monitoring sockets send them, for every subscriber.
    pub(crate) fn emit(&self, frame: &[u8]) -> Result<(), PublishError> {
        let (size, limit) = (frame.len(), self.0.limit);
        if size > limit.as_usize() {
            let topic = "monitoring".parse()?;
            return Err(PublishError::TooLarge { topic, size, limit });
        }
        self.0.shared.queues().push_single(frame);
        Ok(())
    }

    /// Queues a message for every subscriber that wants its topic. Never waits.
    ///
    /// # Errors
    ///
    /// A frame larger than `zmq_max_message_size`, or a forwarder that has been closed.
    pub fn forward(&self, topic: &Topic, body: &[u8]) -> Result<Audience, PublishError> {
        let shared = &self.0.shared;
        let size = body.len().max(topic.as_bytes().len());
        let mut queues = shared.queues();
        if size > self.0.limit.as_usize() {
            queues.too_large();
            let (topic, limit) = (topic.clone(), self.0.limit);
            return Err(PublishError::TooLarge { topic, size, limit });
        }
        if queues.is_closing() {
            return Err(PublishError::Closed);
        }
        let pushed = queues.push(topic, body);
        drop(queues);
        if let Some(subscriber) = pushed.missed_by
            && let Some(held_back) = shared.overflows.admit()
        {
            warn!(
                name = %shared.name, %subscriber, %topic, held_back,
                "a subscriber is too slow: it misses this message, and what follows while its queue is full"
            );
        }
        Ok(pushed.audience)
    }

    /// Takes no more messages and waits until every subscriber has got what is queued for it, for at
    /// most `linger`. What is left then is counted as `cut_off` and logged with each subscriber.
    pub async fn close(&self, linger: Duration) -> ForwarderCounts {
        let shared = &self.0.shared;
        shared.queues().close();
        shared.closing.notify_one();
        let file = self.0.file.lock();
        drop(file.unwrap_or_else(PoisonError::into_inner).take());
        if timeout(linger, shared.emptied()).await.is_err() {
            shared.queues().give_up();
            // Every connection says what it has sent as it ends.
            self.0.task.abort();
            if timeout(ENDING, shared.emptied()).await.is_err() {
                let left = shared.queues().leave_all();
                left.iter().for_each(|left| shared.overdue(left));
            }
        }
        self.counts()
    }

    /// Running totals.
    #[must_use]
    pub fn counts(&self) -> ForwarderCounts {
        self.0.shared.queues().counts()
    }

    /// Something that gives the running totals, and does not keep the forwarder from closing.
    pub fn counter(&self) -> impl Fn() -> ForwarderCounts + Send + Sync + use<> {
        let shared = Arc::clone(&self.0.shared);
        move || shared.queues().counts()
    }

    /// Who is connected, and how far behind; in no particular order.
    #[must_use]
    pub fn subscribers(&self) -> Vec<SubscriberStatus> {
        self.0.shared.queues().status()
    }

    /// The address bound (one).
    #[must_use]
    pub fn addresses(&self) -> &[Endpoint] {
        &self.0.addresses
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        _ => error.to_string(),
    }
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder")
            .field("name", &self.0.shared.name)
            .field("addresses", &self.0.addresses)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
