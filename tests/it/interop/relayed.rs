//! Through a relay: ours with their publishers and subscribers, theirs with ours.

use std::collections::BTreeSet;

use fedmsg::json::{Object, Value};

use super::bodies::{self, parse, sent_by_the_original};
use super::events::{self, body, canonical, envelope, spaced, user_name};
use crate::peers::{Bodies, Peers, Process, Publish, Via, free_tcp_port};
use crate::sandbox::{Listener, Sandbox, Settings, Speaker};

/// More messages than a tail is ever sent in these tests: it is not to end by itself.
const MANY: u32 = 1_000_000;

/// Lines that `fedmsg-logger` is given, and what it makes of each.
const LINES: [(&str, &str); 8] = [
    ("plain", "plain"),
    ("", ""),
    ("  \t blank at both ends \t ", "blank at both ends"),
    ("grüße, 日本語 and 😀", "grüße, 日本語 and 😀"),
    (r#"{"json": "is text here"}"#, r#"{"json": "is text here"}"#),
    (r"back\slash and \u0041", r"back\slash and \u0041"),
    ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
    ("carriage return\r", "carriage return"),
];

/// Returns some hundred lines for a logger and what is to be logged for each.
fn lines() -> (Vec<String>, Vec<String>) {
    let plain = (1..=200).map(|n| (format!("line {n}"), format!("line {n}")));
    let odd = LINES.map(|(line, log)| (line.to_owned(), log.to_owned()));
    odd.into_iter().chain(plain).unzip()
}

#[test]
fn our_logger_and_our_heartbeat_reach_both_tails_through_the_real_relay() {
    let Some(peers) = Peers::find() else { return };
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let config = peers.config().relay(inbound, outbound).write();
    let settings = Settings::new().relay(inbound, outbound);
    let _relay = peers.daemon("fedmsg-relay", &config);
    let mut theirs = peers.tail(&config, "", MANY);
    let sandbox = Sandbox::with(&settings);
    let mut ours = sandbox.start(&["fedmsg-tail", "--json"]);
    let heart = "active = true\n[producers.heart]\nkind = 'heartbeat'\nevery = '20ms'";
    let hub = Sandbox::with(&settings.with(heart));
    let hub = hub.start(&["fedmsg-hub"]);
    let beats = events::take(&mut theirs, "message", "hub.heartbeat", 100);
    ours.line_with("hub.heartbeat"); // from here on nothing is lost

    let (lines, logged) = lines();
    let mut logger = sandbox.start(&["fedmsg-logger"]);
    lines.iter().for_each(|line| logger.write_line(line));
    assert_eq!(logger.finish().expect_success().errors, "");

    let by_them = events::take(&mut theirs, "message", "logger.log", lines.len());
    let mut identities = BTreeSet::new();
    for (index, event) in by_them.iter().enumerate() {
        let envelope = envelope(event);
        check_log(envelope, index, &logged[index], "tester");
        identities.insert(spaced(envelope.get("msg_id").expect("an identifier")));
        // The real relay writes JSON anew, in Python's default style.
        assert_eq!(ours.line_with("logger.log"), spaced(envelope));
    }
    assert_eq!(
        identities.len(),
        lines.len(),
        "each has an identity of its own"
    );

    let number = |event: &Value| envelope(event).pointer("/msg/beat").and_then(Value::as_u64);
    let first = number(&beats[0]).expect("a number");
    for (beat, number_wanted) in beats.iter().zip(first..) {
        assert_eq!(number(beat), Some(number_wanted), "a heartbeat is missing");
        let name = envelope(beat).pointer("/msg/name").and_then(Value::as_str);
        assert_eq!(name, Some("heart"));
    }
    drop(hub);
}

/// Checks a message that a `fedmsg-logger` has published as the one with this index.
fn check_log(envelope: &Value, index: usize, log: &str, user: &str) {
    let msg = envelope.get("msg").expect("a payload");
    assert_eq!(text(msg, "log"), Some(log));
    assert_eq!(msg.as_object().map(Object::len), Some(1));
    let number = envelope.get("i").and_then(Value::as_u64);
    assert_eq!(number, Some(index as u64 + 1), "{log}");
    assert_eq!(text(envelope, "username"), Some(user));
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// Everybody who listens to our relay, or to the real gateway behind it.
struct Audience {
    their_tail: Process,
    their_hub: Process,
    our_tail: Process,
    behind_their_gateway: Listener,
}

impl Audience {
    /// Waits until each has heard something of `speaker`: from then on nothing is lost.
    fn wake(&mut self, speaker: &Speaker) {
        let (tail, hub, ours) = (
            &mut self.their_tail,
            &mut self.their_hub,
            &mut self.our_tail,
        );
        speaker.probe("probe", |time| tail.event_within("message", time));
        speaker.probe("probe", |time| hub.event_within("message", time));
        speaker.probe("probe", |time| ours.line_within(time));
        speaker.probe("probe", |time| self.behind_their_gateway.next_within(time));
    }

    /// Returns the next `count` messages that are no probes, which are the same for everybody: one
    /// relay has sent them, in one order.
    fn receive(&mut self, count: usize) -> Vec<Value> {
        let about = "org.fedoraproject.dev";
        let mut received = Vec::new();
        for _ in 0..count {
            let bytes = self.our_tail.line_with(about);
            let repeated = self.behind_their_gateway.next_about(about);
            assert_eq!(body(&repeated), bytes, "behind their gateway");
            let envelope_seen = parse(&bytes);
            for theirs in [&mut self.their_tail, &mut self.their_hub] {
                let event = events::next(theirs, "message", about);
                assert_eq!(spaced(envelope(&event)), spaced(&envelope_seen), "theirs");
            }
            // Nobody has written it anew on its way.
            assert_eq!(canonical(&envelope_seen), bytes);
            received.push(envelope_seen);
        }
        received
    }
}

#[test]
fn our_relay_loses_nothing_between_our_and_their_publishers_and_subscribers() {
    let Some(peers) = Peers::find() else { return };
    let (inbound, outbound, repeated) = (free_tcp_port(), free_tcp_port(), free_tcp_port());
    let config = peers.config().relay(inbound, outbound).gateway(repeated);
    let config = config.recorder("*").write();
    let settings = Settings::new().relay(inbound, outbound);
    let sandbox = Sandbox::with(&settings);
    let _relay = sandbox.start(&["fedmsg-relay"]);
    let _gateway = peers.program("fedmsg-gateway", &config, &[]);
    let mut audience = Audience {
        their_tail: peers.tail(&config, "", MANY),
        their_hub: peers.hub(&config),
        our_tail: sandbox.start(&["fedmsg-tail", "--json"]),
        behind_their_gateway: Listener::on(repeated),
    };
    let speaker = Speaker::active(inbound);
    audience.wake(&speaker);

    let payloads = bodies::for_the_original(60);
    let (lines, logged) = lines();
    let mut publisher = peers.publish(&config, &Publish::new(Via::Relay, Bodies::FromInput));
    let mut their_logger = peers.program("fedmsg-logger", &config, &[]);
    let mut our_logger = sandbox.start(&["fedmsg-logger", "--modname", "ours"]);
    payloads
        .iter()
        .for_each(|payload| publisher.write_line(payload));
    for line in &lines {
        their_logger.write_line(line);
        our_logger.write_line(line);
    }
    for n in 0..300_u64 {
        speaker.publish("interop", "count", n);
    }
    for logger in [their_logger, our_logger] {
        assert_eq!(logger.finish().expect_success().lines, [""; 0]);
    }
    let published = events::take(&mut publisher, "published", "", payloads.len());
    publisher.finish().expect_success();

    let received = audience.receive(payloads.len() + 2 * lines.len() + 300);
    let about = |topic: &str| {
        let topic = format!("org.fedoraproject.dev.{topic}");
        let of_topic = |envelope: &&Value| text(envelope, "topic") == Some(&topic);
        received.iter().filter(of_topic).collect::<Vec<_>>()
    };
    let texts = |values: Vec<&Value>| values.into_iter().map(canonical).collect::<Vec<_>>();
    let sent = texts(published.iter().map(envelope).collect());
    assert_eq!(texts(about("interop.ping")), sent);
    for (payload, envelope) in payloads.iter().zip(about("interop.ping")) {
        let msg = envelope.get("msg").expect("a payload");
        assert_eq!(canonical(msg), canonical(&sent_by_the_original(payload)));
    }
    for (topic, user) in [
        ("logger.log", user_name()),
        ("ours.log", "tester".to_owned()),
    ] {
        let received = about(topic);
        assert_eq!(received.len(), lines.len(), "{topic}");
        for (index, envelope) in received.into_iter().enumerate() {
            check_log(envelope, index, &logged[index], &user);
        }
    }
    let counted = about("interop.count").into_iter();
    let counted = counted.map(|envelope| envelope.get("msg").and_then(Value::as_u64));
    assert!(counted.eq((0..300).map(Some)), "in order");
}
