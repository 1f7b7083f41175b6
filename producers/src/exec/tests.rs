//! What is published of what a program writes, and what a program that does not do what it should costs.

use std::time::{Duration, Instant};

use fedmsg::json::to_spaced;
use fedmsg_actors::{ProducerStatus, TestBus};

use super::*;

/// What a script has published after one tick, and the status of its producer.
fn run(script: &str, params: &str, count: usize) -> (Vec<String>, ProducerStatus) {
    let settings = format!(
        "every = '1h'\ntime_limit = '2s'\nparams.argv = ['sh', '-c', '''{script}''']\n{params}"
    );
    let mut published = Vec::new();
    let bus = TestBus::new().producer::<ExecProducer>("x", &settings);
    let report = bus.run(async |bus| {
        bus.advance(Duration::from_secs(3600)).await;
        for _ in 0..count {
            published.push(to_spaced(bus.next_published().await.msg()).unwrap());
        }
    });
    let status = report.status.producer("x").unwrap().clone();
    (published, status)
}

#[test]
fn the_output_becomes_one_message_or_one_for_each_line() {
    #[track_caller]
    fn check(output: &str, script: &str, expected: &[&str]) {
        let params = format!("params.output = '{output}'");
        let (published, status) = run(script, &params, expected.len());
        assert_eq!(published, expected, "{script}");
        assert_eq!((status.ticks, status.failures), (1, 0), "{script}");
        assert_eq!(status.figures["published"], expected.len() as u64);
    }
    check("text", r"printf 'a\nb\n'", &[r#"{"output": "a\nb\n"}"#]);
    check(
        "text",
        r"printf '\377\0'",
        &[r#"{"output": "\ufffd\u0000"}"#],
    );
    let lines = [r#"{"line": "a"}"#, r#"{"line": ""}"#, r#"{"line": "b"}"#];
    check("lines", r"printf 'a\r\n\nb'", &lines);
    check("json", r#"echo '{"a": 1.0}'"#, &[r#"{"a": 1.0}"#]);
    check("json-lines", r"printf '1\n\n[2]\n'", &["1", "[2]"]);
    let large = format!("\"{}\"", "0".repeat(100_000));
    check(
        "json-lines",
        r#"printf '"%0100000d"\n1\n' 0"#,
        &[&large, "1"],
    );
    for output in ["text", "lines", "json", "json-lines"] {
        check(output, "exit 0", &[]);
    }
}

#[test]
fn a_program_that_fails_floods_or_writes_no_json_is_a_failure_and_publishes_nothing() {
    #[track_caller]
    fn check(script: &str, params: &str) {
        let (_, status) = run(script, params, 0);
        assert_eq!((status.ticks, status.failures), (0, 1), "{script}");
        assert_eq!(status.figures["published"], 0, "{script}");
    }
    check("echo x; exit 1", "");
    check("echo x; kill -9 $$", "");
    check("yes", "");
    check("yes & yes & wait", "params.max_output = '1 KiB'");
    check("echo '{'", "params.output = 'json'");
    let (_, status) = run("sleep 1000 & exec sleep 1000", "", 0);
    assert_eq!((status.ticks, status.failures), (0, 1), "it hangs");
}

#[test]
fn its_standard_error_is_logged_and_a_flood_of_it_counted() {
    let script = "echo x; echo a >&2; printf b >&2; yes | head -n 20000 >&2";
    let (published, status) = run(script, "", 1);
    assert_eq!(published, [r#"{"output": "x\n"}"#]);
    let count = |name| status.figures[name];
    let (logged, not) = (count("lines_logged"), count("lines_not_logged"));
    assert_eq!(logged + not, 20_002 - 1); // "by" is one line
    assert!(not > 15_000, "{logged}");
}

#[test]
fn what_it_has_left_in_the_background_ends_with_it() {
    let (published, _) = run("sleep 1000 >/dev/null & echo $!", "", 1);
    let id: String = published.concat().matches(char::is_numeric).collect();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        // It has been killed, which takes a moment.
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z") {
            break;
        }
        assert!(Instant::now() < deadline, "{state}");
        std::thread::yield_now();
    }
}

#[test]
fn lines_that_are_no_json_are_passed_over_and_said_to_be() {
    let params = "params.output = 'json-lines'\nparams.topic = 'x.{{ msg.k }}'";
    let script = r#"printf '{\n{"k": 1}\n{}\n{"k": 2}\n'"#;
    let (published, status) = run(script, params, 2);
    assert_eq!(published, [r#"{"k": 1}"#, r#"{"k": 2}"#]);
    assert_eq!((status.ticks, status.failures), (0, 1));
    assert_eq!(status.figures["passed_over"], 2);
}

#[test]
fn what_can_never_run_is_refused_at_the_start() {
    for params in [
        "argv = []",
        "argv = ['no-such-program-at-all']",
        "argv = ['true'], max_output = 5",
        "argv = ['true'], topic = '{{ hots }}.x'",
        "argv = ['true'], output = 'xml'",
        "argv = 'true'",
    ] {
        let settings = format!("every = '1h'\nparams = {{ {params} }}");
        let bus = TestBus::new().producer::<ExecProducer>("x", &settings);
        assert!(bus.try_run(async |_| ()).is_err(), "{params}");
    }
}
