//! All trials of a producer, from the gentlest to the hardest, and what to think of each.
//!
//! [`ProducerConformance::run`](super::ProducerConformance::run) calls it. Trials whose result an earlier
//! finding would explain are left out, so that one mistake is one finding.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::ProducerConformance;
use super::trial::Trial;
use crate::conformance::finding::{ConformanceReport, Requirement};
use crate::conformance::findings::{Findings, shown};
use crate::conformance::memory::{self, ROUNDS, growth};
use crate::conformance::trial::{STOP_TIMEOUT, Stalled};

/// So many pieces of news come between two ticks of a flood.
const AT_ONCE: usize = 10;

/// A flood may take so many times what a tick may.
const FLOOD: u32 = 4;

/// Runs all trials.
pub(super) fn run(conformance: &ProducerConformance) -> ConformanceReport {
    let mut suite = Suite {
        conformance,
        findings: Findings::default(),
        hangs: false,
        longest: None,
    };
    suite.run();
    let (kind, excused) = (conformance.kind, &conformance.excused);
    suite.findings.report("producer", kind, None, excused)
}

pub(super) struct Suite<'a> {
    pub(super) conformance: &'a ProducerConformance,
    pub(super) findings: Findings,
    /// Whether a trial has not come to its end: none that follows would.
    hangs: bool,
    /// The longest time for which a call kept its thread, and which it was.
    longest: Option<(Duration, &'static str)>,
}

/// What is left out and what is there again in what was published.
#[derive(Default)]
pub(super) struct Deviation {
    missing: Vec<String>,
    extra: Vec<String>,
}

impl Suite<'_> {
    fn run(&mut self) {
        use Requirement::{
            BoundsMemory, IsRepeatable, ReportsErrors, SurvivesCancellation, SurvivesCrashes,
            SurvivesOutages, SurvivesRestarts,
        };
        let compared = [
            SurvivesRestarts,
            SurvivesCancellation,
            SurvivesCrashes,
            SurvivesOutages,
        ];
        let mut at_once = None;
        match self.one_by_one() {
            None if self.hangs => {
                let reason = "the producer hangs";
                self.findings.leave(&[IsRepeatable, ReportsErrors], reason);
                self.findings.leave(&compared, reason);
            }
            None => {
                let reason = "it does not publish what it should anyway";
                self.findings.leave(&[IsRepeatable, ReportsErrors], reason);
                self.findings.leave(&compared, reason);
            }
            Some(first) => {
                let is_repeatable = self.again(&first);
                let reason = match (is_repeatable, self.has_source()) {
                    (false, _) => Some("its messages differ from one trial to the next"),
                    (_, false) => Some("its world has no source of news: World::source"),
                    _ => None,
                };
                if let Some(reason) = reason {
                    self.findings.leave(&compared, reason);
                } else {
                    self.step(&[SurvivesRestarts], |suite| suite.restarts(&first));
                    self.step(&[SurvivesCancellation, SurvivesCrashes], |suite| {
                        at_once = suite.cuts();
                    });
                }
                let comparable = reason.is_none();
                self.step(&[ReportsErrors, SurvivesOutages], |suite| {
                    suite.deaf_bus(at_once.as_deref());
                });
                self.step(&[ReportsErrors, SurvivesOutages], |suite| {
                    suite.outage(comparable.then_some(&*first));
                });
            }
        }
        self.step(&[BoundsMemory], Suite::flood);
        self.blocked();
    }

    /// Runs a step that shows whether these rules are kept, unless the producer hangs.
    fn step(&mut self, rules: &[Requirement], step: impl FnOnce(&mut Self)) {
        match self.hangs {
            true => self.findings.leave(rules, "the producer hangs"),
            false => step(self),
        }
    }

    fn has_source(&self) -> bool {
        (self.conformance.world)().source.is_some()
    }

    /// What all trials have shown about the time that ticks take.
    fn blocked(&mut self) {
        let limit = self.conformance.may_block;
        if let Some((longest, call)) = self.longest
            && longest > limit
        {
            let seen = format!("`{call}` kept its thread for {longest:?} (allowed are {limit:?})");
            let done = "measured for how long each call kept its thread, without the time in which there was \
                        no core for it";
            self.findings.found(Requirement::NeverBlocks, done, seen);
        }
    }

    /// Looks at a trial by itself. Returns whether what was published can be compared.
    pub(super) fn look_at(&mut self, trial: &Trial, done: &str) -> bool {
        self.longest = self.longest.max(trial.longest);
        if let Some(text) = &trial.panic {
            self.findings.found(Requirement::NeverPanics, done, text);
            return false;
        }
        if trial.has_stalled {
            self.hangs = true;
            let patience = self.conformance.patience;
            let call = trial.open_call.unwrap_or("tick");
            let seen = format!("`{call}` had not come to an end after {patience:?}");
            self.findings.found(Requirement::Ends, done, seen);
            return false;
        }
        if trial.is_unfinished {
            self.hangs = true;
            let limit = STOP_TIMEOUT.min(self.conformance.patience);
            let call = trial.open_call.unwrap_or("tick");
            let seen = format!(
                "the hub had to cut it off {limit:?} after its stop; `{call}` had not returned"
            );
            self.findings.found(Requirement::Ends, done, seen);
            return false;
        }
        if let Some(odd) = &trial.odd {
            let rule = Requirement::PublishesWellFormed;
            self.findings.found(rule, done, odd);
        }
        true
    }

    /// Many ticks with news, to see whether memory grows with each. What looks bad goes on for as long again:
    /// others may take memory meanwhile.
    fn flood(&mut self) {
        let _one = memory::one_flood();
        let suite = self.conformance;
        let memory = &suite.memory;
        let per_round = memory.messages.max(100) / ROUNDS;
        let world = (suite.world)();
        let (mut measured, mut pieces) = (Vec::new(), 0);
        let began = Instant::now();
        let trial = suite.try_out(&world, async |ticking| {
            ticking.hub.forget();
            for round in 0..ROUNDS * 2 {
                if round >= ROUNDS && growth(&measured, memory.bound).is_none() {
                    break;
                }
                for _ in 0..per_round / AT_ONCE {
                    for _ in 0..AT_ONCE {
                        pieces += 1;
                        match &world.source {
                            Some(source) => source(pieces),
                            None => drop(ticking.tick().await?),
                        }
                    }
                    ticking.tick().await?;
                    if began.elapsed() > suite.patience * FLOOD {
                        return Err(Stalled);
                    }
                }
                ticking.hub.published().await; // until all has arrived
                measured.push((memory.measure)());
            }
            Ok(())
        });
        let rule = Requirement::BoundsMemory;
        let done = format!("let {pieces} pieces of news come, {AT_ONCE} before each tick");
        if trial.has_stalled && began.elapsed() > suite.patience * FLOOD {
            // Slow is not stuck: earlier trials have come to their ends.
            let patience = suite.patience * FLOOD;
            let reason = format!(
                "{pieces} pieces of news took longer than {patience:?}: ProducerConformance::flood, or patience"
            );
            return self.findings.leave(&[rule], &reason);
        }
        if !self.look_at(&trial, &done) {
            return;
        }
        if let Some(growth) = growth(&measured, memory.bound) {
            let bound = memory.bound;
            let seen = format!(
                "memory grew by some {growth} bytes after the first fifth, and did not stop (allowed are {bound}): \
                 {measured:?}"
            );
            self.findings.found(rule, &done, seen);
        }
    }
}

impl Deviation {
    /// Compares what was published with what should have been, in any order.
    pub(super) fn of(expected: &[String], found: &[String]) -> Self {
        let mut balance: BTreeMap<&str, i64> = BTreeMap::new();
        for it in expected {
            *balance.entry(it).or_default() += 1;
        }
        for it in found {
            *balance.entry(it).or_default() -= 1;
        }
        let of_sign = |sign: i64| {
            let of_sign = balance
                .iter()
                .filter(move |(_, count)| count.signum() == sign);
            of_sign.map(|(text, _)| (*text).to_owned()).collect()
        };
        Self {
            missing: of_sign(1),
            extra: of_sign(-1),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty()
    }

    /// The same without what is there again.
    pub(super) fn losses(self) -> Self {
        Self {
            extra: Vec::new(),
            ..self
        }
    }

    /// Shows both.
    pub(super) fn seen(&self) -> String {
        let part = |what: &str, texts: &[String]| match texts {
            [] => String::new(),
            texts => format!("{what}: {}\n", shown(&texts.join(", "))),
        };
        part("never published", &self.missing) + &part("published again, or otherwise", &self.extra)
    }
}
