//! How a supervisor notices what is stuck: it looks at everybody about once a second.
//!
//! A consumer that has taken too long over one message is named, and not the intake that it holds up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{AsyncContext, Context};
use tokio::time::Instant;
use tracing::{error, info};

use super::{SourceHandle, Supervisor};
use crate::consumer_cell::ConsumerCell;
use crate::counters::{in_ms, read};
use crate::pulse::{Doing, Pulse};
use crate::stuck::{INTAKE_LIMIT, Turn, Watch};

/// How often it looks, unless a limit is shorter than a few of these.
const PERIOD: Duration = Duration::from_secs(1);

/// It looks so often within the shortest limit.
const LOOKS_IN_LIMIT: u32 = 4;

/// The shortest pause between two looks.
const SHORTEST_PERIOD: Duration = Duration::from_millis(10);

/// Looks at a consumer.
pub(super) struct ConsumerWatch {
    /// One for each worker: which call is it in?
    workers: Vec<Watch<u64>>,
    /// How much has been dealt with, while there is something to do and no worker has begun?
    idle: Watch<u64>,
}

/// Looks at a source of messages.
pub(super) struct SourceWatch {
    turn: Turn,
    /// Which question has its thread not answered?
    thread: Watch<u64>,
    /// How much has been routed, while there is more to route and nobody holds it up?
    routing: Watch<u64>,
    listeners: Vec<Arc<ConsumerCell>>,
}

impl ConsumerWatch {
    pub(super) fn new(cell: &ConsumerCell) -> Self {
        let watch = || Watch::new(cell.config.stuck_after);
        Self {
            workers: cell.pulses.iter().map(|_| watch()).collect(),
            idle: watch(),
        }
    }

    fn look(&mut self, cell: &ConsumerCell, now: Instant) -> Option<Duration> {
        let is_over = cell.is_over();
        let mut stuck_for = None;
        let mut is_idle = !is_over;
        for (watch, pulse) in self.workers.iter_mut().zip(&cell.pulses) {
            let (doing, call) = pulse.read();
            is_idle &= doing == Doing::Idle;
            let work = (doing == Doing::Calling && !is_over).then_some(call);
            stuck_for = stuck_for.max(watch.look(work, now));
        }
        // Its thread may be blocked by what its plugin has left running there.
        let has_work = is_idle && cell.mailbox.depth().messages > 0;
        let settled = read(&cell.counters.consumed) + read(&cell.counters.dropped);
        stuck_for.max(self.idle.look(has_work.then_some(settled), now))
    }
}

impl SourceWatch {
    pub(super) fn new(turn: Turn, listeners: Vec<Arc<ConsumerCell>>) -> Self {
        Self {
            turn,
            thread: Watch::new(INTAKE_LIMIT),
            routing: Watch::new(INTAKE_LIMIT),
            listeners,
        }
    }

    fn look(&mut self, received: u64, routed: u64, now: Instant) -> Option<Duration> {
        let is_held_up = self.listeners.iter().any(|cell| cell.mailbox.holds_up());
        let has_work = received > routed && !is_held_up;
        let routing = self.routing.look(has_work.then_some(routed), now);
        let thread = self.thread.look(Some(self.turn.ask()), now);
        thread.max(routing)
    }
}

impl Supervisor {
    /// Looks at everybody from now on.
    pub(super) fn keep_looking(&self, context: &mut Context<Self>) {
        let limits = self.consumers.iter().map(|it| it.cell.config.stuck_after);
        let limits = limits.chain(self.producers.iter().map(|it| it.cell.config.stuck_after));
        let shortest = limits.filter(|limit| !limit.is_zero()).min();
        let period = shortest.map_or(PERIOD, |limit| limit / LOOKS_IN_LIMIT);
        let period = period.clamp(SHORTEST_PERIOD, PERIOD);
        context.run_interval(period, |supervisor, _| supervisor.look(Instant::now()));
    }

    /// Looks at everybody once, as of `now`.
    pub(super) fn look(&mut self, now: Instant) {
        if self.stopping {
            return; // a stop has its own time-out, and names who is not done
        }
        let mut changed = false;
        for consumer in &mut self.consumers {
            let look = consumer.watch.look(&consumer.cell, now);
            changed |= note(
                "consumer",
                &consumer.cell.name,
                look,
                &consumer.cell.stuck_ms,
            );
        }
        for producer in &mut self.producers {
            let work = calling(&producer.cell.pulse);
            let look = producer.watch.look(work, now);
            changed |= note(
                "producer",
                &producer.cell.name,
                look,
                &producer.cell.stuck_ms,
            );
        }
        for source in &mut self.sources {
            let look = source.look(now);
            changed |= note("intake", source.source.key(), look, &source.stuck_ms);
        }
        if changed {
            self.progress.beat();
        }
    }
}

impl SourceHandle {
    fn look(&mut self, now: Instant) -> Option<Duration> {
        if self.ended {
            return None; // which is told otherwise
        }
        let routed = read(&self.routed); // first: what arrives meanwhile is no work yet
        let received = self.counters.counts().messages;
        self.watch.look(received, routed, now)
    }
}

/// The call that a worker is in.
fn calling(pulse: &Pulse) -> Option<u64> {
    let (doing, call) = pulse.read();
    (doing == Doing::Calling).then_some(call)
}

/// Notes for how long something is stuck, if it is, and says it once. Returns whether that is news.
fn note(part: &str, name: &str, stuck_for: Option<Duration>, stuck_ms: &AtomicU64) -> bool {
    let was_stuck = read(stuck_ms) > 0;
    let time = stuck_for.map_or(0, |time| in_ms(time).max(1));
    stuck_ms.store(time, Ordering::Relaxed);
    match (was_stuck, stuck_for) {
        (false, Some(stuck_for)) => {
            error!(
                part,
                name,
                ?stuck_for,
                "stuck: it has work and does not go on; the watchdog is no longer told that all is well"
            );
        }
        (true, None) => info!(part, name, "no longer stuck"),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests;
