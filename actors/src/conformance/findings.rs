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
    unchecked: Vec<Unchecked>,
}

/// A rule that was not looked at.
struct Unchecked {
    rule: Requirement,
    reason: String,
    /// Whoever is excused from this one is excused from it, too.
    along_with: Requirement,
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
            self.leave_along(&[*rule], reason, *rule);
        }
    }

    /// As [`Findings::leave`]; an excuse for `along_with` is one for these rules as well.
    pub(super) fn leave_along(
        &mut self,
        rules: &[Requirement],
        reason: &str,
        along_with: Requirement,
    ) {
        for rule in rules {
            if !self.unchecked.iter().any(|left| left.rule == *rule) {
                self.unchecked.push(Unchecked {
                    rule: *rule,
                    reason: reason.to_owned(),
                    along_with,
                });
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
        let excuse = |rule: Requirement| excuses.iter().find(|it| it.0 == rule);
        let (mut findings, mut unchecked, mut excused) = (Vec::new(), Vec::new(), Vec::new());
        for finding in self.found {
            match excuse(finding.requirement) {
                Some(excuse) => excused.push(excuse.clone()),
                None => findings.push(finding),
            }
        }
        for Unchecked {
            rule,
            reason,
            along_with,
        } in self.unchecked
        {
            let is_found = |it: Requirement| findings.iter().any(|other| other.requirement == it);
            match excuse(rule).or_else(|| excuse(along_with)) {
                _ if is_found(rule) || excused.iter().any(|it| it.0 == rule) => {}
                Some((_, reason)) => excused.push((rule, reason.clone())),
                None => unchecked.push((rule, reason)),
            }
        }
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
