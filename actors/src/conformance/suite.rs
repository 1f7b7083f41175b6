//! All trials of a consumer, from the gentlest to the hardest, and what to think of each.
//!
//! [`Conformance::run`](super::Conformance::run) calls it. Trials whose result an earlier finding would
//! explain are left out, so that one mistake is one finding.

mod effects;
mod floods;
mod outages;

use std::time::Duration;

use fedmsg::Delivery;

use super::Conformance;
use super::finding::{ConformanceReport, Requirement};
use super::findings::{Findings, difference, shown};
use super::trial::Trial;
use crate::test_bus::CallOutcome;

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
    longest: Option<(Duration, Delivery)>,
}

impl Suite<'_> {
    fn run(&mut self) {
        use Requirement::{
            BoundsMemory, IsIdempotent, NeedsNoOrderAcrossPublishers, NeverPanics,
            PublishesAfterCommit, ReportsErrors,
        };
        let compared = [
            IsIdempotent,
            NeedsNoOrderAcrossPublishers,
            ReportsErrors,
            PublishesAfterCommit,
        ];
        match self.one_by_one() {
            Some(effect) if self.stops(&effect) => {
                self.step(&[IsIdempotent], |suite| suite.repetitions(&effect));
                self.step(&[NeedsNoOrderAcrossPublishers], |suite| {
                    suite.orders(&effect)
                });
                self.step(&[ReportsErrors, PublishesAfterCommit], |suite| {
                    suite.outages(&effect);
                });
            }
            Some(_) => self.leave(
                &compared,
                "what it loses on stop, other trials would miss, too",
            ),
            None => self.leave(&compared, "its messages have no effect to compare with"),
        }
        self.step(&[NeverPanics], Suite::strange_messages);
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
        if let Some((longest, message)) = self.longest.take()
            && longest > limit
        {
            let seen = format!(
                "a call kept its thread for {longest:?} (allowed are {limit:?}), with {}",
                named(&message)
            );
            let done = "measured for how long each call kept its thread, without the time in which there was \
                        no core for it";
            self.found(Requirement::NeverBlocks, done, seen);
        }
    }

    /// Looks at a trial by itself. Returns whether its effect can be compared.
    fn look_at(&mut self, trial: &Trial, done: &str) -> bool {
        if let Some((longest, message)) = &trial.longest
            && self
                .longest
                .as_ref()
                .is_none_or(|(other, _)| other < longest)
        {
            self.longest = Some((*longest, message.clone()));
        }
        if let Some(call) = trial.panic() {
            let message = named(&call.delivery);
            let body = shown(&format!("{:?}", call.delivery.envelope().bytes()));
            let seen = format!("{}, with {message}: {body}", call.outcome);
            self.found(Requirement::NeverPanics, done, seen);
            return false;
        }
        if trial.has_stalled {
            self.hangs = true;
            let patience = self.conformance.patience;
            let mut calls = trial.report.calls.iter();
            let calling = calls.find(|call| call.outcome == CallOutcome::Unfinished);
            let calling = calling.map_or_else(String::new, |call| {
                format!("; it was at work on {}", named(&call.delivery))
            });
            let seen = format!("that had not come to an end after {patience:?}{calling}");
            self.found(Requirement::Ends, done, seen);
            return false;
        }
        if !trial.report.unfinished.is_empty() {
            let seen = "it had not stopped in time, and was cut off";
            self.found(Requirement::KeepsWorkOnStop, done, seen);
            return false;
        }
        true
    }

    /// Looks at a trial, and whether it had the effect that it should have. Returns whether all is well.
    fn compare(&mut self, trial: &Trial, effect: &str, rule: Requirement, done: &str) -> bool {
        if !self.look_at(trial, done) {
            return false;
        }
        let is_same = trial.effect == effect;
        if !is_same {
            self.found(rule, done, difference(effect, &trial.effect));
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

fn named(message: &Delivery) -> String {
    let id = message.msg_id().unwrap_or("without msg_id");
    format!("{} ({id})", message.topic())
}
