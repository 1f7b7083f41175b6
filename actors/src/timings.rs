//! How long a consumer took over its newest messages.
//!
//! Its host notes a whole lease at a time; the hub takes them away when it says how it is, and only a hub
//! that does so has them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many messages are remembered (fedmsg hub specification §1.10).
const MESSAGES: u64 = 1024;

/// The times of the newest messages: seconds each, and for how many in a row. What came in one lease
/// shares its time evenly, because a clock is not read for each.
#[derive(Debug, Default)]
pub(crate) struct Timings(Mutex<Runs>);

#[derive(Debug, Default)]
struct Runs {
    runs: VecDeque<(f64, u64)>,
    messages: u64,
}

impl Timings {
    /// Notes that so many messages took `elapsed` together.
    pub(crate) fn note(&self, messages: u64, elapsed: Duration) {
        if messages == 0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a lease has a few hundred")]
        let seconds = elapsed.as_secs_f64() / messages as f64;
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.messages += messages;
        runs.runs.push_back((seconds, messages));
        // The oldest run may reach beyond the limit: it is cut when they are taken.
        while let Some((_, oldest)) = runs.runs.front().copied()
            && runs.messages - oldest >= MESSAGES
        {
            runs.messages -= oldest;
            runs.runs.pop_front();
        }
    }

    /// Takes the times of the newest messages since this was last done, in seconds, oldest first.
    pub(crate) fn take(&self) -> Vec<f64> {
        let runs = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let surplus = runs.messages.saturating_sub(MESSAGES);
        let each = runs
            .runs
            .into_iter()
            .flat_map(|(seconds, messages)| (0..messages).map(move |_| seconds));
        each.skip(usize::try_from(surplus).unwrap_or(usize::MAX))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_messages_are_kept_and_taken_once() {
        let timings = Timings::default();
        assert!(timings.take().is_empty());
        timings.note(0, Duration::from_secs(9));
        timings.note(2, Duration::from_secs(1));
        timings.note(1, Duration::from_secs(2));
        assert_eq!(timings.take(), [0.5, 0.5, 2.0]);
        assert!(timings.take().is_empty());
        for _ in 0..1000 {
            timings.note(256, Duration::from_secs(256));
        }
        timings.note(24, Duration::from_secs(48));
        let taken = timings.take();
        assert_eq!(taken.len(), 1024);
        assert_eq!(taken.iter().filter(|seconds| **seconds > 1.5).count(), 24);
    }
}
