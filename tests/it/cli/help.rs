//! What the commands say of themselves.

use super::{COMMANDS, check_failure, commands_on_the_bus};
use crate::peers::Finished;
use crate::sandbox::Sandbox;

/// Returns the two spellings of a command, without arguments.
fn spellings(own: &'static str, word: &'static str) -> [Vec<&'static str>; 2] {
    [vec![own], vec!["fedmsg", word]]
}

fn run(words: &[&str], flags: &[&str]) -> Finished {
    Sandbox::new().run(&[words, flags].concat())
}

#[test]
fn help_says_what_a_command_is_for_shows_examples_and_names_every_exit_status() {
    let about = [
        ("Run a hub: host the consumers", vec![0, 2, 69, 70, 78]),
        (
            "Run a relay: let short-lived programs publish.",
            vec![0, 2, 69, 70, 78],
        ),
        (
            "Run a relay that signs what it forwards",
            vec![0, 2, 69, 70, 78],
        ),
        (
            "Run a gateway: pass the whole bus on at one address",
            vec![0, 2, 69, 70, 78],
        ),
        (
            "Show the messages of the bus",
            vec![0, 2, 65, 69, 74, 75, 78],
        ),
        (
            "Publish lines of text, or a JSON document",
            vec![0, 2, 65, 69, 74, 78],
        ),
        (
            "Publish an announcement, read from standard input",
            vec![0, 2, 65, 69, 74, 78],
        ),
        (
            "Run a command for each message of the bus",
            vec![0, 1, 2, 69, 70, 74, 78],
        ),
        (
            "Publish a message of the archive again",
            vec![0, 1, 2, 65, 69, 74, 75, 78],
        ),
        (
            "Keep a small CA: issue and revoke certificates",
            vec![0, 2, 65, 70, 74, 78],
        ),
        (
            "Show the configuration, and where it comes from.",
            vec![0, 1, 2, 65, 74, 78],
        ),
        ("Check a hub: see whether", vec![0, 1, 2, 74, 78]),
        ("Count messages for collectd", vec![0, 2, 70, 78]),
        ("Begin a plugin or a hub of your own", vec![0, 2, 65, 74]),
    ];
    for ((own, word), (purpose, statuses)) in COMMANDS.into_iter().zip(about) {
        let mut bodies = Vec::new();
        for words in spellings(own, word) {
            let help = run(&words, &["--help"]).expect_success();
            assert_eq!(help.errors, "");
            assert!(help.lines[0].starts_with(purpose), "{}", help.lines[0]);
            let mut usage = format!("Usage: {} [OPTIONS]", words.join(" "));
            match word {
                "ca" => usage.push_str(" <COMMAND>"),
                "trigger" => usage.push_str(" [-- <PROGRAM ARGUMENT>...]"),
                "new" => usage.push_str(" <WHAT> <NAME>"),
                "config" => usage.push_str(" [COMMAND]"),
                _ => {}
            }
            assert!(help.lines.contains(&usage), "no {usage:?}");
            assert!(
                help.lines.iter().all(|line| line.len() <= 100),
                "{:#?}",
                help.lines
            );
            check_examples(own, &help.lines);
            assert_eq!(exit_statuses(&help.lines), statuses, "{own}");

            let short = run(&words, &["-h"]).expect_success();
            assert!(short.lines[0].starts_with(purpose.trim_end_matches('.')));
            assert!(short.lines.len() < help.lines.len());
            let is_usage = |line: &String| line.starts_with("Usage:");
            bodies.push(
                help.lines
                    .into_iter()
                    .filter(|line| !is_usage(line))
                    .collect::<Vec<_>>(),
            );
        }
        assert_eq!(bodies[0], bodies[1], "both spellings say the same");
    }
}

#[test]
fn each_part_of_the_configuration_command_has_examples_and_names_every_exit_status() {
    let expected = [
        ("show", &[0, 1, 2, 74, 78][..]),
        ("check", &[0, 2, 74, 78]),
        ("import", &[0, 2, 65, 74]),
        ("schema", &[0, 2, 74]),
    ];
    for (action, statuses) in expected {
        let help = run(&["fedmsg-config", action], &["--help"]).expect_success();
        let own = format!("fedmsg-config {action}");
        let has_example = |line: &String| line.starts_with(&format!("  {own}"));
        assert!(help.lines.iter().any(has_example), "{help:#?}");
        assert_eq!(exit_statuses(&help.lines), statuses, "{own}");
        let is_narrow = |line: &String| line.len() <= 100;
        assert!(help.lines.iter().all(is_narrow), "{help:#?}");
    }
}

/// Checks that there are examples, which use this command and only flags that it has.
fn check_examples(own: &str, help: &[String]) {
    let examples = help.iter().skip_while(|line| *line != "Examples:").skip(1);
    let examples: Vec<_> = examples.take_while(|line| !line.is_empty()).collect();
    assert!(examples.len() >= 3, "{help:#?}");
    assert!(
        examples.iter().all(|line| line.contains(own)),
        "{examples:#?}"
    );
    for word in examples.iter().flat_map(|line| line.split(' ')) {
        let is_flag = word.starts_with("--");
        let has_it = help.iter().any(|line| line.trim_start().starts_with(word));
        assert!(!is_flag || has_it, "{word} is no flag of {own}");
    }
}

/// Returns the numbers that begin the lines after `Exit status:`.
fn exit_statuses(help: &[String]) -> Vec<i32> {
    let lines = help
        .iter()
        .skip_while(|line| *line != "Exit status:")
        .skip(1);
    lines
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect()
}

#[test]
fn each_command_knows_its_version() {
    for (own, word) in COMMANDS {
        for words in spellings(own, word) {
            for flag in ["--version", "-V"] {
                let version = run(&words, &[flag]).expect_success();
                assert_eq!(
                    version.lines,
                    [format!("{own} {}", env!("CARGO_PKG_VERSION"))]
                );
            }
        }
    }
    let version = run(&["fedmsg"], &["--version"]).expect_success();
    assert_eq!(
        version.lines,
        [format!("fedmsg {}", env!("CARGO_PKG_VERSION"))]
    );
}

#[test]
fn a_bad_command_line_is_answered_with_2_and_what_is_wrong_with_it() {
    for (own, word) in COMMANDS {
        for words in spellings(own, word) {
            let usage = format!("Usage: {}", words.join(" "));
            check_failure(&run(&words, &["--nonsense"]), 2, &["'--nonsense'", &usage]);
            check_failure(&run(&words, &["nonsense"]), 2, &["'nonsense'"]);
            // All but one have a configuration.
            let (typo, flag) = match word {
                "new" => ("--pth", "'--path'"),
                _ => ("--confg", "'--config'"),
            };
            check_failure(&run(&words, &[typo, "x"]), 2, &[typo, flag]);
        }
    }
    for (own, word) in commands_on_the_bus() {
        for words in spellings(own, word) {
            let flags = ["--high-water-mark", "-1"];
            check_failure(&run(&words, &flags), 2, &["-1"]);
            let flags = ["--log", "inf"];
            check_failure(&run(&words, &flags), 2, &["\"inf\" is no level"]);
            let flags = ["--log", "level=?"];
            check_failure(&run(&words, &flags), 2, &["--log level=?"]);
        }
    }
    check_failure(&run(&["fedmsg"], &["nonsense"]), 2, &["'nonsense'"]);
    check_failure(&run(&["fedmsg"], &["tial"]), 2, &["'tail'"]);
    check_failure(&run(&["fedmsg"], &["--nonsense"]), 2, &["'--nonsense'"]);
}

#[test]
fn fedmsg_alone_lists_its_commands() {
    let help = run(&["fedmsg"], &["--help"]).expect_success();
    let bare = run(&["fedmsg"], &[]);
    check_failure(&bare, 2, &["Usage: fedmsg <COMMAND>"]);
    for (_, word) in COMMANDS {
        let listed = |text: &str| text.lines().any(|line| line.trim_start().starts_with(word));
        assert!(
            listed(&help.lines.join("\n")) && listed(&bare.errors),
            "{word}"
        );
        let of_command = run(&["fedmsg"], &["help", word]).expect_success();
        assert_eq!(of_command.lines, run(&["fedmsg"], &[word, "--help"]).lines);
    }
    check_examples("fedmsg", &help.lines);
    assert_eq!(
        exit_statuses(&help.lines),
        [0, 1, 2, 65, 69, 70, 74, 75, 78]
    );
}
