//! How often, and after which pauses, something that failed is tried again.
//!
//! The host of a consumer asks it after a panic, the supervisor after the death of an actor.

use std::time::Duration;

use fedmsg_config::RestartConfig;
use tokio::time::Instant;

/// How often a consumer was built anew without having consumed anything in between.
pub(crate) struct Restarts {
    config: RestartConfig,
    count: u32,
    since: Instant,
}

impl Restarts {
    pub(crate) fn new(config: &RestartConfig) -> Self {
        Self {
            config: config.clone(),
            count: 0,
            since: Instant::now(),
        }
    }

    /// Something was consumed: what failed before no longer counts.
    pub(crate) fn succeeded(&mut self) {
        self.count = 0;
    }

    /// The pause before the next build, or `None` when there were too many.
    pub(crate) fn next_pause(&mut self) -> Option<Duration> {
        if self.count == 0 || self.since.elapsed() > self.config.within {
            (self.count, self.since) = (0, Instant::now());
        }
        self.count += 1;
        (self.count <= self.config.attempts)
            .then(|| pause(self.count, self.config.first_delay, self.config.max_delay))
    }
}

/// The pause before the attempt after `attempts` failed ones: doubles from `first` up to `max`.
pub(crate) fn pause(attempts: u32, first: Duration, max: Duration) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    first.saturating_mul(1 << doublings).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let (first, max) = (Duration::from_millis(100), Duration::from_secs(1));
        let pauses: Vec<_> = (1..=6).map(|n| pause(n, first, max).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(pause(u32::MAX, first, max), max);
    }

    #[tokio::test(start_paused = true)]
    async fn restarts_are_counted_within_their_window_and_between_successes() {
        let config = RestartConfig {
            attempts: 2,
            ..RestartConfig::default()
        };
        let mut restarts = Restarts::new(&config);
        assert!(restarts.next_pause().is_some());
        assert!(restarts.next_pause().is_some());
        assert!(restarts.next_pause().is_none());
        restarts.succeeded();
        assert!(restarts.next_pause().is_some());
        assert!(restarts.next_pause().is_some());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(
            restarts.next_pause().is_some(),
            "old failures are forgotten"
        );
    }
}
