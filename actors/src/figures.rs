//! Numbers that a plugin counts by itself, for whoever looks at the status of the hub.
//!
//! Set through the contexts of plugins, read by [`crate::status`]. Each worker has its own.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the figures of a plugin come from.
type Count = Box<dyn Fn() -> Vec<(&'static str, u64)> + Send>;

/// The figures of one worker of a plugin: none until it shows some.
#[derive(Default)]
pub(crate) struct Figures(Mutex<Shown>);

#[derive(Default)]
struct Shown {
    /// What only grows, as long as the plugin is the same.
    totals: Option<Count>,
    /// What also falls.
    gauges: Option<Count>,
    /// The totals of those that were here before it.
    settled: BTreeMap<&'static str, u64>,
}

impl Figures {
    /// Takes `count` in the place of the totals that were there.
    pub(crate) fn show(&self, count: Count) {
        self.shown().totals = Some(count);
    }

    /// Takes `count` in the place of the gauges that were there.
    pub(crate) fn show_gauges(&self, count: Count) {
        self.shown().gauges = Some(count);
    }

    /// The plugin will be built anew: what it has counted stays, what it has now is gone.
    pub(crate) fn settle(&self) {
        let mut shown = self.shown();
        for (name, figure) in counted(shown.totals.take().as_ref()) {
            let total = shown.settled.entry(name).or_default();
            *total = total.saturating_add(figure);
        }
        shown.gauges = None;
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let shown = self.shown();
        let settled = shown.settled.iter().map(|(name, total)| (*name, *total));
        let mut read: Vec<_> = settled.collect();
        read.extend(counted(shown.totals.as_ref()));
        read.extend(counted(shown.gauges.as_ref()));
        read
    }
}

fn counted(count: Option<&Count>) -> Vec<(&'static str, u64)> {
    // A plugin that cannot count must not cost the hub its supervisor.
    let counted = count.map(|count| catch_unwind(AssertUnwindSafe(count)).unwrap_or_default());
    counted.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use fedmsg::Delivery;

    use super::*;
    use crate::consumer::{BoxError, ConsumeError, Consumer};
    use crate::context::{ConsumerContext, NoParams};
    use crate::test_bus::TestBus;

    /// Counts what it consumes, and panics over what is hot.
    struct Till(Arc<AtomicU64>);

    impl Consumer for Till {
        const KIND: &'static str = "till";
        type Params = NoParams;

        async fn from_params(_: NoParams, cx: &ConsumerContext) -> Result<Self, BoxError> {
            let seen = Arc::new(AtomicU64::new(0));
            let shown = Arc::clone(&seen);
            cx.show_figures(Vec::new); // and then something better
            cx.show_figures(move || vec![("seen", shown.load(Ordering::Relaxed))]);
            cx.show_gauges(|| vec![("tills", 1)]);
            Ok(Self(seen))
        }

        async fn consume(&mut self, it: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert_ne!(it.msg().as_str(), Some("hot"), "burnt");
            Ok(())
        }
    }

    #[test]
    fn totals_go_on_when_a_plugin_is_built_anew_and_gauges_begin_anew() {
        let settings = "retry.attempts = 1\nrestart.first_delay = '1ms'";
        let report = TestBus::new()
            .consumer::<Till>("till", settings)
            .run(async |bus| {
                for msg in ["cool", "hot", "cool", "hot", "cool"] {
                    bus.publish("com.example.a", msg).await;
                }
                bus.settle().await;
            });
        let till = report.status.consumer("till").unwrap();
        assert_eq!((till.panics, till.consumed), (2, 3));
        let figures = Vec::from_iter(till.figures.clone());
        assert_eq!(figures, [("seen", 5), ("tills", 1)]);
    }

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
