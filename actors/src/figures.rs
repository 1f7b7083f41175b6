//! Numbers that a plugin counts by itself, for whoever looks at the status of the hub.
//!
//! Set through the contexts of plugins, read by [`crate::status`]. Each worker has its own.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the figures of a plugin come from.
type Count = Box<dyn Fn() -> Vec<(&'static str, u64)> + Send>;

/// The figures of one worker of a plugin: none until it shows some.
#[derive(Default)]
pub(crate) struct Figures(Mutex<Option<Count>>);

impl Figures {
    /// Takes `count` in the place of what was there.
    pub(crate) fn show(&self, count: Count) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(count);
    }

    /// The figures of several workers, added up.
    pub(crate) fn sum(workers: &[Arc<Self>]) -> BTreeMap<&'static str, u64> {
        let mut sum = BTreeMap::new();
        for (name, figure) in workers.iter().flat_map(|worker| worker.read()) {
            let total: &mut u64 = sum.entry(name).or_default();
            *total = total.saturating_add(figure);
        }
        sum
    }

    fn read(&self) -> Vec<(&'static str, u64)> {
        let count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = count.as_ref().map(|count| {
            // A plugin that cannot count must not cost the hub its supervisor.
            catch_unwind(AssertUnwindSafe(count)).unwrap_or_default()
        });
        read.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_all_workers_add_up_and_a_panic_counts_nothing() {
        let workers: Vec<Arc<Figures>> = (0..4).map(|_| Arc::default()).collect();
        workers[0].show(Box::new(|| vec![("subscribers", 2), ("missed", 0)]));
        workers[1].show(Box::new(|| vec![("subscribers", 3)]));
        workers[2].show(Box::new(|| panic!("it cannot count")));
        let sum = Figures::sum(&workers);
        assert_eq!(Vec::from_iter(sum), [("missed", 0), ("subscribers", 5)]);
    }
}
