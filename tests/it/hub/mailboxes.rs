//! The bounds of a mailbox: what happens at them, and that nothing is lost in silence.

use fedmsg_hub::{HubStatus, TestBus};

use super::{Probe, Scripted};

const TOPIC: &str = "com.example.test.work";

#[test]
fn a_full_mailbox_that_drops_the_newest_counts_each_of_them() {
    let probe = Probe::new();
    let settings = "mailbox = { messages = 3, when_full = 'drop-newest' }";
    let report = TestBus::new()
        .consumer::<Scripted>("small", &probe.settings(settings))
        .run(async |bus| {
            bus.publish(TOPIC, "1 wait").await;
            probe.saw("small", "1 wait").await;
            for n in 2..=11 {
                bus.publish(TOPIC, n.to_string()).await;
            }
            bus.until(|status| status.sources[0].routed == 11).await;
            probe.open();
            bus.settle().await;
        });
    // The one in work counts as well.
    assert_eq!(
        probe.of("small"),
        ["build ok", "1 wait", "1", "2", "3", "stop"]
    );
    let small = report.status.consumer("small").unwrap();
    assert_eq!((small.accepted, small.overflowed, small.waits), (3, 8, 0));
    assert_eq!(report.status.lost(), 8);
    assert!(!report.is_clean());
}

#[test]
fn a_mailbox_is_bounded_in_bytes_too() {
    let probe = Probe::new();
    let settings = "mailbox = { bytes = '10 KiB', when_full = 'drop-newest' }";
    let report = TestBus::new()
        .consumer::<Scripted>("light", &probe.settings(settings))
        .run(async |bus| {
            bus.publish(TOPIC, "1 wait").await;
            probe.saw("light", "1 wait").await;
            for n in 2..=5 {
                bus.publish(TOPIC, format!("{n}{}", " ".repeat(4000))).await;
            }
            let status = bus.until(|status| status.sources[0].routed == 5).await;
            let light = status.consumer("light").unwrap();
            assert!(light.backlog_bytes > 8000 && light.backlog_bytes <= 10 << 10);
            probe.open();
            bus.settle().await;
        });
    assert_eq!(
        probe.of("light"),
        ["build ok", "1 wait", "1", "2", "3", "stop"]
    );
    assert_eq!(report.status.consumer("light").unwrap().overflowed, 2);
}

#[test]
fn a_full_mailbox_that_blocks_holds_back_and_loses_nothing() {
    let probe = Probe::new();
    let report = TestBus::new()
        .consumer::<Scripted>("narrow", &probe.settings("mailbox.messages = 2"))
        .run(async |bus| {
            bus.publish(TOPIC, "0 wait").await;
            probe.saw("narrow", "0 wait").await;
            for n in 1..1000 {
                bus.publish(TOPIC, n.to_string()).await;
            }
            let status = bus.until(|status| status.consumers[0].waits > 0).await;
            assert_eq!(status.consumers[0].backlog, 2);
            probe.open();
            bus.settle().await;
        });
    let mut expected: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    expected.splice(0..0, ["build ok".to_owned(), "0 wait".to_owned()]);
    expected.push("stop".to_owned());
    assert_eq!(probe.of("narrow"), expected);
    assert!(report.is_clean());
}

#[test]
fn a_consumer_works_on_one_message_at_a_time_and_in_order() {
    let probe = Probe::new();
    let report = TestBus::new()
        .consumer::<Scripted>("single", &probe.settings("retry.first_delay = '1ms'"))
        .run(async |bus| {
            for n in 0..300 {
                let word = if n % 7 == 0 { " retry" } else { "" };
                bus.publish(TOPIC, format!("{n}{word}")).await;
            }
            bus.settle().await;
        });
    let consumed = probe.of("single");
    let consumed: Vec<u32> = consumed.iter().filter_map(|it| it.parse().ok()).collect();
    assert_eq!(consumed, (0..300).collect::<Vec<u32>>());
    assert_eq!(probe.most_working(), 1);
    assert!(report.is_clean());
}

#[test]
fn several_workers_work_at_the_same_time_and_lose_nothing() {
    let probe = Probe::new();
    let settings = "workers = 4\nretry.first_delay = '1ms'";
    let report = TestBus::new()
        .consumer::<Scripted>("team", &probe.settings(settings))
        .run(async |bus| {
            for n in 0..4 {
                bus.publish(TOPIC, format!("{n} wait")).await;
            }
            // None of them has two while another has none.
            probe
                .until("four at work", |probe| probe.most_working() == 4)
                .await;
            for n in 4..1000 {
                let words = ["", " retry", " drop", ""][n % 4];
                bus.publish(TOPIC, format!("{n}{words}")).await;
            }
            probe.open();
            bus.settle().await;
        });
    let mut consumed: Vec<u32> = probe
        .of("team")
        .iter()
        .filter_map(|event| event.parse().ok())
        .collect();
    consumed.sort_unstable();
    let expected: Vec<_> = (0..1000).filter(|n| *n < 4 || n % 4 != 2).collect();
    assert_eq!(consumed, expected);
    let team = report.status.consumer("team").unwrap();
    assert_eq!(team.consumed + team.dropped, 1000);
    assert_eq!(
        probe.of("team").iter().filter(|it| *it == "stop").count(),
        4
    );
}

#[test]
fn what_a_consumer_has_done_is_visible_while_it_works_on_the_rest() {
    let probe = Probe::new();
    let report = TestBus::new()
        .settings("stop_timeout = '100ms'")
        .consumer::<Scripted>("stuck", &probe.settings(""))
        .run(async |bus| {
            bus.publish(TOPIC, "0 wait").await;
            probe.saw("stuck", "0 wait").await;
            for n in 1..=10 {
                bus.publish(TOPIC, n.to_string()).await;
            }
            bus.publish(TOPIC, "11 hang").await;
            bus.until(|status| status.sources[0].routed == 12).await;
            probe.open();
            let seen = |status: &HubStatus| {
                let stuck = &status.consumers[0];
                stuck.consumed == 11 && stuck.backlog == 1
            };
            bus.until(seen).await;
        });
    assert_eq!(report.status.lost(), 1);
}
