//! What the system lets a process have.

use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::warn;

/// Raises the number of descriptors that this process may open to the most that it may ask for
/// (`RLIMIT_NOFILE`, getrlimit(2)): each address that it listens to takes three, and the customary
/// 1024 are few.
pub(crate) fn raise_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "the limit of open files stays as it is");
    }
}
