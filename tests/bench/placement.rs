//! Which core each process of a measurement runs on.
//!
//! [`crate::measure`] asks for the cores, [`crate::peer`] starts children on them.

use anyhow::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

/// Where the processes of a measurement run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Placement {
    /// What is measured has a core for itself, everybody else is on another one.
    Pinned,
    /// Everybody runs where the kernel puts it.
    Unpinned,
}

impl Placement {
    /// The core of what is measured.
    pub(crate) fn subject(self) -> Option<usize> {
        self.core(1)
    }

    /// The core of whoever sends to it, or reads from it.
    pub(crate) fn others(self) -> Option<usize> {
        self.core(0)
    }

    fn core(self, index: usize) -> Option<usize> {
        match self {
            Self::Pinned => cores().get(index).copied(),
            Self::Unpinned => None,
        }
    }
}

/// The cores that this process may use, in order.
pub(crate) fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU)
        .filter(|core| allowed.is_set(*core))
        .collect()
}

/// Keeps this thread, and those it starts from now on, on one core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    Ok(sched_setaffinity(None, &only)?)
}
