//! Thresholds, and what is thought of emissions of both kinds of hub.

use super::*;

const OURS: &str = r#"{
    "consumers": [
        {"name": "RelayConsumer", "initialized": true, "backlog": 12, "exceptions": 1,
         "totals": {"name": "relay", "last_consumed_ms": 70000, "stuck_ms": 0, "state": "running"}},
        {"name": "audit", "initialized": false, "backlog": 0, "exceptions": 0,
         "totals": {"name": "audit", "last_consumed_ms": 0, "stuck_ms": 400000, "state": "halted",
                    "reason": "disk full"}}],
    "producers": [{"name": "beat", "initialized": true, "exceptions": 0, "last_ran": null,
                   "totals": {"last_tick_ms": 0, "stuck_ms": 0}}],
    "hub": {"read_ms": 100000, "started_ms": 40000}}"#;

const THEIRS: &str = r#"{
    "consumers": [{"name": "RelayConsumer", "initialized": true, "backlog": 0, "exceptions": 0}],
    "producers": [{"name": "Poller", "initialized": true, "exceptions": 3, "last_ran": 990.0}]}"#;

fn judge(text: &str, wanted: &Wanted<'_>) -> Judgement {
    Judgement::of(&Emission::parse(text.as_bytes()).unwrap(), wanted)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn a_threshold_is_two_limits_or_one() {
    #[track_caller]
    fn check(text: &str, expected: Option<(f64, f64)>) {
        let read = text.parse::<Threshold>().ok();
        assert_eq!(read.map(|it| (it.warning, it.critical)), expected, "{text}");
    }
    check("10:50", Some((10.0, 50.0)));
    check("5", Some((5.0, 5.0)));
    check("50:10", None);
    check("a:b", None);
    check("-1:5", None);
    check("1:2:3", None);
    check("", None);
    let age = |text: &str| {
        text.parse::<Age>()
            .ok()
            .map(|Age(it)| (it.warning, it.critical))
    };
    assert_eq!(age("60:5m"), Some((60.0, 300.0)));
    assert_eq!(age("1h"), Some((3600.0, 3600.0)));
    assert_eq!(age("soon"), None);
}

#[test]
fn a_limit_is_passed_by_what_is_greater() {
    let limit: Threshold = "10:50".parse().unwrap();
    let levels = [0.0, 10.0, 10.1, 50.0, 51.0].map(|value| limit.level(value));
    use Level::{Critical, Ok, Warning};
    assert_eq!(levels, [Ok, Ok, Warning, Warning, Critical]);
}

#[test]
fn who_is_asked_for_must_be_there_and_initialized() {
    let consumers = names(&["RelayConsumer", "audit", "nobody"]);
    let producers = names(&["MonitoringProducer"]);
    let wanted = Wanted {
        consumers: &consumers,
        producers: &producers,
        ..Wanted::default()
    };
    let judgement = judge(OURS, &wanted);
    assert_eq!(judgement.missing, ["nobody", "MonitoringProducer"]);
    assert_eq!(judgement.uninitialized, ["audit"]);
    assert_eq!(judgement.level(), Level::Critical);
    let both = names(&["relay", "RelayConsumer"]);
    let wanted = Wanted {
        consumers: &both,
        ..Wanted::default()
    };
    assert_eq!(
        judge(OURS, &wanted).level(),
        Level::Ok,
        "either name will do"
    );
}

#[test]
fn a_hub_of_ours_says_what_is_stuck_and_what_has_ended() {
    let judgement = judge(OURS, &Wanted::default());
    assert_eq!(judgement.level(), Level::Critical);
    assert_eq!(
        judgement.complaints(),
        [
            "audit has been stuck for 400 s",
            "audit has halted: disk full"
        ]
    );
}

#[test]
fn what_is_beyond_a_threshold_is_said() {
    let consumers = names(&["relay"]);
    let producers = names(&["beat"]);
    let wanted = Wanted {
        consumers: &consumers,
        producers: &producers,
        backlog: "10:50".parse().ok(),
        exceptions: "1:5".parse().ok(),
        message_age: "10:20".parse().ok(),
        run_age: "59:1h".parse().ok(),
        missed: "5".parse().ok(),
        now: 0.0,
    };
    let judgement = judge(OURS, &wanted);
    assert_eq!(
        judgement.complaints(),
        [
            "RelayConsumer: age of the last message is 30s, over 20s",
            "RelayConsumer: backlog is 12, over 10",
            "beat: age of the last run is 60s, over 59s",
        ]
    );
    let measured: Vec<_> = judgement
        .measures
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(
        measured,
        [
            "RelayConsumer backlog",
            "RelayConsumer exceptions",
            "RelayConsumer age of the last message",
            "beat exceptions",
            "beat age of the last run",
        ]
    );
}

#[test]
fn what_the_original_does_not_say_is_unknown() {
    let wanted = Wanted {
        message_age: "10:20".parse().ok(),
        run_age: "5:100".parse().ok(),
        now: 1000.0,
        ..Wanted::default()
    };
    let judgement = judge(THEIRS, &wanted);
    assert_eq!(judgement.level(), Level::Warning);
    assert_eq!(
        judgement.complaints(),
        [
            "Poller: age of the last run is 10s, over 5s",
            "RelayConsumer: its hub does not say the age of the last message",
        ]
    );
}
