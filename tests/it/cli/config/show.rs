//! What is shown: all settings, one of them, and where they come from.

use serde_json::Value;
use toml::Table;

use super::config;
use crate::cli::check_failure;
use crate::peers::Process;
use crate::sandbox::Sandbox;

const TEXT: &str = "\
topic_prefix = 'org.example'
timeout = 0.5
high_water_mark = 7
[endpoints]
'bodhi.app01' = ['tcp://app01:3000', 'tcp://app01:3001']
'caf\u{e9}' = 'tcp://app02:3000'
relay_outbound = []
[consumers.audit]
kind = 'log'
[consumers.audit.params]
payload = 80
";

/// Checks what a query prints: lines, and nothing else.
#[track_caller]
fn check(path: &str, expected: &[&str]) {
    let finished = config(TEXT, &["--query", path]).expect_success();
    assert_eq!(finished.lines, expected, "{path}");
    assert_eq!(finished.errors, "", "{path}");
}

#[test]
fn without_a_subcommand_everything_is_shown_as_json() {
    let finished = config(TEXT, &[]).expect_success();
    assert_eq!(finished.errors, "");
    assert_eq!(finished.lines.first().map(String::as_str), Some("{"));
    assert!(
        finished
            .lines
            .iter()
            .any(|line| line == "  \"timeout\": 0.5,")
    );
    assert!(
        finished
            .lines
            .iter()
            .any(|line| line.contains("caf\\u00e9"))
    );
    let all: Value = serde_json::from_str(&finished.lines.join("\n")).expect("JSON");
    assert_eq!(all["topic_prefix"], "org.example");
    assert_eq!(all["environment"], "dev");
    assert_eq!(all["high_water_mark"], 7);
    assert_eq!(all["endpoints"]["bodhi.app01"][1], "tcp://app01:3001");
    assert_eq!(all["consumers"]["audit"]["params"]["payload"], 80);
}

#[test]
fn a_query_is_answered_in_the_form_for_scripts() {
    check("topic_prefix", &["org.example"]);
    check("timeout", &["0.5"]);
    check("high_water_mark", &["7"]);
    check("active", &["false"]);
    check("consumers.audit.enabled", &["true"]);
    check("consumers.audit.params", &["{", "  \"payload\": 80", "}"]);
    check("endpoints.relay_outbound", &[]);
    check("crypto_validate_backends", &["x509"]);
    let addresses = ["tcp://app01:3000", "tcp://app01:3001"];
    check("endpoints.bodhi.app01", &addresses);
    check("endpoints.\"bodhi.app01\"", &addresses);
    check("endpoints.'bodhi.app01'", &addresses);
    check("endpoints.caf\u{e9}", &["tcp://app02:3000"]);
}

#[test]
fn what_is_missing_or_without_a_value_is_said_in_the_words_of_the_original() {
    for path in [
        "nope",
        "name",
        "endpoints.bodhi",
        "timeout.x",
        "relay_inbound.0",
        "a,b",
        "",
    ] {
        let finished = config(TEXT, &["--query", path]);
        check_failure(&finished, 1, &[]);
        let expected = format!("Key `{path}` does not exist in config\n");
        assert_eq!(finished.errors, expected);
        check_failure(&config(TEXT, &["show", path]), 1, &[&*expected]);
    }
}

#[test]
fn without_defaults_only_what_is_set_is_left() {
    let finished = config("timeout = 5", &["--disable-defaults"]).expect_success();
    assert_eq!(finished.lines, ["{", "  \"timeout\": 5", "}"]);
    let missing = config(
        "timeout = 5",
        &["--disable-defaults", "--query", "environment"],
    );
    check_failure(&missing, 1, &["Key `environment`"]);
    let nothing = config("", &["--disable-defaults"]).expect_success();
    assert_eq!(nothing.lines, ["{}"]);
}

#[test]
fn another_file_can_be_named_in_both_spellings() {
    let sandbox = Sandbox::new();
    sandbox.write("a/b.toml", "environment = 'stg'");
    for flag in ["--config", "--config-filename"] {
        let words = ["fedmsg-config", flag, "a/b.toml", "--query", "environment"];
        assert_eq!(sandbox.run(&words).expect_success().lines, ["stg"]);
    }
    let words = [
        "fedmsg-config",
        "--config-filename",
        "nope.py",
        "--query",
        "x",
    ];
    check_failure(&sandbox.run(&words), 78, &["nope.py: no such file"]);
}

#[test]
fn each_setting_is_shown_with_where_it_comes_from() {
    let sandbox = Sandbox::new();
    sandbox.write("fedmsg.toml", TEXT);
    for flags in [&["--origin"][..], &["show", "--origin"]] {
        let mut command = sandbox.command(&[&["fedmsg-config"], flags].concat());
        command.env("FEDMSG_ENVIRONMENT", "stg");
        let finished = Process::start(command).finish().expect_success();
        let has = |line: &str| {
            assert!(
                finished.lines.iter().any(|it| it == line),
                "no {line:?} in {finished:#?}"
            );
        };
        has("topic_prefix = \"org.example\"  # fedmsg.toml:1");
        has("environment = \"stg\"  # FEDMSG_ENVIRONMENT");
        has("active = false  # default");
        has(
            "endpoints.\"bodhi.app01\" = [\"tcp://app01:3000\", \"tcp://app01:3001\"]  # fedmsg.toml:5",
        );
        has("consumers.audit.enabled = true  # default");
        has("consumers.audit.params.payload = 80  # fedmsg.toml:11");
    }
    let words = [
        "fedmsg-config",
        "show",
        "--origin",
        "--format",
        "json",
        "endpoints",
    ];
    let finished = sandbox.run(&words).expect_success();
    let lines = finished.lines.iter();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["key"], "endpoints.\"bodhi.app01\"");
    assert_eq!(lines[0]["value"][0], "tcp://app01:3000");
    assert_eq!(lines[0]["origin"], "fedmsg.toml:5");
}

#[test]
fn what_is_shown_as_toml_is_a_configuration_with_the_same_meaning() {
    let show = |text: &str, flags: &[&str]| {
        let words = [&["show"], flags].concat();
        config(text, &words).expect_success().lines.join("\n")
    };
    let first = show(TEXT, &[]);
    assert_eq!(show(&first, &[]), first);
    // A line each, with a comment.
    assert_eq!(show(&show(TEXT, &["--origin"]), &[]), first);
    let one: Table = show(TEXT, &["endpoints.bodhi.app01"])
        .parse()
        .expect("TOML");
    assert_eq!(
        one["endpoints"]["bodhi.app01"][1].as_str(),
        Some("tcp://app01:3001")
    );
    let json = show(TEXT, &["--format", "json", "endpoints.bodhi.app01"]);
    assert_eq!(
        serde_json::from_str::<Value>(&json).expect("JSON")[0],
        "tcp://app01:3000"
    );
}

#[test]
fn flags_of_one_form_do_not_go_with_the_other() {
    for flags in [
        &["--query", "timeout", "show"][..],
        &["--origin", "show"],
        &["show", "--format", "yaml"],
    ] {
        check_failure(&config(TEXT, flags), 2, &[]);
    }
}

#[test]
fn a_query_is_answered_with_its_origin_too() {
    let flags = ["--origin", "--query", "endpoints.relay_outbound"];
    let finished = config(TEXT, &flags).expect_success();
    assert_eq!(
        finished.lines,
        ["endpoints.relay_outbound = []  # fedmsg.toml:7"]
    );
    check_failure(
        &config(TEXT, &["--origin", "--query", "nope"]),
        1,
        &["Key `nope` does not exist in config"],
    );
}

#[test]
fn what_reads_no_configuration_takes_no_flags_for_it() {
    let sandbox = Sandbox::new();
    sandbox.write("a.py", "config = {}");
    for action in [&["import", "a.py"][..], &["schema"]] {
        for flags in [&["--config", "zzz"][..], &["--disable-defaults"]] {
            for words in [[action, flags], [flags, action]] {
                let finished = sandbox.run(&[&["fedmsg-config"], &*words.concat()].concat());
                check_failure(&finished, 2, &[flags[0]]);
            }
        }
        let help = ["fedmsg-config", action[0], "--help"];
        let help = sandbox.run(&help).expect_success().lines.join("\n");
        assert!(!help.contains("--disable-defaults") && !help.contains("--config"));
    }
    for action in ["show", "check"] {
        let words = ["fedmsg-config", action, "--help"];
        let help = sandbox.run(&words).expect_success().lines.join("\n");
        assert!(help.contains("--disable-defaults") && help.contains("--config"));
    }
}
