//! `fedmsg-logger`: what it publishes for which input, and what it says when it cannot.

use std::time::{Duration, Instant};

use fedmsg::json::{Object, Value};
use fedmsg_message::to_canonical;

use super::check_failure;
use super::relayed_bus::Bus;
use crate::peers::{Finished, free_tcp_port};
use crate::sandbox::{Sandbox, Settings, loopback};

impl Bus {
    fn log(&self, flags: &[&str], input: &[u8]) -> Finished {
        self.run(&[&["fedmsg-logger"], flags].concat(), input)
    }

    /// Logs, without complaints.
    fn log_well(&self, flags: &[&str], input: &str) {
        let finished = self.log(flags, input.as_bytes()).expect_success();
        assert_eq!((&*finished.errors, finished.lines.len()), ("", 0));
    }

    /// Returns the text of the next message about `log`.
    fn next_line(&self) -> String {
        let delivery = self.listener.next_about("logger.log");
        let line = delivery.msg().get("log").and_then(Value::as_str);
        line.expect("a line").to_owned()
    }
}

#[test]
fn every_line_becomes_a_message_in_order() {
    let bus = Bus::start();
    let lines: Vec<_> = (1..=3000).map(|n| format!("line {n} äöü")).collect();
    bus.log_well(&[], &lines.join("\n")); // the last one without an end of line
    for (line, number) in lines.iter().zip(1..) {
        let delivery = bus.listener.next_about("log");
        assert_eq!(delivery.topic(), &"org.fedoraproject.dev.logger.log");
        let envelope = delivery.envelope();
        let msg = to_canonical(delivery.msg()).expect("JSON");
        let expected = Object::from_iter([("log", line.as_str())]);
        assert_eq!(msg, to_canonical(&Value::Object(expected)).expect("JSON"));
        assert_eq!(
            (envelope.i(), envelope.username()),
            (Some(number), Some("tester"))
        );
    }
}

#[test]
fn blank_lines_are_published_and_blanks_around_a_line_are_not() {
    let bus = Bus::start();
    bus.log_well(&[], "\n  \nfirst\n\n\t second \r\n");
    let lines: Vec<_> = (0..5).map(|_| bus.next_line()).collect();
    assert_eq!(lines, ["", "", "first", "", "second"]);
    bus.log_well(&["--message", " given \n"], "not read");
    assert_eq!(bus.next_line(), "given");
}

#[test]
fn an_empty_input_publishes_nothing() {
    let bus = Bus::start();
    bus.log_well(&[], "");
    bus.log_well(&[], "after it");
    assert_eq!(bus.next_line(), "after it");
}

#[test]
fn a_document_becomes_the_payload_as_it_is() {
    let bus = Bus::start();
    for document in [
        r#"{"answer": 42, "a": [1, 1.0, 1.50, 1e3, -0.0]}"#,
        "[1, [2, {}]]\n",
        "\n{\n  \"spread\": \"over\",\n  \"lines\": true\n}\n\n",
        "42",
        "123456789012345678901234567890",
        r#""text""#,
        r#"{"lone": "\ud83d", "é": "\u00e9"}"#,
        r#"{"b": 1, "a": 2, "b": 3}"#,
        "[]",
        "{}",
        "false",
    ] {
        bus.log_well(&["--json-input"], document);
        let received = bus.listener.next_about("logger.log");
        let expected = Value::parse_str(document).expect("JSON");
        let canonical = |value| String::from_utf8(to_canonical(value).expect("JSON"));
        assert_eq!(canonical(received.msg()), canonical(&expected));
    }
    bus.log_well(&["--json-input", "--message", "[1]"], "not read");
    assert_eq!(
        bus.listener
            .next_about("logger.log")
            .msg()
            .as_array()
            .map(<[_]>::len),
        Some(1)
    );
}

#[test]
fn topic_and_module_can_be_chosen() {
    let bus = Bus::start();
    let check = |flags: &[&str], expected: &str| {
        bus.log_well(&[&["--message", "x"], flags].concat(), "");
        assert_eq!(bus.listener.next_about("x").topic(), &expected);
    };
    check(&["--topic", "x.y"], "org.fedoraproject.dev.logger.x.y");
    check(&["--modname", "x"], "org.fedoraproject.dev.x.log");
    check(
        &["--modname", "org.fedoraproject.prod.x"],
        "org.fedoraproject.prod.x.log",
    );
    check(&["--topic-prefix", "com.x"], "com.x.dev.logger.log");
}

#[test]
fn without_a_relay_it_gives_up_in_time_and_says_what_is_not_published() {
    let inbound = free_tcp_port();
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, free_tcp_port()));
    let start = Instant::now();
    let words = ["fedmsg-logger", "--timeout", "0.3"];
    let finished = sandbox.run_with_input(&words, b"one\ntwo\n");
    let took = start.elapsed();
    check_failure(
        &finished,
        69,
        &[
            "fedmsg-logger: line 1 and what follows not published",
            "org.fedoraproject.dev.logger.log",
            &loopback(inbound),
            "300ms",
        ],
    );
    assert!(
        (Duration::from_millis(300)..Duration::from_secs(9)).contains(&took),
        "{took:?}"
    );

    let words = [&words[..], &["--message", "x"]].concat();
    check_failure(
        &sandbox.run(&words),
        69,
        &["fedmsg-logger: not published", &loopback(inbound)],
    );
    let nobody = Sandbox::with(&Settings::new());
    check_failure(
        &nobody.run(&words),
        69,
        &["not published", "`relay_inbound` is empty"],
    );
}

#[test]
fn input_that_cannot_be_published_is_told_apart() {
    let bus = Bus::start();
    let check = |flags: &[&str], input: &[u8], words: &[&str]| {
        check_failure(&bus.log(flags, input), 65, words);
    };
    check(
        &["--json-input"],
        b"{\"a\":",
        &["the input is no JSON: unexpected end of text at byte 5"],
    );
    check(&["--json-input"], b"", &["the input is no JSON"]);
    check(
        &["--json-input"],
        b"{} {}",
        &["the input is no JSON", "byte 3"],
    );
    check(&["--json-input"], b"\"\xff\"", &["the input is no JSON"]);
    check(
        &["--json-input", "--message", "{"],
        b"",
        &["the input is no JSON"],
    );
    check(&["--json-input"], b"[1, NaN]", &["not published", "NaN"]);
    check(
        &["--message", "x", "--topic", "a\nb"],
        b"",
        &["not published", "control character"],
    );

    let lines = b"good\ngood too\nbad \xff\nnever\n";
    let what_became_of_it = [
        "standard input, line 3",
        "UTF-8",
        "the lines before it are published",
    ];
    check(&[], lines, &what_became_of_it);
    bus.log_well(&[], "after it");
    let published: Vec<_> = (0..3).map(|_| bus.next_line()).collect();
    assert_eq!(published, ["good", "good too", "after it"]);
}

#[test]
fn a_line_that_nobody_would_take_is_refused_before_it_costs_the_connection() {
    let bus = Bus::start();
    // The second is no longer than a message may be, but its message is.
    for (length, complaint) in [
        (9 << 20, "standard input, line 2: it is longer than"),
        ((8 << 20) - 8, "line 2 and what follows not published"),
    ] {
        let input = format!("small\n{}\nnever\n", "x".repeat(length));
        let words = [complaint, "`zmq_max_message_size` allows (8 MiB)"];
        check_failure(&bus.log(&[], input.as_bytes()), 65, &words);
        assert_eq!(bus.next_line(), "small");
    }
    let document = format!("[{}]", " ".repeat(33 << 20));
    let words = ["standard input: it is longer than"];
    check_failure(&bus.log(&["--json-input"], document.as_bytes()), 65, &words);
    bus.log_well(&[], "after it");
    assert_eq!(bus.next_line(), "after it");
}

#[test]
fn a_relay_that_dies_meanwhile_is_noticed_and_the_loss_is_said() {
    let bus = Bus::start();
    let mut logger = bus.sandbox.start(&["fedmsg-logger", "--timeout", "5"]);
    logger.write_line("one");
    assert_eq!(bus.next_line(), "one");
    drop(bus.relay); // SIGKILL
    // Each line is published or refused; it ends with the first that is refused.
    let finished = loop {
        match logger.try_write_line("more") {
            Ok(()) => {}
            Err(_) => break logger.finish(),
        }
    };
    check_failure(&finished, 69, &["not published", "no relay at"]);
}
