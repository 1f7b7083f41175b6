//! One call that a plugin's test makes to find out whether a consumer keeps the rules of a hub.
//!
//! Plugin authors call it. It runs the consumer on many a [`TestBus`], each time with another fault, and
//! compares what comes of it. [`producer`] has the same for producers.

mod finding;
mod findings;
mod memory;
mod producer;
mod strange;
mod suite;
mod trial;
mod world;

use std::time::Duration;

use fedmsg::Delivery;

pub use self::finding::{ConformanceReport, Finding, Requirement};
use self::memory::Memory;
pub use self::producer::ProducerConformance;
pub use self::world::World;
use crate::consumer::Consumer;
use crate::test_bus::{Faults, TestBus};

/// A plugin that keeps its thread for longer blocks the others of its hub.
const MAY_BLOCK: Duration = Duration::from_millis(100);

/// A trial is done within this time, or the plugin hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Finds out whether a consumer keeps the [rules](Requirement) of a hub.
///
/// Its author gives what nobody else can know: an outside [`World`] for each trial, in which effects are
/// to be seen, and messages that it is for. Messages of two publishers at least
/// ([`DeliveryBuilder::from_publisher`](crate::DeliveryBuilder::from_publisher)) show whether it needs
/// them in some order. Their effects should not depend on each other, but where they come from the same
/// publisher.
///
/// A consumer that changes nothing in its world is judged by what it publishes; then that is what fails in outages.
///
/// What it could not check is in the report, and [`Conformance::check`] demands a word about it. It cannot see
/// everything:
///
/// - Work that is left to a task of its own may be done by chance before the hub stops.
/// - What nobody has put into the effect is not compared.
/// - A crash drops the consumer, but not its process: what it keeps in a `static`, such as the identifiers of what
///   it has done, survives here, and not where a hub is killed. Memory in a `static` is taken for that of the world.
/// - Each second pass of the flood has identifiers of 2 KB, so that whoever keeps them is seen to. A few bytes for
///   each message, such as a hash, are too little to be seen.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use fedmsg_actors::{
///     BoxError, Conformance, ConsumeError, Consumer, ConsumerContext, Delivery, DeliveryBuilder, NoParams,
///     World,
/// };
///
/// /// Notes what it hears, twice if it hears it twice.
/// struct Notebook;
///
/// static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());
///
/// impl Consumer for Notebook {
///     const KIND: &'static str = "notebook";
///     type Params = NoParams;
///
///     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
///         Ok(Self)
///     }
///
///     async fn consume(&mut self, delivery: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
///         NOTES.lock().unwrap().push(format!("{:?}", delivery.msg()));
///         Ok(())
///     }
/// }
///
/// let world = || {
///     NOTES.lock().unwrap().clear();
///     World::new("", || NOTES.lock().unwrap().clone())
/// };
/// let messages = (1..=3).map(|n| DeliveryBuilder::new("com.example.test.n", n));
/// let report = Conformance::of::<Notebook>(world).messages(messages).flood(100).run();
/// let broken: Vec<_> = report.findings.iter().map(|finding| finding.requirement).collect();
/// assert_eq!(broken, [fedmsg_actors::Requirement::IsIdempotent]);
/// ```
pub struct Conformance {
    add: fn(TestBus, &str) -> TestBus,
    kind: &'static str,
    /// How many messages it takes at a time.
    batch: usize,
    world: Box<dyn Fn() -> World>,
    hub: String,
    messages: Vec<Delivery>,
    expected: Option<String>,
    seed: u64,
    may_block: Duration,
    patience: Duration,
    memory: Memory,
    excused: Vec<(Requirement, String)>,
}

impl Conformance {
    /// Prepares the trials of a kind of consumer. `world` is called before each and makes an outside
    /// world in which nothing has happened yet; those before are gone by then.
    #[must_use]
    pub fn of<C: Consumer>(world: impl Fn() -> World + 'static) -> Self {
        Self {
            add: |bus, settings| bus.consumer::<C>(C::KIND, settings),
            kind: C::KIND,
            batch: C::BATCH,
            world: Box::new(world),
            hub: String::new(),
            messages: Vec::new(),
            expected: None,
            seed: Faults::new().seed(),
            may_block: MAY_BLOCK,
            patience: PATIENCE,
            memory: Memory::default(),
            excused: Vec::new(),
        }
    }

    /// Adds settings of the hubs, as [`TestBus::settings`] does; those of a [`TestCa`](crate::TestCa) are for
    /// a consumer that wants signatures validated, whose messages it has to have signed.
    #[must_use]
    pub fn hub_settings(mut self, settings: &str) -> Self {
        self.hub += settings;
        self.hub.push('\n');
        self
    }

    /// Adds messages, in an order in which a bus could deliver them: some five to fifty, such as those
    /// of a [`Recording`](crate::Recording).
    #[must_use]
    pub fn messages(mut self, messages: impl IntoIterator<Item = impl Into<Delivery>>) -> Self {
        self.messages.extend(messages.into_iter().map(Into::into));
        self
    }

    /// Says what the effect of all messages is, in the form that the world shows. Without it, the effect
    /// of handing them over one by one is taken to be right.
    #[must_use]
    pub fn expected(mut self, effect: impl std::fmt::Debug) -> Self {
        self.expected = Some(format!("{effect:#?}"));
        self
    }

    /// Sets the seed that chance begins with, to repeat a failure. Without it: the variable
    /// `FEDMSG_TEST_SEED`, or a new one each time.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets for how long a call may keep its thread without letting others have it, computing or waiting;
    /// time in which the machine had no core for it does not count. 100 ms by default; a good consumer
    /// needs one.
    #[must_use]
    pub fn may_block(mut self, limit: Duration) -> Self {
        self.may_block = limit;
        self
    }

    /// Sets within which time each step of a trial has to be done, and a quarter of a flood: 30 s by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how many messages are handed over to see whether memory grows with them: 10 000 by default, at
    /// least 100. All have identifiers of their own, but for those that are signed. What has a bound should be full
    /// after twice as many. Where memory grows there are up to three times as many, in the end with crashes in
    /// between, which show what is the consumer's and what its world keeps.
    #[must_use]
    pub fn flood(mut self, messages: usize) -> Self {
        self.memory.messages = messages;
        self
    }

    /// Sets by how many bytes memory may grow during the flood, after its first fifth: 4 MiB by default.
    #[must_use]
    pub fn memory_bound(mut self, bytes: usize) -> Self {
        self.memory.bound = bytes;
        self
    }

    /// Sets how the memory in use is measured, in bytes. By default it is what the system says of this
    /// process (`/proc/self/statm`). Other tests in it disturb that: have the conformance test in a file of
    /// its own in `tests/`, which Cargo makes a program of its own; or give what an allocator counts, or the
    /// size of what the plugin holds.
    #[must_use]
    pub fn memory_by(mut self, measure: impl Fn() -> usize + 'static) -> Self {
        self.memory.measure = Box::new(measure);
        self
    }

    /// Lets a rule be broken, or stay unchecked, for this reason; the report tells both.
    #[must_use]
    pub fn excuse(self, requirement: Requirement, reason: &str) -> Self {
        self.excuse_all([requirement], reason)
    }

    /// As [`Conformance::excuse`], for several rules with the same reason.
    #[must_use]
    pub fn excuse_all(
        mut self,
        requirements: impl IntoIterator<Item = Requirement>,
        reason: &str,
    ) -> Self {
        let excused = requirements.into_iter().map(|it| (it, reason.to_owned()));
        self.excused.extend(excused);
        self
    }

    /// Runs all trials and tells what was found.
    ///
    /// # Panics
    ///
    /// When there are no messages, one of them is not for this consumer, or the settings of its world are
    /// wrong.
    #[must_use]
    pub fn run(&self) -> ConformanceReport {
        suite::run(self)
    }

    /// Runs all trials, and demands that every rule is kept, but for those that it is excused from.
    ///
    /// # Panics
    ///
    /// When a rule is not kept, or could not be checked, and no [excuse](Self::excuse) says why that does not
    /// matter; with all that was found. And as [`Conformance::run`].
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn check(&self) {
        let report = self.run();
        if !report.is_clean() {
            panic!("{report}");
        }
    }
}
