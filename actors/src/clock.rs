//! The time that schedules go by: the system's, or a test's own.
//!
//! `ticker` reads it and waits on it; [`crate::TestHub::advance`] moves the virtual one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Where time comes from.
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    /// The system: its monotonic clock since this moment, and its time of day.
    System(Instant),
    /// A clock that stands still until it is moved.
    Virtual(VirtualClock),
}

impl Clock {
    /// The system's clock, starting now.
    pub(crate) fn system() -> Self {
        Self::System(Instant::now())
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System(_) => Timestamp::now(),
            Self::Virtual(clock) => {
                let state = clock.state.borrow();
                let now = clock.start.saturating_add(state.elapsed);
                let now = now.and_then(|now| now.saturating_sub(state.set_back));
                now.unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// What has passed since the clock was made; never goes back.
    pub(crate) fn elapsed(&self) -> Duration {
        match self {
            Self::System(origin) => origin.elapsed(),
            Self::Virtual(clock) => clock.state.borrow().elapsed,
        }
    }

    /// Waits until `moment` (as [`Clock::elapsed`] counts) has come. Cancel-safe.
    pub(crate) async fn sleep_until(&self, moment: Duration) {
        match self {
            Self::System(origin) => sleep_until(*origin + moment).await,
            Self::Virtual(clock) => clock.sleep_until(moment).await,
        }
    }
}

impl Clock {
    /// Waits for ever, as one for whom no moment comes any more, and whom the clock need not wait for.
    pub(crate) async fn never(&self) -> Infallible {
        loop {
            match self {
                Self::System(_) => pending().await,
                Self::Virtual(clock) => clock.sleep_until(Duration::MAX).await,
            }
        }
    }
}

/// A clock that moves when told to, and then only as far as those who wait on it can follow.
#[derive(Debug, Clone)]
pub(crate) struct VirtualClock {
    start: Timestamp,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    /// How far its time of day was set back.
    set_back: Duration,
    /// Those who wait, by an arbitrary number, and until when.
    sleepers: BTreeMap<u64, Duration>,
    next_sleeper: u64,
}

impl VirtualClock {
    /// A clock that stands at `start`.
    pub(crate) fn new(start: Timestamp) -> Self {
        Self {
            start,
            state: Arc::new(watch::Sender::new(State::default())),
        }
    }

    /// Moves it by `step`, stopping at every moment that somebody waits for until all `sleepers`
    /// (so many must be waiting) wait again.
    pub(crate) async fn advance(&self, step: Duration, sleepers: usize) {
        let end = self.state.borrow().elapsed + step;
        let mut changes = self.state.subscribe();
        loop {
            // The sender is ours, so the wait ends only when the condition holds.
            let _ = changes
                .wait_for(|state| state.sleepers.len() >= sleepers)
                .await;
            let mut arrived = false;
            self.state.send_modify(|state| {
                let next = state
                    .sleepers
                    .values()
                    .min()
                    .copied()
                    .filter(|next| *next <= end);
                arrived = next.is_none();
                state.elapsed = next.unwrap_or(end).max(state.elapsed);
                // Whoever is due no longer waits, whether or not its task has noticed.
                state.sleepers.retain(|_, until| *until > state.elapsed);
            });
            if arrived {
                return;
            }
        }
    }

    /// Sets its time of day back; what has passed stays as it is.
    #[cfg(test)]
    pub(crate) fn set_back(&self, by: Duration) {
        self.state.send_modify(|state| state.set_back += by);
    }

    async fn sleep_until(&self, moment: Duration) {
        let mut changes = self.state.subscribe();
        let sleeper = self.fall_asleep(moment);
        let _ = changes.wait_for(|state| state.elapsed >= moment).await;
        drop(sleeper);
    }

    fn fall_asleep(&self, until: Duration) -> Sleeper<'_> {
        let mut number = 0;
        self.state.send_modify(|state| {
            number = state.next_sleeper;
            state.next_sleeper += 1;
            if until > state.elapsed {
                state.sleepers.insert(number, until);
            }
        });
        Sleeper {
            clock: self,
            number,
        }
    }
}

/// Somebody who waits; no longer when dropped.
struct Sleeper<'a> {
    clock: &'a VirtualClock,
    number: u64,
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.state.send_modify(|state| {
            state.sleepers.remove(&self.number);
        });
    }
}
