//! `fedmsg-trigger`: what the command is given, when it runs, and that no message can run anything else.

mod refused;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fedmsg::Envelope;
use fedmsg::json::Value;
use fedmsg_message::Stamp;
use rustix::process::Signal;

use crate::peers::{Finished, Process, free_tcp_port};
use crate::sandbox::{PATIENCE, Sandbox, Settings, Speaker};

const TRIGGER: &str = "fedmsg-trigger";

/// What follows the name of a program to run a script in a shell of our own.
const SCRIPT: [&str; 3] = ["--", "sh", "-c"];

/// A publisher, and where triggers run.
struct Bus {
    sandbox: Sandbox,
    speaker: Speaker,
}

impl Bus {
    fn new() -> Self {
        Self::with("")
    }

    fn with(settings: &str) -> Self {
        let port = free_tcp_port();
        let bus = Settings::new().endpoint("svc.host", port);
        let sandbox = Sandbox::with(&bus.with(settings));
        let speaker = Speaker::bound(port);
        Self { sandbox, speaker }
    }

    /// Starts a trigger, whose lines are those of its log; returns when it hears everything.
    fn start(&self, arguments: &[&str]) -> Process {
        let words = [&[TRIGGER], arguments].concat();
        let trigger = self.sandbox.start_logging(&words);
        self.speaker.wait_for("org.x");
        trigger
    }

    /// Starts one that runs a script.
    fn start_script(&self, flags: &[&str], script: &str) -> Process {
        self.start(&[flags, &SCRIPT, &[script]].concat())
    }

    /// Publishes a body under a topic, canonical but for its topic; returns the bytes.
    fn publish(&self, topic: &str, msg: impl Into<Value>) -> Bytes {
        let stamp = Stamp {
            msg_id: format!("2026-{topic}"),
            timestamp: 1_793_000_000,
            i: 1,
            username: "o'brien".to_owned(),
        };
        let topic = topic.parse().expect("a topic");
        let envelope = Envelope::stamp(topic, msg.into(), &stamp).expect("JSON");
        self.speaker
            .forward(envelope.topic().as_str(), envelope.bytes());
        envelope.bytes().clone()
    }

    fn path(&self, name: &str) -> PathBuf {
        let command = self.sandbox.command(&[TRIGGER]);
        command.get_current_dir().expect("a folder").join(name)
    }

    /// Waits until a file of the sandbox has this content; as long as it grows there is patience.
    #[track_caller]
    fn wait_for(&self, name: &str, content: &[u8]) {
        let (mut length, mut deadline) = (0, Instant::now() + PATIENCE);
        loop {
            let written = fs::read(self.path(name)).unwrap_or_default();
            if written == content {
                return;
            }
            if written.len() != length {
                (length, deadline) = (written.len(), Instant::now() + PATIENCE);
            }
            let is_possible = Instant::now() < deadline && content.starts_with(&written);
            assert!(
                is_possible,
                "{name} has {:?} of {} bytes",
                String::from_utf8_lossy(&written[written.len().saturating_sub(300)..]),
                content.len()
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Ends a trigger by a signal; returns when the next one cannot be taken for it.
    fn stop(&self, trigger: Process) -> Finished {
        trigger.signal(Signal::TERM);
        self.finish(trigger)
    }

    /// Waits for the end of a trigger, and until the publisher knows of it.
    fn finish(&self, trigger: Process) -> Finished {
        let finished = trigger.finish();
        wait_until(|| !self.speaker.hears("org.x"));
        finished
    }

    fn files(&self) -> Vec<String> {
        let folder = fs::read_dir(self.path("")).expect("a folder");
        let names = folder.map(|file| file.expect("a file").file_name());
        let mut names: Vec<_> = names
            .map(|name| name.into_string().expect("text"))
            .collect();
        names.sort();
        names
    }
}

/// Bodies that a shell would take for something else.
fn hostile(n: usize) -> Value {
    const PIECES: [&str; 16] = [
        "'; touch pwned; '",
        "\"; touch pwned; \"",
        "$(touch pwned)",
        "`touch pwned`",
        "\n touch pwned\n",
        "\r\n",
        "\0",
        "'",
        "\"",
        "\\",
        "\\'",
        "${IFS}touch${IFS}pwned",
        "| tee pwned",
        "> pwned",
        "é\u{2028}😀",
        "\u{1b}[2J",
    ];
    let pieces = (0..8).map(|digit| PIECES[(n * 7 + digit * (n / 16 + 3)) % 16]);
    Value::from(format!("{n}{}", pieces.collect::<String>()))
}

#[test]
fn ten_thousand_hostile_bodies_arrive_as_they_were_sent_and_run_nothing() {
    let bus = Bus::new();
    let mut trigger = bus.start(&["--command", "tee -a 'out file'", "--log", "warn"]);
    let before = bus.files();
    let mut sent = Vec::new();
    for n in 0..10_000 {
        sent.extend_from_slice(&bus.publish("org.x", hostile(n)));
        sent.push(b'\n');
    }
    bus.wait_for("out file", &sent);
    trigger.signal(Signal::TERM);
    assert_eq!(
        trigger.line_within(PATIENCE),
        None,
        "nothing to complain of"
    );
    let finished = trigger.finish();
    assert!(finished.status.success(), "{finished:#?}");
    let mut files = before;
    files.push("out file".to_owned());
    files.sort();
    assert_eq!(bus.files(), files);
}

#[test]
fn a_shell_runs_the_command_only_when_it_is_asked_for_and_gets_the_message_as_input() {
    let bus = Bus::new();
    let script = "tr -d '\\n' >>out; echo \"|$FEDMSG_TOPIC|$HOME\" >>out";
    let trigger = bus.start(&["--shell", "--command", script]);
    let body = bus.publish("org.x.$(touch pwned)`touch pwned`'", hostile(3));
    let mut expected = body.to_vec();
    let home = bus.path("").display().to_string();
    let home = home.trim_end_matches('/');
    expected.extend(format!("|org.x.$(touch pwned)`touch pwned`'|{home}\n").into_bytes());
    bus.wait_for("out", &expected);
    assert!(bus.stop(trigger).status.success());
    assert!(!bus.path("pwned").exists());

    // The same words without a shell: nothing is expanded.
    let trigger = bus.start(&["--command", r#"tee -a $HOME '$(id)' "a \"b\"" c\ d"#]);
    let body = bus.publish("org.x", 1);
    let expected = [&body[..], b"\n"].concat();
    for file in ["$HOME", "$(id)", "a \"b\"", "c d"] {
        bus.wait_for(file, &expected);
    }
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn the_message_is_one_canonical_line_or_the_bytes_that_came() {
    let bus = Bus::new();
    let body = "{ \"msg\": {\"ä\": [1.50, 1e3]},\n \"topic\" :\"org.x\", \"a\": \"\\u0041\" }";
    let line = "{\"a\":\"A\",\"msg\":{\"\\u00e4\":[1.5,1000.0]},\"topic\":\"org.x\"}\n";
    for (flags, expected) in [(&[][..], line), (&["--raw"], body)] {
        let mut trigger = bus.start_script(flags, "cat >>out");
        bus.speaker.forward("org.x.bad", "no JSON");
        bus.speaker.forward("org.x.bad", "[1]");
        bus.speaker.forward("org.x", body);
        trigger.line_with("malformed message skipped");
        bus.wait_for("out", expected.as_bytes());
        let finished = bus.stop(trigger);
        assert!(finished.status.success(), "{finished:#?}");
        let counted = |line: &String| line.contains("succeeded=1 failed=0 skipped=2");
        assert!(finished.lines.iter().any(counted), "{finished:#?}");
        fs::remove_file(bus.path("out")).expect("it was written");
    }
}

#[test]
fn what_the_message_says_of_itself_is_in_the_environment_and_disturbs_no_program_of_ours() {
    let bus = Bus::new();
    let print = "printf '%s|' \"${FEDMSG_TOPIC-none}\" \"${FEDMSG_MSG_ID-none}\" \
                 \"${FEDMSG_TIMESTAMP-none}\" \"${FEDMSG_USERNAME-none}\" \"${HOME-none}\" >>out";
    let home = bus.path("").display().to_string();
    let home = home.trim_end_matches('/');
    let trigger = bus.start_script(&[], print);
    bus.publish("org.x.'y'", 1);
    let said = format!("org.x.'y'|2026-org.x.'y'|1793000000|o'brien|{home}|");
    bus.wait_for("out", said.as_bytes());
    // What no variable can hold is left out, also what the trigger itself was started with.
    let long = "x".repeat(200_000);
    bus.speaker.forward_received(
        &format!("org.x.\0{long}"),
        r#"{"topic": "", "msg_id": "\u0000"}"#,
    );
    let said = format!("{said}none|none|none|none|{home}|");
    bus.wait_for("out", said.as_bytes());
    assert!(bus.stop(trigger).status.success());

    fs::remove_file(bus.path("out")).expect("it was written");
    let trigger = bus.start_script(&["--clear-env"], print);
    bus.publish("org.x", 1);
    bus.wait_for("out", b"org.x|2026-org.x|1793000000|o'brien|none|");
    assert!(bus.stop(trigger).status.success());

    let ours = bus.sandbox.command(&["fedmsg-tail"]);
    let ours = ours.get_program().to_str().expect("text");
    let mut trigger = bus.start(&["--", ours, "--print-config"]);
    bus.publish("org.x", 1);
    trigger.line_with("Command succeeded");
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn the_sockets_of_the_trigger_are_closed_in_the_command() {
    let bus = Bus::new();
    let script = "ls -l /proc/self/fd | grep -c -e socket: -e eventpoll -e eventfd >>out; true";
    let trigger = bus.start_script(&[], script);
    bus.publish("org.x", 1);
    bus.wait_for("out", b"0\n");
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn topics_are_chosen_as_with_tail() {
    let bus = Bus::new();
    let flags = [
        "--topic",
        "org.a",
        "--topic",
        "#.b",
        "--exclude",
        "no",
        "--include",
        "^(?!.*x).*$",
    ];
    let trigger = bus.sandbox.start_logging(
        &[
            &[TRIGGER],
            &flags[..],
            &SCRIPT,
            &["printf '%s ' $FEDMSG_TOPIC >>out"],
        ]
        .concat(),
    );
    bus.speaker.wait_for("org.a");
    bus.speaker.wait_for("org.c.b");
    for topic in [
        "org.a.no", "org.a.x", "org.c", "org.a.1", "org.c.b", "org.ab",
    ] {
        bus.publish(topic, 1);
    }
    bus.wait_for("out", b"org.a.1 org.c.b org.ab ");
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn with_a_wait_the_commands_run_once_it_is_quiet_and_one_after_the_other() {
    let bus = Bus::new();
    let script = "printf '<%s' $FEDMSG_TOPIC >>out; sleep 0.05; printf '>' >>out";
    let mut trigger = bus.start_script(&["--wait-for", "0.7"], script);
    let start = Instant::now();
    (1..=4).for_each(|n| drop(bus.publish(&format!("org.x{n}"), 1)));
    bus.wait_for("out", b"<org.x1><org.x2><org.x3><org.x4>");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(700), "{took:?}");
    trigger.line_with("Command succeeded");
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn more_than_may_be_queued_are_not_waited_for_and_a_signal_ends_the_wait() {
    let bus = Bus::new();
    let flags = ["--wait-for", "100000", "--max-queue-size", "2"];
    let trigger = bus.start_script(&flags, "printf '%s ' $FEDMSG_TOPIC >>out");
    (1..=3).for_each(|n| drop(bus.publish(&format!("org.x{n}"), 1)));
    bus.wait_for("out", b"org.x1 org.x2 org.x3 ");
    // Its arrival is seen by nobody else: the next one that is not held shows that it is there.
    (4..=6).for_each(|n| drop(bus.publish(&format!("org.x{n}"), 1)));
    bus.wait_for("out", b"org.x1 org.x2 org.x3 org.x4 org.x5 org.x6 ");
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn what_waits_is_handled_before_the_end() {
    let bus = Bus::with("stop_timeout = '60s'");
    let script = "cat >/dev/null; touch started; while ! [ -e go ]; do sleep 0.01; done; \
                  printf '%s ' $FEDMSG_TOPIC >>out";
    let mut trigger = bus.start_script(&[], script);
    (1..=20).for_each(|n| drop(bus.publish(&format!("org.x{n}"), 1)));
    wait_until(|| bus.path("started").exists());
    trigger.signal(Signal::TERM);
    let line = trigger.line_with("stopping");
    let queued = line
        .split("queued=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let queued: usize = queued.and_then(|it| it.parse().ok()).expect("a number");
    bus.sandbox.write("go", "");
    let finished = trigger.finish();
    assert!(finished.status.success(), "{finished:#?}");
    let names = (1..=queued + 1).map(|n| format!("org.x{n} "));
    let out = fs::read_to_string(bus.path("out")).expect("it was written");
    assert_eq!(out, names.collect::<String>());
}

#[test]
fn what_cannot_be_handled_in_time_is_named_and_its_command_is_ended() {
    let bus = Bus::with("stop_timeout = '200ms'");
    let script = "echo $$ >pid.new; mv pid.new pid; exec sleep 1000";
    let trigger = bus.start_script(&["--wait-for", "1000", "--max-queue-size", "2"], script);
    (1..=3).for_each(|n| drop(bus.publish(&format!("org.x{n}"), 1)));
    wait_until(|| bus.path("pid").exists());
    let finished = bus.stop(trigger);
    assert_eq!(finished.status.code(), Some(70), "{finished:#?}");
    let log = finished.lines.join("\n");
    for words in [
        "not handled within `stop_timeout`",
        "running=1 queued=2",
        "killed: it has not ended within `stop_timeout`",
        "org.x1 2026-org.x1",
        "org.x2 2026-org.x2",
        "org.x3 2026-org.x3",
    ] {
        assert!(log.contains(words), "no {words:?} in {log}");
    }
    let pid = fs::read_to_string(bus.path("pid")).expect("it was written");
    let process = PathBuf::from(format!("/proc/{}", pid.trim()));
    wait_until(|| !process.join("exe").exists());
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_its_children_and_the_next_one_runs() {
    let bus = Bus::new();
    let script = "case $FEDMSG_TOPIC in *slow) sleep 1000 & echo $! >pid; wait;; esac";
    let mut trigger = bus.start_script(&["--time-limit", "5"], script);
    bus.publish("org.x.slow", "x".repeat(1 << 20)); // more than the pipe takes, and nobody reads it
    bus.publish("org.x.quick", 1);
    let line = trigger.line_with("Command took longer than 5s and was ended");
    assert!(line.contains("topic=org.x.slow"), "{line}");
    trigger.line_with("Command succeeded topic=org.x.quick");
    let pid = fs::read_to_string(bus.path("pid")).expect("it was written");
    let process = PathBuf::from(format!("/proc/{}", pid.trim()));
    wait_until(|| !process.join("exe").exists());
    assert_eq!(bus.stop(trigger).status.code(), Some(70), "one has failed");
}

#[test]
fn no_limit_is_none_and_sigusr1_is_answered() {
    let bus = Bus::new();
    let script = "touch started; while ! [ -e go ]; do sleep 0.05; done";
    let mut trigger = bus.start_script(&["--time-limit", "0"], script);
    bus.publish("org.x", 1);
    wait_until(|| bus.path("started").exists());
    trigger.signal(Signal::USR1);
    let line = trigger.line_with("status of the trigger");
    assert!(line.contains("queued=0 running=1 succeeded=0"), "{line}");
    fs::write(bus.path("go"), "").expect("a file");
    trigger.line_with("Command succeeded");
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn a_command_that_fails_is_logged_and_tried_again_if_that_is_wanted() {
    let bus = Bus::new();
    let mut trigger = bus.start_script(&[], "exit 3");
    bus.publish("org.x", 1);
    let line = trigger.line_with("Command returned error code 3");
    assert!(
        line.contains("topic=org.x msg_id=\"2026-org.x\" attempts=1"),
        "{line}"
    );
    assert_eq!(bus.stop(trigger).status.code(), Some(70));

    let mut trigger = bus.start_script(
        &["--retry", "3"],
        "echo x >>tries; test $(wc -l <tries) -ge 2",
    );
    bus.publish("org.x", 1);
    trigger.line_with("Command returned error code 1: trying again");
    let line = trigger.line_with("Command succeeded");
    assert!(line.contains("attempts=2"), "{line}");
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn several_run_at_a_time_if_that_is_wanted() {
    let bus = Bus::new();
    let script = "touch at.$FEDMSG_TOPIC; while [ $(ls | grep -c ^at) -lt 3 ]; do sleep 0.01; done";
    let mut trigger = bus.start_script(&["--concurrency", "3"], script);
    (1..=3).for_each(|n| drop(bus.publish(&format!("org.x{n}"), 1)));
    (0..3).for_each(|_| drop(trigger.line_with("Command succeeded")));
    assert!(bus.stop(trigger).status.success());
}

#[test]
fn once_ends_after_the_first_message_with_what_became_of_its_command() {
    let bus = Bus::new();
    for (script, status) in [("cat >>out", 0), ("exit 3", 70), ("kill -9 $$", 70)] {
        let trigger = bus.start_script(&["--once"], script);
        let body = bus.publish("org.x", 1);
        bus.publish("org.x.second", 1);
        let finished = bus.finish(trigger);
        assert_eq!(finished.status.code(), Some(status), "{finished:#?}");
        if status == 0 {
            bus.wait_for("out", &[&body[..], b"\n"].concat());
        }
    }
}

#[test]
fn a_queue_is_bounded_and_what_is_not_taken_waits_with_the_publisher() {
    let bus = Bus::with("stop_timeout = '0s'");
    let trigger = bus.start_script(&[], "touch started; exec sleep 1000");
    let msg = Value::from("x".repeat(20_000));
    (0..12_000).for_each(|_| drop(bus.publish("org.x", msg.clone())));
    wait_until(|| bus.path("started").exists());
    // 64 MiB wait in it, 1000 messages in its socket; 240 MB were sent. It is full when it grows no more.
    let (mut peak, mut since) = (0, Instant::now());
    wait_until(|| {
        let now = trigger.peak_memory();
        if now != peak {
            (peak, since) = (now, Instant::now());
        }
        peak > 64 << 20 && since.elapsed() > Duration::from_secs(1)
    });
    assert!(peak < 160 << 20, "{peak}");
    let finished = bus.stop(trigger);
    assert_eq!(finished.status.code(), Some(70), "{finished:#?}");
    let finished = finished.lines.join("\n");
    assert!(finished.contains("running=1 queued=33"), "{finished}");
}

/// Waits until something is so.
#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it has not come about");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
