//! Who publishes: the program, the host and the user, as the envelope and the endpoint table name them.
//!
//! [`crate::publisher`] asks it once, when it opens. Rules: fedmsg wire specification, sections 1.4,
//! 1.5 and 2.1.

use std::env;
use std::path::Path;

/// Returns the short host name: the system's, cut at the first dot.
///
/// ```
/// assert!(!fedmsg::host_name().contains('.'));
/// ```
#[must_use]
pub fn host_name() -> String {
    let full = gethostname::gethostname().to_string_lossy().into_owned();
    full.split('.').next().unwrap_or("localhost").to_owned()
}

/// Returns the name of the running program, without folders and without an extension.
#[must_use]
pub fn program_name() -> String {
    env::args_os()
        .next()
        .as_deref()
        .map(Path::new)
        .and_then(Path::file_stem)
        .map(|stem| stem.to_string_lossy().into_owned())
        .filter(|stem| !stem.is_empty())
        .unwrap_or_else(|| "fedmsg".to_owned())
}

/// Returns the user's name: the first of `LOGNAME`, `USER`, `LNAME`, `USERNAME` that is not empty,
/// else what the system's user table has for this process (the original's order).
///
/// ```
/// assert!(!fedmsg::user_name().is_empty());
/// ```
#[must_use]
pub fn user_name() -> String {
    ["LOGNAME", "USER", "LNAME", "USERNAME"]
        .into_iter()
        .filter_map(|variable| env::var(variable).ok())
        .find(|name| !name.is_empty())
        .or_else(|| whoami::username().ok())
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_empty() {
        assert!(!host_name().is_empty());
        assert!(!program_name().is_empty());
        assert!(!user_name().is_empty());
    }
}
