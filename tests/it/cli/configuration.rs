//! What the commands make of their configuration: where it is read, what wins, what is wrong.

use std::net::{Ipv4Addr, TcpListener};

use toml::{Table, Value};

use super::{COMMANDS, check_failure};
use crate::peers::{Finished, Process, free_tcp_port};
use crate::sandbox::{Sandbox, Settings, loopback};

/// The files and variables that a command is to find.
struct Given<'a> {
    files: &'a [(&'a str, &'a str)],
    variables: &'a [(&'a str, &'a str)],
}

/// Runs `words` where it finds what is given.
fn run(words: &[&str], given: &Given<'_>) -> Finished {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(words);
    for (name, text) in given.files {
        sandbox.write(name, text);
    }
    command.envs(given.variables.iter().copied());
    Process::start(command).finish()
}

/// Returns the configuration that a command prints, given this and these flags.
#[track_caller]
fn printed(flags: &[&str], given: &Given<'_>) -> Table {
    let finished = run(&[&["fedmsg-tail", "--print-config"], flags].concat(), given);
    let finished = finished.expect_success();
    assert_eq!(finished.errors, "");
    finished.lines.join("\n").parse().expect("TOML")
}

#[test]
fn an_error_is_shown_with_its_file_its_line_and_what_may_have_been_meant() {
    let file = "environment = 'x'\ntopc_prefix = 'org'\ntimeout = 'soon'\n";
    let given = Given {
        files: &[("bad.toml", file)],
        variables: &[],
    };
    for (own, word) in COMMANDS.into_iter().filter(|(_, word)| *word != "new") {
        // What it is to do, where that has to be said.
        let action = if word == "ca" { &["init"][..] } else { &[] };
        let expected = "bad.toml:2: topc_prefix: unknown key; did you mean \"topic_prefix\"?\n\
                        bad.toml:3: timeout: expected a time such as \"5s\", \"100ms\" or \"1h 30m\"\n";
        let flags = [action, &["--config", "bad.toml"]].concat();
        let finished = run(&[&[own], &*flags].concat(), &given);
        check_failure(&finished, 78, &[]);
        assert_eq!(finished.errors, format!("{own}: {expected}"));
        let finished = run(&[&["fedmsg", word], &*flags].concat(), &given);
        check_failure(&finished, 78, &[]);
        assert_eq!(finished.errors, format!("fedmsg: {expected}"));
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let check = |given: &[(&str, &str)], named: &str, words: &[&str]| {
        let files = Given {
            files: given,
            variables: &[],
        };
        let by_flag = run(&["fedmsg-tail", "--config", named], &files);
        check_failure(&by_flag, 78, words);
        let by_variable = Given {
            files: given,
            variables: &[("FEDMSG_CONFIG", named)],
        };
        assert_eq!(run(&["fedmsg-tail"], &by_variable).errors, by_flag.errors);
    };
    check(
        &[],
        "nope.toml",
        &["fedmsg-tail: nope.toml: no such file or directory"],
    );
    check(
        &[("empty/readme", "")],
        "empty",
        &["empty: no *.toml file in this directory"],
    );
    check(
        &[("x.toml", "a =\n")],
        "x.toml",
        &["x.toml:1: ", "| a =", "^"],
    );
    check(
        &[("x.toml", "a = 1\na = 2\n")],
        "x.toml",
        &["x.toml:2: ", "duplicate"],
    );
    let names = [
        "site/conf.d/10-a.toml:1: tiemout: ",
        "site/conf.d/20-b.toml:2: nmae: ",
    ];
    let files = [
        ("site/conf.d/10-a.toml", "tiemout = 1"),
        ("site/conf.d/20-b.toml", "\nnmae = 1"),
    ];
    check(&files, "site", &names);
}

#[test]
fn the_flag_names_another_configuration_than_the_variable() {
    let files = &[("a.toml", "name = 'a'"), ("b.toml", "name = 'b'")];
    let variables = &[("FEDMSG_CONFIG", "a.toml")];
    let given = Given { files, variables };
    assert_eq!(printed(&[], &given)["name"].as_str(), Some("a"));
    assert_eq!(
        printed(&["--config", "b.toml"], &given)["name"].as_str(),
        Some("b")
    );
    let variables = &[("FEDMSG_CONFIG", "nope.toml")];
    let given = Given { files, variables };
    assert_eq!(
        printed(&["--config", "b.toml"], &given)["name"].as_str(),
        Some("b")
    );
}

#[test]
fn drop_ins_come_after_the_main_file_in_the_order_of_their_names() {
    let files = &[
        (
            "site/fedmsg.toml",
            "name = 'main'\nenvironment = 'prod'\ntimeout = 9",
        ),
        (
            "site/conf.d/20-late.toml",
            "name = 'late'\n[endpoints]\nb = 'tcp://b:1'",
        ),
        (
            "site/conf.d/10-early.toml",
            "name = 'early'\ntimeout = 7\n[endpoints]\na = 'tcp://a:1'",
        ),
        ("site/conf.d/.hidden.toml", "name = 'hidden'"),
        ("site/conf.d/30-other.txt", "name = 'other'"),
    ];
    let printed = printed(
        &["--config", "site"],
        &Given {
            files,
            variables: &[],
        },
    );
    assert_eq!(printed["name"].as_str(), Some("late"));
    assert_eq!(printed["environment"].as_str(), Some("prod"));
    assert_eq!(printed["timeout"].as_integer(), Some(7));
    let endpoints: Vec<_> = printed["endpoints"]
        .as_table()
        .expect("a table")
        .keys()
        .collect();
    assert_eq!(endpoints, ["a", "b", "relay_outbound"]);
}

#[test]
fn the_working_directory_wins_over_the_home_and_variables_over_files_and_flags_over_all() {
    let key = "topic_prefix = ";
    let files = [
        (
            ".config/fedmsg/fedmsg.toml",
            &*format!("{key}'home'\nenvironment = 'home'\nname = 'home'"),
        ),
        ("fedmsg.toml", &*format!("{key}'cwd'\nenvironment = 'cwd'")),
    ];
    let check = |variables: &[(&str, &str)], flags: &[&str], expected: [&str; 3]| {
        let printed = printed(
            flags,
            &Given {
                files: &files,
                variables,
            },
        );
        let keys = ["topic_prefix", "environment", "name"];
        assert_eq!(
            keys.map(|key| printed[key].as_str().expect("a string")),
            expected
        );
    };
    check(&[], &[], ["cwd", "cwd", "home"]);
    check(
        &[("FEDMSG_TOPIC_PREFIX", "env")],
        &[],
        ["env", "cwd", "home"],
    );
    check(&[("FEDMSG_TOPIC_PREFIX", "")], &[], ["cwd", "cwd", "home"]);
    check(
        &[("FEDMSG_TOPIC_PREFIX", "env")],
        &["--topic-prefix", "flag"],
        ["flag", "cwd", "home"],
    );
    check(
        &[("XDG_CONFIG_HOME", "/nonexistent"), ("FEDMSG_NAME", "x")],
        &[],
        ["cwd", "cwd", "x"],
    );
}

#[test]
fn variables_reach_into_tables_and_may_be_numbers_and_lists() {
    let variables = &[
        ("FEDMSG_TIMEOUT", "2.5"),
        ("FEDMSG_ACTIVE", "true"),
        ("FEDMSG_ENVIRONMENT", "1"),
        ("FEDMSG_RELAY_INBOUND", "['tcp://a:1', 'tcp://b:2']"),
        ("FEDMSG_CONSUMERS__AUDIT__KIND", "log"),
        ("FEDMSG_CONSUMERS__AUDIT__PARAMS__PAYLOAD", "80"),
    ];
    let printed = printed(
        &[],
        &Given {
            files: &[],
            variables,
        },
    );
    assert_eq!(printed["timeout"].as_float(), Some(2.5));
    assert_eq!(printed["active"].as_bool(), Some(true));
    assert_eq!(printed["environment"].as_str(), Some("1"));
    assert_eq!(
        printed["relay_inbound"],
        Value::from(vec!["tcp://a:1", "tcp://b:2"])
    );
    assert_eq!(
        printed["consumers"]["audit"]["params"]["payload"].as_integer(),
        Some(80)
    );

    let check = |variable: (&str, &str), words: &[&str]| {
        let given = Given {
            files: &[],
            variables: &[variable],
        };
        check_failure(&run(&["fedmsg-tail"], &given), 78, words);
    };
    check(
        ("FEDMSG_TIMEOUT", "soon"),
        &["FEDMSG_TIMEOUT: timeout: expected a time"],
    );
    check(
        ("FEDMSG_TIMEOT", "1"),
        &["FEDMSG_TIMEOT: timeot: ", "did you mean \"timeout\"?"],
    );
    check(
        ("FEDMSG_NAME", "[5]"),
        &["FEDMSG_NAME: name: ", "FEDMSG_NAME='\"…\"'"],
    );
}

#[test]
fn a_variable_of_another_program_stops_nobody() {
    let given = Given {
        files: &[],
        variables: &[("FEDMSG_BRIDGE_HOME", "/srv/bridge")],
    };
    let finished = run(&["fedmsg-tail", "--print-config"], &given).expect_success();
    let lines: Vec<_> = finished.errors.lines().collect();
    assert_eq!(lines.len(), 1, "{finished:#?}");
    assert!(lines[0].contains("WARN") && lines[0].contains(" FEDMSG_BRIDGE_HOME: no setting"));
    assert!(lines[0].len() < 160, "{finished:#?}");
}

#[test]
fn what_is_printed_is_a_configuration_with_the_same_meaning() {
    let files = &[(
        "a.toml",
        "[consumers.a]\nkind = 'log'\n[producers.b]\nkind = 'heartbeat'\nevery = '5s'",
    )];
    for (command, flags) in [
        ("fedmsg-hub", &["--config", "a.toml"][..]),
        (
            "fedmsg-relay",
            &["--config", "a.toml", "--high-water-mark", "7"],
        ),
        ("fedmsg-tail", &["--io-threads", "3"]),
        ("fedmsg-logger", &["--timeout", "7", "--linger", "5"]),
    ] {
        let print = |flags: &[&str], files: &[(&str, &str)]| {
            let words = [&[command, "--print-config"], flags].concat();
            run(
                &words,
                &Given {
                    files,
                    variables: &[],
                },
            )
            .expect_success()
            .lines
            .join("\n")
        };
        let first = print(flags, files);
        assert_eq!(
            print(&["--config", "b.toml"], &[("b.toml", &first)]),
            first,
            "{command}"
        );
    }
}

#[test]
fn a_hub_that_has_nothing_to_do_says_so() {
    for file in ["", "[consumers.audit]\nkind = 'log'\nenabled = false"] {
        let given = Given {
            files: &[("a.toml", file)],
            variables: &[],
        };
        let finished = run(&["fedmsg-hub", "--config", "a.toml"], &given);
        check_failure(
            &finished,
            78,
            &["nothing to do", "enables no consumer and no producer"],
        );
    }
}

#[test]
fn everything_a_hub_does_not_know_is_shown_with_its_line() {
    let file = "\
[consumers.audit]
kind = 'lgo'
[consumers.log]
kind = 'log'
params = { levle = 'info' }
[consumers.other]
kind = 'log'
[consumers.other.params]
payload = 'x'
level = 'loud'
[producers.heart]
kind = 'hearbeat'
every = '5s'
[producers.pulse]
kind = 'heartbeat'
every = '5s'
params = { topic = 5 }
";
    let given = Given {
        files: &[("a.toml", file)],
        variables: &[],
    };
    let finished = run(
        &["fedmsg-hub", "--config", "a.toml", "--log", "warn"],
        &given,
    );
    check_failure(&finished, 78, &[]);
    for complaint in [
        "a.toml:2: consumers.audit.kind: unknown kind \"lgo\"; did you mean \"log\"?\n",
        "a.toml:5: consumers.log.params.levle: unknown key; did you mean \"level\"?\n",
        "a.toml:9: consumers.other.params.payload: expected an integer from 0, found a string\n",
        "a.toml:10: consumers.other.params.level: ",
        "a.toml:12: producers.heart.kind: unknown kind \"hearbeat\"; did you mean \"heartbeat\"?\n",
        "a.toml:17: producers.pulse.params.topic: expected a string, found an integer\n",
    ] {
        assert!(
            finished.errors.contains(complaint),
            "no {complaint:?} in\n{}",
            finished.errors
        );
    }

    let schedule = "\n[producers.heart]\nkind = 'heartbeat'\n";
    let given = Given {
        files: &[("a.toml", schedule)],
        variables: &[],
    };
    let finished = run(&["fedmsg-hub", "--config", "a.toml"], &given);
    check_failure(&finished, 78, &["a.toml:2: producers.heart: no schedule"]);
}

#[test]
fn a_hub_whose_port_is_taken_names_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("a bound socket").port();
    let heart = "name = 'svc.host'\n[producers.heart]\nkind = 'heartbeat'\nevery = '1h'";
    let relay = "[consumers.relay]\nkind = 'relay'";
    let settings = || Settings::new();
    for settings in [
        settings().endpoint("svc.host", port).with(heart),
        settings().relay(port, free_tcp_port()).with(relay),
        settings().relay(free_tcp_port(), port).with(relay),
    ] {
        let sandbox = Sandbox::with(&settings);
        let finished = sandbox.run(&["fedmsg-hub", "--log", "warn"]);
        check_failure(&finished, 69, &[&loopback(port), "in use"]);
        assert_eq!(finished.errors.lines().count(), 1, "{}", finished.errors);
    }
}

#[test]
fn a_hub_that_cannot_publish_says_why() {
    let heart = "[producers.heart]\nkind = 'heartbeat'\nevery = '1h'";
    let sandbox = Sandbox::with(&Settings::new().with(heart));
    let finished = sandbox.run(&["fedmsg-hub", "--log", "warn"]);
    check_failure(
        &finished,
        69,
        &["no endpoint for publisher fedmsg-hub.", "[endpoints]"],
    );
}

#[test]
fn without_an_endpoint_a_tail_says_so() {
    let finished = Sandbox::with(&Settings::new()).run(&["fedmsg-tail"]);
    check_failure(&finished, 69, &["no endpoint to listen to", "[endpoints]"]);
}

#[test]
fn whoever_comes_from_the_original_is_told_of_the_import() {
    let python = "config = dict(\n    active=True,\n)\n";
    let hint = "not read: it is Python, as configurations of the original are; \
                `fedmsg-config import` makes TOML of it";
    let files = &[("fedmsg.d/m.py", python), ("fedmsg-config.py", python)];
    let given = Given {
        files,
        variables: &[],
    };
    for named in ["fedmsg.d/m.py", "fedmsg.d"] {
        let finished = run(&["fedmsg-relay", "--config-filename", named], &given);
        check_failure(&finished, 78, &[]);
        assert_eq!(finished.errors, format!("fedmsg-relay: {named}: {hint}\n"));
    }
    let finished = run(&["fedmsg-relay", "--print-config"], &given).expect_success();
    let warnings = ["fedmsg.d", "fedmsg-config.py"];
    let lines: Vec<_> = finished.errors.lines().collect();
    assert_eq!(lines.len(), warnings.len(), "{finished:#?}");
    for (line, named) in lines.iter().zip(warnings) {
        let expected = format!(" {named}: {hint}");
        assert!(line.contains("WARN") && line.contains(&expected), "{line}");
    }
    let queried = run(&["fedmsg-config", "--query", "timeout"], &given).expect_success();
    let expected = warnings.map(|it| format!("fedmsg-config: warning: {it}: {hint}\n"));
    assert_eq!(queried.errors, expected.concat());
    let checked = run(&["fedmsg-config", "check"], &given).expect_success();
    let expected = warnings.map(|it| format!("{it}: warning: {hint}"));
    assert_eq!(checked.lines, {
        let mut sorted = expected;
        sorted.sort();
        sorted
    });
}
