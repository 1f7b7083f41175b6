//! `fedmsg-hub` as a service: it runs without any file, stops when told to, logs what it should.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::Signal;
use serde_json::Value;

use super::check_failure;
use crate::peers::{Finished, Process, free_tcp_port};
use crate::sandbox::{Listener, PATIENCE, Sandbox, Settings, Speaker, Unread, in_shell, loopback};

/// A hub that publishes a heartbeat and logs it, and the port of both.
fn beating() -> (Settings, u16) {
    let port = free_tcp_port();
    let settings = Settings::new().endpoint("svc.host", port).with(
        "name = 'svc.host'
         post_init_sleep = 0
         [producers.heart]
         kind = 'heartbeat'
         every = '50ms'
         [consumers.audit]
         kind = 'log'",
    );
    (settings, port)
}

/// Whether a line of its log is a warning that says more than that the machine is busy.
fn is_odd(line: &&str) -> bool {
    let of_a_busy_machine = [
        // Its first beats may have come before anybody had subscribed, itself included.
        "nobody listened",
        "a tick took longer",
    ];
    line.contains("WARN") && !of_a_busy_machine.iter().any(|it| line.contains(it))
}

/// Starts a hub whose log goes to a file.
fn start_with_log(sandbox: &Sandbox) -> Process {
    let words = ["fedmsg-hub", "--log-format", "json", "--log", "debug"];
    Process::start(in_shell(
        r#"exec "$0" "$@" 2>log"#,
        &sandbox.command(&words),
    ))
}

/// Waits until there is a line of that log with each of these.
fn wait_for_log(sandbox: &Sandbox, wanted: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = fs::read_to_string(sandbox.path().join("log")).unwrap_or_default();
        if wanted.iter().all(|text| log.contains(text)) {
            return;
        }
        assert!(Instant::now() < deadline, "not all of {wanted:?}: {log}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// The lines of that log, and that it is all that was written.
fn logged(sandbox: &Sandbox, finished: &Finished) -> Vec<Value> {
    assert_eq!((finished.lines.len(), &*finished.errors), (0, ""));
    let log = fs::read_to_string(sandbox.path().join("log")).expect("a log");
    let parse =
        |line: &str| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}"));
    log.lines().map(parse).collect()
}

#[test]
fn without_any_file_it_is_a_bus_on_this_machine() {
    for folder in ["/etc/fedmsg", "/usr/lib/fedmsg"] {
        if Path::new(folder).exists() {
            let test = thread::current().name().unwrap_or("a test").to_owned();
            return eprintln!("skipped: {test}: this machine has a {folder}");
        }
    }
    let (inbound, outbound) = (loopback(free_tcp_port()), loopback(free_tcp_port()));
    let sandbox = Sandbox::new();
    let start = |words: &[&str]| {
        let mut command = sandbox.command(words);
        command.env("FEDMSG_RELAY_INBOUND", &inbound);
        command.env("FEDMSG_ENDPOINTS__RELAY_OUTBOUND", &outbound);
        Process::start(command)
    };
    let hub = start(&["fedmsg-hub"]);
    let beat = start(&[
        "fedmsg-tail",
        "--count",
        "1",
        "--topic",
        "com.example.dev.hub.heartbeat",
    ]);
    let beat = beat.finish().expect_success();
    assert!(
        beat.lines[0].contains(r#""name": "heartbeat""#),
        "{:?}",
        beat.lines
    );

    let mut tail = start(&["fedmsg-tail", "--query", "topic,msg.log"]);
    let deadline = Instant::now() + PATIENCE;
    let said = loop {
        assert!(Instant::now() < deadline, "the tail hears nothing");
        start(&["fedmsg-logger", "--message", "hello"])
            .finish()
            .expect_success();
        if let Some(line) = tail.line_within(Duration::from_secs(1)) {
            break line;
        }
    };
    let expected = [
        "com.example.dev.logger.log, hello",
        "com.example.dev.hub.heartbeat, null",
    ];
    assert!(expected.contains(&&*said), "{said}");

    hub.signal(Signal::TERM);
    let finished = hub.finish().expect_success();
    assert_eq!(finished.lines, [""; 0], "the log is on standard error");
    let log = &finished.errors;
    assert!(log.contains("running the built-in demonstration"), "{log}");
    assert!(log.contains(&inbound) && log.contains(&outbound), "{log}");
    assert!(log.contains("topic=com.example.dev.logger.log"), "{log}");
    // At the stop its relay ends before its own publisher does.
    let mut odd = log.lines().filter(is_odd);
    assert_eq!(odd.find(|line| !line.contains("relay went away")), None);
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn each_signal_stops_it_in_order() {
    for (signal, name) in [
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::HUP, "SIGHUP"),
    ] {
        let (settings, port) = beating();
        let sandbox = Sandbox::with(&settings);
        let hub = sandbox.start(&["fedmsg-hub"]);
        Listener::on(port).next_about("hub.heartbeat");
        hub.signal(signal);
        let finished = hub.finish().expect_success();
        assert_eq!(finished.lines, [""; 0]);
        let log = finished.errors;
        let stopping = log
            .find(&format!("stopping signal={name}"))
            .expect("a line");
        let intake = log.find("intake stopped").expect("a line");
        assert!(
            log.contains("connections_lost=0 source=\"endpoints\""),
            "{log}"
        );
        let producer = log.find("producer stopped").expect("a line");
        let stopped = log.find("hub stopped").expect("a line");
        assert!([stopping, intake, producer, stopped].is_sorted(), "{log}");
        assert_eq!(log.lines().find(is_odd), None);
        assert!(!log.contains("ERROR"), "{log}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    // The first message waits for so long, and with it the end.
    let busy = "post_init_sleep = '1h'\nstop_timeout = '1h'\n[consumers.relay]\nkind = 'relay'";
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, outbound).with(busy));
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    Speaker::active(inbound).publish("any", "thing", 1_u64);
    let start = Instant::now();
    hub.signal(Signal::TERM);
    hub.line_with("intake stopped messages=1");
    // What comes at once is the same signal once more, from a service manager that is thorough.
    let second = loop {
        hub.signal(Signal::TERM);
        if let Some(line) = hub.line_within(Duration::from_millis(50)) {
            break line;
        }
    };
    assert!(second.contains("second signal: ending at once"), "{second}");
    assert!(
        start.elapsed() >= Duration::from_millis(500),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(hub.finish().status.code(), Some(128 + 15));
}

/// What a program does that says that it runs, and does not end.
const RUN: &str = "echo runs >&3; sleep 1000 & sleep 1000";
/// How the program of a consumer begins.
const HELLO: &str = r#"echo "{\"type\":\"hello\"}""#;

/// Reads a new fifo. It ends when nobody has that open any more: neither programs nor what they have
/// started.
fn fifo_reader(sandbox: &Sandbox, name: &str) -> Process {
    let fifo = sandbox.path().join(name);
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo").success());
    let mut reader = Command::new("cat");
    reader.arg(&fifo);
    Process::start(reader)
}

#[test]
fn a_second_signal_ends_the_programs_that_it_runs() {
    let programs = format!(
        "stop_timeout = '1h'
         [producers.exec]
         kind = 'exec'
         every = '10ms'
         params.argv = ['sh', '-c', 'exec 3>ends >&3; {RUN}']
         [consumers.process]
         kind = 'process'
         params.argv = ['sh', '-c', 'exec 3>ends; {HELLO}; {RUN}']"
    );
    let settings = Settings::new().endpoint("svc.host", free_tcp_port());
    let sandbox = Sandbox::with(&settings.with(&format!("name = 'svc.host'\n{programs}")));
    let mut reader = fifo_reader(&sandbox, "ends");
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    reader.line_with("runs");
    reader.line_with("runs");
    hub.signal(Signal::TERM);
    hub.line_with("intake stopped");
    let deadline = Instant::now() + PATIENCE;
    while !hub
        .line_within(Duration::from_millis(50))
        .is_some_and(|line| line.contains("second signal"))
    {
        assert!(Instant::now() < deadline, "it does not end");
        hub.signal(Signal::TERM);
    }
    assert_eq!(hub.finish().status.code(), Some(128 + 15));
    reader.finish().expect_success();
}

#[test]
fn a_signal_before_everything_has_started_ends_the_programs_that_run() {
    let programs = format!(
        "[consumers.a]
         kind = 'process'
         params.argv = ['sh', '-c', 'exec 3>ends; {HELLO}; {RUN}']
         [consumers.b]
         kind = 'process'
         params.start_limit = '1h'
         params.argv = ['sh', '-c', 'exec 3>ends; {RUN}']"
    );
    let settings = Settings::new().endpoint("svc.host", free_tcp_port());
    let sandbox = Sandbox::with(&settings.with(&programs));
    let mut reader = fifo_reader(&sandbox, "ends");
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    reader.line_with("runs");
    reader.line_with("runs");
    hub.signal(Signal::TERM);
    hub.line_with("stopping before everything has started");
    hub.finish().expect_success();
    reader.finish().expect_success();
}

#[test]
fn what_has_come_when_a_signal_ends_the_start_is_counted_as_lost() {
    let port = free_tcp_port();
    let speaker = Speaker::bound(port);
    // None of two relays answers, so that the producers wait for a publisher.
    let (one, other) = (loopback(free_tcp_port()), loopback(free_tcp_port()));
    let settings = Settings::new().endpoint("svc.host", port).with(&format!(
        "active = true
         timeout = '1h'
         relay_inbound = ['{one}', '{other}']
         producers.beat = {{ kind = 'heartbeat', every = '1h' }}
         [consumers.audit]
         kind = 'log'
         mailbox = {{ messages = 3, when_full = 'drop-newest' }}"
    ));
    let sandbox = Sandbox::with(&settings);
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    speaker.wait_for("t");
    for _ in 0..5 {
        speaker.forward("t", r#"{"topic": "t", "msg": {}}"#);
    }
    hub.line_with("messages not delivered"); // so the others are in the mailbox
    hub.signal(Signal::TERM);
    let end = hub.line_with("consumer at the end");
    assert!(end.contains("consumed=0"), "{end}");
    assert!(end.contains("undelivered=3"), "{end}");
    assert_eq!(hub.finish().status.code(), Some(70));
}

#[test]
fn a_second_signal_ends_it_even_if_nobody_reads_its_log() {
    let port = free_tcp_port();
    let speaker = Speaker::bound(port);
    let settings = Settings::new().endpoint("svc.host", port);
    let sandbox = Sandbox::with(&settings.with("[consumers.audit]\nkind = 'log'"));
    let mut hub = Unread::start(sandbox.command(&["fedmsg-hub"]), Unread::errors);
    speaker.wait_for("t");
    hub.stall(|| speaker.forward("t", r#"{"topic": "t", "msg": {}}"#));
    hub.signal_until_it_ends(Signal::TERM);
    assert_eq!(hub.status().code(), Some(128 + 15));
}

#[test]
fn a_log_that_cannot_be_written_costs_nothing_else() {
    let (settings, port) = beating();
    for form in ["text", "json"] {
        let sandbox = Sandbox::with(&settings);
        let command = sandbox.command(&["fedmsg-hub", "--log-format", form]);
        let hub = Process::start(in_shell(r#"exec "$0" "$@" 2>/dev/full"#, &command));
        Listener::on(port).take_about("hub.heartbeat", 3);
        hub.signal(Signal::TERM);
        hub.finish().expect_success();
    }
}

#[test]
fn what_was_malformed_is_in_the_summary() {
    let port = free_tcp_port();
    let speaker = Speaker::bound(port);
    let settings = Settings::new().endpoint("svc.host", port);
    let sandbox = Sandbox::with(&settings.with("[consumers.audit]\nkind = 'log'"));
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    speaker.wait_for("t");
    speaker.forward("t.bad", b"\xff");
    speaker.forward("t.good", r#"{"topic": "t.good", "msg": {}}"#);
    hub.line_with("topic=t.good");
    hub.signal(Signal::TERM);
    let intake = hub.line_with("intake stopped");
    assert!(
        intake.contains("messages=1 malformed=1 refused_connections=0 connections_lost=0"),
        "{intake}"
    );
    let warning = hub.line_with("malformed messages were skipped");
    assert!(warning.contains("WARN"), "{warning}");
    assert!(
        warning.contains("source=\"endpoints\" malformed=1 refused_connections=0"),
        "{warning}"
    );
    hub.finish().expect_success();
}

#[test]
fn its_log_can_be_json_with_one_object_a_line() {
    let (settings, _) = beating();
    let sandbox = Sandbox::with(&settings);
    let hub = start_with_log(&sandbox);
    wait_for_log(&sandbox, &[r#""message":"message""#]);
    hub.signal(Signal::TERM);
    let log = logged(&sandbox, &hub.finish().expect_success());
    for line in &log {
        for key in ["timestamp", "level", "message"] {
            assert!(line[key].is_string(), "no {key} in {line}");
        }
    }
    let said = |message: &str| log.iter().find(|line| line["message"] == message);
    let beat = said("message").expect("the consumer's line");
    assert_eq!(beat["topic"], "org.fedoraproject.dev.hub.heartbeat");
    assert_eq!(said("hub stopped").expect("the last line")["level"], "INFO");
    assert!(log.iter().any(|line| line["level"] == "DEBUG"));
}

#[test]
fn what_programs_write_is_in_its_log_under_their_names() {
    let (settings, _) = beating();
    // Slow beats: a program for each of them has to end before the hub does.
    let programs = "
        stop_timeout = '60s'
        [producers.heart]
        every = '500ms'
        [consumers.cook]
        kind = 'exec'
        params.argv = ['sh', '-c', 'echo served; yes hot | head -n 9000 >&2']
        [producers.kettle]
        kind = 'exec'
        every = '500ms'
        params.argv = ['sh', '-c', 'echo steam; echo boiling >&2']";
    let sandbox = Sandbox::with(&settings.with(programs));
    let hub = start_with_log(&sandbox);
    let lines = ["served", "hot", "boiling"].map(|text| format!(r#""text":"{text}""#));
    wait_for_log(&sandbox, &lines.each_ref().map(String::as_str));
    hub.signal(Signal::TERM);
    let log = logged(&sandbox, &hub.finish().expect_success());
    let of = |text: &str| -> Vec<&Value> {
        let is_it = |line: &&Value| line["text"] == text;
        log.iter().filter(is_it).collect()
    };
    for (text, level, instance) in [
        ("served", "INFO", "cook"),
        ("hot", "WARN", "cook"),
        ("boiling", "WARN", "kettle"),
    ] {
        let line = *of(text).first().unwrap_or_else(|| panic!("no {text}"));
        assert_eq!(line["level"], level, "{line}");
        assert_eq!(line["span"]["instance"], instance, "{line}");
    }
    assert!(of("hot").len() < 9000);
}

#[test]
fn the_level_of_its_log_comes_from_the_flag_or_else_from_rust_log() {
    let run = |flags: &[&str], variable: &str| {
        let (settings, port) = beating();
        let sandbox = Sandbox::with(&settings);
        let mut command = sandbox.command(&[&["fedmsg-hub"], flags].concat());
        command.env("RUST_LOG", variable);
        let hub = Process::start(command);
        Listener::on(port).next_about("hub.heartbeat");
        hub.signal(Signal::TERM);
        let log = hub.finish().expect_success().errors;
        let is_telling = |line: &&str| !line.contains("WARN") || is_odd(line);
        let lines: Vec<_> = log.lines().filter(is_telling).collect();
        lines.join("\n")
    };
    assert!(run(&[], "").contains("hub stopped"));
    assert_eq!(run(&[], "warn"), "");
    assert_eq!(run(&["--log", "error"], "debug"), "");
    let only_consumers = run(&["--log", "off,fedmsg_consumers=info"], "");
    assert!(
        only_consumers
            .lines()
            .all(|line| line.contains("INFO message topic=")),
        "{only_consumers}"
    );
}

#[test]
fn a_relay_is_no_place_for_other_consumers() {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let other = "[consumers.audit]\nkind = 'unknown to a relay'\n[producers.heart]\nkind = 'x'\nevery = '1s'";
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, outbound).with(other));
    check_failure(&sandbox.run(&["fedmsg-hub"]), 78, &["unknown kind"]);
    let relay = sandbox.start(&["fedmsg-relay"]);
    Speaker::active(inbound).publish("any", "thing", 1_u64);
    relay.signal(Signal::INT);
    relay.finish().expect_success();
}

#[test]
fn it_runs_only_the_consumers_that_it_is_told_to() {
    let (settings, _) = beating();
    let settings = settings.with("consumers.other.kind = 'dummy'");
    let sandbox = Sandbox::with(&settings);
    let mut hub = sandbox.start_logging(&["fedmsg-hub", "--with-consumers", "other"]);
    hub.line_with("consumer started name=other");
    hub.line_with("hub running");
    hub.signal(Signal::TERM);
    let summary = hub.line_with("at the end");
    assert!(summary.contains("consumer=other"), "{summary}");
    let words = ["fedmsg-hub", "--with-consumers", "audit,audti"];
    let expected = ["no consumer \"audti\"", "audit, other"];
    check_failure(&sandbox.run(&words), 2, &expected);
}

#[test]
fn what_it_does_not_serve_is_refused_with_what_does() {
    let words = ["fedmsg-hub", "--websocket-server-port", "9919"];
    let expected = ["no web socket server", "fedmsg-gateway"];
    check_failure(&Sandbox::new().run(&words), 2, &expected);
    for (words, expected) in [
        (["fedmsg-relay", "--daemon"], "have systemd run it"),
        (["fedmsg-tail", "--gource"], "--format"),
        (["fedmsg", "irc"], "\"process\" or \"webhook\""),
    ] {
        check_failure(&Sandbox::new().run(&words), 2, &[expected]);
    }
}

#[test]
fn a_plugin_that_does_not_start_is_named() {
    let settings = Settings::new().with(
        "[consumers.slow]
         kind = 'process'
         params.argv = ['sleep', '1000']
         params.start_limit = '10m'",
    );
    let sandbox = Sandbox::with(&settings);
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    hub.line_with("consumers.slow has not started yet");
    hub.signal(Signal::TERM);
    hub.line_with("consumers.slow had not started");
    assert_eq!(hub.finish().status.code(), Some(0));
}

#[test]
fn a_failed_tick_says_how_many_are_left_out_if_any_are() {
    for (on_error, expected) in [("continue", None), ("back-off", Some(1))] {
        let settings = Settings::new()
            .endpoint("svc.host", free_tcp_port())
            .with(&format!(
                "name = 'svc.host'
             [producers.failing]
             kind = 'exec'
             every = '1h'
             now = true
             on_error = '{on_error}'
             params.argv = ['false']"
            ));
        let sandbox = Sandbox::with(&settings);
        let mut hub = sandbox.start_logging(&["fedmsg-hub", "--log-format", "json"]);
        let line = hub.line_with("tick failed");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        let left_out = line.pointer("/fields/left_out").or(line.get("left_out"));
        assert_eq!(left_out.cloned(), expected.map(Value::from), "{line}");
        hub.signal(Signal::TERM);
        hub.finish();
    }
}
