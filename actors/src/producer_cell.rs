//! What is known of a producer while actors come and go: its name, its schedule, its counters.
//!
//! Shared by the producer's actor and the supervisor.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fedmsg_config::{ProducerConfig, Schedule};
use serde::Serialize;
use tokio::sync::watch;

use crate::counters::ProducerCounters;
use crate::figures::Figures;
use crate::pulse::Pulse;

/// Where a producer is in its life.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::ProducerState;
///
/// assert_eq!(ProducerState::Restarting.to_string(), "restarting");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProducerState {
    /// It is being built.
    Starting,
    /// It ticks as its schedule says.
    Running,
    /// It has panicked; the next tick builds it anew.
    Restarting,
    /// A tick failed, after which it was to do no more (`on_error = "stop"`).
    GivenUp,
    /// It has stopped with the hub.
    Stopped,
}

impl fmt::Display for ProducerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::GivenUp => "given_up",
            Self::Stopped => "stopped",
        })
    }
}

/// What a producer is to do, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Orders {
    Tick,
    Rest,
    Stop,
}

/// A producer of the configuration, as the whole hub sees it.
pub(crate) struct ProducerCell {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) schedule: Schedule,
    pub(crate) config: ProducerConfig,
    pub(crate) counters: ProducerCounters,
    pub(crate) pulse: Pulse,
    /// What it counts by itself.
    pub(crate) figures: Arc<Figures>,
    /// For how long it has been stuck, in milliseconds; 0 when it is not.
    pub(crate) stuck_ms: AtomicU64,
    state: Mutex<ProducerState>,
    orders: watch::Sender<Orders>,
    rests: watch::Sender<bool>,
}

impl ProducerCell {
    pub(crate) fn new(
        name: &str,
        kind: &'static str,
        schedule: Schedule,
        config: ProducerConfig,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            kind,
            schedule,
            config,
            counters: ProducerCounters::default(),
            pulse: Pulse::default(),
            figures: Arc::default(),
            stuck_ms: AtomicU64::new(0),
            state: Mutex::new(ProducerState::Starting),
            orders: watch::Sender::new(Orders::Tick),
            rests: watch::Sender::new(false),
        })
    }

    pub(crate) fn state(&self) -> ProducerState {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How long after the moments of its schedule it ticks: its own part of `jitter`, by its name and that
    /// of this host.
    pub(crate) fn offset(&self) -> Duration {
        let mut hasher = DefaultHasher::new();
        (fedmsg::host_name(), &self.name).hash(&mut hasher);
        // A number from 0 to 1 of 32 bits, which a float holds exactly.
        let part = f64::from((hasher.finish() >> 32) as u32) / f64::from(u32::MAX);
        self.config.jitter.mul_f64(part)
    }

    pub(crate) fn set_state(&self, state: ProducerState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// No tick begins after this; one in progress goes on.
    pub(crate) fn hold(&self) {
        self.orders.send_replace(Orders::Rest);
    }

    /// It is to say goodbye, after the tick that is perhaps in progress.
    pub(crate) fn stop(&self) {
        self.orders.send_replace(Orders::Stop);
    }

    /// Waits for [`ProducerCell::hold`], or for [`ProducerCell::stop`].
    pub(crate) async fn held(&self) {
        self.told(Orders::Rest).await;
    }

    /// Says that no tick is in progress any more, and waits for [`ProducerCell::stop`].
    pub(crate) async fn rest(&self) {
        self.rests.send_replace(true);
        self.told(Orders::Stop).await;
    }

    /// Waits until no tick is in progress, after it has been held.
    pub(crate) async fn rests(&self) {
        // The sender lives as long as the cell.
        let _ = self.rests.subscribe().wait_for(|rests| *rests).await;
    }

    async fn told(&self, orders: Orders) {
        let _ = self.orders.subscribe().wait_for(|it| *it >= orders).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_own_part_of_the_jitter_and_keeps_it() {
        let hour = Duration::from_secs(3600);
        let offset = |name: &str, jitter| {
            let config = ProducerConfig {
                jitter,
                ..ProducerConfig::new("k")
            };
            ProducerCell::new(name, "k", Schedule::Every(hour), config).offset()
        };
        assert_eq!(offset("a", Duration::ZERO), Duration::ZERO);
        assert_eq!(offset("a", hour), offset("a", hour));
        let mut thirds = [0; 3];
        for number in 0..300 {
            let offset = offset(&format!("p{number}"), hour);
            assert!(offset <= hour);
            thirds[(offset.as_secs() / 1200).min(2) as usize] += 1;
        }
        assert!(thirds.iter().all(|&count| count > 50), "{thirds:?}");
    }
}
