//! Times in words: "2 hours ago".
//!
//! Called by [`super::Processors::conglomerate`].

/// The units, the longest first: their seconds, one of them, and several.
const UNITS: [(f64, &str, &str); 7] = [
    (31_536_000.0, "a year", "years"),
    (2_629_800.0, "a month", "months"),
    (604_800.0, "a week", "weeks"),
    (86_400.0, "a day", "days"),
    (3_600.0, "an hour", "hours"),
    (60.0, "a minute", "minutes"),
    (1.0, "a second", "seconds"),
];

/// What is closer than this is "just now", in seconds.
const NOW: f64 = 10.0;

/// Returns where `time` is from `now`, both in seconds since the epoch, in English: `just now`,
/// `44 seconds ago`, `an hour ago`, `in 3 days`.
///
/// As the library arrow of the original does, whole units and no more; but a month is 2 629 800
/// seconds here, a twelfth of a year of 365¼ days, while arrow counts names of months. A time that is
/// no number is "just now".
///
/// ```
/// use fedmsg_message::text::human_time;
///
/// assert_eq!(human_time(1_000_000.0, 1_007_205.0), "2 hours ago");
/// ```
#[must_use]
pub fn human_time(time: f64, now: f64) -> String {
    let distance = (now - time).abs();
    let unit = UNITS.iter().find(|(seconds, _, _)| distance >= *seconds);
    let Some((seconds, one, several)) = unit.filter(|_| distance >= NOW) else {
        return "just now".to_owned();
    };
    let units = (distance / seconds).floor();
    let distance = if units < 2.0 {
        (*one).to_owned()
    } else {
        format!("{units} {several}")
    };
    if time > now {
        format!("in {distance}")
    } else {
        format!("{distance} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_whole_units() {
        #[track_caller]
        fn check(seconds: f64, ago: &str, ahead: &str) {
            let now = 1_700_000_000.0;
            assert_eq!(human_time(now - seconds, now), ago);
            assert_eq!(human_time(now + seconds, now), ahead);
        }
        // What arrow 1.3 says.
        check(0.0, "just now", "just now");
        check(9.9, "just now", "just now");
        check(10.0, "10 seconds ago", "in 10 seconds");
        check(59.9, "59 seconds ago", "in 59 seconds");
        check(60.0, "a minute ago", "in a minute");
        check(119.0, "a minute ago", "in a minute");
        check(120.0, "2 minutes ago", "in 2 minutes");
        check(3_600.0, "an hour ago", "in an hour");
        check(86_399.0, "23 hours ago", "in 23 hours");
        check(86_400.0, "a day ago", "in a day");
        check(604_800.0, "a week ago", "in a week");
        check(2_419_200.0, "4 weeks ago", "in 4 weeks");
        check(2_635_200.0, "a month ago", "in a month");
        check(5_270_800.0, "2 months ago", "in 2 months");
        check(31_536_400.0, "a year ago", "in a year");
        check(94_608_400.0, "3 years ago", "in 3 years");
    }

    #[test]
    fn a_time_that_is_none_is_now() {
        for time in [f64::NAN, f64::INFINITY - f64::INFINITY] {
            assert_eq!(human_time(time, 0.0), "just now");
        }
        assert_eq!(human_time(f64::NEG_INFINITY, 0.0), "inf years ago");
    }
}
