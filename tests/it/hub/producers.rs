//! When producers tick, and what a tick that fails costs.

use std::time::Duration;

use fedmsg_hub::{ProducerState, TestBus};

use super::{Probe, ScriptedProducer, live};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_producer_that_fails_goes_on_at_its_next_tick() {
    let probe = Probe::new();
    let settings = "every = '1h'\nparams.script = 'ok fail fail ok'";
    let report = TestBus::new()
        .producer::<ScriptedProducer>("bell", &probe.settings(settings))
        .run(async |bus| {
            let mut failures = Vec::new();
            for _ in 0..4 {
                bus.advance(HOUR).await;
                failures.push(
                    bus.status()
                        .await
                        .producer("bell")
                        .unwrap()
                        .consecutive_failures,
                );
            }
            assert_eq!(failures, [0, 1, 2, 0]);
        });
    let expected = [
        "build ok",
        "tick ok",
        "ticked",
        "tick fail",
        "tick fail",
        "tick ok",
        "ticked",
        "stop",
    ];
    assert_eq!(probe.of("bell"), expected);
    let bell = report.status.producer("bell").unwrap();
    assert_eq!((bell.ticks, bell.failures, bell.skipped), (2, 2, 0));
}

#[test]
fn a_producer_that_panics_is_built_anew_at_its_next_tick() {
    let probe = Probe::new();
    let settings = "every = '1h'\nparams.script = 'panic'";
    TestBus::new()
        .producer::<ScriptedProducer>("bell", &probe.settings(settings))
        .run(async |bus| {
            probe.next_builds(&["fail", "panic"]); // each costs a tick, too
            let mut states = Vec::new();
            for _ in 0..4 {
                bus.advance(HOUR).await;
                let status = bus.status().await;
                let bell = status.producer("bell").unwrap();
                states.push((bell.state.clone(), bell.failures));
            }
            let restarting = |failures| (ProducerState::Restarting, failures);
            let running = (ProducerState::Running, 3);
            assert_eq!(
                states,
                [restarting(1), restarting(2), restarting(3), running]
            );
        });
    let expected = [
        "build ok",
        "tick panic",
        "build fail",
        "build panic",
        "build ok",
        "tick ok",
        "ticked",
        "stop",
    ];
    assert_eq!(probe.of("bell"), expected);
}

#[test]
fn a_factory_that_fails_at_the_start_ends_the_hub_with_its_reason() {
    let probe = Probe::new();
    probe.next_builds(&["fail"]);
    let error = TestBus::new()
        .producer::<ScriptedProducer>("bell", &probe.settings("every = '1h'"))
        .try_run(async |_| panic!("it has started"))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "producers.bell does not start: the factory is closed"
    );
}

#[test]
fn ticks_come_at_the_moments_of_the_schedule() {
    let probe = Probe::new();
    TestBus::new() // the clock of a test starts at midnight, 2026-01-01, a Thursday, in UTC
        .producer::<ScriptedProducer>("every", &probe.settings("every = '90s'"))
        .producer::<ScriptedProducer>("now", &probe.settings("every = '3m'\nnow = true"))
        .producer::<ScriptedProducer>("cron", &probe.settings("cron = '*/2 * * * *'"))
        .producer::<ScriptedProducer>(
            "noon",
            &probe.settings("cron = '0 12 * * FRI'\ntimezone = 'America/New_York'"),
        )
        .run(async |bus| {
            let ticks = |probe: &Probe, who: &str| {
                probe.of(who).iter().filter(|it| *it == "ticked").count()
            };
            probe.saw("now", "ticked").await;
            let mut seen = Vec::new();
            for _ in 0..8 {
                bus.advance(Duration::from_secs(60)).await;
                seen.push(["every", "now", "cron"].map(|who| ticks(&probe, who)));
            }
            let expected = [
                [0, 1, 0],
                [1, 1, 1],
                [2, 2, 1],
                [2, 2, 2],
                [3, 2, 2],
                [4, 3, 3],
                [4, 3, 3],
                [5, 3, 4],
            ];
            assert_eq!(seen, expected);
            // Friday noon in New York is 17:00 in London.
            bus.advance(Duration::from_secs((24 + 17) * 3600 - 8 * 60 - 1))
                .await;
            assert_eq!(ticks(&probe, "noon"), 0);
            bus.advance(Duration::from_secs(1)).await;
            assert_eq!(ticks(&probe, "noon"), 1);
        });
}

#[test]
fn what_a_producer_publishes_bears_its_name() {
    let probe = Probe::new();
    let settings = probe.settings("every = '1h'\nparams.script = 'publish'");
    TestBus::new()
        .producer::<ScriptedProducer>("tower", &settings)
        .run(async |bus| {
            bus.advance(HOUR).await;
            let ding = bus.next_published().await;
            assert_eq!(ding.topic().as_str(), "com.example.dev.tower.bell");
        });
}

#[test]
fn ticks_never_overlap_and_missed_ones_are_skipped_or_made_up_for() {
    let probe = Probe::new();
    let slow = |missed| {
        let settings = format!("every = '5ms'\nmissed = '{missed}'\nparams.script = 'wait'");
        probe.settings(&settings)
    };
    let metronome = probe.settings("every = '5ms'");
    let toml = format!(
        "stop_timeout = '30s'
         [producers.skipping]\nkind = 'scripted-producer'\n{}
         [producers.catching-up]\nkind = 'scripted-producer'\n{}
         [producers.metronome]\nkind = 'scripted-producer'\n{metronome}",
        slow("skip"),
        slow("catch-up")
    );
    live(&toml, async |hub, _| {
        let beats = |probe: &Probe| probe.of("metronome").len();
        probe.saw("skipping", "tick wait").await;
        probe.saw("catching-up", "tick wait").await;
        let start = beats(&probe);
        probe
            .until("ten ticks", |probe| beats(probe) >= start + 2 * 10)
            .await;
        let waiting = ["skipping", "catching-up"].map(|who| probe.of(who));
        assert!(
            waiting
                .iter()
                .all(|events| events.last().unwrap() == "tick wait")
        );
        probe.open();
        let status = hub
            .until(|status| {
                let ticks = |who| status.producer(who).unwrap().ticks;
                ticks("catching-up") >= 10 && ticks("skipping") >= 2
            })
            .await;
        let skipped = |who| status.producer(who).unwrap().skipped;
        assert!(skipped("skipping") >= 8, "{}", skipped("skipping"));
        assert_eq!(skipped("catching-up"), 0);
        hub.stop().await;
    });
    for who in ["skipping", "catching-up"] {
        let events = probe.of(who);
        let ticks = events.iter().filter(|event| event.starts_with("tick"));
        let kinds: Vec<_> = ticks.map(|event| event == "ticked").collect();
        assert!(
            kinds.chunks(2).all(|pair| pair == [false, true]),
            "{events:?}"
        );
    }
}
