//! The threads that consumers, producers and sources of messages run on.
//!
//! The supervisor takes one for each instance. Up to a limit each has a thread of its own, so that a
//! plugin that blocks (it should not) holds up nobody else; beyond the limit they share.

use std::future::ready;

use actix::ArbiterHandle;
use actix_rt::Arbiter;

/// At most this many threads for plugins, each with its event loop (three descriptors).
const MAX_SHARED: usize = 64;

/// A growing pool of arbiters, handed out in turn once it is full.
#[derive(Default)]
pub(crate) struct Arbiters {
    shared: Vec<Arbiter>,
    next: usize,
    dedicated: Vec<Arbiter>,
}

impl Arbiters {
    /// The arbiter for the next plugin.
    pub(crate) fn next(&mut self) -> ArbiterHandle {
        if self.shared.len() < MAX_SHARED {
            return start(&mut self.shared);
        }
        self.next = (self.next + 1) % MAX_SHARED;
        let Some(arbiter) = self.shared.get_mut(self.next) else {
            return Arbiter::current();
        };
        if !arbiter.spawn(ready(())) {
            *arbiter = Arbiter::new(); // that thread has ended
        }
        arbiter.handle()
    }

    /// An arbiter that nothing else runs on, whatever the number of plugins.
    pub(crate) fn dedicated(&mut self) -> ArbiterHandle {
        start(&mut self.dedicated)
    }

    /// Ends the event loops. What still runs on them is dropped.
    pub(crate) fn stop(&self) {
        for arbiter in self.shared.iter().chain(&self.dedicated) {
            arbiter.stop();
        }
    }
}

fn start(arbiters: &mut Vec<Arbiter>) -> ArbiterHandle {
    let arbiter = Arbiter::new();
    let handle = arbiter.handle();
    arbiters.push(arbiter);
    handle
}
