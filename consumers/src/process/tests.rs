//! What becomes of messages, whatever a program does: shells say what programs of any language could.

use std::fs;
use std::time::Duration;

use fedmsg_actors::{ConsumerState, ConsumerStatus, StartError, TestBus, TestHub};
use tempfile::TempDir;

use super::*;

/// What a script may call: `next` reads a line into `line` and `id`, `ack`, and `note`, which leaves a
/// line in the file that the test looks at.
const PRELUDE: &str = r#"
    stopped() { exit 0; }
    next() { IFS= read -r line || exit 0; id=${line#*'"id":'}; id=${id%%,*}
        case $line in '{"type":"stop"}') stopped;; esac; }
    ack() { echo "{\"type\":\"ack\",\"id\":$id}"; }
    note() { printf '%s\n' "$1" >>"$OUT"; }
    hello() { echo '{"type":"hello"}'; next; }
    msg() { msg=${line#*'"msg":'}; msg=${msg%%,*}; }
"#;

/// Takes everything, and notes the payloads.
const TAKE_ALL: &str = r#"stopped() { note stop; exit; }; hello; while next; do
    msg; note "$msg"; ack; done"#;

/// A script, what it noted, and how its consumer was at the end.
struct Ran {
    noted: Vec<String>,
    status: ConsumerStatus,
    is_clean: bool,
}

impl Ran {
    fn figure(&self, name: &str) -> u64 {
        self.status.figures[name]
    }
}

fn try_run(
    script: &str,
    params: &str,
    test: impl AsyncFnOnce(&TestHub),
) -> Result<Ran, StartError> {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let settings = format!(
        "topics = 'org.example.#'\n\
         params.argv = ['sh', '-c', '''{PRELUDE}{script}''']\n\
         params.env.OUT = {out:?}\n{params}\n\
         retry = {{ attempts = 3, first_delay = '1ms' }}\n\
         restart = {{ attempts = 3, first_delay = '1ms' }}"
    );
    let report = TestBus::new()
        .settings("stop_timeout = '20s'")
        .consumer::<Process>("x", &settings)
        .try_run(test)?;
    let noted = fs::read_to_string(out).unwrap_or_default();
    Ok(Ran {
        noted: noted.lines().map(str::to_owned).collect(),
        status: report.status.consumer("x").unwrap().clone(),
        is_clean: report.is_clean(),
    })
}

fn run(script: &str, params: &str, test: impl AsyncFnOnce(&TestHub)) -> Ran {
    try_run(script, params, test).unwrap()
}

async fn publish(hub: &TestHub, count: usize) {
    for number in 0..count {
        hub.publish("org.example.dev.n", number as u64).await;
    }
}

/// Publishes so many numbers and waits until they are dealt with.
fn run_with(script: &str, params: &str, count: usize) -> Ran {
    run(script, params, async |hub| {
        publish(hub, count).await;
        hub.settle().await;
    })
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn messages_come_in_order_once_each_and_a_stop_is_announced() {
    for window in [1, 3, 64, 255] {
        let ran = run_with(TAKE_ALL, &format!("params.window = {window}"), 300);
        let mut expected = numbers(0..300);
        expected.push("stop".to_owned());
        assert_eq!(ran.noted, expected);
        assert_eq!((ran.status.consumed, ran.status.dropped), (300, 0));
        assert_eq!((ran.figure("starts"), ran.figure("failures")), (1, 0));
        assert!(ran.is_clean);
    }
}

#[test]
fn a_program_may_answer_many_at_once_when_no_more_come() {
    let script = r#"hello; while next; do
        case $line in *'"more":true}') ;; *'"message"'*) echo "{\"type\":\"ack\",\"upto\":$id}"; note "$id";; esac
    done"#;
    let ran = run_with(script, "", 300);
    assert_eq!(ran.status.consumed, 300);
    assert!(ran.noted.len() < 300, "{} answers", ran.noted.len());
}

#[test]
fn what_the_program_is_told_and_what_it_sees_of_its_surroundings() {
    let script = r#"IFS= read -r line; note "$line"; note "$(env | cut -d= -f1 | sort | tr '\n' ' ')"
        note "$PWD"; echo '{"type":"hello","version":1}'; next; note "$line"; ack; next"#;
    let folder = TempDir::new().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let params = format!(
        "params.settings = {{ a = [1, 'x'] }}\nparams.window = 7\nparams.cwd = {folder:?}\n\
         params.pass_env = ['NO_SUCH_VARIABLE', 'PATH']"
    );
    let ran = run_with(script, &params, 1);
    let hello = r#"{"consumer":"x","params":{"a":[1,"x"]},"topics":["org.example.#"],"type":"hello","version":1,"window":7}"#;
    assert_eq!(ran.noted[0], hello);
    assert_eq!(
        ran.noted[1]
            .replace("PWD ", "")
            .replace("SHLVL ", "")
            .replace("_ ", ""),
        "OUT PATH "
    );
    assert_eq!(ran.noted[2], folder.to_str().unwrap());
    let start = r#"{"type":"message","id":1,"topic":"org.example.dev.n","msg_id":"2026-1","timestamp":1767225600,"body":{"i":1,"#;
    assert!(ran.noted[3].starts_with(start), "{}", ran.noted[3]);
    assert!(ran.noted[3].ends_with("}}"), "{}", ran.noted[3]);
}

#[test]
fn the_program_says_what_becomes_of_a_message() {
    let answer = |said: &str| {
        format!(
            r#"hello; while next; do msg; note "$msg"
        case $msg in 1) echo "{said}";; *) ack;; esac; done"#
        )
    };
    let id = r#"\"id\":$id"#;
    for (said, noted, expected) in [
        (
            format!(r#"{{\"type\":\"drop\",{id},\"reason\":\"no\"}}"#),
            1,
            (2, 1),
        ),
        (format!(r#"{{\"type\":\"retry\",{id}}}"#), 3, (2, 1)),
        (
            format!(r#"{{\"type\":\"retry\",{id},\"after\":0.001}}"#),
            3,
            (2, 1),
        ),
    ] {
        for window in [1, 64] {
            let ran = run_with(&answer(&said), &format!("params.window = {window}"), 3);
            let times = ran.noted.iter().filter(|it| *it == "1").count();
            assert_eq!(times, noted, "{said}");
            assert_eq!(
                ran.noted.iter().filter(|it| *it == "2").count(),
                1,
                "{said}"
            );
            assert_eq!(
                (ran.status.consumed, ran.status.dropped),
                expected,
                "{said}"
            );
            assert_eq!(ran.figure("failures"), 0);
        }
    }
    let ran = run(
        &answer(r#"{\"type\":\"halt\",\"reason\":\"enough\"}"#),
        "params.window = 1",
        async |hub| {
            publish(hub, 3).await;
            let halted = |status: &ConsumerStatus| matches!(&status.state, ConsumerState::Halted(reason) if reason == "enough");
            hub.until(|status| halted(status.consumer("x").unwrap()))
                .await;
        },
    );
    assert_eq!((ran.status.consumed, ran.status.dropped), (1, 0));
    assert_eq!(ran.noted, numbers(0..2));
}

#[test]
fn a_message_that_kills_the_program_is_found_and_costs_no_other() {
    let script = r#"hello; while next; do msg; case $msg in 7) note dead; exit 3;; *) note "$msg"; ack;; esac; done"#;
    for window in [1, 64] {
        let ran = run_with(script, &format!("params.window = {window}"), 20);
        assert_eq!(
            (ran.status.consumed, ran.status.dropped),
            (19, 1),
            "{:?}",
            ran.noted
        );
        let mut noted = ran.noted;
        noted.retain(|it| it != "dead");
        let expected: Vec<_> = numbers(0..20).into_iter().filter(|it| it != "7").collect();
        assert_eq!(noted, expected, "each once, and in order");
    }
}

#[test]
fn what_is_answered_is_not_given_again_and_what_is_not_is() {
    // It answers one when the others are there, then the second of those, and dies with the rest.
    let script = r#"hello; next; until test -e "$GO"; do sleep 0.01; done; ack
        next; test -e "$OUT" || { next; note a; ack; next; exit 1; }; note "$id"; ack
        while next; do note "$id"; ack; done"#;
    let folder = TempDir::new().unwrap();
    let go = folder.path().join("go");
    let ran = run(script, &format!("params.env.GO = {go:?}"), async |hub| {
        publish(hub, 1).await;
        hub.until(|status| status.consumer("x").unwrap().backlog == 1)
            .await;
        publish(hub, 3).await;
        hub.until(|status| status.consumer("x").unwrap().backlog == 4)
            .await;
        fs::write(&go, "").unwrap();
        hub.settle().await;
    });
    assert_eq!(ran.status.consumed, 4);
    assert_eq!(
        ran.noted,
        ["a", "2"],
        "the first of the new run is the first, the second is not given"
    );
}

#[test]
fn a_program_that_breaks_the_rules_is_ended_and_started_again() {
    #[track_caller]
    fn check(misdeed: &str, params: &str) {
        let script = format!(
            r#"hello; next; test -e "$OUT" || {{ note x; {misdeed}; sleep 1000; }}
               ack; while next; do ack; done"#
        );
        let ran = run_with(&script, params, 5);
        assert_eq!(
            (ran.status.consumed, ran.status.dropped),
            (5, 0),
            "{misdeed}"
        );
        assert_eq!(
            (ran.figure("starts"), ran.figure("failures")),
            (2, 1),
            "{misdeed}"
        );
    }
    check("echo Traceback", "");
    check("printf '\\000\\377\\n'", "");
    check("echo '{\"type\":\"ack\",\"id\":99}'", "");
    check("echo '{\"type\":\"hello\"}'", "");
    check(
        r#"printf '%s\n' '{"type":"publish","topic":"a\u0001","msg":1}'"#,
        "",
    );
    check("yes | tr -d '\\n'", "");
    check("exit 0", "");
    check("kill -9 $$", "");
    check("exec >&-", "");
    check("printf '{'; exit 0", "");
    check(":", "params.time_limit = '1s'"); // it sleeps
    check("(sleep 1000)& (sleep 1000)& :", "params.time_limit = '1s'");
}

#[test]
fn a_program_that_does_not_read_is_ended_when_its_time_is_up() {
    let script = r#"echo '{"type":"hello"}'; test -e "$OUT" || { note x; sleep 1000; }
        next; while next; do ack; done"#;
    let ran = run(script, "params.time_limit = '1s'", async |hub| {
        for _ in 0..20 {
            let text = "x".repeat(20_000);
            hub.publish("org.example.dev.n", text).await;
        }
        hub.settle().await;
    });
    assert_eq!((ran.status.consumed, ran.figure("starts")), (20, 2));
}

#[test]
fn messages_larger_than_the_window_go_alone() {
    let script =
        r#"hello; while next; do case $line in *'"more":true}') note more;; esac; ack; done"#;
    let ran = run(script, "params.window_bytes = '1KiB'", async |hub| {
        for _ in 0..3 {
            hub.publish("org.example.dev.n", "x".repeat(200_000)).await;
        }
        hub.settle().await;
    });
    assert_eq!((ran.status.consumed, ran.noted.len()), (3, 0));
}

#[test]
fn a_program_that_does_not_start_stops_the_hub() {
    #[track_caller]
    fn check(script: &str, params: &str, words: &str) {
        let started = try_run(script, params, async |_| ());
        let error = started.err().expect(script).to_string();
        assert!(
            error.contains("consumers.x") && error.contains(words),
            "{error}"
        );
    }
    check("exit 3", "", "ended with status 3");
    check("echo hello; sleep 1000", "", "no JSON object: \"hello\"");
    check(
        "echo '{\"type\":\"ack\",\"id\":1}'; sleep 1000",
        "",
        "has not said hello first",
    );
    check(
        "echo '{\"type\":\"hello\",\"version\":2}'; sleep 1000",
        "",
        "version 2",
    );
    check(
        "sleep 1000",
        "params.start_limit = '50ms'",
        "has not said hello within 50ms",
    );
    check("", "params.cwd = '/no/such/folder'", "does not start");
    check("", "params.window = 0", "params.window");
    check("", "params.rate = 'often'", "params.rate: expected a rate");
    let bare = |argv: &str| {
        let settings = format!("params.argv = {argv}");
        let bus = TestBus::new().consumer::<Process>("x", &settings);
        bus.try_run(async |_| ()).unwrap_err().to_string()
    };
    assert!(bare("[]").contains("`argv` is empty"));
    assert!(bare("['no-such-program-at-all']").contains("cannot run no-such-program-at-all"));
    assert!(bare("['/etc']").contains("cannot run /etc"));
}

#[test]
fn a_program_without_any_success_is_given_up_and_its_messages_are_not() {
    let script = r#"test -e "$OUT" && exit 1; note x; hello; next; exit 1"#;
    let ran = run(script, "", async |hub| {
        publish(hub, 3).await;
        let halted = |status: &ConsumerStatus| matches!(&status.state, ConsumerState::Halted(reason) if reason.contains("status 1"));
        hub.until(|status| halted(status.consumer("x").unwrap()))
            .await;
    });
    assert_eq!((ran.status.consumed, ran.status.dropped), (0, 0));
    assert!(ran.figure("starts") >= 4);
}

#[test]
fn a_program_that_never_answers_halts_with_the_second_message() {
    #[track_caller]
    fn check(misdeed: &str, params: &str) {
        let script = format!("hello; next; {misdeed}; sleep 1000");
        let ran = run(&script, params, async |hub| {
            // One at a time: each is given alone.
            publish(hub, 1).await;
            hub.until(|status| status.consumer("x").unwrap().dropped == 1)
                .await;
            publish(hub, 1).await;
            let halted = |status: &ConsumerStatus| matches!(&status.state, ConsumerState::Halted(reason) if reason.contains("no success"));
            hub.until(|status| halted(status.consumer("x").unwrap()))
                .await;
        });
        assert_eq!(
            (ran.status.consumed, ran.status.dropped),
            (0, 1),
            "{misdeed}"
        );
        assert_eq!(ran.figure("failures"), 4, "{misdeed}");
    }
    check("exit 3", "");
    check("echo Traceback", "");
    check(":", "params.time_limit = '50ms'");
}

#[test]
fn a_program_that_only_publishes_is_ended() {
    let script = r#"hello; next; test -e "$OUT" || { note x; yes '{"type":"publish","topic":"seen","msg":1}'; }
        ack; while next; do ack; done"#;
    let ran = run_with(script, "params.time_limit = '500ms'", 1);
    assert_eq!((ran.status.consumed, ran.status.dropped), (1, 0));
    assert_eq!((ran.figure("starts"), ran.figure("failures")), (2, 1));
}

#[test]
fn a_program_publishes_before_it_answers_and_logs() {
    let script = r#"hello; while next; do
        echo '{"type":"publish","topic":"seen","msg":{"n":1.0}}'; echo '{"type":"log","text":"seen"}'; echo oops >&2
        ack; done"#;
    let ran = run(script, "", async |hub| {
        publish(hub, 1).await;
        let published = hub.next_published().await;
        assert_eq!(published.topic().as_str(), "com.example.dev.x.seen");
        assert!(
            published
                .envelope()
                .bytes()
                .windows(9)
                .any(|it| it == b"{\"n\":1.0}")
        );
        hub.settle().await;
    });
    assert_eq!((ran.status.consumed, ran.figure("published")), (1, 1));
    assert_eq!(ran.figure("lines_logged"), 2);
}

#[test]
fn a_flood_of_lines_for_the_log_is_cut_and_holds_nobody_up() {
    let script = r#"hello; while next; do yes | head -n 20000 >&2
        yes '{"type":"log","text":"x"}' | head -n 5000; ack; done"#;
    let ran = run_with(script, "", 2);
    assert_eq!(ran.status.consumed, 2);
    let (logged, not) = (ran.figure("lines_logged"), ran.figure("lines_not_logged"));
    assert!(logged >= 100 && not > 10_000, "{logged} {not}");
}

#[test]
fn a_program_that_ignores_the_stop_is_ended_with_all_that_it_has_started() {
    let script = r#"trap '' TERM; (trap '' TERM; sleep 1000)& note $!; hello; while :; do next; ack; done <&0; sleep 1000"#;
    let script = format!("stopped() {{ :; }}; {script}");
    let ran = run(&script, "params.grace = '50ms'", async |hub| {
        publish(hub, 1).await;
        hub.settle().await;
    });
    let background: u32 = ran.noted[0].parse().unwrap();
    assert!(ran.is_clean);
    // It has been killed, but perhaps not had a core for its end.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let state = fs::read_to_string(format!("/proc/{background}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z") {
            break;
        }
        assert!(Instant::now() < deadline, "{state}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn messages_come_as_slowly_as_is_asked_for() {
    let start = std::time::Instant::now();
    let ran = run_with(TAKE_ALL, "params.rate = '50/s'\nparams.burst = 2", 7);
    assert_eq!(ran.status.consumed, 7);
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[test]
fn a_program_publishes_as_slowly_as_is_asked_for() {
    let script = r#"hello; while next; do
        for n in 1 2 3 4 5 6 7 8; do echo '{"type":"publish","topic":"seen","msg":1}'; done; ack; done"#;
    let start = std::time::Instant::now();
    let ran = run_with(script, "params.publish_rate = '5/s'", 1);
    assert_eq!((ran.status.consumed, ran.figure("published")), (1, 8));
    // Those of a second at once, and the other three after 200 ms each.
    assert!(start.elapsed() >= Duration::from_millis(600));
    let params: ProcessParams = toml::from_str("argv = ['p']").unwrap();
    assert_eq!(params.publish_rate.to_string(), "1000/s");
}

#[test]
fn a_program_that_waits_until_it_may_publish_is_not_late_with_its_answer() {
    #[track_caller]
    fn check(count: usize, rate: &str, limit: &str) {
        let script = format!(
            r#"hello; while next; do
               yes '{{"type":"publish","topic":"seen","msg":1}}' | head -n {count}; ack; done"#
        );
        let params = format!("params.publish_rate = '{rate}'\nparams.time_limit = '{limit}'");
        let ran = run_with(&script, &params, 1);
        assert_eq!((ran.status.consumed, ran.figure("failures")), (1, 0));
        assert_eq!(ran.figure("published"), count as u64);
    }
    check(40, "10/s", "2s"); // 100 ms at a time
    check(2, "20/m", "2s"); // three seconds at once
}

#[test]
fn debugging_shows_no_secrets() {
    let params: ProcessParams = toml::from_str(
        "argv = ['p', 'hunter2']\nenv = { TOKEN = 'hunter2' }\nsettings = { k = 'hunter2' }",
    )
    .unwrap();
    let shown = format!("{params:?}");
    assert!(
        shown.contains("TOKEN") && !shown.contains("hunter2"),
        "{shown}"
    );
}
