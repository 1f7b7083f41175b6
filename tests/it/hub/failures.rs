//! What an error or a panic costs: that attempt, at most that message, never the mailbox or others.

use std::time::Duration;

use fedmsg_hub::{ConsumerState, TestBus};

use super::{Probe, Scripted};

const TOPIC: &str = "com.example.test.work";

const OTHER: &str = "com.example.other";

/// Settings under which nothing takes long.
const QUICK: &str = "topics = 'com.example.test'
                     retry.first_delay = '1ms'
                     restart.first_delay = '1ms'";

#[test]
fn a_panicking_consumer_keeps_its_mailbox_and_is_built_anew() {
    let probe = Probe::new();
    let report = TestBus::new()
        .consumer::<Scripted>("hot", &probe.settings(QUICK))
        .consumer::<Scripted>("cool", &probe.settings("topics = 'com.example.other'"))
        .run(async |bus| {
            bus.publish(TOPIC, "1 wait").await;
            probe.saw("hot", "1 wait").await;
            bus.publish(TOPIC, "2 panic").await;
            bus.publish(TOPIC, "3").await;
            bus.publish(OTHER, "hello").await;
            probe.open();
            probe.saw("cool", "hello").await;
            bus.settle().await;
        });
    let expected = [
        "build ok", "1 wait", "1", "2 panic", "build ok", "2", "3", "stop",
    ];
    assert_eq!(probe.of("hot"), expected);
    assert_eq!(probe.of("cool"), ["build ok", "hello", "stop"]);
    let hot = report.status.consumer("hot").unwrap();
    assert_eq!((hot.accepted, hot.consumed, hot.panics), (3, 3, 1));
    assert!(report.is_clean());
}

#[test]
fn a_retried_message_comes_again_after_growing_pauses_and_the_rest_waits() {
    let probe = Probe::new();
    let settings = "retry = { attempts = 4, first_delay = '20ms', max_delay = '30ms' }";
    let report = TestBus::new()
        .consumer::<Scripted>("patient", &probe.settings(settings))
        .run(async |bus| {
            bus.publish(TOPIC, "1 retry retry retry").await;
            bus.publish(TOPIC, "2").await;
            bus.settle().await;
        });
    let expected = [
        "build ok", "1 retry", "1 retry", "1 retry", "1", "2", "stop",
    ];
    assert_eq!(probe.of("patient"), expected);
    // After 20 ms, then after twice that, but 30 ms at most, then again.
    let pauses: Vec<_> = probe
        .pauses("patient", "1")
        .iter()
        .zip([20, 30, 30])
        .map(|(pause, least)| *pause >= Duration::from_millis(least))
        .collect();
    assert_eq!(pauses, [true; 3]);
    let patient = report.status.consumer("patient").unwrap();
    assert_eq!(
        (patient.consumed, patient.errors, patient.dropped),
        (2, 3, 0)
    );
}

#[test]
fn a_message_that_fails_every_attempt_is_dropped_and_counted() {
    let probe = Probe::new();
    let report = TestBus::new()
        .consumer::<Scripted>("failing", &probe.settings(QUICK))
        .run(async |bus| {
            bus.publish(TOPIC, "1 retry…").await;
            bus.publish(TOPIC, "2").await;
            bus.settle().await;
        });
    let expected = ["build ok", "1 retry", "1 retry", "1 retry", "2", "stop"];
    assert_eq!(probe.of("failing"), expected);
    let failing = report.status.consumer("failing").unwrap();
    assert_eq!(
        (failing.consumed, failing.errors, failing.dropped),
        (1, 3, 1)
    );
    assert_eq!(report.status.lost(), 1);
    assert!(!report.is_clean());
}

#[test]
fn a_message_that_is_given_up_is_not_tried_again() {
    let probe = Probe::new();
    let report = TestBus::new()
        .consumer::<Scripted>("strict", &probe.settings(QUICK))
        .run(async |bus| {
            bus.publish(TOPIC, "1 drop").await;
            bus.publish(TOPIC, "2").await;
            bus.settle().await;
        });
    assert_eq!(probe.of("strict"), ["build ok", "1 drop", "2", "stop"]);
    let strict = report.status.consumer("strict").unwrap();
    assert_eq!((strict.consumed, strict.errors, strict.dropped), (1, 1, 1));
}

#[test]
fn a_consumer_that_halts_takes_nothing_more_and_holds_nobody_up() {
    let probe = Probe::new();
    let report = TestBus::new()
        .consumer::<Scripted>(
            "halting",
            &probe.settings("topics = 'com.example.test'\nmailbox.messages = 1"),
        )
        .consumer::<Scripted>("other", &probe.settings("topics = 'com.example.other'"))
        .run(async |bus| {
            bus.publish(TOPIC, "1 halt").await;
            for _ in 0..9 {
                bus.publish(TOPIC, "2").await;
            }
            bus.publish(OTHER, "hello").await;
            probe.saw("other", "hello").await;
            bus.settle().await;
        });
    assert_eq!(probe.of("halting"), ["build ok", "1 halt"]);
    let halting = report.status.consumer("halting").unwrap();
    assert_eq!(
        halting.state,
        ConsumerState::Halted("out of paper".to_owned())
    );
    // The message that it halted at, those behind it, and what came later: nobody has handled them.
    assert_eq!((halting.consumed, halting.undelivered), (0, 10));
    assert_eq!(report.status.lost(), 10);
}

#[test]
fn a_factory_that_fails_at_the_start_ends_the_hub_with_its_reason() {
    for (outcome, reason) in [
        ("fail", "the factory is closed"),
        ("panic", "the factory burns"),
    ] {
        let probe = Probe::new();
        probe.next_builds(&["ok", outcome]);
        let error = TestBus::new()
            .settings("timeout = '10ms'") // nobody hears a goodbye
            .consumer::<Scripted>("first", &probe.settings(""))
            .consumer::<Scripted>("second", &probe.settings(""))
            .try_run(async |_| panic!("it has started"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("consumers.second"), "{error}");
        assert!(error.contains(reason), "{error}");
        // The one that was built already has been told to stop.
        assert_eq!(probe.of("first").len(), 2, "{:?}", probe.all());
    }
}

#[test]
fn a_factory_that_fails_after_a_panic_is_tried_again() {
    let probe = Probe::new();
    let report = TestBus::new()
        .consumer::<Scripted>("phoenix", &probe.settings(QUICK))
        .run(async |bus| {
            probe.next_builds(&["fail", "panic"]);
            bus.publish(TOPIC, "1 panic").await;
            bus.settle().await;
        });
    let expected = [
        "build ok",
        "1 panic",
        "build fail",
        "build panic",
        "build ok",
        "1",
        "stop",
    ];
    assert_eq!(probe.of("phoenix"), expected);
    assert!(report.is_clean());
}

#[test]
fn a_consumer_that_cannot_be_built_anew_is_given_up_and_its_messages_are_counted() {
    let probe = Probe::new();
    let settings = format!("{QUICK}\nrestart.attempts = 2\nmailbox.messages = 2");
    let report = TestBus::new()
        .consumer::<Scripted>("ashes", &probe.settings(&settings))
        .consumer::<Scripted>("other", &probe.settings("topics = 'com.example.other'"))
        .run(async |bus| {
            probe.next_builds(&["fail", "fail", "fail"]);
            bus.publish(TOPIC, "1 panic").await;
            for _ in 0..5 {
                bus.publish(TOPIC, "2").await;
            }
            let over = |status: &fedmsg_hub::HubStatus| status.consumer("ashes").unwrap().is_over();
            let status = bus.until(over).await;
            let state = status.consumer("ashes").unwrap().state.to_string();
            assert_eq!(state, "given up: the factory is closed");
            bus.publish(OTHER, "hello").await;
            probe.saw("other", "hello").await;
            bus.settle().await;
        });
    let expected = ["build ok", "1 panic", "build fail", "build fail"];
    assert_eq!(probe.of("ashes"), expected);
    let ashes = report.status.consumer("ashes").unwrap();
    assert_eq!(
        (ashes.consumed, ashes.dropped, ashes.undelivered),
        (0, 0, 6)
    );
    assert_eq!(report.status.consumer("other").unwrap().consumed, 1);
    assert_eq!(report.status.lost(), 6);
}

#[test]
fn a_consumer_that_panics_even_when_it_is_dropped_costs_no_more_than_its_attempts() {
    let probe = Probe::new();
    let report = TestBus::new()
        .consumer::<Scripted>("bursting", &probe.settings(QUICK))
        .run(async |bus| {
            bus.publish(TOPIC, "1 burst…").await;
            bus.publish(TOPIC, "2").await;
            bus.settle().await;
        });
    let bursting = report.status.consumer("bursting").unwrap();
    assert_eq!(
        (bursting.panics, bursting.dropped, bursting.consumed),
        (3, 1, 1)
    );
    assert_eq!(bursting.state, ConsumerState::Stopped);
}
