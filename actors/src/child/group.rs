//! The process group of a program that runs: what it has started with it.
//!
//! [`super::Command`] makes one for each run, the consumer `process` one for its child, to end all of it.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::descriptors::give_back;

/// How often it is looked whether a program has ended that was told to.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The groups of this process that have not ended.
static RUNNING: Mutex<Running> = Mutex::new(Running {
    leaders: Vec::new(),
    is_over: false,
});

struct Running {
    leaders: Vec<Pid>,
    /// Whether this process ends: what is started from now on is killed at once.
    is_over: bool,
}

impl Running {
    fn lock() -> MutexGuard<'static, Self> {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&mut self, leader: Pid) {
        self.leaders.push(leader);
        if self.is_over {
            kill(leader);
        }
    }

    fn remove(&mut self, leader: Pid) {
        if let Some(index) = self.leaders.iter().position(|it| *it == leader) {
            self.leaders.swap_remove(index);
        }
    }
}

/// The number of a child, unless it has been waited for: that of its group.
pub(super) fn leader(child: &Child) -> Option<Pid> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    id.and_then(Pid::from_raw)
}

fn kill(leader: Pid) {
    let _ = kill_process_group(leader, Signal::KILL);
}

/// A process group, named after its leader; killed when this is dropped, unless it is gone.
///
/// ```
/// use fedmsg_actors::ProcessGroup;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (mut child, group) = ProcessGroup::spawn(tokio::process::Command::new("sleep").arg("60"))?;
/// drop(group); // kills it, and whatever it has started
/// assert!(!child.wait().await?.success());
/// # Ok(())
/// # }
/// ```
pub struct ProcessGroup {
    /// Absent once the leader has been waited for: its number may be somebody else's then.
    leader: Option<Pid>,
}

impl ProcessGroup {
    /// Starts a program in a group of its own. There is no moment at which it runs and is not among those that
    /// [`ProcessGroup::kill_all`] and [`ProcessGroup::kill_running`] kill.
    ///
    /// # Errors
    ///
    /// As of [`Command::spawn`].
    pub fn spawn(command: &mut Command) -> io::Result<(Child, Self)> {
        let mut running = Running::lock();
        let child = command.process_group(0).spawn()?;
        let leader = leader(&child);
        if let Some(leader) = leader {
            running.add(leader);
            give_back(leader);
        }
        Ok((child, Self { leader }))
    }

    /// Kills all groups that there are, and those that are still made: for a process that ends without
    /// dropping anything.
    pub fn kill_all() {
        let mut running = Running::lock();
        running.is_over = true;
        running.leaders.iter().copied().for_each(kill);
    }

    /// Kills all groups that there are, for a hub that is given up while it starts: what runs in them is
    /// dropped later, on other threads, or never.
    pub fn kill_running() {
        Running::lock().leaders.iter().copied().for_each(kill);
    }

    /// Sends a signal to all that are in it.
    pub fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // It is there: the leader has not been waited for.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Returns when the leader has ended, or after `patience`. It is not waited for, so that its number
    /// stays that of the group.
    pub async fn leader_ended(&self, patience: Duration) {
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
    pub fn is_gone(&mut self) {
        if let Some(leader) = self.leader.take() {
            Running::lock().remove(leader);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.is_gone();
    }
}
