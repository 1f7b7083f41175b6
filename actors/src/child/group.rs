//! The process group of a program that runs: what it has started with it.
//!
//! [`super::Command`] makes one for each run, to end all of it when the time is up.

use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::Child;
use tokio::time::{Instant, sleep};

/// How often it is looked whether a program has ended that was told to.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A process group, named after its leader; killed when this is dropped, unless it is gone.
pub(crate) struct Group {
    /// Absent once the leader has been waited for: its number may be somebody else's then.
    leader: Option<Pid>,
}

impl Group {
    /// The group of a program that was started in one of its own.
    pub(crate) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let leader = id.and_then(Pid::from_raw);
        Self { leader }
    }

    /// Sends a signal to all that are in it.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // It is there: the leader has not been waited for.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Returns when the leader has ended, or after `patience`. It is not waited for, so that its number
    /// stays that of the group.
    pub(crate) async fn leader_ended(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let Some(leader) = self.leader else {
            return;
        };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        while let Ok(None) = waitid(WaitId::Pid(leader), look) {
            if Instant::now() >= deadline {
                return;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Notes that the leader has been waited for.
    pub(crate) fn is_gone(&mut self) {
        self.leader = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
