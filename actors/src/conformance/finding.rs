//! What a consumer under test has to do, and what was found where it did not.
//!
//! Made by the trials, read by the plugin's author.

use std::fmt;

/// A rule that a consumer has to keep.
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
    /// It handles the messages that it is for.
    Handles,
    /// Neither those nor malformed ones make it panic.
    NeverPanics,
    /// No call keeps its thread for long.
    NeverBlocks,
    /// What it has said to have handled is not lost when the hub stops.
    KeepsWorkOnStop,
    /// A message that comes twice has the effect of one that comes once, even when the consumer was built
    /// anew in between.
    IsIdempotent,
    /// The order of messages of different publishers makes no difference.
    NeedsNoOrderAcrossPublishers,
    /// When the outside world fails, it says so and the message is tried again.
    ReportsErrors,
    /// It tells the bus only what has happened.
    PublishesAfterCommit,
    /// Its memory does not grow with the number of messages.
    BoundsMemory,
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
                "answer with an error (`ConsumeError::drop` for what is hopeless); anybody may send \
                 anything, so look into `msg` with `get` and `as_str`, or parse it with `msg_as`"
            }
            Self::NeverBlocks => {
                "`.await` what waits, and put what blocks or computes for more than a millisecond into \
                 `tokio::task::spawn_blocking`"
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
                "return the error (`?` does, as `ConsumeError::Retry`): then the message is tried again, \
                 and the operator sees it"
            }
            Self::PublishesAfterCommit => {
                "publish after the effect is there to stay, not before: others act on what they hear"
            }
            Self::BoundsMemory => {
                "keep nothing of each message, or give what is kept a bound and drop the oldest"
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
            Self::KeepsWorkOnStop => "loses work on stop",
            Self::IsIdempotent => "is not idempotent",
            Self::NeedsNoOrderAcrossPublishers => "assumes an order across publishers",
            Self::ReportsErrors => "swallows errors",
            Self::PublishesAfterCommit => "publishes before it commits",
            Self::BoundsMemory => "takes memory without bound",
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
    /// What was done to the consumer.
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

/// What all trials of a consumer have found.
///
/// # Examples
///
/// See [`Conformance`](crate::Conformance):
///
/// ```
/// use fedmsg_actors::ConformanceReport;
///
/// fn is_good(report: &ConformanceReport) -> bool {
///     report.findings.is_empty() && report.unchecked.is_empty()
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConformanceReport {
    /// The kind of consumer.
    pub kind: &'static str,
    /// The seed that chance began with.
    pub seed: u64,
    /// The rules that it does not keep, each once.
    pub findings: Vec<Finding>,
    /// The rules of which it is not known whether it keeps them, and why.
    pub unchecked: Vec<(Requirement, String)>,
    /// The rules that it does not keep and was excused from, and why.
    pub excused: Vec<(Requirement, String)>,
}

impl fmt::Display for ConformanceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, seed, count) = (self.kind, self.seed, self.findings.len());
        match count {
            0 => writeln!(f, "consumer \"{kind}\": nothing found (seed {seed})")?,
            _ => writeln!(
                f,
                "consumer \"{kind}\": {count} found (seed {seed}: Conformance::seed or the variable \
                 FEDMSG_TEST_SEED repeats it)"
            )?,
        }
        for (finding, number) in self.findings.iter().zip(1..) {
            write!(f, "{number}. it {finding}")?;
        }
        for (requirement, reason) in &self.excused {
            writeln!(f, "excused: it {requirement}, because {reason}")?;
        }
        for (requirement, reason) in &self.unchecked {
            writeln!(f, "not checked whether it {requirement}: {reason}")?;
        }
        Ok(())
    }
}
