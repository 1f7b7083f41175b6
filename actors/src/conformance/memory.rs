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
    let parts = parts(measured)?;
    // At least three of four parts have grown by so much.
    let each = *parts.get(parts.len() / 4)?;
    let growth = each.saturating_mul(parts.len());
    (parts.first() > Some(&0) && growth > bound).then_some(growth)
}

/// Whether what has grown is the plugin, and not the outside world, which may keep what was done to it. `measured`
/// is as before; `relieved` was measured after more parts of the same size, before each of which the plugin was
/// built anew: whatever it holds was free for others then, so that these parts have grown by what the others keep.
pub(super) fn is_plugins(measured: &[usize], relieved: &[usize], bound: usize) -> bool {
    let Some(parts) = parts(measured) else {
        return false;
    };
    let each = parts.get(parts.len() / 4).copied().unwrap_or_default();
    let mut others: Vec<usize> = relieved
        .windows(2)
        .filter_map(|pair| Some(pair.last()?.saturating_sub(*pair.first()?)))
        .collect();
    others.sort_unstable();
    // At most half of the parts have seen something else.
    let of_others = others.get(others.len() / 2).copied().unwrap_or_default();
    each.saturating_sub(of_others)
        .saturating_mul(ROUNDS.saturating_sub(1))
        > bound
}

/// By how much memory has grown in each part after the first, in order of size, if it never shrank.
fn parts(measured: &[usize]) -> Option<Vec<usize>> {
    let pairs = measured.windows(2);
    let parts = pairs.map(|pair| pair.last()?.checked_sub(*pair.first()?));
    let mut parts: Vec<usize> = parts.collect::<Option<_>>()?;
    parts.sort_unstable();
    Some(parts)
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

    #[test]
    fn what_stays_when_the_plugin_is_built_anew_is_not_the_plugins() {
        #[track_caller]
        fn check(relieved: &[usize], expected: bool) {
            let measured = [1000, 1100, 1200, 1300, 1400];
            assert_eq!(
                is_plugins(&measured, relieved, 200),
                expected,
                "{relieved:?}"
            );
        }
        check(&[1400, 1500, 1600, 1700, 1800], false);
        check(&[1400, 1400, 1400, 1400, 1400], true);
        // It keeps as much as the world does, or three times as much.
        check(&[1400, 1400, 1450, 1500, 1550, 1600], false);
        check(&[1400, 1400, 1425, 1450, 1475, 1500], true);
        // Others have taken memory meanwhile, or given some back.
        check(&[1400, 1400, 1400, 5400, 5400, 5400], true);
        check(&[1400, 1500, 900, 1000, 1100, 1200], false);
    }
}
