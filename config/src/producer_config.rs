//! When one producer of a hub speaks.
//!
//! A part of [`crate::Config`]; the hub's supervisor and the producer's host read it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consumer_config::five_minutes;
use crate::duration;
use crate::params::Params;
use crate::schedule::{Schedule, ScheduleError};

/// The settings of one producer: a table `[producers.NAME]`. Exactly one of `every` and `cron` is
/// given.
///
/// ```
/// use std::time::Duration;
///
/// use fedmsg_config::{Config, Schedule};
///
/// let config = Config::from_toml("[producers.heartbeat]\nkind = 'heartbeat'\nevery = '5s'")?;
/// let schedule = config.producers["heartbeat"].schedule().unwrap();
/// assert_eq!(schedule, Schedule::Every(Duration::from_secs(5)));
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProducerConfig {
    /// What it does: the name of a kind that the hub knows. Required.
    pub kind: String,

    /// Whether the hub starts it; false switches off what an earlier file has set up.
    #[serde(default = "yes")]
    pub enabled: bool,

    /// How often it speaks: a time such as "5s", from "1ms" to 10 years. Either this or `cron` is
    /// required.
    #[serde(default, with = "duration::optional")]
    #[schemars(schema_with = "duration::schema")]
    pub every: Option<Duration>,

    /// When it speaks: a cron pattern, minute, hour, day of month, month and day of week, or six
    /// fields with seconds first. Either this or `every` is required.
    #[serde(default)]
    pub cron: Option<String>,

    /// The time zone of `cron`, such as "Europe/Berlin". Without it, "UTC".
    #[serde(default)]
    pub timezone: Option<String>,

    /// Whether it also speaks as soon as the hub has started.
    #[serde(default)]
    pub now: bool,

    /// What happens to moments that passed while it was busy or the machine was asleep: "skip" goes
    /// on with the next one that is still to come, "catch-up" makes up for each, up to 1000 at a
    /// stretch.
    #[serde(default)]
    pub missed: Missed,

    /// By how much its moments may be put off, so that not all producers and hosts speak at once: a time
    /// such as "10s", at most 10 years. Each has its own part of it, by its name and that of the host, the
    /// same for every moment.
    #[serde(default, with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub jitter: Duration,

    /// How long it may take over one message, or whatever else it does at its time, before that is
    /// cancelled and counts as a failure: a time such as "30s", at most 10 years; "0s" means for ever.
    #[serde(default = "five_minutes", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub time_limit: Duration,

    /// What comes after a failure: "continue" tries again at the next moment, "back-off" leaves out one
    /// moment, after another failure two, then four and so on, at most 16 at a time, until it succeeds,
    /// "stop" ends this producer until the hub starts anew.
    #[serde(default)]
    pub on_error: OnError,

    /// How long it may take over one message, or whatever else it does at its time, before the hub
    /// calls it stuck: says so in the log and in its status, and no longer tells systemd that all is
    /// well. A time such as "5m"; "0s" means for ever. At most 10 years.
    #[serde(default = "five_minutes", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub stuck_after: Duration,

    /// Settings of its kind.
    #[serde(default)]
    pub params: Params,
}

/// What happens to moments at which a producer should have spoken, and could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// They are gone; the next one to come counts.
    #[default]
    Skip,
    /// Each is made up for, one after the other.
    CatchUp,
}

/// What a producer does after a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// It goes on at the next moment.
    #[default]
    Continue,
    /// It leaves out more and more moments, until it succeeds.
    BackOff,
    /// It never speaks again.
    Stop,
}

impl OnError {
    /// The most moments that are left out between two attempts.
    pub const MOST_LEFT_OUT: u64 = 16;

    /// Returns how many moments are left out after so many failures in a row; `None` is all of them.
    ///
    /// ```
    /// use fedmsg_config::OnError;
    ///
    /// assert_eq!(OnError::Continue.leaves_out(3), Some(0));
    /// assert_eq!(OnError::Stop.leaves_out(1), None);
    /// let left_out = [0, 1, 2, 3, 4, 5, 6, 700].map(|failures| OnError::BackOff.leaves_out(failures));
    /// assert_eq!(left_out, [0, 1, 2, 4, 8, 16, 16, 16].map(Some));
    /// ```
    #[must_use]
    pub fn leaves_out(self, failures: u64) -> Option<u64> {
        match self {
            Self::Continue => Some(0),
            Self::Stop => None,
            Self::BackOff => {
                let doublings = failures.checked_sub(1);
                let left_out = doublings.map(|doublings| 1_u64 << doublings.min(4));
                Some(left_out.map_or(0, |left_out| left_out.min(Self::MOST_LEFT_OUT)))
            }
        }
    }
}

impl ProducerConfig {
    /// Returns the settings of a producer of `kind` with every default, and no schedule yet: set
    /// [`every`](Self::every) or [`cron`](Self::cron).
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            enabled: yes(),
            every: None,
            cron: None,
            timezone: None,
            now: false,
            missed: Missed::default(),
            jitter: Duration::ZERO,
            time_limit: five_minutes(),
            on_error: OnError::default(),
            stuck_after: five_minutes(),
            params: Params::default(),
        }
    }

    /// Returns the schedule that `every`, or `cron` and `timezone`, describe. For settings that
    /// were loaded it has been checked already.
    ///
    /// # Errors
    ///
    /// Neither or both of `every` and `cron` are given, or the one given is unusable.
    pub fn schedule(&self) -> Result<Schedule, ScheduleError> {
        match (self.every, &self.cron, &self.timezone) {
            (None, None, _) => Err(ScheduleError::Missing),
            (Some(_), Some(_), _) => Err(ScheduleError::Ambiguous),
            (Some(_), None, Some(_)) => Err(ScheduleError::TimeZoneWithoutCron),
            (Some(interval), None, None) => Schedule::every(interval),
            (None, Some(pattern), zone) => Schedule::cron(pattern, zone.as_deref()),
        }
    }

    /// Returns everything that is wrong with its schedule: a pattern and a time zone may both be.
    pub(crate) fn schedule_errors(&self) -> Vec<ScheduleError> {
        let error = self.schedule().err();
        let pattern = match (&error, &self.cron) {
            (Some(ScheduleError::UnknownTimeZone { .. }), Some(pattern)) => {
                Schedule::cron(pattern, None).err()
            }
            _ => None,
        };
        error.into_iter().chain(pattern).collect()
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(toml: &str, expected: Result<&str, ScheduleError>) {
        let producer: ProducerConfig = toml::from_str(&format!("kind = 'k'\n{toml}")).unwrap();
        let schedule = producer.schedule().map(|schedule| schedule.to_string());
        assert_eq!(schedule, expected.map(str::to_owned), "{toml}");
    }

    #[test]
    fn a_schedule_is_a_rate_or_a_pattern() {
        check("every = '5s'", Ok("every 5s"));
        check("cron = '@daily'", Ok("cron \"@daily\" in UTC"));
        check("cron = '0 3 * * *'\ntimezone = 'Europe/Berlin'", {
            Ok("cron \"0 3 * * *\" in Europe/Berlin")
        });
    }

    #[test]
    fn anything_else_is_no_schedule() {
        check("", Err(ScheduleError::Missing));
        check("timezone = 'UTC'", Err(ScheduleError::Missing));
        check(
            "every = '5s'\ncron = '@daily'",
            Err(ScheduleError::Ambiguous),
        );
        check(
            "every = '5s'\ntimezone = 'UTC'",
            Err(ScheduleError::TimeZoneWithoutCron),
        );
        check("every = '0s'", Err(ScheduleError::TooOften));
    }

    #[test]
    fn a_kind_alone_has_the_defaults() {
        let read: ProducerConfig = toml::from_str("kind = 'k'\nmissed = 'catch-up'").unwrap();
        assert_eq!(
            read,
            ProducerConfig {
                missed: Missed::CatchUp,
                ..ProducerConfig::new("k")
            }
        );
    }
}
