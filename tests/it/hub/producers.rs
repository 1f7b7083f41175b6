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

/// After each of `hours` how often a producer has tried, and how often it has left a tick out.
fn hourly(settings: &str, hours: usize) -> (Vec<(u64, u64)>, ProducerState) {
    let probe = Probe::new();
    let mut seen = Vec::new();
    let mut state = ProducerState::Starting;
    TestBus::new()
        .producer::<ScriptedProducer>("bell", &probe.settings(settings))
        .producer::<ScriptedProducer>("other", &probe.settings("every = '1h'"))
        .run(async |bus| {
            for hour in 1..=hours {
                bus.advance(HOUR).await;
                let status = bus.status().await;
                let bell = status.producer("bell").unwrap();
                seen.push((bell.ticks + bell.failures, bell.left_out));
                state = bell.state.clone();
                assert_eq!(status.producer("other").unwrap().ticks, hour as u64);
            }
        });
    (seen, state)
}

#[test]
fn a_producer_that_backs_off_leaves_out_more_and_more_until_it_succeeds() {
    let script = "params.script = 'fail panic fail ok fail ok ok'";
    let settings = format!("every = '1h'\non_error = 'back-off'\n{script}");
    let (seen, state) = hourly(&settings, 15);
    let tried: Vec<_> = seen.iter().map(|(tried, _)| *tried).collect();
    // One is left out, then two, then four; after the success one again.
    assert_eq!(tried, [1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 5, 5, 6, 7]);
    assert_eq!(seen.last(), Some(&(7, 8)));
    assert_eq!(state, ProducerState::Running);
}

#[test]
fn a_producer_that_is_to_stop_does_so_at_its_first_failure_and_is_stopped_with_the_hub() {
    let probe = Probe::new();
    let settings = "every = '1h'\non_error = 'stop'\nparams.script = 'ok fail ok'";
    let (seen, state) = hourly(settings, 4);
    assert_eq!(seen, [(1, 0), (2, 0), (2, 0), (2, 0)]);
    assert_eq!(state, ProducerState::GivenUp);
    TestBus::new()
        .producer::<ScriptedProducer>("bell", &probe.settings(settings))
        .run(async |bus| {
            bus.advance(3 * HOUR).await;
            assert!(bus.status().await.is_idle());
        });
    assert_eq!(probe.of("bell").last().unwrap(), "stop");
}

#[test]
fn a_tick_that_takes_too_long_is_cancelled_and_counts_as_a_failure() {
    let probe = Probe::new();
    let settings = "every = '1h'\ntime_limit = '2s'\nparams.script = 'wait ok'";
    TestBus::new()
        .producer::<ScriptedProducer>("bell", &probe.settings(settings))
        .run(async |bus| {
            bus.advance(2 * HOUR).await;
            let status = bus.status().await;
            let bell = status.producer("bell").unwrap();
            assert_eq!((bell.ticks, bell.failures, bell.skipped), (1, 1, 0));
        });
    let expected = ["build ok", "tick wait", "tick ok", "ticked", "stop"];
    assert_eq!(probe.of("bell"), expected);
}

#[test]
fn jitter_puts_every_tick_off_by_the_same_time() {
    let probe = Probe::new();
    let settings = "every = '1h'\nnow = true\njitter = '50m'";
    TestBus::new()
        .producer::<ScriptedProducer>("bell", &probe.settings(settings))
        .run(async |bus| {
            let mut minutes = Vec::new();
            for minute in 0..3 * 60 {
                bus.advance(Duration::from_secs(60)).await;
                let ticks = bus.status().await.producer("bell").unwrap().ticks;
                if ticks > minutes.len() as u64 {
                    minutes.push(minute);
                }
            }
            assert_eq!(minutes.len(), 3);
            assert!(minutes[0] <= 50, "{minutes:?}");
            assert_eq!([minutes[0] + 60, minutes[0] + 120], minutes[1..]);
        });
}
