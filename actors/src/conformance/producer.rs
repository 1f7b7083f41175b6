//! One call that a plugin's test makes to find out whether a producer keeps the rules of a hub.
//!
//! Plugin authors call it. It runs the producer on many a [`TestBus`](crate::TestBus), each time with another
//! fault, and compares what is published.

mod effects;
mod suite;
mod trial;

use std::time::Duration;

use fedmsg::Delivery;

use super::finding::{ConformanceReport, Requirement};
use super::memory::Memory;
use super::trial::content;
use super::world::World;
use super::{MAY_BLOCK, PATIENCE};
use crate::producer::Producer;
use crate::test_bus::TestBus;

/// So many pieces of news are told in a trial.
const PIECES: u64 = 6;

/// Finds out whether a producer keeps the [rules](Requirement) of a hub.
///
/// Its author gives what nobody else can know: an outside [`World`] for each trial, with a
/// [source](World::source) of news where the producer has one, and a switch for [outages](World::outage).
/// Then news come, the hub is stopped and started, ticks are cancelled, the producer crashes, its publishing or the
/// source fails, and what is published has to be what is published without all that. A producer without a source, such
/// as a clock, is watched at its ticks; what cannot be compared is in the report, and [`ProducerConformance::check`]
/// demands a word about it.
///
/// It cannot see everything: a crash drops the producer, but not its process, so that what it keeps in a `static`
/// survives here, and not where a hub is killed. Ticks are cut at some of the places where they wait, which are also
/// those before each message; and what is published by another way than [`ProducerContext::publish`] neither waits
/// there nor fails.
///
/// [`ProducerContext::publish`]: crate::ProducerContext::publish
///
/// Its schedule is one of the trials, which tick by a clock of their own.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
/// use fedmsg_actors::{
///     BoxError, NoParams, Producer, ProducerConformance, ProducerContext, Requirement, World,
/// };
///
/// /// Reads a letter box, and knows only by itself how far.
/// struct Postman { read: usize }
///
/// static LETTERS: Mutex<Vec<u64>> = Mutex::new(Vec::new());
///
/// impl Producer for Postman {
///     const KIND: &'static str = "postman";
///     type Params = NoParams;
///
///     async fn from_params(_: NoParams, cx: &ProducerContext) -> Result<Self, BoxError> {
///         cx.publisher().await?;
///         Ok(Self { read: 0 })
///     }
///
///     async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
///         let letters = LETTERS.lock().unwrap().clone();
///         for letter in letters.into_iter().skip(self.read) {
///             cx.publish("letter", letter).await?;
///             self.read += 1;
///         }
///         Ok(())
///     }
/// }
///
/// let world = || {
///     LETTERS.lock().unwrap().clear();
///     World::for_producer("").source(|n| LETTERS.lock().unwrap().push(n))
/// };
/// let report = ProducerConformance::of::<Postman>(world).flood(100).run();
/// let broken: Vec<_> = report.findings.iter().map(|finding| finding.requirement).collect();
/// assert_eq!(broken, [Requirement::SurvivesRestarts], "{report}");
/// ```
pub struct ProducerConformance {
    add: fn(TestBus, &str) -> TestBus,
    kind: &'static str,
    world: Box<dyn Fn() -> World>,
    hub: String,
    pieces: u64,
    compared: Box<dyn Fn(&Delivery) -> String>,
    may_block: Duration,
    patience: Duration,
    memory: Memory,
    excused: Vec<(Requirement, String)>,
}

impl ProducerConformance {
    /// Prepares the trials of a kind of producer. `world` is called before each and makes an outside
    /// world in which nothing has happened yet; those before are gone by then.
    #[must_use]
    pub fn of<P: Producer>(world: impl Fn() -> World + 'static) -> Self {
        Self {
            add: |bus, settings| bus.producer::<P>(P::KIND, settings),
            kind: P::KIND,
            world: Box::new(world),
            hub: String::new(),
            pieces: PIECES,
            compared: Box::new(content),
            may_block: MAY_BLOCK,
            patience: PATIENCE,
            memory: Memory::default(),
            excused: Vec::new(),
        }
    }

    /// Adds settings of the hubs, as [`TestBus::settings`] does.
    #[must_use]
    pub fn hub_settings(mut self, settings: &str) -> Self {
        self.hub += settings;
        self.hub.push('\n');
        self
    }

    /// Sets how many pieces of news are told in a trial: 6 by default, at least 2.
    #[must_use]
    pub fn pieces(mut self, count: u64) -> Self {
        self.pieces = count.max(2);
        self
    }

    /// Sets by what two messages are the same: for those that say when, how often, or where in which world. By
    /// default it is topic and payload.
    #[must_use]
    pub fn compared_by(mut self, what: impl Fn(&Delivery) -> String + 'static) -> Self {
        self.compared = Box::new(what);
        self
    }

    /// Sets for how long a tick may keep its thread without letting others have it, computing or waiting;
    /// time in which the machine had no core for it does not count. 100 ms by default; a good producer
    /// needs one.
    #[must_use]
    pub fn may_block(mut self, limit: Duration) -> Self {
        self.may_block = limit;
        self
    }

    /// Sets within which time each tick has to end, and a quarter of a flood: 30 s by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how many pieces of news, or ticks where there is no source, show whether memory grows with them:
    /// 10 000 by default, at least 100.
    #[must_use]
    pub fn flood(mut self, pieces: usize) -> Self {
        self.memory.messages = pieces;
        self
    }

    /// Sets by how many bytes memory may grow during the flood, after its first fifth: 4 MiB by default.
    /// What the outside world keeps in memory counts.
    #[must_use]
    pub fn memory_bound(mut self, bytes: usize) -> Self {
        self.memory.bound = bytes;
        self
    }

    /// Sets how the memory in use is measured, in bytes, as
    /// [`Conformance::memory_by`](crate::Conformance::memory_by) does.
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

    /// As [`ProducerConformance::excuse`], for several rules with the same reason.
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
    /// When the settings of its world are wrong, or it does not start in one.
    #[must_use]
    pub fn run(&self) -> ConformanceReport {
        suite::run(self)
    }

    /// Runs all trials, and demands that every rule is kept, but for those that it is excused from.
    ///
    /// # Panics
    ///
    /// When a rule is not kept, or could not be checked, and no [excuse](Self::excuse) says why that does not
    /// matter; with all that was found. And as [`ProducerConformance::run`].
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn check(&self) {
        let report = self.run();
        if !report.is_clean() {
            panic!("{report}");
        }
    }
}
