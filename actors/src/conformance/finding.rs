//! What a plugin under test has to do, and what was found where it did not.
//!
//! Made by the trials, read by the plugin's author.

use std::fmt;

/// A rule that a consumer or a producer has to keep.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::Requirement;
///
/// assert!(Requirement::IsIdempotent.advice().contains("msg_id"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Requirement {
    /// Of a consumer: it handles the messages that it is for.
    Handles,
    /// Nothing makes it panic, in any of its calls: neither messages, malformed ones included, nor an outage, nor a
    /// start or a stop.
    NeverPanics,
    /// No call keeps its thread for long, `from_params`, `started` and `stop` included.
    NeverBlocks,
    /// Every call comes to an end, within the patience of the test.
    Ends,
    /// Of a consumer: no message that anybody could send ends it.
    KeepsRunning,
    /// Of a consumer: it gives up at once a message that no later attempt could handle, such as a malformed one, and
    /// so holds up nothing behind it.
    DropsTheHopeless,
    /// Of a consumer: what it has said to have handled is not lost when the hub stops.
    KeepsWorkOnStop,
    /// Of a consumer: a message that comes twice has the effect of one that comes once, even when the consumer was built
    /// anew in between.
    IsIdempotent,
    /// Of a consumer: the order of messages of different publishers makes no difference.
    NeedsNoOrderAcrossPublishers,
    /// When the outside world or the bus fails, it says so: a message is tried again, a tick has failed.
    ReportsErrors,
    /// Of a consumer: it tells the bus only what has happened.
    PublishesAfterCommit,
    /// Its memory does not grow with the number of messages or ticks.
    BoundsMemory,
    /// Of a producer: what it is to tell it publishes, and has no errors where nothing is wrong.
    Publishes,
    /// Of a producer: its messages are those of this bus, under topics that others can name in a pattern.
    PublishesWellFormed,
    /// Of a producer: the same news at the same time make the same messages.
    IsRepeatable,
    /// Of a producer: what comes while the hub is stopped it publishes later, and what it has published it
    /// does not publish again.
    SurvivesRestarts,
    /// Of a producer: a tick that is cancelled where it waits costs no message, and none comes twice.
    SurvivesCancellation,
    /// Of a producer: a crash costs no message. It may cost that some come twice, however many: nobody can publish
    /// and note it at once, and how often to note it is a matter of what that costs.
    SurvivesCrashes,
    /// Of a producer: what there is to tell in an outage, of its source or of the bus, it publishes when that is
    /// over, once.
    SurvivesOutages,
}

impl Requirement {
    /// What to do where it is not kept.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Handles => {
                "let `consume` return Ok for these messages; or give the conformance test messages that \
                 the consumer is for, and an outside world that works"
            }
            Self::NeverPanics => {
                "answer with an error (in a consumer `ConsumeError::drop` for what is hopeless); anybody may \
                 send anything, so look into `msg` with `get` and `as_str`, or parse it with `msg_as`"
            }
            Self::NeverBlocks => {
                "`.await` what waits, and put what blocks or computes for more than a millisecond into \
                 `tokio::task::spawn_blocking`"
            }
            Self::Ends => {
                "give whatever is waited for a limit, such as `tokio::time::timeout`, and let an error follow; or \
                 give the conformance test more `patience`"
            }
            Self::KeepsRunning => {
                "answer with `ConsumeError::drop` where a message is to blame; `ConsumeError::halt` is for what no \
                 message could change, such as an output that has gone"
            }
            Self::DropsTheHopeless => {
                "answer with `ConsumeError::drop` where the message is to blame; `?` on an error means \
                 `ConsumeError::Retry`, which is for what may succeed later"
            }
            Self::KeepsWorkOnStop => {
                "return Ok only when the effect is there to stay: no buffers, no tasks that nobody waits \
                 for; or write out what is left in `stop`, and what must survive a kill before"
            }
            Self::IsIdempotent => {
                "a hub delivers a message again when it does not know that it was handled: keep its msg_id \
                 together with the effect, in one transaction, and pass over what is there already"
            }
            Self::NeedsNoOrderAcrossPublishers => {
                "only the messages of one publisher come in its order: make effects that commute, or \
                 order them by what the messages say"
            }
            Self::ReportsErrors => {
                "return the error (`?` does, in a consumer as `ConsumeError::Retry`): then the message, or the \
                 next tick, tries again, and the operator sees it; in a `BatchError`, `done` counts those before \
                 the one that failed"
            }
            Self::PublishesAfterCommit => {
                "publish after the effect is there to stay, not before: others act on what they hear"
            }
            Self::BoundsMemory => {
                "keep nothing of each message, not even its msg_id, or give what is kept a bound and drop the \
                 oldest; if the bound is more than the flood, have a larger one (`flood`); \
                 if other tests run in this process they may be to blame: have this one in a file of its own in \
                 `tests/`, or measure what the plugin holds (`memory_by`)"
            }
            Self::Publishes => {
                "publish a message for each piece of news, and be quiet when there are none; or give the \
                 conformance test a source that the producer looks at"
            }
            Self::PublishesWellFormed => {
                "publish with `ProducerContext::publish`; make topics of words joined by dots, and put `_` for \
                 what a payload may bring into them"
            }
            Self::IsRepeatable => {
                "take the time from `ProducerContext::now`, and chance from a seed in the params; or say with \
                 `ProducerConformance::compared_by` which part of a message tells it from others"
            }
            Self::SurvivesRestarts => {
                "keep how far it is (a place, an identifier, a time of the source) in a file or a database, \
                 and begin there in `from_params`"
            }
            Self::SurvivesCancellation => {
                "note in `self` that a message is published as soon as `publish(…).await` returns, without \
                 another `.await` in between; what is kept elsewhere may follow, and the next tick finds in \
                 `self` what has still to be kept"
            }
            Self::SurvivesCrashes => {
                "keep that something is published after it is, never before: what comes twice can be told by \
                 its content, what never comes cannot"
            }
            Self::SurvivesOutages => {
                "leave everything as it was when a tick fails, and begin there at the next one"
            }
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handles => "does not handle its messages",
            Self::NeverPanics => "panics",
            Self::NeverBlocks => "blocks its thread",
            Self::Ends => "has calls that do not end",
            Self::KeepsRunning => "is ended by a message that anybody could send",
            Self::DropsTheHopeless => "tries hopeless messages again",
            Self::KeepsWorkOnStop => "loses work on stop",
            Self::IsIdempotent => "is not idempotent",
            Self::NeedsNoOrderAcrossPublishers => "assumes an order across publishers",
            Self::ReportsErrors => "swallows errors",
            Self::PublishesAfterCommit => "publishes before it commits",
            Self::BoundsMemory => "takes memory without bound",
            Self::Publishes => "does not publish what it should",
            Self::PublishesWellFormed => "publishes what no hub should",
            Self::IsRepeatable => "says something else for the same news",
            Self::SurvivesRestarts => "loses or repeats news when the hub is stopped and started",
            Self::SurvivesCancellation => "loses or repeats news when a tick is cancelled",
            Self::SurvivesCrashes => "loses news when it crashes",
            Self::SurvivesOutages => "loses or repeats news of an outage",
        })
    }
}

/// A rule that was not kept: what was done, what was seen, what to do.
///
/// # Examples
///
/// See [`Conformance`](crate::Conformance):
///
/// ```
/// use fedmsg_actors::{Finding, Requirement};
///
/// fn is_urgent(finding: &Finding) -> bool {
///     finding.requirement == Requirement::NeverPanics
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub requirement: Requirement,
    /// What was done to the plugin.
    pub done: String,
    /// What was seen then.
    pub seen: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.requirement)?;
        for (label, text) in [
            ("done", self.done.as_str()),
            ("seen", self.seen.as_str()),
            ("do", self.requirement.advice()),
        ] {
            writeln!(
                f,
                "    {label}: {}",
                text.trim_end().replace('\n', "\n          ")
            )?;
        }
        Ok(())
    }
}

/// What all trials of a consumer or a producer have found.
///
/// # Examples
///
/// See [`Conformance`](crate::Conformance):
///
/// ```
/// use fedmsg_actors::ConformanceReport;
///
/// fn is_good(report: &ConformanceReport) -> bool {
///     report.is_clean() && report.excused.is_empty()
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConformanceReport {
    /// What it is: `consumer` or `producer`.
    pub role: &'static str,
    /// Its kind.
    pub kind: &'static str,
    /// The seed that chance began with, where there was any.
    pub seed: Option<u64>,
    /// The rules that it does not keep, each once.
    pub findings: Vec<Finding>,
    /// The rules of which it is not known whether it keeps them, and why.
    pub unchecked: Vec<(Requirement, String)>,
    /// The rules that it was excused from and does not keep, or of which that is not known; and why it was.
    pub excused: Vec<(Requirement, String)>,
}

impl ConformanceReport {
    /// Whether it keeps all rules but those that it is excused from: nothing was found, and nothing is unchecked.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.unchecked.is_empty()
    }
}

impl fmt::Display for ConformanceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, kind, count) = (self.role, self.kind, self.findings.len());
        write!(f, "{role} \"{kind}\": ")?;
        if !self.unchecked.is_empty() {
            write!(f, "{} rules not checked, ", self.unchecked.len())?;
        }
        match (count, self.seed) {
            (0, None) => writeln!(f, "nothing found")?,
            (0, Some(seed)) => writeln!(f, "nothing found (seed {seed})")?,
            (_, None) => writeln!(f, "{count} found")?,
            (_, Some(seed)) => writeln!(
                f,
                "{count} found (seed {seed}: Conformance::seed or the variable FEDMSG_TEST_SEED repeats it)"
            )?,
        }
        for (finding, number) in self.findings.iter().zip(1..) {
            write!(f, "{number}. it {finding}")?;
        }
        for (requirement, reason) in &self.excused {
            writeln!(f, "excused, even if it {requirement}: {reason}")?;
        }
        for (requirement, reason) in &self.unchecked {
            writeln!(f, "not checked whether it {requirement}: {reason}")?;
            // What was found comes first; without it more is checked.
            if count == 0 {
                writeln!(
                    f,
                    "    do: what is missing; or say why it does not matter: \
                     .excuse(Requirement::{requirement:?}, \"…\")"
                )?;
            }
        }
        Ok(())
    }
}
