//! What a hub under test has published, kept for its test.
//!
//! Filled all the time, as a relay would read; [`TestHub`](super::TestHub) hands it out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fedmsg::{Delivery, Subscriber};
use futures::StreamExt;
use tokio::sync::Notify;

/// So many messages are kept.
const KEPT: usize = 10_000;

/// Messages of the hub: those that the test has taken, then those that it has not.
#[derive(Default)]
pub(crate) struct Published {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    kept: VecDeque<Delivery>,
    /// How many of them the test has taken.
    taken: usize,
    /// All that have come.
    seen: u64,
    forgets: bool,
}

impl Published {
    /// Reads what comes until there is nothing more to come.
    pub(crate) fn collect(mut subscriber: Subscriber) -> Arc<Self> {
        let published = Arc::<Self>::default();
        let collecting = Arc::clone(&published);
        tokio::spawn(async move {
            while let Some(delivery) = subscriber.next().await {
                collecting.add(delivery);
            }
        });
        published
    }

    /// Keeps nothing, so that what is measured is the memory of others.
    pub(crate) fn forget(&self) {
        self.state().forgets = true;
    }

    /// The first that the test has not taken, once there is one. Cancel-safe.
    pub(crate) async fn next(&self) -> Delivery {
        self.when(|state| {
            let next = state.kept.get(state.taken).cloned()?;
            state.taken += 1;
            Some(next)
        })
        .await
    }

    /// Waits until so many have come since the beginning.
    pub(crate) async fn until_seen(&self, count: u64) {
        self.when(|state| (state.seen >= count).then_some(())).await;
    }

    /// Those that are kept, and how many more have come.
    pub(crate) fn all(&self) -> (Vec<Delivery>, u64) {
        let state = self.state();
        let more = state.seen.saturating_sub(state.kept.len() as u64);
        (state.kept.iter().cloned().collect(), more)
    }

    async fn when<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable(); // before looking, so that nothing is missed
            if let Some(found) = look(&mut self.state()) {
                return found;
            }
            arrived.await;
        }
    }

    fn add(&self, delivery: Delivery) {
        let mut state = self.state();
        state.seen += 1;
        if state.kept.len() >= KEPT && state.taken > 0 {
            state.kept.pop_front(); // the test has had it
            state.taken -= 1;
        }
        if state.kept.len() < KEPT && !state.forgets {
            state.kept.push_back(delivery);
        }
        drop(state);
        self.arrived.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
