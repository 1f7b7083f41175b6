//! A bus and a hub within one test: no ports, no files, no waiting for the clock.
//!
//! For the tests of this project and of plugin authors. It runs the real engine over `inproc://`; the
//! conformance suite is built on it.

mod delivery_builder;
pub(crate) mod door;
mod faults;
pub(crate) mod gate;
pub(crate) mod other_calls;
mod published;
mod recording;
mod test_ca;
mod test_hub;
mod test_report;
#[cfg(test)]
mod tests;
pub(crate) mod tick_witness;
pub(crate) mod witness;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use fedmsg::{Config, EndpointName};
use fedmsg_config::{ProducerConfig, WhenFull};
use futures::FutureExt;
use jiff::Timestamp;

pub use self::delivery_builder::DeliveryBuilder;
use self::delivery_builder::TEST;
pub(crate) use self::faults::Step;
pub use self::faults::{Faults, Order};
pub use self::recording::{BadLine, Recording, RecordingError};
pub use self::test_ca::TestCa;
pub use self::test_hub::TestHub;
pub use self::test_report::{Call, CallOutcome, TestReport};
use self::tick_witness::{TickWitness, WitnessedProducer};
use self::witness::{Witness, Witnessed};
use crate::consumer::Consumer;
use crate::hosted::panic_text;
use crate::plan::StartError;
use crate::producer::Producer;
use crate::registry::{Built, Registry};
use crate::running::block_on;

/// The time of day at which every test starts, unless it says otherwise.
const START: &str = "2026-01-01T00:00:00Z";

/// The pause before a retry or a restart of an impatient test.
const NO_PAUSE: Duration = Duration::from_millis(1);

/// At its stop the hub sees to it for so long that what it has published arrives.
const LINGER: Duration = Duration::from_secs(1);

/// Builds a hub for a test; [`TestBus::run`] runs it.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
/// use fedmsg_actors::TestBus;
/// # struct Echo;
/// # impl Consumer for Echo {
/// #     const KIND: &'static str = "echo";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Echo) }
/// #     async fn consume(&mut self, it: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         cx.publish("echo", it.msg().clone()).await?;
/// #         Ok(())
/// #     }
/// # }
///
/// let bus = TestBus::new().consumer::<Echo>("echo", "topics = 'com.example.test.#'");
/// let report = bus.run(async |bus| {
///     bus.publish("com.example.test.call", "hello").await;
///     assert_eq!(bus.next_published().await.msg().as_str(), Some("hello"));
/// });
/// assert!(report.is_clean());
/// ```
pub struct TestBus {
    registry: Registry,
    settings: String,
    tables: String,
    publishers: Vec<EndpointName>,
    start: Timestamp,
    is_impatient: bool,
    pub(crate) stop_timeout: Option<Duration>,
    /// How often a message is tried at least, whatever settings say.
    pub(crate) attempts: u32,
    /// Whether mailboxes wait for room, whatever settings say, so that each message reaches its consumers.
    pub(crate) keeps_all: bool,
    /// When producers tick, whatever settings say.
    pub(crate) every: Option<Duration>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) ticks: Arc<TickWitness>,
}

impl Default for TestBus {
    fn default() -> Self {
        Self::new()
    }
}

impl TestBus {
    /// A bus without anybody on it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            registry: Registry::default(),
            settings: String::new(),
            tables: String::new(),
            publishers: vec![EndpointName::from(TEST)],
            start: START.parse().unwrap_or(Timestamp::UNIX_EPOCH),
            is_impatient: false,
            stop_timeout: None,
            attempts: 0,
            keeps_all: false,
            every: None,
            witness: Arc::default(),
            ticks: Arc::default(),
        }
    }

    /// Adds settings of the hub itself: keys in TOML, such as `stop_timeout = "1s"`, or further
    /// `endpoints` with `inproc://` addresses. What keeps the bus within the test stays as it is:
    /// `name`, `active`, `relay_inbound`, `post_init_sleep`, `zmq_linger` and the endpoints of its
    /// publishers.
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

    /// Lets the hub validate signatures, and believe this CA only.
    #[must_use]
    pub fn trust(self, ca: &TestCa) -> Self {
        let settings = ca.settings();
        self.settings(&settings)
    }

    /// Adds a publisher, beside `test` which is always there: messages of several publishers may arrive
    /// in any order, those of one in theirs.
    #[must_use]
    pub fn publisher(mut self, name: &str) -> Self {
        let name = EndpointName::from(name);
        if !self.publishers.contains(&name) {
            self.publishers.push(name);
        }
        self
    }

    /// Sets the time of day at which the test's clock starts, in the form of RFC 3339, in place of
    /// 2026-01-01T00:00:00Z: for schedules that go by the calendar.
    ///
    /// # Panics
    ///
    /// When that is no time.
    #[must_use]
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn starts_at(mut self, time: &str) -> Self {
        self.start = time
            .parse()
            .unwrap_or_else(|error| panic!("{time:?} is no time: {error}"));
        self
    }

    /// Makes the pauses before retries and restarts a millisecond, whatever settings say: they go by the
    /// clock of the machine, not by the test's.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        self.witness.hurry_all();
        self.is_impatient = true;
        self
    }

    /// Adds a consumer of kind `C` under `name`; `settings` is the inside of its table
    /// `[consumers.NAME]` in TOML, without `kind`.
    #[must_use]
    pub fn consumer<C: Consumer>(mut self, name: &str, settings: &str) -> Self {
        let witness = Arc::clone(&self.witness);
        self.registry
            .consumer_within(move |building: Built<C>| Witnessed::build(building, &witness));
        self.tables += &format!("[consumers.{name}]\nkind = \"{}\"\n{settings}\n", C::KIND);
        self
    }

    /// Adds a producer of kind `P` under `name`; `settings` is the inside of its table
    /// `[producers.NAME]` in TOML, without `kind`.
    #[must_use]
    pub fn producer<P: Producer>(mut self, name: &str, settings: &str) -> Self {
        let witness = Arc::clone(&self.ticks);
        self.registry.producer_within(move |building: Built<P>| {
            WitnessedProducer::build(building, &witness)
        });
        self.tables += &format!("[producers.{name}]\nkind = \"{}\"\n{settings}\n", P::KIND);
        self
    }

    /// Runs the hub, then `test` with it, then stops the hub and returns all that has happened.
    ///
    /// # Panics
    ///
    /// When the hub does not start ([`TestBus::try_run`] returns why), or the test panics.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn run(self, test: impl AsyncFnOnce(&TestHub)) -> TestReport {
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
    /// When the settings are no TOML, or the test panics; if it has played faults, with their seeds.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn try_run(self, test: impl AsyncFnOnce(&TestHub)) -> Result<TestReport, StartError> {
        let config = self.config();
        let (publishers, start) = (self.publishers.clone(), self.start);
        let ran = block_on(async {
            let witness = Arc::clone(&self.witness);
            let hub = TestHub::start(&self.registry, config, &publishers, start, witness).await?;
            // The hub is not looked at again after a panic, but for the seeds.
            let tested = AssertUnwindSafe(test(&hub)).catch_unwind().await;
            match (tested, &*hub.seeds()) {
                (Ok(()), _) => Ok(hub.finish().await),
                (Err(panic), []) => resume_unwind(panic),
                (Err(panic), seeds) => {
                    let text = panic_text(&*panic);
                    panic!(
                        "{text}\nfaults were played with the seed {seeds:?}: Faults::seeded or the \
                            variable FEDMSG_TEST_SEED plays the same ones again"
                    )
                }
            }
        });
        ran.unwrap_or_else(|error| panic!("no event loop: {error}"))
    }

    /// The configuration of a hub whose only neighbours are those of the test: its messages come from
    /// the test's publishers, and what it publishes arrives at `relay_inbound`.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    fn config(&self) -> Config {
        let written = Config::from_toml(&format!("{}{}", self.settings, self.tables));
        let mut written = written.unwrap_or_else(|errors| panic!("{errors}"));
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
        for name in &self.publishers {
            endpoints.insert(name.clone(), [within(name.as_str())]);
        }
        for consumer in written.consumers.values_mut() {
            consumer.retry.attempts = consumer.retry.attempts.max(self.attempts);
            if self.keeps_all {
                consumer.mailbox.when_full = WhenFull::Block;
            }
            if self.is_impatient {
                consumer.retry.first_delay = NO_PAUSE;
                consumer.retry.max_delay = NO_PAUSE;
                consumer.restart.first_delay = NO_PAUSE;
                consumer.restart.max_delay = NO_PAUSE;
            }
        }
        for producer in written.producers.values_mut() {
            if let Some(every) = self.every {
                *producer = ProducerConfig {
                    every: Some(every),
                    time_limit: producer.time_limit,
                    params: producer.params.clone(),
                    ..ProducerConfig::new(&*producer.kind)
                };
            }
        }
        if let Some(stop_timeout) = self.stop_timeout {
            written.stop_timeout = stop_timeout;
        }
        Config {
            name: Some(TEST.to_owned()),
            active: true,
            relay_inbound: vec![within("published")],
            post_init_sleep: Duration::ZERO,
            zmq_linger: LINGER,
            endpoints,
            ..written
        }
    }
}
