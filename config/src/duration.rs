//! Lengths of time, as an operator writes them: `"5s"`, `"1h 30m"`.
//!
//! Settings are plain [`std::time::Duration`]s; serde reads and writes them through the functions
//! here, those of plugins too: `#[serde(with = "fedmsg_config::duration")]` on a field of params.
//! Where the original has a number, [`seconds`] and [`milliseconds`] keep taking one.

use std::fmt;
use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::{SpanParser, SpanPrinter};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serializer;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use thiserror::Error;

/// The longest time that a setting can be: ten years. Deadlines computed from it never overflow.
pub const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What is wrong with a text that should be a length of time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DurationError {
    /// The text is not one or more numbers with units.
    #[error("expected a time such as \"5s\", \"100ms\" or \"1h 30m\"")]
    Malformed,
    /// The text counts in months or years, which have no fixed length.
    #[error("months and years have no fixed length; use weeks (w) or days (d)")]
    NoFixedLength,
    /// The time is below zero.
    #[error("a time cannot be negative")]
    Negative,
    /// The time is longer than [`LONGEST`].
    #[error("a time cannot be longer than 10 years")]
    TooLong,
}

/// Reads a length of time: numbers with the units `w`, `d` (24 hours), `h`, `m`, `s`, `ms`, `us`,
/// `ns` or their long names, as in "1h 30m", "90 minutes" and "1.5s" (jiff's friendly format).
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(fedmsg_config::duration::parse("1m 30s"), Ok(Duration::from_secs(90)));
/// assert!(fedmsg_config::duration::parse("30").is_err());
/// ```
///
/// # Errors
///
/// [`DurationError`] for any other text, for less than zero and for more than [`LONGEST`].
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let span = SpanParser::new()
        .parse_span(text.trim())
        .map_err(|_| DurationError::Malformed)?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err(DurationError::NoFixedLength);
    }
    let days = SpanRelativeTo::days_are_24_hours();
    let signed = span.to_duration(days).map_err(|_| DurationError::TooLong)?;
    let duration = Duration::try_from(signed).map_err(|_| DurationError::Negative)?;
    if duration > LONGEST {
        Err(DurationError::TooLong)
    } else {
        Ok(duration)
    }
}

/// Shows a length of time so that [`parse`] reads it back the same: `1h 30m`.
pub fn format(duration: Duration) -> String {
    SpanPrinter::new().unsigned_duration_to_string(&duration)
}

/// Writes a length of time as a text.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format(*duration))
}

/// Reads a length of time from a text with units; a bare number is refused, because nothing says
/// what it counts.
///
/// # Errors
///
/// Those of [`parse`], and any type but a string.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Reader {
        number: Number::Refused,
        from: Duration::ZERO,
        to: LONGEST,
    })
}

/// How a length of time looks in a JSON Schema: `#[schemars(schema_with = "fedmsg_config::duration::schema")]` on a
/// field that serde reads by this module.
///
/// ```
/// use std::time::Duration;
///
/// use fedmsg_config::duration;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Params {
///     /// How long to wait.
///     #[serde(with = "duration")]
///     #[schemars(schema_with = "duration::schema")]
///     patience: Duration,
/// }
/// let schema = schemars::schema_for!(Params);
/// assert_eq!(schema.pointer("/properties/patience/type"), Some(&"string".into()));
/// ```
pub fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "time", "type": "string", "examples": ["5s"] })
}

/// A length of time that may be absent.
pub mod optional {
    use std::time::Duration;

    use serde::de::{Deserialize, Deserializer};
    use serde::{Serialize, Serializer};

    #[derive(Serialize, serde::Deserialize)]
    #[serde(transparent)]
    struct Wrapped(#[serde(with = "super")] Duration);

    /// Writes a length of time as a text, or nothing.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(Wrapped).serialize(serializer)
    }

    /// Reads a length of time where there is one; give the field `#[serde(default)]` too.
    ///
    /// # Errors
    ///
    /// Those of [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let wrapped = Option::<Wrapped>::deserialize(deserializer)?;
        Ok(wrapped.map(|Wrapped(duration)| duration))
    }
}

/// A length of time that a bare number gives in seconds; fractions are allowed.
pub mod seconds {
    use std::time::Duration;

    use serde::Serializer;
    use serde::de::Deserializer;

    use super::{LONGEST, Number, Reader, format};

    /// Writes the number of seconds where it is exact, else a text.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        let fraction = duration.as_secs_f64();
        if duration.subsec_nanos() == 0 {
            serializer.serialize_u64(duration.as_secs())
        } else if Duration::try_from_secs_f64(fraction).is_ok_and(|again| again == *duration) {
            serializer.serialize_f64(fraction)
        } else {
            serializer.collect_str(&format(*duration))
        }
    }

    /// Reads a number of seconds, or a text with units.
    ///
    /// # Errors
    ///
    /// Those of [`super::parse`], and the same for numbers.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        deserializer.deserialize_any(Reader {
            number: Number::Seconds,
            from: Duration::ZERO,
            to: LONGEST,
        })
    }

    /// Reads whole seconds from `MIN` to `MAX`, both included.
    pub(crate) fn whole_within<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        deserializer.deserialize_any(Reader {
            number: Number::WholeSeconds,
            from: Duration::from_secs(MIN),
            to: Duration::from_secs(MAX),
        })
    }
}

/// A length of time that a bare number gives in milliseconds.
pub mod milliseconds {
    use std::time::Duration;

    use serde::Serializer;
    use serde::de::Deserializer;

    use super::{LONGEST, Number, Reader, format};

    /// Writes the number of milliseconds where it is whole, else a text.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(duration.as_millis()) {
            Ok(whole) if Duration::from_millis(whole) == *duration => {
                serializer.serialize_u64(whole)
            }
            _ => serializer.collect_str(&format(*duration)),
        }
    }

    /// Reads a number of milliseconds, or a text with units.
    ///
    /// # Errors
    ///
    /// Those of [`super::parse`], and the same for numbers.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let number = Number::Milliseconds;
        deserializer.deserialize_any(Reader {
            number,
            from: Duration::ZERO,
            to: LONGEST,
        })
    }

    /// Reads a time from `MIN` to `MAX` milliseconds, both included.
    pub(crate) fn within<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        deserializer.deserialize_any(Reader {
            number: Number::Milliseconds,
            from: Duration::from_millis(MIN),
            to: Duration::from_millis(MAX),
        })
    }
}

/// What a bare number means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Refused,
    Seconds,
    WholeSeconds,
    Milliseconds,
}

/// Reads a number or a text as a length of time in a range, both ends included.
#[derive(Clone, Copy, Debug)]
struct Reader {
    number: Number,
    from: Duration,
    to: Duration,
}

impl Reader {
    fn checked<E: Error>(self, duration: Duration) -> Result<Duration, E> {
        let Self { number, from, to } = self;
        if number == Number::WholeSeconds && duration.subsec_nanos() != 0 {
            return Err(E::custom("expected whole seconds"));
        }
        if !(from..=to).contains(&duration) {
            let (from, to) = (format(from), format(to));
            return Err(E::custom(format_args!(
                "expected a time from {from} to {to}"
            )));
        }
        Ok(duration)
    }
}

impl Visitor<'_> for Reader {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.number {
            Number::Refused => "a time as a string with a unit, such as \"5s\"",
            Number::Seconds => "a number of seconds, or a time such as \"500ms\"",
            Number::WholeSeconds => "a whole number of seconds, or a time such as \"1m\"",
            Number::Milliseconds => "a number of milliseconds, or a time such as \"1s\"",
        })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Duration, E> {
        u64::try_from(number)
            .map_err(|_| E::custom(DurationError::Negative))
            .and_then(|number| self.visit_u64(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Duration, E> {
        match self.number {
            Number::Refused => Err(E::invalid_type(Unexpected::Unsigned(number), &self)),
            Number::Seconds | Number::WholeSeconds => self.checked(Duration::from_secs(number)),
            Number::Milliseconds => self.checked(Duration::from_millis(number)),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        let seconds = match self.number {
            Number::Refused => return Err(E::invalid_type(Unexpected::Float(number), &self)),
            Number::Seconds | Number::WholeSeconds => number,
            Number::Milliseconds => number / 1000.0,
        };
        if seconds < 0.0 {
            return Err(E::custom(DurationError::Negative));
        }
        let duration = Duration::try_from_secs_f64(seconds);
        duration
            .map_err(|_| E::custom(DurationError::TooLong))
            .and_then(|it| self.checked(it))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        parse(text)
            .map_err(E::custom)
            .and_then(|duration| self.checked(duration))
    }
}

#[cfg(test)]
mod tests;
