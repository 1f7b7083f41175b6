//! One trial: one producer, one outside world, and what is done to them.
//!
//! The [`suite`](super::suite) makes trials and compares what comes of them.

use std::sync::Arc;
use std::time::Duration;

use fedmsg::Delivery;
use tokio::time::sleep;
use tracing::debug;

use super::ProducerConformance;
use crate::conformance::trial::{STOP_TIMEOUT, Stalled};
use crate::conformance::world::World;
use crate::test_bus::tick_witness::{TickEnd, TickWitness};
use crate::test_bus::{TestBus, TestHub};

/// How far its ticks are apart, by the clock of the test.
const EVERY: Duration = Duration::from_secs(1);

/// So many ticks in a row without news show that there are none.
const QUIET: usize = 2;

/// More ticks than any news take.
const MOST: usize = 50;

/// So many failures are put up with until it is well again, with a pause for what goes on behind its back.
const FAILURES: usize = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// What has come of a trial.
pub(super) struct Trial {
    /// What is compared of each message, in order.
    pub(super) published: Vec<String>,
    /// The first message that no hub should send, and why.
    pub(super) odd: Option<String>,
    pub(super) failure: Option<String>,
    pub(super) panic: Option<String>,
    /// The longest time for which a call kept its thread, and which it was.
    pub(super) longest: Option<(Duration, &'static str)>,
    pub(super) has_stalled: bool,
    pub(super) is_unfinished: bool,
    /// What has not returned, if that is no tick.
    pub(super) open_call: Option<&'static str>,
}

/// A hub whose producer ticks when it is told to.
pub(super) struct Ticking<'a> {
    pub(super) hub: &'a TestHub,
    pub(super) witness: Arc<TickWitness>,
    patience: Duration,
}

impl Ticking<'_> {
    /// Lets it tick once.
    pub(super) async fn tick(&self) -> Result<TickEnd, Stalled> {
        match self.hub.try_advance(EVERY, self.patience).await {
            true => Ok(self.witness.last().unwrap_or(TickEnd::Done)),
            false => Err(Stalled),
        }
    }

    /// Lets it tick until it has nothing more to say; returns whether that has come.
    pub(super) async fn settle(&self) -> Result<bool, Stalled> {
        let (mut quiet, mut failures) = (0, 0);
        for _ in 0..MOST {
            let before = self.published().await;
            match self.tick().await? {
                TickEnd::Done if self.published().await == before => quiet += 1,
                TickEnd::Done => quiet = 0,
                TickEnd::Failed(_) | TickEnd::Panicked(_) | TickEnd::Cut => {
                    (quiet, failures) = (0, failures + 1);
                    sleep(PAUSE).await;
                }
            }
            if quiet == QUIET || failures == FAILURES {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many messages it has published.
    pub(super) async fn published(&self) -> u64 {
        let status = self.hub.status().await;
        status.publisher.map_or(0, |it| it.messages)
    }
}

impl ProducerConformance {
    /// Makes a hub with the producer in this world and lends it to `script`; then stops it and looks.
    pub(super) fn try_out(
        &self,
        world: &World,
        script: impl AsyncFnOnce(&Ticking<'_>) -> Result<(), Stalled>,
    ) -> Trial {
        let mut bus = TestBus::new().settings(&self.hub);
        bus.stop_timeout = Some(STOP_TIMEOUT.min(self.patience));
        bus.every = Some(EVERY);
        let witness = Arc::clone(&bus.ticks);
        witness.take_times();
        witness.gate.open();
        let (mut has_stalled, mut before) = (false, String::new());
        let report = (self.add)(bus, &scheduled(&world.settings)).run(async |hub| {
            let config = hub.bus().config();
            before = format!("{}.{}.", config.topic_prefix, config.environment);
            let ticking = Ticking {
                hub,
                witness: Arc::clone(&witness),
                patience: self.patience,
            };
            has_stalled = script(&ticking).await.is_err();
        });
        debug!(
            has_stalled,
            published = report.published.len(),
            "trial over"
        );
        let mut published = report.published.iter();
        let panic = witness.first_panic().map(|text| ("tick", text));
        let panic = panic.or_else(|| witness.others.first_panic());
        let longest = witness.longest().map(|stretch| (stretch, "tick"));
        Trial {
            odd: published.find_map(|it| oddity(it, &before)),
            published: report.published.iter().map(&self.compared).collect(),
            failure: witness.first_failure(),
            panic: panic.map(|(call, text)| format!("`{call}` panicked: {text}")),
            longest: longest.max(witness.others.longest()),
            has_stalled,
            is_unfinished: !report.unfinished.is_empty(),
            open_call: witness.others.open(),
        }
    }
}

/// Adds a schedule where none is written: no table of a producer goes without. Which one makes no difference.
fn scheduled(settings: &str) -> String {
    let is_schedule = |line: &str| {
        let key = line.split('=').next().unwrap_or_default().trim();
        matches!(key, "every" | "cron")
    };
    match settings.lines().any(is_schedule) {
        true => settings.to_owned(),
        false => format!("every = \"1s\"\n{settings}"),
    }
}

/// Says what is wrong with a message that was published where all topics begin so.
fn oddity(message: &Delivery, before: &str) -> Option<String> {
    let topic = message.topic().as_str();
    let is_word = |word: &str| {
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '*' || c == '#';
        !word.is_empty() && !word.contains(is_odd)
    };
    let envelope = message.envelope();
    let about = envelope.get("topic").and_then(|it| it.as_str());
    let reason = if !topic.starts_with(before) {
        format!("its topic does not begin with {before:?}")
    } else if !topic.split('.').all(is_word) {
        "a word of its topic is empty, or has a blank or a character of patterns".to_owned()
    } else if let Err(error) = envelope.strict() {
        format!("it is no message of this bus: {error}")
    } else if message.msg_id().is_none() || about != Some(topic) {
        "it has no msg_id, or says that it has another topic".to_owned()
    } else {
        return None;
    };
    Some(format!("it published {topic:?}: {reason}"))
}
