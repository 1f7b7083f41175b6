//! A thousand of everything.

use std::time::Duration;

use fedmsg_hub::TestBus;

use super::{Probe, Scripted, ScriptedProducer};

const COUNT: usize = 1000;

#[test]
fn a_thousand_consumers_and_a_thousand_producers_start_work_and_stop() {
    let probe = Probe::new();
    let mut bus = TestBus::new().settings("stop_timeout = '5m'");
    for n in 0..COUNT {
        let topics = format!("topics = ['com.example.all', 'com.example.one.{n}']");
        bus = bus
            .consumer::<Scripted>(&format!("c{n}"), &probe.settings(&topics))
            .producer::<ScriptedProducer>(&format!("p{n}"), &probe.settings("every = '1h'"));
    }
    let report = bus.run(async |bus| {
        bus.publish("com.example.all", "all").await;
        for n in 0..COUNT {
            bus.publish(&format!("com.example.one.{n}"), n.to_string())
                .await;
        }
        bus.advance(Duration::from_secs(3600)).await;
        bus.settle().await;
    });
    for n in 0..COUNT {
        let consumer = probe.of(&format!("c{n}"));
        assert_eq!(consumer, ["build ok", "all", &n.to_string(), "stop"]);
        let producer = probe.of(&format!("p{n}"));
        assert_eq!(producer, ["build ok", "tick ok", "ticked", "stop"]);
    }
    assert!(report.is_clean());
}

#[test]
fn a_backlog_reaches_each_of_a_thousand_consumers_in_order() {
    const EACH: usize = 20;
    let probe = Probe::new();
    let mut bus = TestBus::new().settings("stop_timeout = '5m'");
    for n in 0..COUNT {
        let topics = format!("topics = ['com.example.*.{n}', 'com.example.one.#']");
        bus = bus.consumer::<Scripted>(&format!("c{n}"), &probe.settings(&topics));
    }
    let report = bus.run(async |bus| {
        for number in 0..EACH {
            for n in 0..COUNT {
                bus.publish(&format!("com.example.of.{n}"), number.to_string())
                    .await;
            }
        }
        bus.settle().await;
    });
    let numbers: Vec<_> = (0..EACH).map(|number| number.to_string()).collect();
    for n in 0..COUNT {
        let seen = probe.of(&format!("c{n}"));
        assert_eq!(seen.get(1..=EACH), Some(&*numbers), "c{n}");
    }
    assert!(report.is_clean());
}

#[test]
fn consumers_that_block_their_threads_hold_up_neither_the_intake_nor_each_other() {
    const BLOCKED: usize = 63; // as many as have a thread of their own, but for one
    let probe = Probe::new();
    let mut bus = TestBus::new();
    for n in 0..=BLOCKED {
        let topics = format!("topics = 'com.example.one.{n}'");
        bus = bus.consumer::<Scripted>(&format!("c{n:02}"), &probe.settings(&topics));
    }
    bus.run(async |bus| {
        for n in 0..BLOCKED {
            bus.publish(&format!("com.example.one.{n}"), format!("{n} block"))
                .await;
            probe.saw(&format!("c{n:02}"), &format!("{n} block")).await;
        }
        let free = format!("com.example.one.{BLOCKED}");
        bus.publish(&free, "free").await;
        probe.saw(&format!("c{BLOCKED:02}"), "free").await;
        probe.open();
    });
}
