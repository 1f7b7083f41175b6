//! A limit for log lines that the network can provoke.
//!
//! The subscriber, the publisher and the actors ask it before they log what a hostile or broken peer
//! could make them log for every message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lets one line through per period and counts what it held back.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use fedmsg::LogLimit;
///
/// let limit = LogLimit::new(Duration::from_secs(60));
/// assert_eq!(limit.admit(), Some(0));
/// assert_eq!(limit.admit(), None);
/// ```
#[derive(Debug)]
pub struct LogLimit {
    start: Instant,
    period_ms: u64,
    /// Milliseconds since `start`, plus one, of the line last let through; 0 before the first.
    last_ms: AtomicU64,
    held_back: AtomicU64,
}

impl LogLimit {
    /// Makes a limit of one line per `period`.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        Self {
            start: Instant::now(),
            period_ms: u64::try_from(period.as_millis()).unwrap_or(u64::MAX),
            last_ms: AtomicU64::new(0),
            held_back: AtomicU64::new(0),
        }
    }

    /// Says whether a line may be written now: `Some(n)` if so, where `n` lines were held back
    /// since the last one; `None` if this one is to be held back (it is counted).
    pub fn admit(&self) -> Option<u64> {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = elapsed.saturating_add(1);
        let last = self.last_ms.load(Ordering::Relaxed);
        let due = last == 0 || now.saturating_sub(last) >= self.period_ms;
        if due
            && self
                .last_ms
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            Some(self.held_back.swap(0, Ordering::Relaxed))
        } else {
            self.held_back.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_passes_and_the_next_ones_are_counted() {
        let limit = LogLimit::new(Duration::from_secs(3600));
        assert_eq!(limit.admit(), Some(0));
        assert_eq!(limit.admit(), None);
        assert_eq!(limit.admit(), None);
        assert_eq!(limit.held_back.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_line_after_the_period_says_how_many_were_held_back() {
        let limit = LogLimit::new(Duration::ZERO);
        assert_eq!(limit.admit(), Some(0));
        limit.held_back.store(7, Ordering::Relaxed);
        assert_eq!(limit.admit(), Some(7));
    }
}
