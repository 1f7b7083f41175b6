//! A bus and a hub within one test: no ports, no files, no waiting for the clock.
//!
//! For the tests of this project and of plugin authors. It runs the real engine over `inproc://`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fedmsg::json::Value;
use fedmsg::{
    Audience, Bus, Config, Delivery, EndpointName, Envelope, Publisher, Subscriber, Topic,
};
use fedmsg_config::Source;
use fedmsg_message::Stamp;
use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use crate::clock::{Clock, VirtualClock};
use crate::consumer::Consumer;
use crate::plan::StartError;
use crate::producer::Producer;
use crate::registry::Registry;
use crate::running::{RunningHub, block_on};
use crate::status::HubStatus;
use crate::supervisor::StopReport;

/// Whatever a test waits for comes within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many messages of the hub are kept for the test to look at; then the hub's publisher waits.
const KEPT: usize = 10_000;

/// The time of day at which every test starts.
const START: &str = "2026-01-01T00:00:00Z";

/// Builds a hub for a test; [`TestBus::run`] runs it.
///
/// # Examples
///
/// See [`Consumer`] and [`Producer`].
#[derive(Default)]
pub struct TestBus {
    registry: Registry,
    settings: String,
    tables: String,
}

impl TestBus {
    /// A bus without anybody on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds settings of the hub itself: keys in TOML, such as `stop_timeout = "1s"`, or further
    /// `endpoints` with `inproc://` addresses. What keeps the bus within the test stays as it is:
    /// `name`, `active`, `relay_inbound`, `post_init_sleep`, `zmq_linger` and the endpoint `test`.
    ///
    /// ```
    /// use fedmsg_actors::TestBus;
    ///
    /// let bus = TestBus::new().settings("topic_prefix = \"org.example\"\nenvironment = \"prod\"");
    /// ```
    #[must_use]
    pub fn settings(mut self, settings: &str) -> Self {
        self.settings += settings;
        self.settings.push('\n');
        self
    }

    /// Adds a consumer of kind `C` under `name`; `settings` is the inside of its table
    /// `[consumers.NAME]` in TOML, without `kind`.
    #[must_use]
    pub fn consumer<C: Consumer>(mut self, name: &str, settings: &str) -> Self {
        self.registry.consumer::<C>();
        self.tables += &format!("[consumers.{name}]\nkind = \"{}\"\n{settings}\n", C::KIND);
        self
    }

    /// Adds a producer of kind `P` under `name`; `settings` is the inside of its table
    /// `[producers.NAME]` in TOML, without `kind`.
    #[must_use]
    pub fn producer<P: Producer>(mut self, name: &str, settings: &str) -> Self {
        self.registry.producer::<P>();
        self.tables += &format!("[producers.{name}]\nkind = \"{}\"\n{settings}\n", P::KIND);
        self
    }

    /// Runs the hub, then `test` with it, then stops the hub and returns how that went.
    ///
    /// # Panics
    ///
    /// When the hub does not start ([`TestBus::try_run`] returns why), or the test panics.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn run(self, test: impl AsyncFnOnce(&TestHub)) -> StopReport {
        self.try_run(test)
            .unwrap_or_else(|error| panic!("the hub does not start: {error}"))
    }

    /// As [`TestBus::run`], for tests of what does not start.
    ///
    /// # Errors
    ///
    /// Why the hub did not start; the test has not run then.
    ///
    /// # Panics
    ///
    /// When the settings are no TOML, or the test panics.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn try_run(self, test: impl AsyncFnOnce(&TestHub)) -> Result<StopReport, StartError> {
        let ran = block_on(async {
            let config = config(&self.settings, &self.tables);
            let hub = TestHub::start(&self.registry, config).await?;
            test(&hub).await;
            Ok(hub.hub.stop().await)
        });
        ran.unwrap_or_else(|error| panic!("no event loop: {error}"))
    }
}

/// A running hub as its test sees it: publish to it, see what it publishes, move its clock.
pub struct TestHub {
    hub: RunningHub,
    bus: Bus,
    publisher: Publisher,
    published: Mutex<mpsc::Receiver<Delivery>>,
    clock: VirtualClock,
    sent: AtomicU64,
    number: AtomicU64,
}

impl TestHub {
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    async fn start(registry: &Registry, config: Config) -> Result<Self, StartError> {
        let bus = Bus::open(config);
        let setup = async {
            let publisher = bus.publisher_named(&EndpointName::from("test")).await?;
            let name = EndpointName::from("published");
            let published = bus.listen(&name, &bus.config().relay_inbound, []).await;
            Ok::<_, fedmsg::PublishError>((publisher, published))
        };
        let (publisher, published) = match setup.await {
            Ok((publisher, Ok((published, _)))) => (publisher, published),
            Ok((_, Err(error))) => panic!("{error}"),
            Err(error) => panic!("{error}"),
        };
        let clock = VirtualClock::new(START.parse().unwrap_or(Timestamp::UNIX_EPOCH));
        let hub =
            RunningHub::start_with(bus.clone(), registry, Clock::Virtual(clock.clone())).await?;
        let (sent, number) = Default::default();
        Ok(Self {
            hub,
            bus,
            publisher,
            published: Mutex::new(collect(published)),
            clock,
            sent,
            number,
        })
    }

    /// Publishes `msg` under the full topic `topic`, once the hub listens.
    ///
    /// # Panics
    ///
    /// When the topic is none, or no consumer of the hub listens to it.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn publish(&self, topic: &str, msg: impl Into<Value>) {
        let topic: Topic = topic
            .parse()
            .unwrap_or_else(|error| panic!("{topic}: {error}"));
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let stamp = Stamp {
            msg_id: format!("2026-{number}"),
            timestamp: self.clock_now().as_second(),
            i: number,
            username: "test".to_owned(),
        };
        let envelope = Envelope::stamp(topic.clone(), msg.into(), &stamp)
            .unwrap_or_else(|error| panic!("{topic}: {error}"));
        self.forward(&envelope).await;
    }

    /// Publishes `envelope` as it is, once the hub listens.
    ///
    /// # Panics
    ///
    /// When no consumer of the hub listens to its topic.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn forward(&self, envelope: &Envelope) {
        let topic = envelope.topic();
        if self.publisher.wait_for_subscriber(topic, PATIENCE).await == Audience::Nobody {
            panic!("no consumer listens to {topic}");
        }
        if let Err(error) = self.publisher.forward(topic, envelope.bytes()) {
            panic!("{topic}: {error}");
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// The next message that the hub publishes.
    ///
    /// # Panics
    ///
    /// When none comes within 30 s.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn next_published(&self) -> Delivery {
        match timeout(PATIENCE, self.published.lock().await.recv()).await {
            Ok(Some(delivery)) => delivery,
            _ => panic!("the hub has published nothing for {PATIENCE:?}"),
        }
    }

    /// Waits until everything published has been consumed, dropped or refused by every consumer.
    ///
    /// # Panics
    ///
    /// When that takes more than 30 s.
    pub async fn settle(&self) -> HubStatus {
        let sent = self.sent.load(Ordering::Relaxed);
        self.until(|status| {
            let routed = |source| status.routed(source);
            routed(Source::Endpoints) >= sent
                && status
                    .consumers
                    .iter()
                    .all(|consumer| consumer.backlog == 0)
        })
        .await
    }

    /// Waits until the state of the hub is as wanted, and returns it.
    ///
    /// # Panics
    ///
    /// When that takes more than 30 s.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn until(&self, done: impl FnMut(&HubStatus) -> bool) -> HubStatus {
        match timeout(PATIENCE, self.hub.until(done)).await {
            Ok(status) => status,
            Err(_) => panic!("not within {PATIENCE:?}: {:#?}", self.hub.status().await),
        }
    }

    /// Moves the clock that schedules go by; every tick that falls due is run, in order, before the
    /// next moment comes.
    ///
    /// # Panics
    ///
    /// When a tick does not end within 30 s.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn advance(&self, step: Duration) {
        let producers = self.status().await.producers.len();
        if timeout(PATIENCE, self.clock.advance(step, producers))
            .await
            .is_err()
        {
            panic!("a tick has not ended for {PATIENCE:?}");
        }
    }

    /// The time of day by which schedules go; starts at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn clock_now(&self) -> Timestamp {
        Clock::Virtual(self.clock.clone()).now()
    }

    /// The bus that the hub is on, for a test that opens publishers or subscribers of its own.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    #[cfg(test)]
    pub(crate) async fn take_timings(&self) -> std::collections::BTreeMap<String, Vec<f64>> {
        self.hub.take_timings().await
    }

    /// The state of the hub.
    pub async fn status(&self) -> HubStatus {
        self.hub.status().await
    }
}

/// The configuration of a hub whose only neighbour is the test: its messages come from the
/// publisher `test`, and what it publishes arrives at `relay_inbound`.
#[expect(clippy::panic, reason = "a test kit reports by panicking")]
fn config(settings: &str, tables: &str) -> Config {
    let written = Config::from_toml(&format!("{settings}{tables}"));
    let written = written.unwrap_or_else(|errors| panic!("{errors}"));
    let within = |name: &str| {
        let address = format!("inproc://{name}").parse();
        address.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let mut endpoints = written.endpoints.clone();
    // The default lists a relay of this machine, which a test must not hear.
    for (name, addresses) in Config::default().endpoints.iter() {
        if endpoints.get(name) == Some(addresses) {
            endpoints.insert(name.clone(), []);
        }
    }
    endpoints.insert("test", [within("test")]);
    Config {
        name: Some("test".to_owned()),
        active: true,
        relay_inbound: vec![within("published")],
        post_init_sleep: Duration::ZERO,
        zmq_linger: Duration::ZERO,
        endpoints,
        ..written
    }
}

/// Reads what the hub publishes all the time, as a relay would: a socket that is bound subscribes only
/// when it is read.
fn collect(mut published: Subscriber) -> mpsc::Receiver<Delivery> {
    let (sender, receiver) = mpsc::channel(KEPT);
    tokio::spawn(async move {
        while let Some(delivery) = published.next().await {
            if sender.send(delivery).await.is_err() {
                return;
            }
        }
    });
    receiver
}
