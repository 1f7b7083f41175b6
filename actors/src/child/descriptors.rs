//! How many descriptors this process may have open, and the programs that it runs.
//!
//! Hubs and commands raise their own limit; [`super::ProcessGroup`] gives programs what there was before.

use std::sync::OnceLock;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use tracing::{debug, warn};

/// What this process had before it raised its limit.
static BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Raises the number of descriptors that this process may open to the most that it may ask for
/// (`RLIMIT_NOFILE`, getrlimit(2)): each address that it listens to takes three, and the customary
/// 1024 are few. Programs that are run from then on have the limit of before, because some go through all
/// descriptors that they may have, and select(2) knows no more than 1024.
///
/// ```
/// fedmsg_actors::raise_descriptors();
/// fedmsg_actors::raise_descriptors(); // nothing more to do
/// ```
pub fn raise_descriptors() {
    let before = getrlimit(Resource::Nofile);
    if before.current == before.maximum {
        return;
    }
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => drop(BEFORE.set(before)),
        Err(error) => warn!(%error, "the limit of open files stays as it is"),
    }
}

/// Gives a program that has just begun what this process had.
pub(super) fn give_back(program: Pid) {
    let Some(before) = BEFORE.get() else {
        return;
    };
    if let Err(error) = prlimit(Some(program), Resource::Nofile, *before) {
        // It has ended already, or is somebody else's (set-user-ID).
        debug!(%error, "a program keeps the limit of open files of this process");
    }
}

#[cfg(test)]
mod tests {
    use crate::child::{Command, Outcome};

    use super::*;

    #[tokio::test]
    async fn a_program_has_the_limit_of_before() {
        let before = getrlimit(Resource::Nofile);
        let low = Rlimit {
            current: Some(512),
            maximum: before.maximum,
        };
        setrlimit(Resource::Nofile, low).unwrap();
        raise_descriptors();
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum);
        // It looks when it has been given something, which is after it has been started.
        let look = "read it; test \"$(ulimit -S -n)\" = 512";
        let shell = Command::new("/bin/sh").args(["-c", look]);
        let outcome = shell.attempt(b"now\n", &[]).await.unwrap();
        assert_eq!(outcome, Outcome::Success);
    }
}
