//! What would keep consumers and producers from starting, as their kinds say.
//!
//! [`super::findings`] calls it; nothing is started. A file or a program may be another's business on
//! another machine: this is about the one that it runs on.

use fedmsg_actors::{PreflightError, Registry, SettingError};
use fedmsg_config::{KeyPath, Loaded, Origin, ParamsError};

use super::finding::Finding;

/// Asks the kinds of all instances that are enabled.
pub(super) fn check(loaded: &Loaded, registry: &Registry, findings: &mut Vec<Finding>) {
    for error in registry.preflight(&loaded.config) {
        findings.extend(located(loaded, error));
    }
}

/// Returns what a kind has found, with its place.
fn located(loaded: &Loaded, error: PreflightError) -> Vec<Finding> {
    let PreflightError {
        table,
        name,
        source,
        ..
    } = error;
    let kind = KeyPath::from([table, &*name, "kind"]);
    let source = match source.downcast::<ParamsError>() {
        Ok(error) if table == "consumers" => {
            let errors = loaded.origins.consumer_errors(&name, *error);
            return errors.iter().map(Finding::from).collect();
        }
        Ok(error) => {
            let errors = loaded.origins.producer_errors(&name, *error);
            return errors.iter().map(Finding::from).collect();
        }
        Err(source) => source,
    };
    let finding = match source.downcast_ref::<SettingError>() {
        Some(error) if loaded.origins.of(&error.key) != Origin::Default => {
            Finding::error(loaded, error.key.clone(), &error.reason)
        }
        // A default has no line; who needs it has one.
        Some(error) => Finding::error(loaded, kind, format!("{}: {}", error.key, error.reason)),
        None => Finding::error(loaded, kind, source),
    };
    vec![finding]
}
