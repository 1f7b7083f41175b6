//! Tests of reading and writing lengths of time.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;

#[track_caller]
fn check(text: &str, expected: Result<Duration, DurationError>) {
    assert_eq!(parse(text), expected, "{text}");
}

#[test]
fn a_time_is_numbers_with_units() {
    check("5s", Ok(Duration::from_secs(5)));
    check("100ms", Ok(Duration::from_millis(100)));
    check("1h 30m", Ok(Duration::from_secs(5400)));
    check("90 minutes", Ok(Duration::from_secs(5400)));
    check(" 1.5s ", Ok(Duration::from_millis(1500)));
    check("2d", Ok(Duration::from_secs(172_800)));
    check("1w", Ok(Duration::from_secs(604_800)));
    check("0s", Ok(Duration::ZERO));
    check("3650d", Ok(LONGEST));
}

#[test]
fn what_is_no_fixed_time_is_refused() {
    check("30", Err(DurationError::Malformed));
    check("", Err(DurationError::Malformed));
    check("soon", Err(DurationError::Malformed));
    check("5 parsecs", Err(DurationError::Malformed));
    check("1mo", Err(DurationError::NoFixedLength));
    check("2 years", Err(DurationError::NoFixedLength));
    check("-5s", Err(DurationError::Negative));
    check("5s ago", Err(DurationError::Negative));
    check("3651d", Err(DurationError::TooLong));
    check("99999999999999999999s", Err(DurationError::Malformed));
}

/// One field for every way of reading.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Times {
    #[serde(with = "super")]
    text: Duration,
    #[serde(default, with = "optional")]
    maybe: Option<Duration>,
    #[serde(with = "seconds")]
    seconds: Duration,
    #[serde(with = "milliseconds")]
    milliseconds: Duration,
}

fn read(toml: &str) -> Result<Times, toml::de::Error> {
    toml::from_str(toml)
}

#[test]
fn a_bare_number_counts_what_the_original_counts() {
    let times = read("text = '1s'\nseconds = 2\nmilliseconds = 300").unwrap();
    assert_eq!(times.seconds, Duration::from_secs(2));
    assert_eq!(times.milliseconds, Duration::from_millis(300));
    assert_eq!(times.maybe, None);
    let times = read("text = '1s'\nmaybe = '1m'\nseconds = 0.5\nmilliseconds = '2s'").unwrap();
    assert_eq!(times.seconds, Duration::from_millis(500));
    assert_eq!(times.milliseconds, Duration::from_secs(2));
    assert_eq!(times.maybe, Some(Duration::from_secs(60)));
}

#[test]
fn a_bare_number_without_a_meaning_is_refused() {
    assert!(read("text = 1\nseconds = 2\nmilliseconds = 3").is_err());
    assert!(read("text = 1.0\nseconds = 2\nmilliseconds = 3").is_err());
    assert!(read("text = '1s'\nmaybe = 3\nseconds = 2\nmilliseconds = 3").is_err());
}

#[test]
fn numbers_that_are_no_time_are_refused() {
    for number in [
        "-1",
        "-0.5",
        "nan",
        "inf",
        "1e300",
        "9223372036854775807",
        "true",
        "[]",
    ] {
        assert!(
            read(&format!("text='1s'\nmilliseconds=1\nseconds={number}")).is_err(),
            "{number}"
        );
        assert!(
            read(&format!("text='1s'\nseconds=1\nmilliseconds={number}")).is_err(),
            "{number}"
        );
    }
}

#[test]
fn a_number_below_zero_is_told_from_one_that_is_too_large() {
    for (number, expected) in [
        ("-1", DurationError::Negative),
        ("-0.5", DurationError::Negative),
        ("1e300", DurationError::TooLong),
    ] {
        let value: toml::Value = number.parse().unwrap();
        let error = seconds::deserialize(value).unwrap_err();
        assert_eq!(error.message(), expected.to_string(), "{number}");
    }
}

#[test]
fn a_range_includes_both_ends() {
    let value = |toml: &str| toml.parse::<toml::Value>().unwrap();
    let keepalive = |toml| seconds::whole_within::<1, 60, _>(value(toml)).is_ok();
    assert!(keepalive("1") && keepalive("'1m'") && keepalive("60.0"));
    assert!(!keepalive("0") && !keepalive("61") && !keepalive("1.5") && !keepalive("'100ms'"));
    let pause = |toml| milliseconds::within::<1, 1000, _>(value(toml)).is_ok();
    assert!(pause("1") && pause("'1s'") && pause("0.001e3"));
    assert!(!pause("0") && !pause("1001") && !pause("'2s'"));
}

proptest! {
    #[test]
    fn what_is_shown_reads_back_the_same(
        duration in (0..=LONGEST.as_secs(), 0u32..1_000_000_000)
            .prop_map(|(seconds, nanos)| Duration::new(seconds, nanos).min(LONGEST)),
    ) {
        prop_assert_eq!(parse(&format(duration)), Ok(duration));
    }

    #[test]
    fn what_is_written_reads_back_the_same(seconds in 0u64..100_000, nanos in 0u32..1_000_000_000) {
        let duration = Duration::new(seconds, nanos);
        let times = Times {
            text: duration,
            maybe: Some(duration),
            seconds: duration,
            milliseconds: duration,
        };
        let toml = toml::to_string(&times).unwrap();
        prop_assert_eq!(read(&toml).unwrap(), times);
    }
}
