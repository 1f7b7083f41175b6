//! What each consumer and producer has done: totals that only grow, and a few gauges.
//!
//! Written by the hosts and the router; read by the supervisor into [`crate::HubStatus`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fedmsg::now_ms;

/// Running totals of a consumer.
#[derive(Debug, Default)]
pub(crate) struct ConsumerCounters {
    /// Messages that went into the mailbox.
    pub(crate) accepted: AtomicU64,
    /// Messages consumed with success.
    pub(crate) consumed: AtomicU64,
    /// Attempts that ended in an error.
    pub(crate) errors: AtomicU64,
    /// Attempts that ended in a panic.
    pub(crate) panics: AtomicU64,
    /// Messages given up: the consumer said so, or all attempts failed.
    pub(crate) dropped: AtomicU64,
    /// Messages that never went in: the mailbox was full.
    pub(crate) overflowed: AtomicU64,
    /// Messages that came after the consumer had stopped for good.
    pub(crate) late: AtomicU64,
    /// Messages that went in and that it left behind when it stopped for good.
    pub(crate) abandoned: AtomicU64,
    /// Times that the router waited for room.
    pub(crate) waits: AtomicU64,
    /// Time spent in the plugin, in microseconds.
    pub(crate) busy_us: AtomicU64,
    /// When the last message was consumed, milliseconds since the epoch; 0 before the first.
    pub(crate) last_consumed_ms: AtomicU64,
}

/// Running totals of a producer.
#[derive(Debug, Default)]
pub(crate) struct ProducerCounters {
    /// Ticks that ended well.
    pub(crate) ticks: AtomicU64,
    /// Ticks that ended in an error or a panic.
    pub(crate) failures: AtomicU64,
    /// Failures since the last tick that ended well.
    pub(crate) consecutive_failures: AtomicU64,
    /// Ticks that were due while one was running, and were left out.
    pub(crate) skipped: AtomicU64,
    /// Ticks that were left out after failures.
    pub(crate) left_out: AtomicU64,
    /// Time spent in ticks, in microseconds.
    pub(crate) busy_us: AtomicU64,
    /// When the last tick began, milliseconds since the epoch; 0 before the first.
    pub(crate) last_tick_ms: AtomicU64,
}

impl ConsumerCounters {
    /// Messages that went in and whose fate is still open.
    pub(crate) fn unsettled(&self) -> u64 {
        // Settled first: what is settled between the two readings is then still counted as open.
        let settled = read(&self.consumed) + read(&self.dropped) + read(&self.abandoned);
        read(&self.accepted).saturating_sub(settled)
    }
}

impl ProducerCounters {
    /// A tick has ended well.
    pub(crate) fn recovered(&self) {
        self.consecutive_failures.store(0, Ordering::Relaxed);
    }
}

/// Adds to a counter that is only read for reports.
#[inline]
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// Reads a counter.
pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Adds a time to a counter of microseconds.
pub(crate) fn add_time(counter: &AtomicU64, time: Duration) {
    add(counter, u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
}

/// Notes the present moment.
pub(crate) fn note_now(counter: &AtomicU64) {
    counter.store(now_ms(), Ordering::Relaxed);
}

/// A time in whole milliseconds.
pub(crate) fn in_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
