//! When something expires, and the warnings before.
//!
//! Certificates and lists of revoked ones have one each; whoever uses them asks with the time it is.

use std::sync::atomic::{AtomicI64, Ordering};

use fedmsg_message::Validity;
use tracing::{error, warn};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// How long before its end something is warned about, in seconds.
const WARNINGS: [i64; 3] = [30 * DAY, 7 * DAY, DAY];

/// The end of something, which is logged once for each warning before it, and from then on every hour:
/// nothing works any more, and whoever looks at the log of today must find out why.
#[derive(Debug)]
pub(crate) struct Expiry {
    what: &'static str,
    location: String,
    /// Seconds since the epoch, as all times here.
    begin: i64,
    end: i64,
    /// When there is something to say next.
    next: AtomicI64,
}

impl Expiry {
    /// The end of what is good from `begin` to `end`.
    pub(crate) fn new(what: &'static str, location: String, begin: i64, end: i64) -> Self {
        Self {
            what,
            location,
            begin,
            end,
            next: AtomicI64::new(i64::MIN),
        }
    }

    /// The end of a certificate.
    pub(crate) fn of_certificate(what: &'static str, location: String, validity: Validity) -> Self {
        Self::new(what, location, validity.not_before, validity.not_after)
    }

    /// What ends, where it is, and from when to when it is good, in seconds since the epoch.
    pub(crate) fn parts(&self) -> (&'static str, &str, i64, i64) {
        (self.what, &self.location, self.begin, self.end)
    }

    /// Logs what is due at `now`. Costs next to nothing when there is nothing to say.
    pub(crate) fn check(&self, now: i64) {
        if now < self.next.load(Ordering::Relaxed) {
            return;
        }
        self.next.store(self.after(now), Ordering::Relaxed);
        let left = self.end.saturating_sub(now);
        let (what, location) = (self.what, &self.location);
        let expires = time(self.end);
        if left <= 0 {
            error!(what, location, expires, "expired: replace it");
        } else if self.leads().any(|lead| left <= lead) {
            let days = left / DAY;
            warn!(what, location, expires, days, "expires soon: replace it");
        }
    }

    /// When, after `now`, there is something to say.
    fn after(&self, now: i64) -> i64 {
        let moments = self.leads().chain([0]).map(|lead| self.end - lead);
        let later = moments.filter(|moment| *moment > now);
        later.min().unwrap_or_else(|| now.saturating_add(HOUR))
    }

    /// The warnings that make sense: a list that is replaced every day is never good for a week.
    fn leads(&self) -> impl Iterator<Item = i64> {
        let life = self.end.saturating_sub(self.begin);
        WARNINGS.into_iter().filter(move |lead| *lead <= life / 2)
    }
}

/// A time as people write it, in UTC.
fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks when, from the beginning of a life of so many days, there is something to say.
    #[track_caller]
    fn check(days: i64, expected: &[i64]) {
        let expiry = Expiry::new("x", String::new(), 0, days * DAY);
        let mut moments = Vec::new();
        let mut now = 0;
        while now < days * DAY {
            now = expiry.after(now);
            moments.push(now / DAY);
        }
        assert_eq!(moments, expected, "{days}");
    }

    #[test]
    fn warnings_come_30_7_and_1_days_before_and_at_the_end() {
        check(365, &[335, 358, 364, 365]);
        check(60, &[30, 53, 59, 60]);
    }

    #[test]
    fn what_does_not_live_long_is_warned_about_late() {
        check(30, &[23, 29, 30]);
        check(7, &[6, 7]);
        check(1, &[1]);
    }

    #[test]
    fn each_is_said_once_and_the_end_every_hour() {
        let expiry = Expiry::new("x", String::new(), 0, 100 * DAY);
        let next = |now: i64| {
            expiry.check(now * DAY);
            expiry.next.load(Ordering::Relaxed)
        };
        assert_eq!(next(0), 70 * DAY);
        assert_eq!(next(70), 93 * DAY);
        assert_eq!(next(71), 93 * DAY);
        assert_eq!(next(99), 100 * DAY);
        assert_eq!(next(100), 100 * DAY + HOUR);
        assert_eq!(next(200), 200 * DAY + HOUR);
    }
}
