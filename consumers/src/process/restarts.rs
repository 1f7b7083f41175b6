//! `Restarts`: how often a program is started again that has no success, and after which pauses.
//!
//! [`super::Process`] asks it; the settings are those of the consumer, `restart`.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use fedmsg_config::RestartConfig;
use tokio::time::Instant;

/// The failures since the last success.
pub(super) struct Restarts {
    config: RestartConfig,
    pauses: Option<(Instant, ExponentialBackoff)>,
}

impl Restarts {
    pub(super) fn new(config: RestartConfig) -> Self {
        let pauses = None;
        Self { config, pauses }
    }

    /// It has done something: what failed before no longer counts.
    pub(super) fn succeeded(&mut self) {
        self.pauses = None;
    }

    /// Returns the pause before the next start; nothing after too many in too short a time.
    pub(super) fn next_pause(&mut self) -> Option<Duration> {
        let config = &self.config;
        let is_old = |since: &Instant| since.elapsed() > config.within;
        if self.pauses.as_ref().is_some_and(|(since, _)| is_old(since)) {
            self.pauses = None;
        }
        let (_, pauses) = self.pauses.get_or_insert_with(|| {
            let pauses = ExponentialBuilder::default()
                .with_min_delay(config.first_delay)
                .with_max_delay(config.max_delay)
                .with_max_times(config.attempts as usize);
            (Instant::now(), pauses.build())
        });
        pauses.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_count_until_a_success_and_within_their_time() {
        let mut restarts = Restarts::new(RestartConfig::default());
        let pauses = |restarts: &mut Restarts| {
            let pauses = std::iter::from_fn(|| restarts.next_pause());
            pauses.map(|pause| pause.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(&mut restarts), [100, 200, 400, 800, 1600]);
        assert!(restarts.next_pause().is_none());
        restarts.succeeded();
        assert_eq!(pauses(&mut restarts).len(), 5);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(pauses(&mut restarts).len(), 5);
    }
}
