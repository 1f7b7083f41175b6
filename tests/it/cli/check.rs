//! `fedmsg-check`: hubs that are well, ill, silent, and what is no hub at all.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::thread;

use serde_json::Value;

use super::check_failure;
use crate::peers::{Finished, Process, free_tcp_port};
use crate::raw::RawSocket;
use crate::sandbox::{Sandbox, Settings, in_shell, loopback};

/// A relay, a log and a heartbeat, which say how they are at a path with the name of the program in it.
fn settings() -> Settings {
    Settings::new()
        .relay(free_tcp_port(), free_tcp_port())
        .with(
            "active = true
            'moksha.monitoring.socket' = 'ipc://monitoring-{process}.socket'
            'moksha.monitoring.socket.mode' = '700'
            [consumers]
            relay.kind = 'relay'
            audit.kind = 'log'
            [producers.beat]
            kind = 'heartbeat'
            every = '1h'",
        )
}

fn check(sandbox: &Sandbox, flags: &[&str]) -> Finished {
    sandbox.run(&[&["fedmsg-check"], flags].concat())
}

fn json(lines: &[String]) -> Value {
    serde_json::from_str(&lines.join("\n")).expect("JSON")
}

#[test]
fn a_hub_that_is_well_is_shown_as_the_original_shows_it() {
    let sandbox = Sandbox::with(&settings());
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    hub.line_with("hub running");

    let all = check(&sandbox, &[]).expect_success();
    let expected = "No consumers or producers specified so all will be shown.";
    assert_eq!((all.lines[0].as_str(), all.errors.as_str()), (expected, ""));
    assert_eq!(
        all.lines[1..3],
        ["{", "  \"consumers\": ["],
        "sorted, and indented by two"
    );
    let emission = json(&all.lines[1..]);
    let name = |list: &str, at: usize| emission[list][at]["name"].clone();
    assert_eq!(
        (name("consumers", 0), name("consumers", 1)),
        ("audit".into(), "RelayConsumer".into())
    );
    assert_eq!(
        (name("producers", 0), name("producers", 1)),
        ("beat".into(), "MonitoringProducer".into())
    );

    let names = [
        "-c",
        "RelayConsumer",
        "-c",
        "audit",
        "--consumer",
        "relay",
        "-p",
        "beat",
    ];
    let active = check(&sandbox, &names).expect_success();
    assert_eq!(active.lines[0], "All consumers and producers are active!");

    let missing = check(
        &sandbox,
        &[
            "-c",
            "audit",
            "-c",
            "GatewayConsumer",
            "--producer",
            "Clock",
        ],
    );
    check_failure(&missing, 1, &[]);
    assert_eq!(
        missing.errors,
        "\"GatewayConsumer\" is not active!\n\"Clock\" is not active!\n\
         Error: Some consumers and/or producers are missing!\n"
    );
}

#[test]
fn thresholds_and_other_forms_are_for_monitoring_systems() {
    let sandbox = Sandbox::with(&settings());
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    hub.line_with("hub running");

    // Nothing has been consumed and the heartbeat has not beaten: as old as the hub, which is some
    // seconds by the time of its first word.
    let nagios = |flags: &[&str]| check(&sandbox, &[&["--format", "nagios"], flags].concat());
    let well = nagios(&["--backlog", "10:50", "--exceptions", "1:10"]);
    assert_eq!(well.status.code(), Some(0), "{well:#?}");
    assert!(
        well.lines[0].starts_with("FEDMSG OK: 2 consumers, 2 producers | "),
        "{well:#?}"
    );
    assert!(
        well.lines[0].contains("'RelayConsumer backlog'=0;10;50;0"),
        "{well:#?}"
    );
    let late = nagios(&["-c", "relay", "--message-age", "1:1h"]);
    assert_eq!(late.status.code(), Some(1), "{late:#?}");
    assert!(
        late.lines[0].starts_with("FEDMSG WARNING: RelayConsumer: age"),
        "{late:#?}"
    );
    let late = nagios(&["-p", "beat", "--run-age", "1s:2s"]);
    assert_eq!(late.status.code(), Some(2), "{late:#?}");
    assert!(
        late.lines[0].starts_with("FEDMSG CRITICAL: beat: age"),
        "{late:#?}"
    );

    check_failure(
        &check(&sandbox, &["--message-age", "1"]),
        1,
        &[
            "RelayConsumer: age of the last message",
            "Error: Some consumers",
        ],
    );
    let machine = check(
        &sandbox,
        &["--format", "json", "--run-age", "1", "-p", "beat"],
    );
    assert_eq!(machine.status.code(), Some(1));
    let report = json(&machine.lines);
    assert_eq!(report["state"], "critical");
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["emission"]["hub"]["lost"], 0);
    let metrics = check(&sandbox, &["--format", "prometheus"]).expect_success();
    for line in [
        "fedmsg_monitoring_up 1",
        "fedmsg_consumer_accepted_total{name=\"audit\",module=\"log\"} 0",
    ] {
        assert!(metrics.lines.iter().any(|it| it == line), "{metrics:#?}");
    }
}

#[test]
fn a_hub_is_found_by_the_name_of_its_program_and_takes_nothing_from_a_living_one() {
    let sandbox = Sandbox::with(&settings());
    let mut relay = sandbox.start_logging(&["fedmsg-relay"]);
    relay.line_with("hub running");
    let silent = check(&sandbox, &["--timeout", "0.2"]);
    check_failure(
        &silent,
        1,
        &["(ipc://monitoring-fedmsg-hub.socket) in 0.2 seconds."],
    );
    let flags = ["--process", "fedmsg-relay", "-c", "RelayConsumer"];
    check(&sandbox, &flags).expect_success();

    let second = sandbox.run(&["fedmsg", "relay"]);
    check_failure(&second, 69, &["moksha.monitoring.socket", "in use"]);
    check(&sandbox, &flags).expect_success();
    relay.signal(rustix::process::Signal::TERM);
    assert_eq!(relay.finish().status.code(), Some(0));
    assert!(
        !sandbox
            .path()
            .join("monitoring-fedmsg-relay.socket")
            .exists()
    );
}

#[test]
fn a_hub_whose_arguments_are_no_text_says_how_it_is() {
    let sandbox = Sandbox::with(&settings());
    let name = OsStr::from_bytes(b"f\xe9dmsg.toml");
    fs::write(sandbox.path().join(name), settings().to_string()).expect("a file");
    for word in ["--config", "--config="] {
        let mut command = sandbox.command(&["fedmsg-hub"]);
        match word.ends_with('=') {
            true => command.arg([OsStr::new(word), name].join(OsStr::new(""))),
            false => command.arg(word).arg(name),
        };
        let mut hub = Process::start(in_shell(r#"exec "$0" "$@" 2>&1"#, &command));
        hub.line_with("hub running");
        hub.signal(rustix::process::Signal::TERM);
        assert_eq!(hub.finish().status.code(), Some(0));
    }
}

#[test]
fn nobody_to_ask_is_an_error() {
    let sandbox = Sandbox::with(&Settings::new());
    let key = "Error: No monitoring endpoint has been configured: please set \"moksha.monitoring.socket\"";
    check_failure(&check(&sandbox, &[]), 1, &[key]);
    let nagios = check(&sandbox, &["--format", "nagios"]);
    assert_eq!(nagios.status.code(), Some(3));
    assert!(nagios.lines[0].starts_with("FEDMSG UNKNOWN: No monitoring"));

    let address = loopback(free_tcp_port());
    let socket = ["--timeout", "1", "--socket", &address];
    let silent = check(&sandbox, &socket);
    let expected = format!(
        "Error: Failed to receive message from the monitoring endpoint ({address}) in 1 seconds.\n"
    );
    check_failure(&silent, 1, &[]);
    assert_eq!(silent.errors, expected);
    let nagios = check(&sandbox, &[&socket[..], &["--format", "nagios"]].concat());
    assert_eq!(
        nagios.status.code(),
        Some(2),
        "a hub that says nothing is down"
    );
    let metrics = check(
        &sandbox,
        &[&socket[..], &["--format", "prometheus"]].concat(),
    );
    assert_eq!(metrics.status.code(), Some(1));
    assert_eq!(
        metrics.lines.last().map(String::as_str),
        Some("fedmsg_monitoring_up 0")
    );
}

#[test]
fn a_bad_value_of_a_flag_is_refused() {
    let sandbox = Sandbox::with(&Settings::new());
    for flags in [
        ["--timeout", "0"],
        ["--timeout", "nan"],
        ["--backlog", "50:10"],
        ["--message-age", "soon"],
        ["--format", "xml"],
        ["--socket", "inproc://x"],
    ] {
        check_failure(&check(&sandbox, &flags), 2, &[flags[0], flags[1]]);
    }
}

#[test]
fn whoever_owns_the_address_may_say_anything() {
    for (frames, complaint) in [
        (vec![b"{".to_vec()], "no JSON"),
        (vec![b"\xff\xfe".to_vec()], "no JSON"),
        (vec![b"[]".to_vec()], "expected an object"),
        (vec![br#"{"consumers": 1}"#.to_vec()], "consumers is number"),
        (vec![vec![b'['; 100_000]], "no JSON"),
        (
            vec![b"topic".to_vec(), b"{}".to_vec()],
            "messages of 2 frames",
        ),
        (vec![b"".to_vec(); 5], "messages of 5 frames"),
        // Longer than any hub's: it never arrives.
        (vec![vec![b' '; 9 << 20]], "in 5 seconds"),
    ] {
        let timeout = if complaint == "in 5 seconds" {
            "5"
        } else {
            "60"
        };
        let port = free_tcp_port();
        let socket = RawSocket::publisher_on(port);
        let sandbox = Sandbox::with(&Settings::new());
        let address = loopback(port);
        let flags = ["--socket", &address, "--timeout", timeout];
        let finished = thread::scope(|scope| {
            let run = scope.spawn(|| check(&sandbox, &flags));
            socket.subscription();
            socket.send(&frames);
            run.join().expect("a check")
        });
        check_failure(&finished, 1, &["Error: ", complaint]);
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_no_answer() {
    let sandbox = Sandbox::with(&settings());
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    hub.line_with("hub running");
    let full = |words: &[&str], to: &str| {
        let command = sandbox.command(words);
        let script = format!(r#"exec "$0" "$@" {to}"#);
        Process::start(in_shell(&script, &command)).finish()
    };
    for (format, status) in [
        ("text", 74),
        ("json", 74),
        ("prometheus", 74),
        ("nagios", 3),
    ] {
        let finished = full(&["fedmsg-check", "--format", format], ">/dev/full");
        check_failure(&finished, status, &["standard output: No space left"]);
    }
    let printed = full(&["fedmsg-check", "--print-config"], ">/dev/full");
    check_failure(&printed, 74, &["standard output: No space left"]);
    // Nor is there anybody to be told of it.
    let silent = full(&["fedmsg-check", "-c", "nobody"], "2>/dev/full");
    assert_eq!(silent.status.code(), Some(1), "{silent:#?}");
}
