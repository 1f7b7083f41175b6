//! `Restarts`: how often a program is started again that has no success, and after which pauses.
//!
//! [`super::Process`] asks it; the settings are those of the consumer, `restart`, but for `within`: a program
//! that takes a minute to fail has as little success as one that fails at once.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use fedmsg_config::RestartConfig;

/// The failures since the last success.
pub(super) struct Restarts {
    config: RestartConfig,
    /// Whether it has ever done anything, in this run of the hub.
    has_succeeded: bool,
    pauses: Option<ExponentialBackoff>,
    /// How many messages it has failed over that it had alone.
    blamed: usize,
}

impl Restarts {
    pub(super) fn new(config: RestartConfig) -> Self {
        Self {
            config,
            has_succeeded: false,
            pauses: None,
            blamed: 0,
        }
    }

    /// It has done something: what failed before no longer counts.
    pub(super) fn succeeded(&mut self) {
        self.has_succeeded = true;
        (self.pauses, self.blamed) = (None, 0);
    }

    /// Notes a failure. Returns the pause before the next start; nothing after too many.
    pub(super) fn next_pause(&mut self) -> Option<Duration> {
        let config = &self.config;
        let pauses = self.pauses.get_or_insert_with(|| {
            let pauses = ExponentialBuilder::default()
                .with_min_delay(config.first_delay)
                .with_max_delay(config.max_delay)
                .with_max_times(config.attempts as usize);
            pauses.build()
        });
        pauses.next()
    }

    /// Notes a failure over some messages, one of which may be to blame. Returns the pause before the next
    /// start; nothing after too many of a program that has never done anything.
    pub(super) fn pause_after_death(&mut self) -> Option<Duration> {
        match self.has_succeeded {
            true => Some(self.config.first_delay),
            false => self.next_pause(),
        }
    }

    /// Notes a failure over a message that it had alone, which is a `new` one or not. Returns whether the
    /// program rather than the message is to blame: after too many, which have not all been over one message.
    /// One that has ever done anything is not: whoever sends one message after the other that kills it must not
    /// end the consumer.
    pub(super) fn is_over(&mut self, new: bool) -> bool {
        if self.has_succeeded {
            return false;
        }
        self.blamed += usize::from(new);
        self.next_pause().is_none() && self.blamed > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_until_a_success() {
        let mut restarts = Restarts::new(RestartConfig::default());
        let pauses = |restarts: &mut Restarts| {
            let pauses = std::iter::from_fn(|| restarts.next_pause());
            pauses.map(|pause| pause.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(&mut restarts), [100, 200, 400, 800, 1600]);
        assert!(restarts.next_pause().is_none());
        restarts.succeeded();
        assert_eq!(pauses(&mut restarts).len(), 5);
    }

    #[test]
    fn one_message_does_not_show_that_the_program_is_to_blame_and_two_do() {
        let mut restarts = Restarts::new(RestartConfig {
            attempts: 2,
            ..RestartConfig::default()
        });
        assert!(!restarts.is_over(true));
        assert!((0..9).all(|_| !restarts.is_over(false)));
        assert!(restarts.is_over(true));
    }

    #[test]
    fn one_that_has_ever_done_something_is_never_to_blame_for_messages() {
        let mut restarts = Restarts::new(RestartConfig::default());
        restarts.succeeded();
        assert!((0..99).all(|_| !restarts.is_over(true)));
        assert!((0..99).all(|_| restarts.pause_after_death().is_some()));
        // To start it fails by itself.
        assert_eq!(std::iter::from_fn(|| restarts.next_pause()).count(), 5);
    }
}
