//! `Exit`: the moment at which a program ends, seen without waiting for it.
//!
//! Once a process has been waited for its number may be somebody else's, and its group cannot be ended any
//! more. [`super::Command`] and the consumer `process` look here first, then end the group, and wait then.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::Child;

use super::group::leader;

/// The end of a process, which is still to be waited for when it has come.
///
/// ```
/// use fedmsg_actors::Exit;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut child = tokio::process::Command::new("true").spawn()?;
/// Exit::of(&child)?.wait().await;
/// assert!(child.id().is_some()); // a zombie
/// assert!(child.wait().await?.success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Exit(AsyncFd<OwnedFd>);

impl Exit {
    /// The end of this child.
    ///
    /// # Errors
    ///
    /// It has been waited for, or the system has no descriptor left.
    pub fn of(child: &Child) -> io::Result<Self> {
        let id = leader(child).ok_or(io::ErrorKind::NotFound)?;
        let handle = pidfd_open(id, PidfdFlags::NONBLOCK)?;
        #[expect(
            deprecated,
            reason = "the other way is unsafe, for descriptors that are closed early; this one is owned"
        )]
        AsyncFd::with_interest(handle, Interest::READABLE).map(Self)
    }

    /// Waits until it has come. Cancel safe.
    pub async fn wait(&self) {
        // Only the end of the runtime is an error.
        let _ = self.0.readable().await;
    }
}
