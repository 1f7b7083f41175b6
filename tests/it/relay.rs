//! `fedmsg-relay` by itself: its addresses, its end, and that nothing gets lost in it.
//!
//! The relay and its slow subscribers are real processes; publishers and fast subscribers are our
//! library. How it gets on with the original is in `interop.rs`.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{Listener, Sandbox, Settings, Speaker, loopback};

/// A relay with the sandbox that it lives in, and its two ports.
struct Relay {
    sandbox: Sandbox,
    inbound: u16,
    outbound: u16,
}

impl Relay {
    /// Chooses the ports; starts nothing yet.
    fn new(toml: &str) -> Self {
        let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
        let settings = Settings::new().relay(inbound, outbound).with(toml);
        let sandbox = Sandbox::with(&settings);
        Self {
            sandbox,
            inbound,
            outbound,
        }
    }

    fn start(&self, flags: &[&str]) -> Process {
        self.sandbox.start(&[&["fedmsg-relay"], flags].concat())
    }

    fn speaker(&self) -> Speaker {
        Speaker::active(self.inbound)
    }

    /// Returns a subscriber that has heard something of `speaker`: it misses nothing any more.
    fn listener(&self, speaker: &Speaker) -> Listener {
        let listener = Listener::on(self.outbound);
        speaker.probe("probe", |time| listener.next_within(time));
        listener
    }
}

/// A port that somebody else listens on.
struct Taken(TcpListener);

impl Taken {
    fn new() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"))
    }

    fn address(&self) -> String {
        loopback(self.0.local_addr().expect("a bound socket").port())
    }
}

#[test]
fn publishers_may_use_any_of_its_inbound_addresses() {
    let ports = [free_tcp_port(), free_tcp_port(), free_tcp_port()];
    let inbound = ports.map(loopback);
    let relay = Relay::new(&format!("relay_inbound = {inbound:?}"));
    let _running = relay.start(&[]);
    let speakers = ports.map(Speaker::active);
    let listener = relay.listener(&speakers[0]);
    for (number, speaker) in (0_u64..).zip(&speakers) {
        speaker.publish("relay", "count", number);
        assert_eq!(
            listener.next_about("relay.count").msg().as_u64(),
            Some(number)
        );
    }
}

#[test]
fn a_publisher_that_knows_several_of_its_addresses_says_everything_once() {
    let ports = [free_tcp_port(), free_tcp_port()];
    let inbound = ports.map(loopback);
    let relay = Relay::new(&format!("relay_inbound = {inbound:?}"));
    let _running = relay.start(&[]);
    let listener = relay.listener(&Speaker::active(ports[0]));
    for number in 0..20 {
        let text = format!("line {number}");
        let logger = relay.sandbox.run(&["fedmsg-logger", "--message", &text]);
        logger.expect_success();
        let delivery = listener.next_about("logger.log");
        let log = delivery.msg().pointer("/log").and_then(|log| log.as_str());
        assert_eq!(log, Some(text.as_str()));
    }
}

#[test]
fn it_needs_nothing_to_sign_with_where_everybody_signs() {
    let relay = Relay::new("sign_messages = true\nssldir = '/nonexistent'");
    let _running = relay.start(&[]);
    relay.listener(&relay.speaker());
}

#[test]
fn an_inbound_address_that_is_taken_ends_it_and_is_named() {
    let taken = Taken::new();
    let free = free_tcp_port();
    let inbound = [loopback(free), taken.address()];
    let relay = Relay::new(&format!("relay_inbound = {inbound:?}"));
    let finished = relay.start(&[]).finish();
    assert_eq!(finished.status.code(), Some(69), "{finished:#?}");
    let complaint = finished.errors.lines().last().unwrap_or_default();
    assert!(complaint.contains(&taken.address()), "{complaint}");
    assert!(complaint.contains("in use"), "{complaint}");
    assert!(!complaint.contains(&inbound[0]), "{complaint}");
    TcpListener::bind((Ipv4Addr::LOCALHOST, free)).expect("nothing stays bound");
}

#[test]
fn it_publishes_on_the_first_outbound_address_that_is_free() {
    let (taken, free) = (Taken::new(), free_tcp_port());
    let outbound = [taken.address(), loopback(free), loopback(free_tcp_port())];
    let relay = Relay::new(&format!("endpoints.relay_outbound = {outbound:?}"));
    let _running = relay.start(&[]);
    let speaker = relay.speaker();
    let listener = Listener::on(free);
    speaker.probe("probe", |time| listener.next_within(time));
}

#[test]
fn without_a_free_outbound_address_it_ends_and_names_them_all() {
    let taken = [Taken::new(), Taken::new()];
    let outbound = taken.each_ref().map(Taken::address);
    let relay = Relay::new(&format!("endpoints.relay_outbound = {outbound:?}"));
    let finished = relay.start(&[]).finish();
    assert_eq!(finished.status.code(), Some(69), "{finished:#?}");
    let complaint = finished.errors.lines().last().unwrap_or_default();
    for address in outbound {
        assert!(complaint.contains(&address), "{complaint}");
    }
}

#[test]
fn publishers_and_subscribers_may_be_there_before_it() {
    let relay = Relay::new("post_init_sleep = 3"); // longer than anybody waits to reconnect
    let speaker = relay.speaker();
    let listener = Listener::on(relay.outbound);
    let mut logger = relay.sandbox.start(&["fedmsg-logger", "--timeout", "60"]);
    logger.write_line("early");
    thread::scope(|scope| {
        scope.spawn(|| speaker.publish("relay", "early", "early"));
        let _running = relay.start(&[]);
        let topics = (0..2).map(|_| listener.next_about("").topic().to_string());
        let topics: BTreeSet<_> = topics.collect();
        let expected = [
            "org.fedoraproject.dev.logger.log",
            "org.fedoraproject.dev.relay.early",
        ];
        assert!(topics.iter().eq(expected), "{topics:?}");
        logger.finish().expect_success();
    });
}

#[test]
fn a_new_one_waits_for_the_subscribers_of_the_one_that_was_killed() {
    let relay = Relay::new("post_init_sleep = 3");
    let mut running = relay.start(&[]);
    let speaker = relay.speaker();
    let listener = relay.listener(&speaker);
    for life in 0..2_u64 {
        drop(running); // SIGKILL
        // What is sent before the speaker knows of it, is lost with the connection.
        speaker.wait_until_unheard("relay");
        running = relay.start(&["--log", "debug"]);
        let numbers = life * 100..(life + 1) * 100;
        for number in numbers.clone() {
            speaker.publish("relay", "count", number);
        }
        let received = listener.take_about("relay.count", 100);
        let received = received.iter().map(|delivery| delivery.msg().as_u64());
        assert!(received.eq(numbers.map(Some)), "in life {life}");
    }
}

#[test]
fn nothing_is_lost_between_several_publishers_and_subscribers() {
    const EACH: u64 = 2000;
    let ports = [free_tcp_port(), free_tcp_port()];
    let inbound = ports.map(loopback);
    let relay = Relay::new(&format!("relay_inbound = {inbound:?}"));
    let _running = relay.start(&[]);
    let speakers = [ports[0], ports[1], ports[0], ports[1]].map(Speaker::active);
    let listeners = [(); 3].map(|()| relay.listener(&speakers[0]));
    thread::scope(|scope| {
        for (index, speaker) in speakers.iter().enumerate() {
            scope.spawn(move || {
                for number in 1..=EACH {
                    speaker.publish("count", &index.to_string(), number);
                }
            });
        }
    });
    for listener in &listeners {
        let mut last = BTreeMap::new();
        for delivery in listener.take_about("dev.count.", speakers.len() * 2000) {
            let number = delivery.msg().as_u64().expect("a number");
            let before = last.insert(delivery.topic().clone(), number);
            assert_eq!(number, before.unwrap_or(0) + 1, "{delivery:?}");
        }
        assert!(last.len() == speakers.len() && last.values().all(|number| *number == EACH));
    }
}

/// Returns a counter of the last line of a log that says `what`.
fn counter(log: &str, what: &str, name: &str) -> u64 {
    let line = log.lines().rfind(|line| line.contains(what));
    let line = line.unwrap_or_else(|| panic!("no line says {what:?}:\n{log}"));
    let counter = line
        .split(' ')
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let counter = counter.unwrap_or_else(|| panic!("no {name}: {line}"));
    counter.parse().expect("a number")
}

#[test]
fn all_that_it_received_before_sigterm_is_forwarded() {
    let relay = Relay::new("zmq_linger = '60s'\nstop_timeout = '60s'");
    let running = relay.start(&[]);
    let speakers = [(); 3].map(|()| relay.speaker());
    let listener = relay.listener(&speakers[0]);
    let stopped = AtomicBool::new(false);
    let finished = thread::scope(|scope| {
        for speaker in &speakers {
            scope.spawn(|| {
                while !stopped.load(Ordering::Relaxed) {
                    speaker.forward("load", r#"{"topic":"load","msg":{}}"#);
                }
            });
        }
        listener.take_about("load", 20_000);
        running.signal(Signal::TERM);
        let finished = running.finish();
        stopped.store(true, Ordering::Relaxed);
        finished
    });
    let log = finished.expect_success().errors;
    let received = counter(&log, "intake stopped", "messages");
    let forwarded = counter(&log, "forwarded messages", "messages");
    let unheard = counter(&log, "forwarded messages", "unheard");
    assert_eq!(received, forwarded, "{log}");
    assert_eq!(counter(&log, "consumer at the end", "consumed"), forwarded);
    assert_eq!(counter(&log, "consumer at the end", "undelivered"), 0);

    // Unheard are the first probes, which came before the subscription.
    while listener.taken() < forwarded - unheard {
        listener.next_about("");
    }
    assert!(unheard < 100, "{log}");
}

/// Returns a body of 2 kB.
fn two_kilobytes(number: u64) -> String {
    let padding = "0123456789abcdef".repeat(120);
    format!(r#"{{"msg":{{"number":{number},"padding":"{padding}"}},"topic":"burst"}}"#)
}

/// Sends `count` messages through a relay while one of its subscribers has stopped: many more than
/// the system keeps for a connection. Returns the numbers that this subscriber shows once it goes
/// on, how many messages the other one has got, and the log of the relay.
fn burst_past_a_stopped_subscriber(count: u64, flags: &[&str]) -> (Vec<u64>, u64, String) {
    let relay = Relay::new("zmq_linger = '60s'");
    let running = relay.start(flags);
    let speaker = relay.speaker();
    let fast = relay.listener(&speaker);
    let query = ["fedmsg-tail", "--query", "topic,msg.number"];
    let mut slow = relay.sandbox.start(&query);
    speaker.probe("probe", |time| slow.line_within(time));
    slow.signal(Signal::STOP);
    for number in 1..=count {
        speaker.forward("burst", two_kilobytes(number));
    }
    // Who is fast hears what comes after it: the relay has taken and sent all.
    speaker.probe("taken", |time| {
        std::iter::from_fn(|| fast.next_within(time)).find(|delivery| *delivery.topic() == "taken")
    });
    slow.signal(Signal::CONT);
    let mut shown = Vec::new();
    speaker.probe("end", |time| {
        while let Some(line) = slow.line_within(time) {
            match line.split_once(", ") {
                Some(("end", _)) => return Some(()),
                Some(("burst", number)) => shown.push(number.parse()),
                _ => {}
            }
        }
        None
    });
    running.signal(Signal::TERM);
    let log = running.finish().expect_success().errors;
    let shown: Result<_, _> = shown.into_iter().collect();
    (shown.expect("numbers"), fast.taken(), log)
}

#[test]
fn without_a_high_water_mark_a_slow_subscriber_loses_nothing() {
    let (shown, _, log) = burst_past_a_stopped_subscriber(30_000, &["--high-water-mark", "0"]);
    assert!(shown.into_iter().eq(1..=30_000), "{log}");
    assert_eq!(counter(&log, "forwarded messages", "missed"), 0);
}

#[test]
fn beyond_its_high_water_mark_a_slow_subscriber_loses_messages_and_the_relay_says_how_many() {
    let (shown, heard, log) =
        burst_past_a_stopped_subscriber(30_000, &["--high-water-mark", "1000"]);
    assert!(shown.is_sorted(), "{log}");
    assert!(shown.len() < 30_000, "all {} were received", shown.len());
    let missed = counter(&log, "forwarded messages", "missed");
    assert!(missed > 0, "{log}");
    // Every one is accounted for, of both subscribers, for the other may be too slow on a busy machine; and
    // some of the probes.
    let accounted = shown.len() as u64 + heard + missed;
    assert!((60_000..60_500).contains(&accounted), "{accounted}: {log}");
    let warning = log.lines().find(|line| line.contains("too slow"));
    let warning = warning.unwrap_or_else(|| panic!("no warning:\n{log}"));
    assert!(warning.contains("topic=burst"), "{warning}");
}
