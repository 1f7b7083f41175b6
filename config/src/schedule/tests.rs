//! Tests of schedules, among them the two nights a year on which the clock jumps.

use proptest::prelude::*;

use super::*;

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Follows a schedule from `start` (excluded) and compares the moments at which it is due.
#[track_caller]
fn check(schedule: &Schedule, start: &str, expected: &[&str]) {
    let mut previous = moment(start);
    for &due in expected {
        let next = schedule.next_after(previous).unwrap();
        assert_eq!(next, moment(due), "{schedule} after {previous}");
        previous = next;
    }
}

fn cron(pattern: &str, zone: &str) -> Schedule {
    Schedule::cron(pattern, Some(zone)).unwrap()
}

#[test]
fn a_fixed_rate_counts_from_the_moment_last_due() {
    let schedule = Schedule::every(Duration::from_millis(1500)).unwrap();
    check(
        &schedule,
        "2024-01-01T00:00:00Z",
        &["2024-01-01T00:00:01.5Z", "2024-01-01T00:00:03Z"],
    );
    assert_eq!(schedule.next_after(Timestamp::MAX), None);
}

#[test]
fn a_rate_without_an_interval_still_moves_on() {
    assert_eq!(
        Schedule::every(Duration::ZERO),
        Err(ScheduleError::TooOften)
    );
    check(
        &Schedule::Every(Duration::ZERO),
        "2024-01-01T00:00:00Z",
        &["2024-01-01T00:00:00.001Z"],
    );
    assert_eq!(
        Schedule::Every(Duration::MAX).next_after(Timestamp::UNIX_EPOCH),
        None
    );
}

#[test]
fn a_pattern_has_five_fields_or_six_with_seconds_first() {
    let start = "2024-02-28T23:58:30.25Z";
    check(
        &cron("*/5 * * * *", "UTC"),
        start,
        &["2024-02-29T00:00:00Z", "2024-02-29T00:05:00Z"],
    );
    check(
        &cron("*/20 * * * * *", "UTC"),
        start,
        &["2024-02-28T23:58:40Z", "2024-02-28T23:59:00Z"],
    );
    check(
        &cron("@daily", "UTC"),
        start,
        &["2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"],
    );
    check(
        &cron("0 0 29 2 *", "UTC"),
        start,
        &["2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"],
    );
    check(
        &cron("0 0 13 * FRI", "UTC"),
        start,
        &[
            "2024-03-01T00:00:00Z",
            "2024-03-08T00:00:00Z",
            "2024-03-13T00:00:00Z",
        ],
    );
}

#[test]
fn a_pattern_is_read_in_its_time_zone() {
    check(
        &cron("0 9 * * *", "Asia/Kathmandu"),
        "2024-01-01T00:00:00Z",
        &["2024-01-01T03:15:00Z"],
    );
    check(
        &cron("0 9 * * *", "UTC"),
        "2024-01-01T00:00:00Z",
        &["2024-01-01T09:00:00Z"],
    );
    let default = Schedule::cron("0 9 * * *", None).unwrap();
    check(&default, "2024-01-01T00:00:00Z", &["2024-01-01T09:00:00Z"]);
}

// Berlin 2024: on 31 March 02:00 becomes 03:00 (01:00 UTC).
#[test]
fn what_is_due_in_the_missing_hour_is_due_at_its_end() {
    let start = "2024-03-30T00:00:00Z";
    check(
        &cron("30 2 * * *", "Europe/Berlin"),
        start,
        &[
            "2024-03-30T01:30:00Z",
            "2024-03-31T01:00:00Z",
            "2024-04-01T00:30:00Z",
        ],
    );
    check(
        &cron("30 * * * *", "Europe/Berlin"),
        "2024-03-31T00:00:00Z",
        &["2024-03-31T00:30:00Z", "2024-03-31T01:30:00Z"],
    );
}

// Berlin 2024: on 27 October 03:00 becomes 02:00 (01:00 UTC).
#[test]
fn a_fixed_time_in_the_repeated_hour_is_due_once() {
    check(
        &cron("30 2 * * *", "Europe/Berlin"),
        "2024-10-26T12:00:00Z",
        &["2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"],
    );
}

#[test]
fn a_repeating_time_in_the_repeated_hour_is_due_at_both_passes() {
    check(
        &cron("*/30 * * * *", "Europe/Berlin"),
        "2024-10-27T00:00:00Z",
        &[
            "2024-10-27T00:30:00Z",
            "2024-10-27T01:00:00Z",
            "2024-10-27T01:30:00Z",
            "2024-10-27T02:00:00Z",
        ],
    );
}

#[test]
fn the_hour_of_the_day_is_kept_over_a_jump() {
    check(
        &cron("0 12 * * *", "America/New_York"),
        "2024-03-09T12:00:00Z",
        &["2024-03-09T17:00:00Z", "2024-03-10T16:00:00Z"],
    );
    check(
        &cron("0 12 * * *", "America/New_York"),
        "2024-11-02T12:00:00Z",
        &["2024-11-02T16:00:00Z", "2024-11-03T17:00:00Z"],
    );
}

#[test]
fn a_pattern_that_is_never_due_is_refused() {
    for pattern in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 0 31 6 *"] {
        let expected = ScheduleError::NeverDue {
            pattern: pattern.to_owned(),
        };
        assert_eq!(Schedule::cron(pattern, None), Err(expected));
    }
}

#[test]
fn a_malformed_pattern_is_refused() {
    for pattern in [
        "",
        "* * *",
        "61 * * * *",
        "* * * * * * 2030",
        "@reboot",
        "a * * * *",
        "*/0 * * * *",
    ] {
        let error = Schedule::cron(pattern, None).unwrap_err();
        assert!(
            matches!(error, ScheduleError::BadCron { .. }),
            "{pattern}: {error}"
        );
        assert_eq!(error.key(), Some("cron"));
    }
}

#[test]
fn an_unknown_time_zone_is_refused() {
    for zone in ["Europe/Bonn", "", "CET-1CEST", "../../etc/passwd"] {
        let error = Schedule::cron("@daily", Some(zone)).unwrap_err();
        assert_eq!(
            error,
            ScheduleError::UnknownTimeZone {
                name: zone.to_owned()
            }
        );
        assert_eq!(error.key(), Some("timezone"));
    }
}

#[test]
fn a_schedule_says_what_it_is() {
    assert_eq!(
        Schedule::every(Duration::from_secs(90))
            .unwrap()
            .to_string(),
        "every 1m 30s"
    );
    let nightly = cron("0 3 * * *", "Europe/Berlin");
    assert_eq!(nightly.to_string(), "cron \"0 3 * * *\" in Europe/Berlin");
    assert_eq!(nightly, nightly.clone());
    assert_ne!(nightly, cron("0 3 * * *", "UTC"));
}

proptest! {
    #[test]
    fn the_next_moment_is_always_later(
        seconds in 0i64..4_000_000_000,
        nanos in 0i32..1_000_000_000,
        pattern in prop::sample::select(vec![
            "*/7 * * * *", "30 2 * * *", "*/13 */5 * * * *", "0 0 L * *", "15 1-3 * * SUN",
        ]),
        zone in prop::sample::select(vec![
            "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
        ]),
    ) {
        let start = Timestamp::new(seconds, nanos).unwrap();
        let next = cron(pattern, zone).next_after(start).unwrap();
        prop_assert!(next > start);
    }
}
