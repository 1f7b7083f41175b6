//! `Findings`: what the trials of one plugin have found so far, each rule once.
//!
//! The suites of consumers and of producers fill it, and make the report of it.

use super::finding::{ConformanceReport, Finding, Requirement};

/// So much of an effect is shown.
const SHOWN: usize = 600;

/// What was found, and what could not be looked for.
#[derive(Default)]
pub(super) struct Findings {
    found: Vec<Finding>,
    unchecked: Vec<(Requirement, String)>,
}

impl Findings {
    pub(super) fn has(&self, requirement: Requirement) -> bool {
        self.found.iter().any(|it| it.requirement == requirement)
    }

    pub(super) fn found(&mut self, requirement: Requirement, done: &str, seen: impl Into<String>) {
        if !self.has(requirement) {
            self.found.push(Finding {
                requirement,
                done: done.to_owned(),
                seen: seen.into(),
            });
        }
    }

    /// Notes that these rules were not looked at.
    pub(super) fn leave(&mut self, rules: &[Requirement], reason: &str) {
        for rule in rules {
            if !self.unchecked.iter().any(|(left, _)| left == rule) {
                self.unchecked.push((*rule, reason.to_owned()));
            }
        }
    }

    /// Tells all, but for what the plugin is excused from.
    pub(super) fn report(
        self,
        role: &'static str,
        kind: &'static str,
        seed: Option<u64>,
        excuses: &[(Requirement, String)],
    ) -> ConformanceReport {
        let excuse = |finding: &Finding| {
            let mut excuses = excuses.iter();
            excuses.find(|it| it.0 == finding.requirement).cloned()
        };
        let excused = self.found.iter().filter_map(excuse).collect();
        let (mut findings, mut unchecked) = (self.found, self.unchecked);
        findings.retain(|finding| excuse(finding).is_none());
        unchecked.retain(|(rule, _)| !findings.iter().any(|it| it.requirement == *rule));
        ConformanceReport {
            role,
            kind,
            seed,
            findings,
            unchecked,
            excused,
        }
    }
}

pub(super) fn difference(expected: &str, found: &str) -> String {
    format!("expected {}\n   found {}", shown(expected), shown(found))
}

/// As much of a text as somebody wants to read.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
