//! What a consumer or producer knows of its surroundings: its name, the bus, a publisher.
//!
//! Made by the supervisor for each instance and lent to every call of a plugin.

use std::sync::Arc;

use fedmsg::json::Value;
use fedmsg::{Bus, Config, Message, PublishError, Published, Publisher};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::figures::Figures;
use crate::hub_view::HubView;
use crate::publisher_actor::PublisherSource;
use crate::status::HubStatus;
use crate::test_bus::gate::Gate;

/// For kinds without parameters: an empty `params` table, or none.
///
/// ```
/// use fedmsg_actors::NoParams;
/// let NoParams {} = NoParams::default();
/// ```
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// What a consumer may ask of the hub that hosts it.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, TestBus};
///
/// /// Says who it is.
/// struct Parrot;
///
/// impl Consumer for Parrot {
///     const KIND: &'static str = "parrot";
///     type Params = NoParams;
///
///     async fn from_params(_: NoParams, cx: &ConsumerContext) -> Result<Self, BoxError> {
///         cx.publisher().await?; // a hub that cannot publish fails at its start
///         Ok(Self)
///     }
///
///     async fn consume(&mut self, _: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
///         cx.publish("name", cx.name()).await?;
///         Ok(())
///     }
/// }
///
/// TestBus::new().consumer::<Parrot>("polly", "").run(async |bus| {
///     bus.publish("com.example.test.who", "are you?").await;
///     assert_eq!(bus.next_published().await.topic().as_str(), "com.example.dev.polly.name");
/// });
/// ```
#[derive(Clone)]
pub struct ConsumerContext(Arc<Surroundings>);

/// What a producer may ask of the hub that hosts it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::{BoxError, NoParams, Producer, ProducerContext, TestBus};
///
/// /// Says who it is.
/// struct Parrot;
///
/// impl Producer for Parrot {
///     const KIND: &'static str = "parrot";
///     type Params = NoParams;
///
///     async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> {
///         Ok(Self)
///     }
///
///     async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
///         cx.publish("name", cx.name()).await?;
///         Ok(())
///     }
/// }
///
/// TestBus::new().producer::<Parrot>("polly", "every = '1m'").run(async |bus| {
///     bus.advance(Duration::from_secs(60)).await;
///     assert_eq!(bus.next_published().await.msg().as_str(), Some("polly"));
/// });
/// ```
#[derive(Clone)]
pub struct ProducerContext(Arc<Surroundings>);

#[derive(Clone)]
struct Surroundings {
    name: String,
    bus: Bus,
    source: PublisherSource,
    publisher: OnceCell<Publisher>,
    figures: Arc<Figures>,
    hub: HubView,
    /// Before each message that is published, in a test of how a plugin bears that this waits or fails.
    gate: Option<Arc<Gate>>,
}

impl Surroundings {
    async fn publisher(&self) -> Result<&Publisher, Arc<PublishError>> {
        self.publisher
            .get_or_try_init(|| self.source.publisher())
            .await
    }

    async fn publish(&self, message: Message) -> Result<Published, Arc<PublishError>> {
        if let Some(gate) = &self.gate {
            gate.pass().await?;
        }
        self.publisher()
            .await?
            .publish(message)
            .await
            .map_err(Arc::new)
    }
}

macro_rules! context {
    ($context:ident) => {
        impl $context {
            pub(crate) fn new(
                name: &str,
                bus: Bus,
                source: PublisherSource,
                figures: Arc<Figures>,
                hub: HubView,
            ) -> Self {
                let (name, publisher) = (name.to_owned(), OnceCell::new());
                Self(Arc::new(Surroundings {
                    name,
                    bus,
                    source,
                    publisher,
                    figures,
                    hub,
                    gate: None,
                }))
            }

            /// The same, with a gate before what is published.
            pub(crate) fn gated(&self, gate: &Arc<Gate>) -> Self {
                Self(Arc::new(Surroundings {
                    gate: Some(Arc::clone(gate)),
                    ..Surroundings::clone(&self.0)
                }))
            }

            /// Shows totals that the plugin counts by itself in the status of the hub: `count` is
            /// called whenever somebody looks, on another thread, and takes the place of one shown
            /// before. The figures of several workers add up; when the plugin is built anew, what the
            /// one before it has counted is added, so that no total goes back. `count` must not hold on
            /// to what the plugin has to let go of then, such as a port.
            pub fn show_figures(
                &self,
                count: impl Fn() -> Vec<(&'static str, u64)> + Send + 'static,
            ) {
                self.0.figures.show(Box::new(count));
            }

            /// Shows numbers that fall as well as they grow, such as how many are connected, beside the
            /// totals of `show_figures` and as those. What a plugin shows is gone when it is built anew.
            ///
            /// ```
            /// use std::sync::Arc;
            /// use std::sync::atomic::{AtomicU64, Ordering};
            ///
            /// fn show(context: &fedmsg_actors::ConsumerContext, connected: Arc<AtomicU64>) {
            ///     context.show_gauges(move || vec![("connected", connected.load(Ordering::Relaxed))]);
            /// }
            /// ```
            pub fn show_gauges(
                &self,
                count: impl Fn() -> Vec<(&'static str, u64)> + Send + 'static,
            ) {
                self.0.figures.show_gauges(Box::new(count));
            }

            /// The plugin is about to be built, perhaps anew.
            pub(crate) fn settle_figures(&self) {
                self.0.figures.settle();
            }

            /// The name of this instance in the configuration.
            #[must_use]
            pub fn name(&self) -> &str {
                &self.0.name
            }

            /// The time of day that the schedules of this hub go by: that of the system, or of a test.
            #[must_use]
            pub fn now(&self) -> Timestamp {
                self.0.hub.now()
            }

            /// The state of the whole hub as it is now, this instance included. There is none while the hub
            /// starts, or when it has stopped.
            ///
            /// ```
            /// use std::time::Duration;
            /// use fedmsg_actors::{BoxError, NoParams, Producer, ProducerContext, TestBus};
            ///
            /// struct Census;
            ///
            /// impl Producer for Census {
            ///     const KIND: &'static str = "census";
            ///     type Params = NoParams;
            ///
            ///     async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> {
            ///         Ok(Self)
            ///     }
            ///
            ///     async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
            ///         if let Some(status) = cx.hub_status().await {
            ///             cx.publish("producers", status.producers.len() as u64).await?;
            ///         }
            ///         Ok(())
            ///     }
            /// }
            ///
            /// TestBus::new().producer::<Census>("census", "every = '1h'").run(async |bus| {
            ///     bus.advance(Duration::from_secs(3600)).await;
            ///     assert_eq!(bus.next_published().await.msg().as_i64(), Some(1));
            /// });
            /// ```
            pub async fn hub_status(&self) -> Option<HubStatus> {
                self.0.hub.status().await
            }

            /// The configuration of the hub.
            #[must_use]
            pub fn config(&self) -> &Config {
                self.0.bus.config()
            }

            /// The hub's connection to the bus, for what needs sockets of its own.
            #[must_use]
            pub fn bus(&self) -> &Bus {
                &self.0.bus
            }

            /// The hub's publisher, opened when it is first asked for; ask while building the
            /// plugin, so that a hub that cannot publish fails at its start.
            ///
            /// # Errors
            ///
            /// As [`Bus::publisher`].
            pub async fn publisher(&self) -> Result<&Publisher, Arc<PublishError>> {
                self.0.publisher().await
            }

            /// Publishes `msg` under `<topic_prefix>.<environment>.<instance name>.<topic>`.
            ///
            /// # Errors
            ///
            /// As [`Publisher::publish`].
            pub async fn publish(
                &self,
                topic: &str,
                msg: impl Into<Value>,
            ) -> Result<Published, Arc<PublishError>> {
                self.publish_message(Message::new(topic, msg).with_modname(self.name()))
                    .await
            }

            /// Publishes `message` under its own module name.
            ///
            /// # Errors
            ///
            /// As [`Publisher::publish`].
            pub async fn publish_message(
                &self,
                message: Message,
            ) -> Result<Published, Arc<PublishError>> {
                self.0.publish(message).await
            }
        }
    };
}

context!(ConsumerContext);
context!(ProducerContext);
