//! When a producer speaks: at a fixed rate, or at times of the calendar.
//!
//! [`crate::ProducerConfig::schedule`] makes it from TOML; the host of a producer asks for the next
//! tick. Nothing here reads a clock.

use std::fmt;
use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, errors::CronError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::duration;

/// The shortest time between two ticks of a fixed rate.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// A rule that gives, for one moment, the next at which to act.
///
/// ```
/// use std::time::Duration;
///
/// use fedmsg_config::Schedule;
/// use jiff::Timestamp;
///
/// let start: Timestamp = "2024-03-01T12:00:00Z".parse()?;
/// let every = Schedule::every(Duration::from_secs(5))?;
/// assert_eq!(every.next_after(start), Some("2024-03-01T12:00:05Z".parse()?));
///
/// let cron = Schedule::cron("30 9 * * MON-FRI", Some("Europe/Berlin"))?;
/// assert_eq!(cron.next_after(start), Some("2024-03-04T08:30:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// At a fixed rate: each tick one interval after the last one was due.
    Every(Duration),
    /// At times of the calendar in a time zone.
    Cron(CronSchedule),
}

impl Schedule {
    /// Returns the schedule with a fixed rate of one tick per `interval`.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::TooOften`] below [`SHORTEST_INTERVAL`].
    pub fn every(interval: Duration) -> Result<Self, ScheduleError> {
        if interval < SHORTEST_INTERVAL {
            return Err(ScheduleError::TooOften);
        }
        Ok(Self::Every(interval))
    }

    /// Returns the schedule of a cron `pattern` in the IANA time zone `zone`, UTC by default.
    ///
    /// The pattern has five fields, minute, hour, day of month, month and day of week, or six with
    /// seconds first, in the form of crontab(5) with the additions of the library croner:
    /// `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, `L` (last), `W` (nearest weekday),
    /// `#` (nth weekday). When both day fields are restricted, either is enough.
    ///
    /// # Errors
    ///
    /// A pattern that is malformed or can never be due, or a zone that is not known.
    pub fn cron(pattern: &str, zone: Option<&str>) -> Result<Self, ScheduleError> {
        CronSchedule::new(pattern, zone).map(Self::Cron)
    }

    /// Returns the first moment after `previous` at which to act, or `None` when there is none
    /// within the years that can be represented. The answer is always later than `previous`.
    ///
    /// For a fixed rate `previous` is the moment at which the last tick was due, not when it ran:
    /// so the rate holds however long a tick takes.
    pub fn next_after(&self, previous: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(interval) => {
                let interval = SignedDuration::try_from((*interval).max(SHORTEST_INTERVAL)).ok()?;
                previous.checked_add(interval).ok()
            }
            Self::Cron(cron) => cron.next_after(previous),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => write!(f, "every {}", duration::format(*interval)),
            Self::Cron(cron) => write!(f, "{cron}"),
        }
    }
}

/// A cron pattern in a time zone.
///
/// Where the clock is put forward, what is due in the missing hour is due at its end; where it is
/// put back, a fixed time in the repeated hour is due once, at its first pass, and a repeating one
/// (`*` in the minutes or hours) at both.
#[derive(Clone)]
pub struct CronSchedule {
    pattern: String,
    zone: String,
    cron: Box<Cron>,
    time_zone: TimeZone,
}

impl CronSchedule {
    fn new(pattern: &str, zone: Option<&str>) -> Result<Self, ScheduleError> {
        let zone = zone.unwrap_or("UTC");
        let time_zone = match zone {
            "UTC" => TimeZone::UTC,
            name => TimeZone::get(name).map_err(|_| ScheduleError::UnknownTimeZone {
                name: name.to_owned(),
            })?,
        };
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(pattern)
            .map_err(|error| malformed(pattern, &error))?;
        let (pattern, zone) = (pattern.to_owned(), zone.to_owned());
        let schedule = Self {
            pattern,
            zone,
            cron: Box::new(cron),
            time_zone,
        };
        // The calendar repeats every 400 years, so that any start tells what ever can be due.
        if schedule.next_after(Timestamp::UNIX_EPOCH).is_none() {
            return Err(ScheduleError::NeverDue {
                pattern: schedule.pattern,
            });
        }
        Ok(schedule)
    }

    fn next_after(&self, previous: Timestamp) -> Option<Timestamp> {
        let previous = previous.to_zoned(self.time_zone.clone());
        let next = self
            .cron
            .find_next_occurrence(&previous, false)
            .ok()?
            .timestamp();
        (next > previous.timestamp()).then_some(next)
    }

    /// Returns the pattern as it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Returns the name of the time zone as it was written, or `UTC`.
    pub fn zone(&self) -> &str {
        &self.zone
    }
}

impl PartialEq for CronSchedule {
    fn eq(&self, other: &Self) -> bool {
        (&self.pattern, &self.zone) == (&other.pattern, &other.zone)
    }
}

impl fmt::Display for CronSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cron \"{}\" in {}", self.pattern, self.zone)
    }
}

impl fmt::Debug for CronSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CronSchedule({self})")
    }
}

fn malformed(pattern: &str, error: &CronError) -> ScheduleError {
    let reason = match error {
        CronError::EmptyPattern => "it is empty".to_owned(),
        CronError::InvalidPattern(reason)
        | CronError::IllegalCharacters(reason)
        | CronError::ComponentError(reason) => reason.trim_end_matches('.').to_owned(),
        other => other.to_string(),
    };
    ScheduleError::BadCron {
        pattern: pattern.to_owned(),
        reason,
    }
}

/// Why a producer has no usable schedule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Neither a rate nor a pattern is given.
    #[error("no schedule: give either every or cron")]
    Missing,
    /// Both a rate and a pattern are given.
    #[error("two schedules: give either every or cron, not both")]
    Ambiguous,
    /// A time zone is given for a fixed rate, which has no use for one.
    #[error("a time zone says nothing without cron")]
    TimeZoneWithoutCron,
    /// The interval is shorter than [`SHORTEST_INTERVAL`].
    #[error("the interval must be at least 1ms")]
    TooOften,
    /// The zone is not in the time zone database.
    #[error("unknown time zone \"{name}\": expected a name such as \"Europe/Berlin\" or \"UTC\"")]
    UnknownTimeZone {
        /// The name given.
        name: String,
    },
    /// The pattern is not a cron pattern of five or six fields.
    #[error("malformed cron pattern \"{pattern}\": {reason}")]
    BadCron {
        /// The pattern given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The pattern names a day that no year has.
    #[error("cron pattern \"{pattern}\" is never due")]
    NeverDue {
        /// The pattern given.
        pattern: String,
    },
}

impl ScheduleError {
    /// Returns the key of a producer that the error is about, or `None` when it is about the whole.
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::Missing | Self::Ambiguous => None,
            Self::TooOften => Some("every"),
            Self::BadCron { .. } | Self::NeverDue { .. } => Some("cron"),
            Self::TimeZoneWithoutCron | Self::UnknownTimeZone { .. } => Some("timezone"),
        }
    }
}

#[cfg(test)]
mod tests;
