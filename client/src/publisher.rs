//! Speaking on the bus: one named publisher with its socket, its counter and its audience.
//!
//! Applications and the hub's contexts call it; it stamps messages ([`crate::identity`] and the clock
//! supply what the envelope wants) and sends them through [`crate::socket`].

mod counters;
mod error;
mod wire;

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use fedmsg_config::{ByteSize, Config, Endpoint, EndpointName, SocketOptions};
use fedmsg_message::{Envelope, Message, Stamp, Topic};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, warn};

pub use self::counters::{PublisherCounters, PublisherCounts};
pub use self::error::PublishError;
use self::wire::Wire;
use crate::audience::Audience;
use crate::clock::unix_time;
use crate::identity::{host_name, program_name, user_name};
use crate::log_limit::LogLimit;
use crate::resolver::{resolve, resolve_bind};
use crate::signing::{Signing, SigningError};
use crate::socket::{PubSocket, Sent, SocketContext};

/// At most one line about subscribers that are too slow in this time.
const OVERFLOW_LOG_PERIOD: Duration = Duration::from_secs(10);

/// How long whoever waits for a subscriber relies on being told.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How often it is looked whether a relay answers.
const LOOK_AGAIN_FOR_ANSWER: Duration = Duration::from_millis(5);

/// The name under which the configuration knows the addresses that a relay listens on.
const RELAY_INBOUND: &str = "relay_inbound";

/// A published message, as it went out.
///
/// ```
/// use fedmsg::Published;
///
/// fn receipt(published: &Published) -> String {
///     format!("{} went out as {}", published.topic, published.msg_id)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Published {
    /// The full topic.
    pub topic: Topic,
    /// The identifier that the message got.
    pub msg_id: String,
    /// Whether anybody was there to receive it.
    pub audience: Audience,
}

/// A publisher of the bus; made by [`crate::Bus::publisher`]. Cloning shares the socket.
///
/// A **bound** publisher (the default) owns one of the addresses that the configuration lists under
/// its name, and subscribers connect to it. Its first message waits until `post_init_sleep` has
/// passed since it opened, because subscribers need that long to come back. A **connected** one
/// (`active = true`) sends through the first relay of `relay_inbound` that answers: its first message
/// waits, up to `timeout`, until that has subscribed, and fails when it has not.
///
/// Nothing here waits for receivers: messages queue for each subscriber, up to `high_water_mark`.
/// A subscriber whose queue is full misses messages until it has caught up; that is counted
/// ([`PublisherCounts::overflowed`]) and logged with topic and identifier.
///
/// # Examples
///
/// ```no_run
/// use fedmsg::{Audience, Bus, Config, Message};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Bus::open(Config { active: true, ..Config::default() });
/// let publisher = bus.publisher().await?;
/// let published = publisher.publish(Message::new("sale", "tea").with_modname("shop")).await?;
/// assert_eq!(published.topic.as_str(), "com.example.dev.shop.sale");
/// assert_eq!(published.audience, Audience::Somebody);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Publisher(Arc<Inner>);

struct Inner {
    name: EndpointName,
    addresses: Vec<Endpoint>,
    attachment: Attachment,
    topic_prefix: String,
    environment: String,
    modname: String,
    username: String,
    limit: ByteSize,
    signing: Option<Signing>,
    wire: Mutex<Wire>,
    /// Counts the changes of the subscriptions, so that those who wait for one look again.
    changes: watch::Receiver<u64>,
    counters: PublisherCounters,
    overflow_log: LogLimit,
    listener: AbortHandle,
}

enum Attachment {
    /// Subscribers connect; the first message waits until this moment.
    Bound { settled: Instant },
    /// We connect to relays; a message without audience waits this long for one.
    Connected { patience: Duration },
}

impl Publisher {
    /// Opens the publisher that `config` describes: connected when `active`, else bound under
    /// `name` or `<program>.<host>`.
    pub(crate) async fn open(
        context: &SocketContext,
        config: &Config,
    ) -> Result<Self, PublishError> {
        if config.active {
            return Self::connect(context, config).await;
        }
        let name = config
            .name
            .clone()
            .unwrap_or_else(|| format!("{}.{}", program_name(), host_name()));
        Self::bind(context, config, &EndpointName::from(name)).await
    }

    /// Binds the first free address that the configuration lists under `name`.
    pub(crate) async fn bind(
        context: &SocketContext,
        config: &Config,
        name: &EndpointName,
    ) -> Result<Self, PublishError> {
        let signing = signing(config, Some(name))?;
        let options = SocketOptions::from(config);
        let listed = config
            .endpoints
            .get(name.as_str())
            .filter(|listed| !listed.is_empty());
        let listed = listed.ok_or_else(|| PublishError::UnknownName { name: name.clone() })?;
        let mut tried = Vec::new();
        for endpoint in listed {
            let bound = match resolve_bind(endpoint, options.bind_host.as_deref()).await {
                Ok(address) => {
                    PubSocket::bind(context, &options, &address).map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            match bound {
                Ok((socket, address)) => {
                    debug!(%name, %address, "publisher bound");
                    let settled = Instant::now() + config.post_init_sleep;
                    let attachment = Attachment::Bound { settled };
                    return Ok(Self::new(
                        config,
                        name.clone(),
                        vec![address],
                        attachment,
                        signing,
                        socket,
                    ));
                }
                Err(reason) => tried.push((endpoint.clone(), reason)),
            }
        }
        Err(PublishError::NoFreeEndpoint {
            name: name.clone(),
            tried,
        })
    }

    /// Connects to the first address of `relay_inbound` that answers. To one only: who sends to two
    /// addresses of a relay says everything twice.
    async fn connect(context: &SocketContext, config: &Config) -> Result<Self, PublishError> {
        let options = SocketOptions::from(config);
        let (mut addresses, mut unresolved) = (Vec::new(), None);
        for endpoint in &config.relay_inbound {
            match resolve(endpoint).await {
                Ok(address) => addresses.push(address),
                Err(error) => {
                    warn!(%error, "relay left out");
                    unresolved = Some(error);
                }
            }
        }
        if addresses.is_empty() {
            return Err(unresolved.map_or(PublishError::NoRelay, PublishError::Resolve));
        }
        let signing = signing(config, None)?;
        let (socket, addresses) = first_that_answers(context, config, &options, addresses).await?;
        let attachment = Attachment::Connected {
            patience: config.timeout,
        };
        Ok(Self::new(
            config,
            EndpointName::from(RELAY_INBOUND),
            addresses,
            attachment,
            signing,
            socket,
        ))
    }

    fn new(
        config: &Config,
        name: EndpointName,
        addresses: Vec<Endpoint>,
        attachment: Attachment,
        signing: Option<Signing>,
        socket: PubSocket,
    ) -> Self {
        let (announce, changes) = watch::channel(0);
        Self(Arc::new_cyclic(|inner| Inner {
            name,
            addresses,
            attachment,
            topic_prefix: config.topic_prefix.clone(),
            environment: config.environment.clone(),
            modname: program_name(),
            username: user_name(),
            limit: config.zmq_max_message_size,
            signing,
            wire: Mutex::new(Wire::new(socket, announce)),
            changes,
            counters: PublisherCounters::default(),
            overflow_log: LogLimit::new(OVERFLOW_LOG_PERIOD),
            listener: tokio::spawn(listen(Weak::clone(inner))).abort_handle(),
        }))
    }

    /// Publishes `message`: composes its topic (`<topic_prefix>.<environment>.<modname>.<topic>`; the
    /// module is the program's name unless the message names one), stamps it, signs it where
    /// `sign_messages` says so, and sends it.
    ///
    /// Waits only before the first message, or while nobody listens to a connected publisher. When
    /// the returned future is dropped before it is done, nothing has been sent.
    ///
    /// # Errors
    ///
    /// A topic with control characters, a payload that JSON cannot carry (NaN, too deep), a message
    /// larger than `zmq_max_message_size`, a relay that has not subscribed within `timeout`
    /// ([`PublishError::NoSubscriber`]), or a closed socket.
    pub async fn publish(&self, message: Message) -> Result<Published, PublishError> {
        let inner = &*self.0;
        let modname = message.modname.as_deref().unwrap_or(&inner.modname);
        let topic = Topic::compose(
            &inner.topic_prefix,
            &inner.environment,
            modname,
            &message.topic,
        )?;
        self.wait_for_start(&topic).await?;
        let stamp = Stamp {
            msg_id: msg_id(),
            timestamp: unix_time(),
            i: inner.counters.next_number(),
            username: inner.username.clone(),
        };
        let envelope = match &inner.signing {
            None => Envelope::stamp(topic.clone(), message.msg, &stamp)?,
            Some(signing) => {
                signing.expiry.check(stamp.timestamp);
                signing.signer.stamp(topic.clone(), message.msg, &stamp)?
            }
        };
        let audience = self.send(&topic, envelope.bytes(), Some(&stamp.msg_id))?;
        Ok(Published {
            topic,
            msg_id: stamp.msg_id,
            audience,
        })
    }

    /// Sends a message of somebody else as it is, without a stamp, as recordings are played back.
    /// Never waits.
    ///
    /// # Errors
    ///
    /// A message larger than `zmq_max_message_size`, or a closed socket.
    pub fn forward(&self, topic: &Topic, body: &[u8]) -> Result<Audience, PublishError> {
        self.send(topic, body, None)
    }

    /// Waits, up to `patience`, until somebody subscribes to `topic`, and says whether somebody has.
    pub async fn wait_for_subscriber(&self, topic: &Topic, patience: Duration) -> Audience {
        let mut changes = self.0.changes.clone();
        let heard = async {
            while self.audience(topic) == Audience::Nobody {
                // A send of another task may have taken libzmq's signal: look again now and then.
                let _ = timeout(LOOK_AGAIN, changes.changed()).await;
            }
        };
        match timeout(patience, heard).await {
            Ok(()) => Audience::Somebody,
            Err(_) => Audience::Nobody,
        }
    }

    /// Says whether somebody subscribes to `topic` now.
    #[must_use]
    pub fn audience(&self, topic: &Topic) -> Audience {
        let mut wire = self.0.wire();
        self.0.read_notices(&mut wire);
        wire.audience(topic)
    }

    /// Says how many messages have gone out so far and how many of them nobody heard.
    ///
    /// ZeroMQ has no acknowledgement: "heard" means that a matching subscription was known when the
    /// message was sent. Sending itself finishes in the background, up to `zmq_linger` after the
    /// last handle is dropped or [`crate::Bus::close`] is called.
    #[must_use]
    pub fn flush(&self) -> PublisherCounts {
        self.0.read_notices(&mut self.0.wire());
        self.counts()
    }

    /// Running totals.
    #[must_use]
    pub fn counts(&self) -> PublisherCounts {
        self.0.counters.counts()
    }

    /// The name under which it publishes; `relay_inbound` when it is connected to relays.
    #[must_use]
    pub fn name(&self) -> &EndpointName {
        &self.0.name
    }

    /// The address bound, or that of the relay connected to: one.
    #[must_use]
    pub fn addresses(&self) -> &[Endpoint] {
        &self.0.addresses
    }

    async fn wait_for_start(&self, topic: &Topic) -> Result<(), PublishError> {
        match self.0.attachment {
            Attachment::Bound { settled } => {
                if Instant::now() < settled {
                    sleep_until(settled).await;
                }
                Ok(())
            }
            Attachment::Connected { patience } => {
                if self.audience(topic) == Audience::Somebody
                    || self.wait_for_subscriber(topic, patience).await == Audience::Somebody
                {
                    return Ok(());
                }
                let relays = self.0.addresses.clone();
                Err(PublishError::NoSubscriber {
                    topic: topic.clone(),
                    relays,
                    waited: patience,
                })
            }
        }
    }

    fn send(
        &self,
        topic: &Topic,
        body: &[u8],
        msg_id: Option<&str>,
    ) -> Result<Audience, PublishError> {
        let inner = &*self.0;
        let size = body.len().max(topic.as_bytes().len());
        if size > inner.limit.as_usize() {
            inner.counters.too_large.fetch_add(1, Ordering::Relaxed);
            let (topic, limit) = (topic.clone(), inner.limit);
            return Err(PublishError::TooLarge { topic, size, limit });
        }
        let mut wire = inner.wire();
        if wire.audience(topic) == Audience::Nobody {
            inner.read_notices(&mut wire); // somebody may have come since
        }
        let audience = wire.audience(topic);
        let sent = wire.send(topic.as_str().as_bytes(), body)?;
        drop(wire);
        inner.counters.sent(body.len(), audience);
        if sent == Sent::Overflowed {
            inner.counters.overflowed.fetch_add(1, Ordering::Relaxed);
            if let Some(held_back) = inner.overflow_log.admit() {
                warn!(
                    name = %inner.name, %topic, msg_id, held_back,
                    "a subscriber is too slow: it misses this message and more until it has caught up"
                );
            }
        }
        Ok(audience)
    }
}

impl Inner {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        // No code panics while it holds the lock, and what the lock guards is valid in any case.
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in who has come and gone, and says so if nobody is left at the other end of a connection.
    fn read_notices(&self, wire: &mut Wire) {
        wire.read_notices();
        let deserted = wire.take_deserted();
        if deserted == 0 {
            return;
        }
        self.counters
            .deserted
            .fetch_add(deserted, Ordering::Relaxed);
        if let Attachment::Connected { .. } = self.attachment {
            warn!(name = %self.name, "the relay went away: what was sent just before may be lost");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("name", &self.0.name)
            .field("addresses", &self.0.addresses)
            .finish_non_exhaustive()
    }
}

/// Connects to each of `addresses` in turn until one answers, within a share of `timeout` each; to the
/// first if none does, which may come later. Returns the socket with the address that it is for.
async fn first_that_answers(
    context: &SocketContext,
    config: &Config,
    options: &SocketOptions,
    addresses: Vec<Endpoint>,
) -> Result<(PubSocket, Vec<Endpoint>), PublishError> {
    let share = config.timeout / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    if let [_, _, ..] = addresses.as_slice() {
        for address in &addresses {
            let mut socket = PubSocket::connect(context, options, std::slice::from_ref(address))?;
            let answered = async {
                while !socket.is_connected() {
                    sleep(LOOK_AGAIN_FOR_ANSWER).await;
                }
            };
            if timeout(share, answered).await.is_ok() {
                return Ok((socket, vec![address.clone()]));
            }
        }
        warn!(?addresses, "no relay answers; waiting for the first");
    }
    let first: Vec<_> = addresses.into_iter().take(1).collect();
    Ok((PubSocket::connect(context, options, &first)?, first))
}

/// Takes in subscriptions as they arrive, for as long as the publisher lives, so that they neither
/// pile up in libzmq nor wait for the next message.
async fn listen(inner: Weak<Inner>) {
    let signalled = |context: &mut std::task::Context<'_>| match inner.upgrade() {
        Some(inner) => inner.wire().poll_notices(context),
        None => std::task::Poll::Ready(false),
    };
    while std::future::poll_fn(signalled).await {}
}

/// Reads what signs for `name`, or for one that connects to a relay; nothing unless the configuration
/// says that messages are signed.
fn signing(config: &Config, name: Option<&EndpointName>) -> Result<Option<Signing>, SigningError> {
    let open = || Signing::of_publisher(config, name.map(EndpointName::as_str));
    config.sign_messages.then(open).transpose()
}

/// `<year>-<uuid4>`: 41 characters, as the original makes them (wire specification, section 2.1).
fn msg_id() -> String {
    let year = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .year();
    format!("{year:04}-{}", uuid::Uuid::new_v4())
}

#[cfg(test)]
mod tests;
