//! The forms that put messages into words, and the filters and expressions of their users.

use super::{Bus, SIGNED, plain, show};
use crate::peers::Process;
use crate::sandbox::in_shell;

/// What `fedmsg-logger` sends, by this user.
fn log(user: &str, line: &str) -> String {
    let topic = LOG;
    format!(r#"{{"topic":"{topic}","username":"{user}","msg":{{"log":"{line}"}}}}"#)
}

const LOG: &str = "org.fedoraproject.dev.logger.log";

#[test]
fn terse_says_what_has_happened() {
    let announcement = concat!(
        r#"{"topic":"org.fedoraproject.dev.announce.announcement","#,
        r#""msg":{"message":"two\nlines","link":"https://a"}}"#,
    );
    let messages = [
        (LOG, &*log("ada", "hello")),
        ("org.fedoraproject.dev.announce.announcement", announcement),
        ("org.t", &*plain("org.fedoraproject.dev.git.push")),
    ];
    let finished = show(&["--terse"], &messages, 3);
    let expected = [
        "",
        "logger.log -- hello (ada) ",
        "",
        "announce.announcement -- two",
        "lines https://a",
        "",
        "git.push --  ",
    ];
    assert_eq!(finished.lines, expected);
}

#[test]
fn a_cow_says_it_and_no_shell_hears_it() {
    let line = "$(touch x) `touch x` '; touch x; echo '";
    let finished = show(&["--cowsay"], &[(LOG, &log("ada", line))], 1);
    let text = finished.lines.join("\n");
    assert!(text.starts_with("\n ____"), "{text}");
    assert!(
        text.contains("/ $(touch x) `touch x` '; touch x; echo '"),
        "{text}"
    );
    assert!(text.contains("(oo)"), "{text}");
}

#[test]
fn users_and_packages_are_those_that_messages_name() {
    let (ada, bob) = (log("ada", "1"), log("bob", "2"));
    let git = r#"{"topic":"org.fedoraproject.dev.git.push","username":"ada"}"#;
    let messages = [
        (LOG, &*bob),
        ("org.fedoraproject.dev.git.push", git),
        (LOG, "no json"),
        (LOG, &*ada),
    ];
    let finished = show(&["--json", "--users", "cay,ada"], &messages, 1);
    assert_eq!(finished.lines, [ada.as_str()]);
    let bus = Bus::new();
    let tail = bus.tail(&["--json", "--packages", "vim", "--timeout", "3"], LOG);
    bus.speaker.forward(LOG, &ada);
    assert_eq!(tail.finish().expect_success().lines, [""; 0]);
}

#[test]
fn of_several_forms_the_last_in_the_order_of_the_help_counts() {
    let check = |flags: &[&str], expected: &[&str]| {
        let finished = show(flags, &[("org.t", SIGNED)], 1);
        assert_eq!(finished.lines, expected, "{flags:?}");
    };
    let query = ["--query", "signature,timestamp"];
    check(
        &[&query[..], &["--json"]].concat(),
        &["c2ln, 1479826068.714926"],
    );
    let readable = "null, Tue Nov 22 14:47:48 2016";
    check(
        &[&query[..], &["--pretty", "--really-pretty"]].concat(),
        &[readable],
    );
    check(&["--terse", "--query", "i"], &["", " --  "]);
    check(&["--format", "{{ i }}!", "--cowsay", "--terse"], &["1!"]);
    check(&["--jq", ".i", "--format", "{{ i }}!"], &["1"]);
    let finished = show(
        &["--json", "--really-pretty", "--pretty"],
        &[("org.t", SIGNED)],
        1,
    );
    assert!(
        finished
            .lines
            .join("\n")
            .contains("\"timestamp\": \"Tue Nov")
    );
}

#[test]
fn a_template_says_it_in_the_words_of_the_user() {
    let template =
        "{{ username }}@{{ timestamp | strftime('%F') }} {{ msg.item | upper }} {{ i + 1 }}";
    let finished = show(&["--format", template], &[("org.t", SIGNED)], 1);
    assert_eq!(finished.lines, ["ralph@2016-11-22 TÉ É / \u{fffd} 2"]);
}

#[test]
fn an_expression_makes_a_line_of_each_result() {
    let check = |flags: &[&str], expected: &[&str]| {
        let finished = show(flags, &[("org.t", SIGNED)], 1);
        assert_eq!(finished.lines, expected, "{flags:?}");
    };
    let user = "[.username, .msg.price], .username";
    check(&["--jq", user], &["[\"ralph\",1.5]", "\"ralph\""]);
    check(&["--jq", user, "-r"], &["[\"ralph\",1.5]", "ralph"]);
    // What has shown something counts, though it fails then; whoever counts would wait for ever.
    let bus = Bus::new();
    let tail = bus.tail(&["--jq", ".topic, (.topic | error)", "--count", "1"], "t");
    bus.speaker.forward("t", plain("t"));
    let finished = tail.finish();
    assert_eq!(finished.status.code(), Some(65), "{finished:#?}");
    assert_eq!(finished.lines, ["\"t\""]);
    // What is not selected is not shown, and does not count.
    let select = "select(.username == \"ada\") | .msg.log";
    let messages = [(LOG, &*log("bob", "no")), (LOG, &*log("ada", "yes"))];
    let finished = show(&["--jq", select], &messages, 1);
    assert_eq!(finished.lines, ["\"yes\""]);
}

#[test]
fn what_an_expression_fails_with_is_skipped_and_makes_the_status_65() {
    for (flag, expression) in [
        ("--jq", ".msg.log | ascii_upcase"),
        ("--format", "\"{{ msg.log | upper }}\""),
    ] {
        let bus = Bus::new();
        let tail = bus.tail(&[flag, expression, "--count", "2"], "t");
        bus.speaker.forward(LOG, log("ada", "one"));
        for _ in 0..5 {
            bus.speaker.forward("t", plain("t"));
        }
        bus.speaker.forward(LOG, log("ada", "two"));
        let finished = tail.finish();
        assert_eq!(finished.status.code(), Some(65), "{finished:#?}");
        assert_eq!(finished.lines, ["\"ONE\"", "\"TWO\""]);
        let errors = &finished.errors;
        assert!(errors.contains("fails with this message"), "{errors}");
        assert!(
            errors.contains("failed with some messages failed=5 shown=2"),
            "{errors}"
        );
        assert_eq!(errors.lines().count(), 2, "{errors}");
    }
}

#[test]
fn a_text_that_nests_without_end_costs_one_message() {
    let bus = Bus::new();
    let flags = ["--jq", ".msg.log | fromjson", "--count", "1"];
    let tail = bus.tail(&flags, "t");
    bus.speaker.forward("t", log("ada", &"[".repeat(500_000)));
    bus.speaker.forward("t", log("ada", "[1]"));
    let finished = tail.finish();
    assert_eq!(finished.status.code(), Some(65), "{}", finished.errors);
    assert_eq!(finished.lines, ["[1]"]);
}

#[test]
fn results_without_end_are_written_until_nobody_reads_them() {
    let bus = Bus::new();
    let script = r#"{ "$0" "$@"; echo "the tail has ended with $?" >&2; } | head -n 3"#;
    let command = bus
        .sandbox
        .command(&["fedmsg-tail", "--jq", "repeat(.topic)"]);
    let pipeline = Process::start(in_shell(script, &command));
    bus.speaker.wait_for("t");
    bus.speaker.forward("t", plain("t"));
    let finished = pipeline.finish().expect_success();
    assert_eq!(finished.lines, ["\"t\""; 3]);
    assert_eq!(finished.errors, "the tail has ended with 0\n");
}

#[test]
fn colour_is_as_the_flag_and_the_environment_say() {
    let check = |flags: &[&str], variables: &[(&str, &str)], expected: bool| {
        let bus = Bus::new();
        let words = [&["fedmsg-tail", "--really-pretty", "--count", "1"], flags].concat();
        let mut command = bus.sandbox.command(&words);
        command.envs(variables.iter().copied());
        let tail = Process::start(command);
        bus.speaker.wait_for("t");
        bus.speaker.forward("t", plain("t"));
        let text = tail.finish().expect_success().lines.join("\n");
        assert_eq!(
            text.contains("\u{1b}[33m\"t\""),
            expected,
            "{flags:?} {variables:?} {text}"
        );
    };
    check(&[], &[], false);
    check(&["--color", "always"], &[("NO_COLOR", "1")], true);
    check(&["--color", "auto"], &[("CLICOLOR_FORCE", "1")], true);
    check(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false);
    check(&[], &[("CLICOLOR_FORCE", "0")], false);
    check(&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false);
}
