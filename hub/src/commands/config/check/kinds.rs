//! Whether every consumer and producer is of a kind that there is, with params that it takes.
//!
//! [`super::findings`] calls it; the engine looks them up as it does for a hub.

use fedmsg_actors::{PlanError, Registry};
use fedmsg_config::{ConfigError, ConfigErrors, KeyPath, Loaded, Problem, Segment};

use super::Asked;
use super::finding::{Finding, Severity};

/// Looks all instances up; what is wrong with one that is not enabled is a warning. A setting with which
/// something is wrong already is passed over: what stands in for it is not the operator's.
pub(super) fn check(
    loaded: &Loaded,
    registry: &Registry,
    asked: Asked,
    findings: &mut Vec<Finding>,
) {
    let mut config = loaded.config.clone();
    for consumer in config.consumers.values_mut() {
        consumer.enabled = true;
    }
    for producer in config.producers.values_mut() {
        producer.enabled = true;
    }
    let known: Vec<_> = findings.iter().map(|finding| finding.key.clone()).collect();
    let errors = registry.check(&config).into_iter();
    for error in errors.filter(|error| !is_known(error, &known)) {
        let severity = match is_enabled(loaded, &error) {
            true => Severity::Error,
            false => Severity::Warning,
        };
        for error in located(loaded, error).iter() {
            if !known.contains(&error.key) {
                let mut finding = Finding::from(error);
                finding.severity = severity;
                if asked == Asked::Config && is_strange_kind(error) && !is_slip(error) {
                    finding.message += "; a hub of your own knows more kinds: ask its --check";
                }
                findings.push(finding);
            }
        }
    }
}

/// Whether a schedule cannot be told because of something that is at fault already.
fn is_known(error: &PlanError, known: &[KeyPath]) -> bool {
    let PlanError::Schedule { name, .. } = error else {
        return false;
    };
    let producer = KeyPath::from(["producers", &**name]);
    let parts = ["every", "cron", "timezone"].map(|part| producer.child(part));
    known.iter().any(|key| parts.contains(key))
}

/// Whether there is no such kind; a parameter may have an unknown value, too.
fn is_strange_kind(error: &ConfigError) -> bool {
    let is_kind = match error.key.segments() {
        [_, _, Segment::Key(key)] => key == "kind",
        _ => false,
    };
    is_kind && matches!(error.problem, Problem::UnknownName { .. })
}

/// Whether what was meant is known.
fn is_slip(error: &ConfigError) -> bool {
    let advice = error.suggestion.as_deref().unwrap_or_default();
    advice.starts_with("did you mean")
}

fn is_enabled(loaded: &Loaded, error: &PlanError) -> bool {
    let config = &loaded.config;
    match error {
        PlanError::UnknownKind {
            table: "consumers",
            name,
            ..
        }
        | PlanError::Params {
            table: "consumers",
            name,
            ..
        } => config.consumers.get(name).is_none_or(|it| it.enabled),
        PlanError::UnknownKind { name, .. }
        | PlanError::Params { name, .. }
        | PlanError::Schedule { name, .. } => {
            config.producers.get(name).is_none_or(|it| it.enabled)
        }
    }
}

/// Returns an error of the plan with its place and with what may have been meant.
fn located(loaded: &Loaded, error: PlanError) -> ConfigErrors {
    let origins = &loaded.origins;
    match error {
        PlanError::Params {
            table: "consumers",
            name,
            source,
        } => origins.consumer_errors(&name, source),
        PlanError::Params { name, source, .. } => origins.producer_errors(&name, source),
        PlanError::UnknownKind {
            table,
            name,
            kind,
            known,
        } => {
            let problem = Problem::UnknownName { name: kind, known };
            origins
                .error(KeyPath::from([table, &*name, "kind"]), problem)
                .into()
        }
        PlanError::Schedule { name, source } => {
            let producer = KeyPath::from(["producers", &*name]);
            let key = source
                .key()
                .map_or(producer.clone(), |key| producer.child(key));
            origins.error(key, Problem::Schedule(source)).into()
        }
    }
}
