//! The control: do two threads get twice as far as one?
//!
//! Two threads that only count, on a machine that has two idle cores, count twice as far as one
//! thread in the same time. When they do not, somebody else is using the cores, and the figures of
//! the run are worth less.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

/// How long the threads count at a time.
const TIME: Duration = Duration::from_millis(100);
/// How often they count: one thread alone is taken at its best, two are taken as they are.
const TIMES: usize = 3;
/// How far they count between two looks at the clock.
const STRIDE: u64 = 10_000;

/// How much further two threads count than one, 2.00 on a quiet machine.
#[expect(clippy::cast_precision_loss, reason = "it is a ratio of large numbers")]
pub(crate) fn control() -> f64 {
    let counts = |threads| (0..TIMES).map(move |_| count(threads));
    let one = counts(1).max().unwrap_or_default();
    let two = counts(2).sum::<u64>();
    two as f64 / (one * TIMES as u64) as f64
}

fn count(threads: usize) -> u64 {
    thread::scope(|scope| {
        let counters: Vec<_> = (0..threads).map(|_| scope.spawn(count_alone)).collect();
        let counted = counters.into_iter().map(|counter| counter.join());
        counted.map(Result::unwrap_or_default).sum()
    })
}

fn count_alone() -> u64 {
    let start = Instant::now();
    let mut counted = 0;
    while start.elapsed() < TIME {
        for _ in 0..STRIDE {
            counted = black_box(counted + 1);
        }
    }
    counted
}
