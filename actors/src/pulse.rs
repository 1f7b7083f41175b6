//! What a worker is doing right now, as cheap as it can be said: is it in a call of its plugin, in which?
//!
//! The hosts (`consumer_actor`, `producer_actor`) write it, `stuck` looks at it now and then and compares.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

const IDLE: u8 = 0;
const CALLING: u8 = 1;
const PAUSING: u8 = 2;

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It waits for something to do.
    Idle,
    /// It is in a call of its plugin.
    Calling,
    /// It waits on purpose, before it tries again.
    Pausing,
}

/// The pulse of one worker: one writer, any readers.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    doing: AtomicU8,
    calls: AtomicU64,
}

impl Pulse {
    /// The plugin is called (again). One writer, so that this costs no more than a store.
    #[inline]
    pub(crate) fn beat(&self) {
        let calls = self.calls.load(Ordering::Relaxed);
        self.calls.store(calls.wrapping_add(1), Ordering::Relaxed);
    }

    /// From here on it is in calls of its plugin, until the answer is dropped.
    pub(crate) fn calling(&self) -> While<'_> {
        self.beat();
        self.begin(CALLING)
    }

    /// From here on it waits on purpose, until the answer is dropped.
    pub(crate) fn pausing(&self) -> While<'_> {
        self.begin(PAUSING)
    }

    /// Whoever had this pulse before has died, whatever it was doing.
    pub(crate) fn reset(&self) {
        self.doing.store(IDLE, Ordering::Relaxed);
    }

    /// What it is doing, and the number of its last call.
    pub(crate) fn read(&self) -> (Doing, u64) {
        let doing = match self.doing.load(Ordering::Relaxed) {
            CALLING => Doing::Calling,
            PAUSING => Doing::Pausing,
            _ => Doing::Idle,
        };
        (doing, self.calls.load(Ordering::Relaxed))
    }

    fn begin(&self, doing: u8) -> While<'_> {
        self.doing.store(doing, Ordering::Relaxed);
        While(self)
    }
}

/// While this is there, a worker is doing something; then it is idle again.
pub(crate) struct While<'a>(&'a Pulse);

impl Drop for While<'_> {
    fn drop(&mut self) {
        self.0.reset();
    }
}
