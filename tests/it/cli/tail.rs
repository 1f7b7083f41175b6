//! `fedmsg-tail`: what it shows, in which form, and when it ends.

mod forms;

use std::process::Command;
use std::time::{Duration, Instant};

use fedmsg_hub::Recording;
use rustix::process::Signal;

use super::check_failure;
use crate::peers::{Finished, Process, free_tcp_port};
use crate::sandbox::{Sandbox, Settings, Speaker, Unread, in_shell};

/// A publisher and the sandbox of a tail that listens to it.
struct Bus {
    speaker: Speaker,
    sandbox: Sandbox,
}

impl Bus {
    fn new() -> Self {
        let port = free_tcp_port();
        let speaker = Speaker::bound(port);
        let sandbox = Sandbox::with(&Settings::new().endpoint("svc.host", port));
        Self { speaker, sandbox }
    }

    /// Starts a tail, and returns when it has subscribed to `topic`.
    fn tail(&self, flags: &[&str], topic: &str) -> Process {
        let tail = self.sandbox.start(&[&["fedmsg-tail"], flags].concat());
        self.speaker.wait_for(topic);
        tail
    }
}

/// Publishes `messages`, topics and bodies, to a tail with these flags, which ends after showing
/// `count`, the last of the messages among them.
fn show(flags: &[&str], messages: &[(&str, &str)], count: usize) -> Finished {
    let last = messages.last().expect("a message").0;
    show_once_subscribed(&[last], flags, messages, count)
}

/// The same, once the tail has subscribed to all of `topics`: with several patterns it sends several
/// subscriptions.
fn show_once_subscribed(
    topics: &[&str],
    flags: &[&str],
    messages: &[(&str, &str)],
    count: usize,
) -> Finished {
    let bus = Bus::new();
    let count = count.to_string();
    let tail = bus
        .sandbox
        .start(&[&["fedmsg-tail"], flags, &["--count", &count]].concat());
    topics.iter().for_each(|topic| bus.speaker.wait_for(topic));
    for (topic, body) in messages {
        bus.speaker.forward(topic, body);
    }
    tail.finish().expect_success()
}

/// Returns a body without anything remarkable.
fn plain(topic: &str) -> String {
    format!(r#"{{"topic": "{topic}", "msg": {{}}}}"#)
}

#[track_caller]
fn check_topics(flags: &[&str], sent: &[&str], shown: &[&str]) {
    let bodies: Vec<_> = sent.iter().map(|topic| plain(topic)).collect();
    let messages = sent.iter().copied().zip(bodies.iter().map(String::as_str));
    let messages: Vec<_> = messages.collect();
    let finished = show_once_subscribed(shown, flags, &messages, shown.len());
    let expected: Vec<_> = shown.iter().map(|topic| plain(topic)).collect();
    assert_eq!(finished.lines, expected, "{flags:?}");
    assert_eq!(finished.errors, "");
}

#[test]
fn a_topic_is_a_prefix_of_the_text_and_with_a_wildcard_a_pattern() {
    let sent = [
        "org",
        "org.t",
        "org.u",
        "org.tt",
        "org.t.x.y",
        "com.t.x",
        "org.t.x",
    ];
    check_topics(&[], &sent, &sent);
    check_topics(
        &["--topic", "org.t"],
        &sent,
        &["org.t", "org.tt", "org.t.x.y", "org.t.x"],
    );
    check_topics(&["--topic", "org.t."], &sent, &["org.t.x.y", "org.t.x"]);
    check_topics(
        &["--topic", "org.t.#"],
        &sent,
        &["org.t", "org.t.x.y", "org.t.x"],
    );
    check_topics(&["--topic", "org.t.*"], &sent, &["org.t.x.y", "org.t.x"]);
    check_topics(&["--topic", "org.*.x"], &sent, &["org.t.x"]);
    check_topics(&["--topic", "*.t.x"], &sent, &["com.t.x", "org.t.x"]);
    check_topics(&["--topic", "#.x"], &sent, &["com.t.x", "org.t.x"]);
    let both = ["--topic", "com", "--topic", "org.*.x"];
    check_topics(&both, &sent, &["com.t.x", "org.t.x"]);
}

#[test]
fn regular_expressions_include_and_exclude_topics() {
    let sent = [
        "org.git.push",
        "org._heartbeat.x",
        "org.bodhi.karma",
        "x_heartbeat",
        "org.git",
    ];
    check_topics(&[], &sent, &["org.git.push", "org.bodhi.karma", "org.git"]);
    check_topics(&["--exclude", "^$", "--include", ""], &sent, &sent);
    check_topics(
        &["--include", "git|beat"],
        &sent,
        &["org.git.push", "org.git"],
    );
    check_topics(&["--exclude", "push|bodhi|_"], &sent, &["org.git"]);
    check_topics(
        &["--include", r"^org\.(?!bodhi)"],
        &sent,
        &["org.git.push", "org.git"],
    );
    check_topics(&["--include", r"git(?!\.push)"], &sent, &["org.git"]);
}

#[test]
fn what_is_wrong_on_the_command_line_is_named() {
    let sandbox = Sandbox::with(&Settings::new().endpoint("svc.host", free_tcp_port()));
    let check = |flags: &[&str], words: &[&str]| {
        let finished = sandbox.run(&[&["fedmsg-tail"], flags].concat());
        check_failure(&finished, 2, words);
    };
    check(
        &["--include", "("],
        &["fedmsg-tail: --include, line 1, column 2", "\n  (\n", "^"],
    );
    check(&["--exclude", "[a"], &["fedmsg-tail: --exclude", "[a", "^"]);
    let format = ["--format", "a\n {{ tpoic }}"];
    let place = "--format, line 2, column 5: there is no tpoic";
    check(&format, &[place, "\n   {{ tpoic }}\n      ^^^^^\n"]);
    check(
        &["--jq", ".a | nope"],
        &["--jq, line 1, column 6", "\n       ^^^^\n"],
    );
    check(&["--raw-output"], &["--jq"]);
    check(&["--color", "red"], &["--color", "'red'", "always"]);
    check(
        &["--topic", "org.bodhi*"],
        &["--topic", "'org.bodhi*'", "wildcards"],
    );
    check(&["--count", "0"], &["--count"]);
    check(&["--count", "few"], &["--count", "'few'"]);
    check(&["--timeout", "soon"], &["--timeout", "'soon'"]);
    check(&["--timeout=-1"], &["--timeout"]);
}

/// A signed message that no canonical writer would spell like this.
const SIGNED: &str = concat!(
    r#"{"topic" : "org.t", "msg":{"item":"té \u00e9 \/ \ud83d","price":1.50,"n":[1e3,-0]},"#,
    r#" "i":1,"timestamp":1479826068.714926,"msg_id":"2016-x","username":"ralph","#,
    r#""crypto":"x509","signature":"c2ln","certificate":"Y2VydA=="}"#,
);

#[test]
fn a_message_is_one_line_of_json_without_its_credentials() {
    let finished = show(&[], &[("org.t", SIGNED)], 1);
    let expected = concat!(
        r#"{"topic": "org.t", "msg": {"item": "t\u00e9 \u00e9 / \ud83d", "price": 1.5, "#,
        r#""n": [1000.0, 0]}, "i": 1, "timestamp": 1479826068.714926, "msg_id": "2016-x", "#,
        r#""username": "ralph", "crypto": "x509"}"#,
    );
    assert_eq!(finished.lines, [expected]);
}

#[test]
fn json_is_shown_byte_for_byte() {
    let bare = "{\"topic\":\"t\"}";
    let spread = "{\n \"topic\":\r\n \"t\"}";
    let messages = [
        ("t", SIGNED),
        ("t", bare),
        ("t", spread),
        ("t", "[1,2]"),
        ("t", bare),
    ];
    let finished = show(&["--json"], &messages, 5);
    let on_one_line = "{\"topic\": \"t\"}";
    let wrapped = "{\"topic\": \"t\", \"msg\": [1, 2]}";
    assert_eq!(finished.lines, [SIGNED, bare, on_one_line, wrapped, bare]);
    // And what is recorded so can be played to a hub under test.
    let recording = Recording::parse(finished.lines.join("\n").as_bytes()).expect("a recording");
    let bodies = recording.deliveries().iter();
    assert!(
        bodies
            .map(|it| it.envelope().bytes().clone())
            .eq(finished.lines)
    );
}

#[test]
fn pretty_is_indented_with_a_readable_time() {
    let finished = show(&["--pretty"], &[("org.t", SIGNED)], 1);
    let text = finished.lines.join("\n");
    assert!(
        text.starts_with("\n{\n  \"topic\": \"org.t\",\n  \"msg\": {\n    \"item\": "),
        "{text}"
    );
    assert!(
        text.contains("\n  \"timestamp\": \"Tue Nov 22 14:47:48 2016\",\n"),
        "{text}"
    );
    assert!(
        !text.contains("signature") && !text.contains("certificate"),
        "{text}"
    );
    assert!(text.ends_with("\n  \"crypto\": \"x509\"\n}"), "{text}");
}

#[test]
fn really_pretty_has_no_colours_in_a_pipe_and_the_time_as_it_is() {
    let finished = show(&["--really-pretty"], &[("org.t", SIGNED)], 1);
    let text = finished.lines.join("\n");
    assert!(text.starts_with("\n{\n  \"topic\": \"org.t\",\n"), "{text}");
    assert!(
        text.contains("\n  \"timestamp\": 1479826068.714926,\n"),
        "{text}"
    );
    assert!(
        !text.contains('\u{1b}') && !text.contains("signature"),
        "{text}"
    );
}

#[test]
fn a_query_shows_fields_and_null_for_what_is_not_there() {
    let check = |query: &str, expected: &str| {
        let finished = show(&["--query", query], &[("org.t", SIGNED)], 1);
        assert_eq!(finished.lines, [expected], "{query}");
    };
    check("username", "ralph");
    check("msg.price,username, i", "1.5, ralph, 1");
    check("msg.n", "[1000.0, 0]");
    check("msg.nothing,nothing.at.all,topic", "null, null, org.t");
    check("signature", "c2ln");
}

#[test]
fn it_ends_after_so_many_messages_or_seconds() {
    let five = ["t.1", "t.2", "t.3", "t.4", "t.5"];
    let bodies = five.map(plain);
    let messages: Vec<_> = five
        .into_iter()
        .zip(bodies.iter().map(String::as_str))
        .collect();
    let finished = show(&[], &messages, 3);
    assert_eq!(finished.lines, bodies[..3]);

    let check = |flags: &[&str], status: i32, shown: &[String]| {
        let bus = Bus::new(); // one each: the subscription of a tail outlives it for a moment
        let start = Instant::now();
        let tail = bus.tail(flags, "t");
        bus.speaker.forward("t.1", &bodies[0]);
        let finished = tail.finish();
        assert_eq!(finished.status.code(), Some(status), "{finished:#?}");
        assert_eq!((&*finished.lines, &*finished.errors), (shown, ""));
        assert!(start.elapsed() < Duration::from_secs(30));
    };
    check(&["--timeout", "3"], 0, &bodies[..1]);
    check(&["--timeout", "3", "--count", "2"], 75, &bodies[..1]);
    check(&["--timeout", "60", "--count", "1"], 0, &bodies[..1]);
}

#[test]
fn it_ends_quietly_when_its_reader_has_seen_enough() {
    let bus = Bus::new();
    let script = r#"{ "$0" "$@"; echo "the tail has ended with $?" >&2; } | head -n 1"#;
    let command: Command = bus.sandbox.command(&["fedmsg-tail"]);
    let mut pipeline = Process::start(in_shell(script, &command));
    bus.speaker.wait_for("t");
    bus.speaker.forward("t", plain("t"));
    assert_eq!(pipeline.line_with("topic"), plain("t"));
    // It notices with what it writes next.
    bus.speaker.forward_while_heard("t", &plain("t"));
    let finished = pipeline.finish().expect_success();
    assert_eq!(finished.errors, "the tail has ended with 0\n");
}

#[test]
fn a_signal_ends_it_even_if_nobody_reads_what_it_shows() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let bus = Bus::new();
        let command = bus.sandbox.command(&["fedmsg-tail"]);
        let mut tail = Unread::start(command, Unread::output);
        bus.speaker.wait_for("t");
        let padding = "x".repeat(4096 - 1 - r#"{"topic": "t", "msg": ""}"#.len());
        let page = format!(r#"{{"topic": "t", "msg": "{padding}"}}"#);
        tail.stall(|| bus.speaker.forward("t", &page));
        let start = Instant::now();
        tail.signal(signal);
        assert_eq!(tail.status().code(), Some(74));
        // It takes half a second; the machine may be busy.
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn a_reader_that_comes_late_misses_nothing() {
    let bus = Bus::new();
    let topic = |number: usize| format!("t.{number}");
    let command = bus.sandbox.command(&["fedmsg-tail", "--count", "3000"]);
    let script = r#"exec 3<&0; "$0" "$@" | { read -r go <&3; cat; }"#;
    let mut tail = Process::start(in_shell(script, &command));
    bus.speaker.wait_for("t");
    for number in 0..3000 {
        bus.speaker.forward(&topic(number), plain(&topic(number)));
    }
    tail.write_line("go");
    let finished = tail.finish().expect_success();
    let expected: Vec<_> = (0..3000).map(|number| plain(&topic(number))).collect();
    assert!(finished.lines == expected, "{} lines", finished.lines.len());
}

#[test]
fn malformed_messages_are_skipped_and_counted() {
    let good = plain("t");
    let bad: [&[u8]; 4] = [
        b"not json",
        b"",
        b"{\"topic\":\"t\"",
        b"{\"topic\":\"\xff\"}",
    ];
    for flags in [&[][..], &["--json"], &["--pretty"], &["--query", "msg"]] {
        let bus = Bus::new();
        let tail = bus.tail(&[flags, &["--count", "2"]].concat(), "t");
        bus.speaker.forward("t", &good);
        bad.iter().for_each(|body| bus.speaker.forward("t", body));
        bus.speaker.forward("t", &good);
        let finished = tail.finish().expect_success();
        let errors = &finished.errors;
        assert!(
            errors.contains("malformed message skipped"),
            "{flags:?} {errors}"
        );
        assert!(
            errors.contains("malformed messages were skipped skipped=3 shown=2"),
            "{errors}"
        );
        assert!(errors.lines().count() <= 3, "{errors}");
    }
}

#[test]
fn a_signal_ends_it_well_whether_messages_come_or_not() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let bus = Bus::new();
        let tail = bus.tail(&[], "t");
        tail.signal(signal);
        let finished = tail.finish().expect_success();
        assert_eq!((finished.lines.len(), &*finished.errors), (0, ""));

        let bus = Bus::new();
        let mut tail = bus.tail(&[], "t");
        for _ in 0..100 {
            bus.speaker.forward("t", plain("t"));
        }
        tail.line_with("topic");
        tail.signal(signal);
        let finished = tail.finish().expect_success();
        assert_eq!(finished.errors, "");
        assert!(
            finished.lines.iter().all(|line| line == &plain("t")),
            "no half a line"
        );
    }
}
