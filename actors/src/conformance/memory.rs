//! Does memory grow with each message? Measured after each fifth of a flood.
//!
//! The suites flood a plugin and ask this what to think of the numbers.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A flood comes in so many parts. The first fills caches and pools, and is not judged.
pub(super) const ROUNDS: usize = 5;

/// The size of a page, in bytes: that of all machines this runs on but some ARM servers, where growth is
/// then underestimated.
const PAGE: usize = 4096;

/// What memory may be used, and how that is measured.
pub(super) struct Memory {
    pub(super) messages: usize,
    pub(super) bound: usize,
    pub(super) measure: Box<dyn Fn() -> usize>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            messages: 10_000,
            bound: 4 << 20,
            measure: Box::new(resident),
        }
    }
}

/// Returns by how much memory has grown after the first of these measurements, if that is more than `bound`, it
/// has grown each time, and most parts have had their share of it. What others do meanwhile comes and goes: a
/// step that only some of the parts have seen is theirs, and does not count.
pub(super) fn growth(measured: &[usize], bound: usize) -> Option<usize> {
    let pairs = measured.windows(2);
    let parts = pairs.map(|pair| pair.last()?.checked_sub(*pair.first()?));
    let mut parts: Vec<usize> = parts.collect::<Option<_>>()?;
    parts.sort_unstable();
    // At least three of four parts have grown by so much.
    let each = *parts.get(parts.len() / 4)?;
    let growth = each.saturating_mul(parts.len());
    (parts.first() > Some(&0) && growth > bound).then_some(growth)
}

/// Waits until no other flood of this process disturbs the measurements.
pub(super) fn one_flood() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The memory of this process, in bytes: the second number of `statm` (proc_pid_statm(5)); 0 where the
/// system does not say.
fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split_whitespace().nth(1);
    pages.and_then(|it| it.parse::<usize>().ok()).unwrap_or(0) * PAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_what_never_stops() {
        #[track_caller]
        fn check(measured: &[usize], expected: Option<usize>) {
            assert_eq!(growth(measured, 100), expected, "{measured:?}");
        }
        check(&[1000, 1050, 1100, 1150, 1200], Some(200));
        check(&[1000, 1010, 1020, 1030, 1100], None);
        check(&[1000, 5000, 5000, 5000, 5000], None);
        check(&[1000, 2000, 1500, 2000, 3000], None);
        check(&[0, 0, 0, 0, 0], None);
        check(&[], None);
        // Another test has taken memory, and keeps it.
        check(&[1725, 1988, 1989, 1990, 1991], None);
        check(&[1725, 1730, 1988, 1990, 1991], None);
        check(
            &[1000, 1010, 1020, 1030, 2000, 2010, 2020, 2030, 2040, 2050],
            None,
        );
        // The same, of a plugin that takes memory as well.
        check(&[1000, 1050, 2100, 2150, 2200], Some(200));
        assert!(resident() > 1 << 20);
    }
}
