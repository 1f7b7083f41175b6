//! `fedmsg-collectd`: what collectd reads, and how it ends.

use rustix::process::Signal;

use super::check_failure;
use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{Sandbox, Settings, Speaker, in_shell};

/// A publisher, and a sandbox for those who listen to it.
fn bus(settings: &str) -> (Speaker, Sandbox) {
    let port = free_tcp_port();
    let speaker = Speaker::bound(port);
    let settings = Settings::new().endpoint("svc.host", port).with(settings);
    (speaker, Sandbox::with(&settings))
}

/// The parts of a line that are not the same each time: name, interval, time, count.
fn parts(line: &str) -> (String, u64, u64, u64) {
    let host = fedmsg::host_name();
    let host = host.split('.').next().expect("a name");
    let start = format!("PUTVAL {host}/fedmsg/fedmsg_wallboard-");
    let rest = line.strip_prefix(&start);
    let rest = rest.unwrap_or_else(|| panic!("{line:?} does not begin with {start:?}"));
    let words: Vec<_> = rest.split(' ').collect();
    let [name, interval, value] = words[..] else {
        panic!("{line:?}");
    };
    let interval = interval.strip_prefix("interval=").expect("an interval");
    let (time, count) = value.split_once(':').expect("a value");
    let number = |text: &str| text.parse().expect("a number");
    (
        name.to_owned(),
        number(interval),
        number(time),
        number(count),
    )
}

/// Reads lines until so many messages were counted under each name.
fn count(collectd: &mut Process, expected: [u64; 3]) {
    let mut counted = [0; 3];
    let mut last = 0;
    while counted != expected {
        let names = ["announce", "logger", "unhandled"];
        for (name, counted) in names.into_iter().zip(&mut counted) {
            let line = collectd.line_with("");
            let (found, interval, time, count) = parts(&line);
            assert_eq!((&*found, interval), (name, 1), "{line}");
            assert!(time >= last, "{line}");
            (last, *counted) = (time, *counted + count);
        }
        let too_many = counted
            .iter()
            .zip(expected)
            .any(|(it, expected)| *it > expected);
        assert!(!too_many, "{counted:?}");
    }
}

#[test]
fn every_message_is_counted_once_under_the_name_of_its_processor() {
    let (speaker, sandbox) = bus("");
    let mut collectd = sandbox.start(&["fedmsg-collectd", "--collectd-interval", "1"]);
    speaker.wait_for("t");
    let publish = || {
        for number in 0..50 {
            speaker.forward("org.fedoraproject.dev.logger.log", "{}");
            speaker.forward("org.fedoraproject.dev.announce", "no json");
            speaker.forward(&format!("org.u.{number}"), "{}");
            speaker.forward("org.fedoraproject.dev.git.push", "{}");
        }
    };
    publish();
    count(&mut collectd, [50, 50, 100]);
    publish();
    count(&mut collectd, [50, 50, 100]);
    publish();
    collectd.signal(Signal::TERM);
    let finished = collectd.finish().expect_success();
    // Whole lines until the end, and nothing but them; the last ones are of less than an interval.
    let counts = finished.lines.iter().map(|line| parts(line).3);
    assert_eq!(counts.sum::<u64>(), 200);
    assert!(
        finished.errors.contains("hub stopped"),
        "{}",
        finished.errors
    );
}

#[test]
fn any_hub_may_count() {
    let consumer =
        "[consumers.wallboard]\nkind = 'collectd'\ntopics = 'org.u.#'\nparams.interval = 1";
    let (speaker, sandbox) = bus(consumer);
    let mut hub = sandbox.start(&["fedmsg-hub"]);
    speaker.wait_for("org.u");
    speaker.forward("org.u.1", "{}");
    count(&mut hub, [0, 0, 1]);
    hub.signal(Signal::TERM);
    hub.finish().expect_success();
}

#[test]
fn it_ends_quietly_when_nobody_reads_it_any_more() {
    let (speaker, sandbox) = bus("");
    // The next line would be an hour away.
    let command = sandbox.command(&["fedmsg-collectd", "--collectd-interval", "3600"]);
    let script = r#"{ "$0" "$@"; echo "it has ended with $?" >&2; } | read -r go <&3"#;
    let script = format!("exec 3<&0; {script}");
    let mut pipeline = Process::start(in_shell(&script, &command));
    speaker.wait_for("t");
    pipeline.write_line("go");
    let finished = pipeline.finish().expect_success();
    let errors = finished.errors;
    assert!(errors.ends_with("it has ended with 0\n"), "{errors}");
    assert!(!errors.contains("ERROR"), "{errors}");
}

#[test]
fn what_cannot_be_written_halts_it() {
    for is_quiet in [false, true] {
        let (speaker, sandbox) = bus("");
        let command = sandbox.command(&["fedmsg-collectd", "--collectd-interval", "1"]);
        let pipeline = Process::start(in_shell(r#"exec "$0" "$@" >/dev/full"#, &command));
        speaker.wait_for("t");
        if !is_quiet {
            speaker.forward_while_heard("org", "{}");
        }
        let finished = pipeline.finish();
        let words = ["standard output cannot be written", "No space left"];
        check_failure(&finished, 70, &words);
    }
}

#[test]
fn a_reader_that_comes_late_misses_nothing() {
    let (speaker, sandbox) = bus("");
    let command = sandbox.command(&["fedmsg-collectd", "--collectd-interval", "1"]);
    let script = r#"exec 3<&0; "$0" "$@" | { read -r go <&3; cat; }"#;
    let mut pipeline = Process::start(in_shell(script, &command));
    speaker.wait_for("t");
    speaker.forward("org.u", "{}");
    pipeline.write_line("go");
    count(&mut pipeline, [0, 0, 1]);
    drop(pipeline);
}

#[test]
fn a_bad_interval_is_refused() {
    let (_speaker, sandbox) = bus("");
    for wrong in ["0", "-1", "0.5", "soon"] {
        let finished = sandbox.run(&["fedmsg-collectd", "--collectd-interval", wrong]);
        check_failure(
            &finished,
            2,
            &["invalid value", "--collectd-interval", wrong],
        );
    }
    let (_speaker, sandbox) = bus("[consumers.c]\nkind = 'collectd'\nparams.interval = 0");
    let finished = sandbox.run(&["fedmsg-collectd"]);
    check_failure(&finished, 78, &["consumers.c.params.interval"]);
}

#[test]
fn an_interval_is_at_least_a_second() {
    for seconds in ["0", "-1", "1.5"] {
        let words = ["fedmsg-collectd", "--collectd-interval", seconds];
        check_failure(
            &Sandbox::new().run(&words),
            2,
            &["whole seconds, at least 1"],
        );
    }
}
