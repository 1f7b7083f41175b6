//! A hub as a service of its machine: what it tells systemd and whoever asks, its limits, its units.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod notified;
mod units;

use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{PATIENCE, Sandbox, Settings, Speaker, in_shell};

/// Sends a signal to the program itself, as `systemctl kill --signal` does.
fn signal(process: &Process, signal: Signal) {
    let id = i32::try_from(process.id()).expect("a process");
    kill_process(Pid::from_raw(id).expect("a process"), signal).expect("it runs");
}

#[test]
fn sigusr1_shows_the_state_of_everything_and_stops_nothing() {
    let settings = Settings::new()
        .relay(free_tcp_port(), free_tcp_port())
        .with(
            "active = true
            [consumers]
            relay.kind = 'relay'
            audit = { kind = 'log', source = 'relay_inbound' }
            [producers.beat]
            kind = 'heartbeat'
            every = '50ms'",
        );
    let sandbox = Sandbox::with(&settings);
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    hub.line_with("hub running");
    for _ in 0..2 {
        signal(&hub, Signal::USR1);
        let source = hub.line_with("status of a source");
        assert!(source.contains("source=\"relay_inbound\""), "{source}");
        let audit = hub.line_with("status of a consumer");
        for expected in ["consumer=audit", "state=running", "backlog=", "stuck_ms=0"] {
            assert!(audit.contains(expected), "{expected}: {audit}");
        }
        hub.line_with("status of a consumer consumer=relay");
        hub.line_with("status of a producer producer=beat");
        hub.line_with("status of the publisher messages=");
    }
    hub.signal(Signal::TERM);
    hub.line_with("hub stopped");

    let mut relay = sandbox.start_logging(&["fedmsg-relay"]);
    relay.line_with("hub running");
    signal(&relay, Signal::USR1);
    let status = relay.line_with("status of a consumer consumer=relay");
    // How many clients it has, and what they miss.
    for expected in ["forwarded=0", "missed=0", "subscribers=0"] {
        assert!(status.contains(expected), "{expected}: {status}");
    }
}

#[test]
fn sigusr1_is_answered_whatever_is_logged() {
    let outbound = free_tcp_port();
    let sandbox = Sandbox::with(&Settings::new().relay(free_tcp_port(), outbound));
    let mut relay = sandbox.start_logging(&["fedmsg-relay", "--log", "off"]);
    let deadline = Instant::now() + PATIENCE;
    // It takes signals before it binds anything.
    while TcpStream::connect((Ipv4Addr::LOCALHOST, outbound)).is_err() {
        assert!(Instant::now() < deadline, "it does not listen");
        thread::park_timeout(Duration::from_millis(5));
    }
    signal(&relay, Signal::USR1);
    relay.line_with("status of a consumer consumer=relay");
    relay.signal(Signal::TERM);
    assert_eq!(relay.finish().expect_success().lines, [""; 0]);
}

#[test]
fn what_goes_wrong_is_said_with_the_name_of_the_plugin_at_the_level_of_warnings_too() {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    // The relay waits with its first message for as long as it is told.
    let settings = Settings::new().relay(inbound, outbound).with(
        "active = true
        stop_timeout = '1s'
        post_init_sleep = '1h'
        [consumers]
        held = { kind = 'relay', mailbox.messages = 1 }
        audit = { kind = 'log', topics = ['net.example.#'], source = 'relay_inbound' }
        [producers.broken]
        kind = 'template'
        every = '100ms'
        params.msg = '{{ 1 // 0 }}'",
    );
    let sandbox = Sandbox::with(&settings);
    let mut hub = sandbox.start_logging(&["fedmsg-hub", "--log", "warn"]);
    let foreign = hub.line_with("these topics match nothing");
    assert!(foreign.contains("consumer=\"audit\""), "{foreign}");
    let failed = hub.line_with("tick failed");
    assert!(failed.contains("instance=broken"), "{failed}");
    let speaker = Speaker::active(inbound);
    for n in 0..4 {
        speaker.publish("test", "work", n);
    }
    let held_up = hub.line_with("its mailbox is full: all who listen");
    assert!(held_up.contains("consumer=held"), "{held_up}");
    hub.signal(Signal::TERM);
    assert_eq!(hub.finish().status.code(), Some(70));
}

/// Returns the soft and the hard limit of open files of a hub that is started after `ulimit` has done as
/// it is told.
fn limits(ulimit: &str) -> (String, String) {
    let sandbox = Sandbox::with(&Settings::new().with(
        "active = true\nrelay_inbound = 'inproc://nobody'\n\
         [producers.beat]\nkind = 'heartbeat'\nevery = '1h'",
    ));
    let script = format!("ulimit {ulimit}\nexec \"$0\" \"$@\" 2>&1 >/dev/null");
    let mut hub = Process::start(in_shell(&script, &sandbox.command(&["fedmsg-hub"])));
    hub.line_with("hub running");
    let limits = fs::read_to_string(format!("/proc/{}/limits", hub.id())).expect("it runs");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let mut words = line.expect("a limit").split_whitespace().skip(3);
    let mut next = || words.next().expect("a number").to_owned();
    (next(), next())
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_allowed_and_never_lowered() {
    let (soft, hard) = limits("-Sn 256");
    assert_eq!(soft, hard);
    assert_ne!(
        soft, "256",
        "the limit of this machine is too low for the test"
    );
    assert_eq!(limits("-n 300"), ("300".to_owned(), "300".to_owned()));
}
