//! An application's connection to the bus: a configuration and the sockets opened under it.
//!
//! Applications, the hub and the test kit open one and get publishers and subscribers from it.

use std::sync::Arc;

use bytes::Bytes;
use fedmsg_config::{Config, Endpoint, EndpointName, FileMode, SocketOptions};
use fedmsg_message::TopicFilter;

use crate::forwarder::Forwarder;
use crate::inspector::Inspector;
use crate::monitoring::{self, MonitoringError, MonitoringSocket};
use crate::publisher::{PublishError, Publisher};
use crate::resigner::Resigner;
use crate::signing::SigningError;
use crate::socket::SocketContext;
use crate::subscriber::{SubscribeError, Subscriber};

/// The key of `endpoints` that names where relays listen, which is nothing to subscribe to.
const RELAY_INBOUND: &str = "relay_inbound";

/// The bus, as one program sees it. Cloning is cheap and shares the ZeroMQ context, which `inproc://`
/// addresses need: publishers and subscribers find each other there only within one `Bus`.
///
/// All methods that open sockets must be called within a tokio runtime.
///
/// # Examples
///
/// ```
/// use fedmsg::{Audience, Bus, Config, Message, TopicFilter};
/// use futures::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::from_toml(
///     r#"
///     name = "shop"
///     post_init_sleep = 0
///     endpoints = { shop = "inproc://shop" }
///     "#,
/// )?;
/// let bus = Bus::open(config);
/// let publisher = bus.publisher().await?;
/// let mut messages = bus.subscribe(["com.example.dev.shop.#".parse::<TopicFilter>()?])?;
/// let next = messages.next(); // connects when it is first polled
/// let sale = async {
///     let topic = "com.example.dev.shop.sale".parse()?;
///     publisher.wait_for_subscriber(&topic, std::time::Duration::from_secs(5)).await;
///     publisher.publish(Message::new("sale", "tea").with_modname("shop")).await?;
///     Ok::<_, Box<dyn std::error::Error>>(())
/// };
/// let (delivery, published) = tokio::join!(next, sale);
/// published?;
/// assert_eq!(delivery.expect("a message").msg().as_str(), Some("tea"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Bus {
    config: Arc<Config>,
    context: SocketContext,
}

impl Bus {
    /// Opens the bus under `config`. Opens no socket yet.
    #[must_use]
    pub fn open(config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let context = SocketContext::new(config.io_threads);
        Self { config, context }
    }

    /// The configuration that it was opened under.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Opens the publisher that the configuration describes; see [`Publisher`].
    ///
    /// # Errors
    ///
    /// No address is listed for its name, none of the listed ones is free, or no relay's host
    /// resolves. That a relay is not there is not an error here but of `publish`.
    pub async fn publisher(&self) -> Result<Publisher, PublishError> {
        Publisher::open(&self.context, &self.config).await
    }

    /// Opens a publisher bound to the first free address that `endpoints` lists under `name`.
    ///
    /// # Errors
    ///
    /// As [`Bus::publisher`].
    pub async fn publisher_named(&self, name: &EndpointName) -> Result<Publisher, PublishError> {
        Publisher::bind(&self.context, &self.config, name).await
    }

    /// Opens what a relay sends through, bound to the first free address that `endpoints` lists under
    /// `name`: it passes on what others have said, and never signs.
    ///
    /// # Errors
    ///
    /// No address is listed, or none of the listed ones is free; `inproc://` is none.
    pub async fn forwarder(&self, name: &EndpointName) -> Result<Forwarder, PublishError> {
        let listed = self.config.endpoints.get(name.as_str()).unwrap_or_default();
        let limit = self.config.high_water_mark;
        Forwarder::bind(&self.config, name, listed, limit).await
    }

    /// Opens a forwarder as [`Bus::forwarder`] does, at the first free one of `addresses`, with queues
    /// of at most `high_water_mark` messages for each subscriber; 0 means no limit.
    ///
    /// # Errors
    ///
    /// As [`Bus::forwarder`]; `name` stands for the addresses in errors and in the log.
    pub async fn forwarder_at(
        &self,
        name: &EndpointName,
        addresses: &[Endpoint],
        high_water_mark: u32,
    ) -> Result<Forwarder, PublishError> {
        Forwarder::bind(&self.config, name, addresses, high_water_mark).await
    }

    /// Reads the certificate and the key to sign messages of others with, which `certnames` lists under
    /// `entry`.
    ///
    /// # Errors
    ///
    /// There is no such entry, or its files are of no use.
    pub fn resigner(&self, entry: &str) -> Result<Resigner, SigningError> {
        Resigner::open(&self.config, entry)
    }

    /// Listens to every address of `endpoints` for what matches any of `filters`; no filter means
    /// everything. Returns at once: connecting goes on, and is repeated, in the background of reading.
    ///
    /// Where `validate_signatures` says so, only messages arrive whose signature is good.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::NoEndpoint`] when the configuration lists no address,
    /// [`SubscribeError::Trust`] when signatures are to be checked and there is no CA to go by.
    pub fn subscribe(
        &self,
        filters: impl IntoIterator<Item = TopicFilter>,
    ) -> Result<Subscriber, SubscribeError> {
        let inspector = match self.config.validate_signatures {
            true => Some(Inspector::open(&self.config)?),
            false => None,
        };
        let subscriber = self.subscribe_unchecked(filters)?;
        Ok(match inspector {
            Some(inspector) => subscriber.inspected(inspector),
            None => subscriber,
        })
    }

    /// Listens as [`Bus::subscribe`] does, but hands on every message unchecked, whatever
    /// `validate_signatures` says: for those who check for themselves, or only forward.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::NoEndpoint`] when the configuration lists no address.
    pub fn subscribe_unchecked(
        &self,
        filters: impl IntoIterator<Item = TopicFilter>,
    ) -> Result<Subscriber, SubscribeError> {
        let listed = self.config.endpoints.addresses();
        let addresses = listed
            .filter(|(name, _)| name.as_str() != RELAY_INBOUND)
            .map(|(name, endpoint)| (name.clone(), endpoint.clone()));
        Subscriber::connect(
            &self.context,
            &self.options(),
            addresses,
            filters.into_iter().collect(),
        )
    }

    /// Listens on every one of `endpoints`, as a relay does on `relay_inbound`: publishers connect.
    /// Deliveries carry `name` and are not checked. Returns the addresses bound, in the same order.
    ///
    /// # Errors
    ///
    /// The first address that cannot be bound, by name; none stays bound then.
    pub async fn listen(
        &self,
        name: &EndpointName,
        endpoints: &[Endpoint],
        filters: impl IntoIterator<Item = TopicFilter>,
    ) -> Result<(Subscriber, Vec<Endpoint>), SubscribeError> {
        let filters = filters.into_iter().collect();
        Subscriber::bind(&self.context, &self.options(), name, endpoints, filters).await
    }

    /// Binds a socket on which this program says how it is. An `ipc://` path that a living process has is
    /// left alone, the file of one that is dead is replaced; `mode` is for the new one.
    ///
    /// # Errors
    ///
    /// The address is taken, or not of this host; the file does not take the mode.
    pub async fn monitoring_socket(
        &self,
        endpoint: &Endpoint,
        mode: Option<FileMode>,
    ) -> Result<MonitoringSocket, MonitoringError> {
        MonitoringSocket::bind(&self.config, endpoint, mode).await
    }

    /// Waits for the next message of a monitoring socket, for as long as it takes. Nothing says that
    /// anybody is there.
    ///
    /// # Errors
    ///
    /// The address cannot be connected to, or what came is from no monitoring socket.
    pub async fn emission(&self, endpoint: &Endpoint) -> Result<Bytes, MonitoringError> {
        monitoring::emission(&self.context, &self.options(), endpoint).await
    }

    /// Waits until everything published has been handed to the system or `zmq_linger` has passed.
    ///
    /// Publishers and subscribers of this bus must have been dropped before; without this call the
    /// last of them to be dropped waits, and blocks its thread meanwhile.
    pub async fn close(self) {
        // The context's destructor blocks: not on this thread.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    fn options(&self) -> SocketOptions {
        SocketOptions::from(&*self.config)
    }
}
