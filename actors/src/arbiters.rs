//! The threads that consumers and producers run on.
//!
//! The supervisor takes one for each instance. Up to a limit each has a thread of its own, so that a
//! plugin that blocks (it should not) holds up nobody else; beyond the limit they share.

use actix::ArbiterHandle;
use actix_rt::Arbiter;

/// At most this many threads, each with its event loop (three descriptors).
const MAX_ARBITERS: usize = 64;

/// A growing pool of arbiters, handed out in turn once it is full.
#[derive(Default)]
pub(crate) struct Arbiters {
    arbiters: Vec<Arbiter>,
    next: usize,
}

impl Arbiters {
    /// The arbiter for the next instance.
    pub(crate) fn next(&mut self) -> ArbiterHandle {
        if self.arbiters.len() < MAX_ARBITERS {
            let arbiter = Arbiter::new();
            let handle = arbiter.handle();
            self.arbiters.push(arbiter);
            return handle;
        }
        self.next = (self.next + 1) % self.arbiters.len();
        self.arbiters
            .get(self.next)
            .map_or_else(Arbiter::current, Arbiter::handle)
    }

    /// Ends the event loops. What still runs on them is dropped.
    pub(crate) fn stop(&self) {
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
    }
}
