//! All trials of a consumer, from the gentlest to the hardest, and what to think of each.
//!
//! [`Conformance::run`](super::Conformance::run) calls it. Trials whose result an earlier finding would
//! explain are left out, so that one mistake is one finding.

mod effects;
mod floods;
mod outages;

use std::time::Duration;

use super::Conformance;
use super::finding::{ConformanceReport, Requirement};
use super::findings::{Findings, difference, shown};
use super::trial::{STOP_TIMEOUT, Trial, named};

/// Runs all trials.
pub(super) fn run(conformance: &Conformance) -> ConformanceReport {
    assert!(
        !conformance.messages.is_empty(),
        "a conformance test needs messages: Conformance::messages"
    );
    let mut suite = Suite {
        conformance,
        findings: Findings::default(),
        hangs: false,
        only_publishes: false,
        longest: None,
    };
    suite.run();
    let (kind, seed) = (conformance.kind, Some(conformance.seed));
    let excused = &conformance.excused;
    suite.findings.report("consumer", kind, seed, excused)
}

struct Suite<'a> {
    conformance: &'a Conformance,
    findings: Findings,
    /// Whether a trial has not come to its end: none that follows would.
    hangs: bool,
    /// Whether nothing is to be seen of it but what it publishes, which then is its effect.
    only_publishes: bool,
    /// The longest time for which a call kept its thread, and which it was.
    longest: Option<(Duration, String)>,
}

/// Why there is nothing to compare other trials with.
enum NoEffect {
    /// Its messages change nothing that is to be seen.
    IsSilent,
    /// What has been found.
    HasFailed,
}

impl Suite<'_> {
    fn run(&mut self) {
        use Requirement::{
            BoundsMemory, DropsTheHopeless, IsIdempotent, KeepsRunning,
            NeedsNoOrderAcrossPublishers, NeverPanics, PublishesAfterCommit, ReportsErrors,
        };
        let compared = [
            IsIdempotent,
            NeedsNoOrderAcrossPublishers,
            ReportsErrors,
            PublishesAfterCommit,
        ];
        match self.one_by_one() {
            Ok(effect) if self.stops(&effect) => {
                self.step(&[IsIdempotent], |suite| suite.repetitions(&effect));
                self.step(&[NeedsNoOrderAcrossPublishers], |suite| {
                    suite.orders(&effect)
                });
                self.step(&[ReportsErrors, PublishesAfterCommit], |suite| {
                    suite.outages(&effect);
                });
            }
            Ok(_) | Err(NoEffect::HasFailed) if self.hangs => {
                self.leave(&compared, "the consumer hangs");
            }
            Ok(_) if self.has(Requirement::KeepsWorkOnStop) => self.leave(
                &compared,
                "what it loses on stop, other trials would miss, too",
            ),
            Ok(_) => self.leave(&compared, "it does not stop as it should anyway"),
            Err(NoEffect::IsSilent) => {
                let reason = "its messages have no effect to compare with";
                let along_with = Requirement::KeepsWorkOnStop;
                self.findings.leave_along(&compared, reason, along_with);
            }
            Err(NoEffect::HasFailed) => {
                self.leave(&compared, "it does not do what it should anyway");
            }
        }
        let rules = [NeverPanics, KeepsRunning, DropsTheHopeless];
        self.step(&rules, Suite::strange_messages);
        self.step(&[BoundsMemory], Suite::flood);
        self.blocked();
    }

    /// Runs a step that shows whether these rules are kept, unless the consumer hangs.
    fn step(&mut self, rules: &[Requirement], step: impl FnOnce(&mut Self)) {
        match self.hangs {
            true => self.leave(rules, "the consumer hangs"),
            false => step(self),
        }
    }

    /// What all trials have shown about the time that calls take.
    fn blocked(&mut self) {
        let limit = self.conformance.may_block;
        if let Some((longest, call)) = self.longest.take()
            && longest > limit
        {
            let seen = format!("{call} for {longest:?} (allowed are {limit:?})");
            let done = "measured for how long each call kept its thread, without the time in which there was \
                        no core for it";
            self.found(Requirement::NeverBlocks, done, seen);
        }
    }

    /// Looks at a trial by itself. Returns whether its effect can be compared.
    fn look_at(&mut self, trial: &Trial, done: &str) -> bool {
        self.longest = self.longest.take().max(trial.longest());
        if let Some(seen) = trial.panic() {
            self.found(Requirement::NeverPanics, done, seen);
            return false;
        }
        let open_call = trial.open_call();
        if trial.has_stalled {
            self.hangs = true;
            let patience = self.conformance.patience;
            let call = open_call.map_or_else(String::new, |call| format!("; {call}"));
            let seen = format!("that had not come to an end after {patience:?}{call}");
            self.found(Requirement::Ends, done, seen);
            return false;
        }
        match (&*trial.report.unfinished, open_call) {
            ([], _) => true,
            (_, Some(call)) => {
                self.hangs = true;
                let limit = STOP_TIMEOUT.min(self.conformance.patience);
                let seen = format!("the hub had to cut it off {limit:?} after its stop; {call}");
                self.found(Requirement::Ends, done, seen);
                false
            }
            (_, None) => {
                let seen =
                    "it had not worked off its messages when the hub had to stop, and was cut off";
                self.found(Requirement::KeepsWorkOnStop, done, seen);
                false
            }
        }
    }

    /// What is compared of a trial.
    fn effect(&self, trial: &Trial) -> String {
        match self.only_publishes {
            true => format!("published {:#?}", trial.heard),
            false => trial.effect.clone(),
        }
    }

    /// Looks at a trial, and whether it had the effect that it should have. Returns whether all is well.
    fn compare(&mut self, trial: &Trial, effect: &str, rule: Requirement, done: &str) -> bool {
        if !self.look_at(trial, done) {
            return false;
        }
        let found = self.effect(trial);
        let is_same = found == effect;
        if !is_same {
            self.found(rule, done, difference(effect, &found));
        }
        is_same
    }

    fn has(&self, requirement: Requirement) -> bool {
        self.findings.has(requirement)
    }

    fn found(&mut self, requirement: Requirement, done: &str, seen: impl Into<String>) {
        self.findings.found(requirement, done, seen);
    }

    fn leave(&mut self, rules: &[Requirement], reason: &str) {
        self.findings.leave(rules, reason);
    }
}
