//! The pulse of a hub: told whenever something has moved, so that those who wait look again.
//!
//! Routers and hosts beat it once a batch; [`crate::RunningHub`] waits on it.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Tells all who wait that counters or states have changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<Notify>);

impl Progress {
    /// Something has moved.
    pub(crate) fn beat(&self) {
        self.0.notify_waiters();
    }

    /// Resolves at the next beat after it has been enabled.
    pub(crate) fn beaten(&self) -> Notified<'_> {
        self.0.notified()
    }
}
