//! What would keep consumers and producers from starting, as their kinds say.
//!
//! [`super::findings`] calls it; nothing is started. A file or a program may be another's business on
//! another machine: this is about the one that it runs on.

use std::io;

use fedmsg_actors::{PreflightError, Registry};
use fedmsg_config::{KeyPath, Loaded};
use rustix::io::Errno;

use super::finding::{Finding, Severity};
use crate::commands::located::settings_at_fault;

/// Asks the kinds of all instances that are enabled.
pub(super) fn check(loaded: &Loaded, registry: &Registry, findings: &mut Vec<Finding>) {
    for error in registry.preflight(&loaded.config) {
        findings.extend(located(loaded, error).into_iter().map(softened));
    }
}

/// Returns a finding as a warning if this user may not do what the hub may have to: it runs as another.
fn softened(mut finding: Finding) -> Finding {
    let denied = io::Error::from(Errno::ACCESS).to_string();
    if finding.message.contains(&denied) {
        finding.severity = Severity::Warning;
        finding.message += "; that is so for this user: check as the one that the hub runs as";
    }
    finding
}

/// Returns what a kind has found, with its place.
fn located(loaded: &Loaded, error: PreflightError) -> Vec<Finding> {
    let PreflightError {
        table,
        name,
        source,
        ..
    } = error;
    match settings_at_fault(loaded, table, &name, source) {
        Ok(errors) => errors.iter().map(Finding::from).collect(),
        Err(source) => {
            let kind = KeyPath::from([table, &*name, "kind"]);
            vec![Finding::error(loaded, kind, source)]
        }
    }
}

#[cfg(test)]
mod tests {
    use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
    use fedmsg_config::{Config, Sources};

    use super::*;

    /// A consumer that says what stands in the way as the error number in its name.
    struct Locked<const ERROR: i32>;

    impl<const ERROR: i32> Consumer for Locked<ERROR> {
        const KIND: &'static str = "locked";
        type Params = NoParams;

        async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
            Ok(Self)
        }

        fn preflight(_: &NoParams, _: &Config) -> Result<(), BoxError> {
            Err(io::Error::from_raw_os_error(ERROR).into())
        }

        async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
            Ok(())
        }
    }

    #[track_caller]
    fn found<C: Consumer>(expected: Severity) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.toml");
        std::fs::write(&file, "[consumers.a]\nkind = 'locked'").unwrap();
        let sources = Sources {
            config: Some(file),
            ..Sources::default()
        };
        let (loaded, mut registry) = (Config::load(&sources).unwrap(), Registry::default());
        registry.consumer::<C>();
        let mut findings = Vec::new();
        check(&loaded, &registry, &mut findings);
        let severities: Vec<_> = findings.iter().map(|it| it.severity).collect();
        assert_eq!(severities, [expected], "{findings:?}");
    }

    #[test]
    fn what_only_this_user_may_not_do_is_a_warning() {
        found::<Locked<{ Errno::ACCESS.raw_os_error() }>>(Severity::Warning);
        found::<Locked<{ Errno::NOENT.raw_os_error() }>>(Severity::Error);
    }
}
