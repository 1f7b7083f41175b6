//! `Rate` and `RateLimit`: how often something may happen, as an operator writes it and as it is kept to.
//!
//! Parameters of consumers and producers have a [`Rate`]; they ask a [`RateLimit`] made of it before
//! each step. By the crate governor, which counts with a leaky bucket (GCRA).

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use tokio::time::sleep;

/// The most that a rate may be, each time: more than anything that is to be limited can do in a second.
const MOST: NonZeroU32 = NonZeroU32::MIN.saturating_add(999_999);

/// Why a text is no rate.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{Rate, RateError};
///
/// assert_eq!("fast".parse::<Rate>(), Err(RateError));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected a rate such as \"10/s\", \"600/m\" or \"5/h\", of 1 to 1000000")]
pub struct RateError;

/// So many times in a second, a minute or an hour: "10/s", "600/m", "5/h". 1 to 1 000 000 of them.
///
/// ```
/// use std::time::Duration;
///
/// use fedmsg_actors::Rate;
///
/// let rate: Rate = "600/m".parse()?;
/// assert_eq!(rate.period(), Duration::from_millis(100));
/// assert!("10 per second".parse::<Rate>().is_err());
/// # Ok::<(), fedmsg_actors::RateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

impl Per {
    fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        })
    }
}

impl Rate {
    /// Returns the rate of so many in a second, at most 1 000 000: for defaults, which cannot be wrong.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    ///
    /// use fedmsg_actors::Rate;
    ///
    /// const ONE: Rate = Rate::per_second(NonZeroU32::MIN);
    /// assert_eq!(ONE.to_string(), "1/s");
    /// ```
    #[must_use]
    pub const fn per_second(count: NonZeroU32) -> Self {
        let is_too_many = count.get() > MOST.get();
        Self {
            count: if is_too_many { MOST } else { count },
            per: Per::Second,
        }
    }

    /// The time from one to the next.
    #[must_use]
    pub fn period(self) -> Duration {
        self.per.length() / self.count.get()
    }

    /// How many there are in a second, at least one: a burst for which nobody has to wait longer than that.
    ///
    /// ```
    /// use fedmsg_actors::Rate;
    ///
    /// assert_eq!("90/m".parse::<Rate>()?.in_a_second().get(), 2);
    /// # Ok::<(), fedmsg_actors::RateError>(())
    /// ```
    #[must_use]
    pub fn in_a_second(self) -> NonZeroU32 {
        let seconds = u32::try_from(self.per.length().as_secs()).unwrap_or(u32::MAX);
        let count = self.count.get().div_ceil(seconds);
        NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, per) = text.split_once('/').ok_or(RateError)?;
        let per = match per.trim() {
            "s" => Per::Second,
            "m" => Per::Minute,
            "h" => Per::Hour,
            _ => return Err(RateError),
        };
        let count: NonZeroU32 = count.trim().parse().map_err(|_| RateError)?;
        if count > MOST {
            return Err(RateError);
        }
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Per::Second => "s",
            Per::Minute => "m",
            Per::Hour => "h",
        };
        write!(f, "{}/{per}", self.count)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Rate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "rate",
            "type": "string",
            "pattern": "^ *[1-9][0-9]{0,6} */ *[smh] *$",
            "examples": ["10/s"],
        })
    }
}

/// A limit that its clones share: at most so many at once, and then one at a time, as the rate says.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use fedmsg_actors::RateLimit;
///
/// let limit = RateLimit::new("2/h".parse()?, NonZeroU32::MIN);
/// assert!(limit.check().is_ok());
/// assert!(limit.check().is_err_and(|wait| wait.as_secs() > 1000));
/// assert!(RateLimit::none().check().is_ok());
/// # Ok::<(), fedmsg_actors::RateError>(())
/// ```
#[derive(Clone)]
pub struct RateLimit(Option<Arc<DefaultDirectRateLimiter>>);

impl RateLimit {
    /// Returns a limit of `rate`, of which so many may come at once after a time without any.
    #[must_use]
    pub fn new(rate: Rate, burst: NonZeroU32) -> Self {
        let quota = Quota::with_period(rate.period());
        let limiter = quota.map(|quota| DefaultDirectRateLimiter::direct(quota.allow_burst(burst)));
        Self(limiter.map(Arc::new))
    }

    /// Returns the limit of parameters that may have none: `rate` with `burst`, or with one at a time.
    #[must_use]
    pub fn of(rate: Option<Rate>, burst: Option<NonZeroU32>) -> Self {
        let burst = burst.unwrap_or(NonZeroU32::MIN);
        rate.map_or_else(Self::none, |rate| Self::new(rate, burst))
    }

    /// Returns a limit that limits nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Takes one, if one may be taken now.
    ///
    /// # Errors
    ///
    /// None may, for so long at least.
    pub fn check(&self) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else {
            return Ok(());
        };
        let taken = limiter.check();
        taken.map_err(|later| later.wait_time_from(DefaultClock::default().now()))
    }

    /// Waits until one may be taken, and takes it. Whoever gives up waiting has taken none. Several who
    /// wait are served in no particular order.
    pub async fn ready(&self) {
        while let Err(wait) = self.check() {
            // The timer counts in milliseconds.
            sleep(wait.max(Duration::from_millis(1))).await;
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateLimit").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn rates_are_read_as_they_are_written() {
        #[track_caller]
        fn check(text: &str, expected: Option<Duration>) {
            let rate = text.parse::<Rate>();
            assert_eq!(
                rate.as_ref().ok().map(|rate| rate.period()),
                expected,
                "{text}"
            );
            if let Ok(rate) = rate {
                assert_eq!(rate.to_string().parse(), Ok(rate));
            }
        }
        check("10/s", Some(Duration::from_millis(100)));
        check("600 / m", Some(Duration::from_millis(100)));
        check("5/h", Some(Duration::from_secs(720)));
        check("1000000/s", Some(Duration::from_micros(1)));
        for bad in [
            "",
            "10",
            "0/s",
            "-1/s",
            "1.5/s",
            "1000001/s",
            "10/d",
            "/s",
            "10/",
            "10/s/s",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn a_rate_knows_what_a_second_has_of_it() {
        #[track_caller]
        fn check(text: &str, expected: u32) {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.in_a_second().get(), expected);
        }
        check("1000/s", 1000);
        check("600/m", 10);
        check("61/m", 2);
        check("5/h", 1);
        assert_eq!(Rate::per_second(NonZeroU32::MAX).to_string(), "1000000/s");
    }

    #[tokio::test]
    async fn a_burst_goes_at_once_and_what_follows_waits() {
        let limit = |rate: &str| RateLimit::new(rate.parse().unwrap(), NonZeroU32::new(3).unwrap());
        let slow = limit("1/h");
        for _ in 0..3 {
            slow.check().unwrap();
        }
        let wait = slow.clone().check().unwrap_err();
        assert!(wait <= Duration::from_secs(3600), "{wait:?}");
        let start = Instant::now();
        let quick = limit("100/s");
        for _ in 0..8 {
            quick.ready().await;
        }
        assert!(start.elapsed() >= Duration::from_millis(50));
    }
}
