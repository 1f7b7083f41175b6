//! The commands: each can be run as it stands.

use std::process::Command;

use super::{blocks, repository};
use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{Sandbox, loopback};

/// The parts of each command line, as a shell would split it at its pipes.
fn commands() -> Vec<String> {
    let blocks = blocks("console");
    let lines = blocks.iter().flat_map(|block| block.lines());
    let commands = lines.map(|line| line.strip_prefix("$ ").expect("nothing but commands"));
    commands.map(str::to_owned).collect()
}

/// The words of a command, without quotes and redirections.
fn words(command: &str) -> Vec<String> {
    let command = command.split(" > ").next().unwrap_or_default();
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in command.trim().chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("one").push(other),
        }
    }
    words
}

/// Checks that a program of ours takes these words.
fn check_ours(words: &[&str]) {
    let mut words = words.to_vec();
    if !words.contains(&"--print-config") {
        words.push("--print-config"); // does nothing but that
    }
    let finished = Sandbox::new().start(&words).finish();
    assert!(finished.status.success(), "{words:?}: {finished:#?}");
}

/// Checks that what install(1) is given is there, or is a program of ours.
fn check_installed(arguments: &[&str]) {
    for argument in arguments {
        if let Some(name) = argument.strip_prefix("target/release/") {
            let source = format!("hub/src/bin/{name}.rs");
            assert!(repository().join(&source).is_file(), "{source}");
        } else if argument.starts_with("config/") {
            let path = argument.trim_end_matches("*.service");
            assert!(repository().join(path).exists(), "{argument}");
        }
    }
}

fn check(command: &str) {
    let words = words(command);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["./dev", name, ..] => {
            let help = Command::new("./dev")
                .arg("help")
                .current_dir(repository())
                .output();
            let help = String::from_utf8(help.expect("a script").stdout).expect("text");
            assert!(help.contains(&format!("\n  {name} ")), "{help}");
        }
        ["cargo", "run", "--release", "--bin", name, ref rest @ ..] => {
            let arguments = rest.strip_prefix(&["--"]).unwrap_or(rest);
            check_ours(&[&[name], arguments].concat());
        }
        ["cargo", "run", "--example", name] => {
            let source = repository().join(format!("examples/{name}.rs"));
            assert!(source.is_file(), "{name}");
        }
        ["cargo", "build", "--release"] => {}
        ["cargo", "install", "--locked", "--path", path] => {
            assert!(repository().join(path).join("Cargo.lock").is_file());
        }
        ["sudo", "apt-get", "install", ref packages @ ..] => {
            let script = std::fs::read_to_string(repository().join("dev")).expect("a script");
            let unknown = packages
                .iter()
                .find(|it| !script.contains(&format!("missing+=({it})")));
            assert_eq!(unknown, None, "./dev knows nothing of it");
        }
        ["sudo", "install", ref arguments @ ..] => check_installed(arguments),
        ["sudo", "systemd-sysusers"] | ["sudo", "systemd-tmpfiles", "--create"] => {}
        ["sudo", "systemctl", "enable", "--now", ref units @ ..] => {
            for unit in units {
                let unit = format!("config/systemd/{unit}.service");
                assert!(repository().join(&unit).is_file(), "{unit}");
            }
        }
        ["echo", _] => {}
        // See `the_commands_of_a_ca_follow_from_one_another`.
        ["fedmsg-ca", ..] | ["fedmsg", "ca", ..] => {}
        ["fedmsg-config", ..] => {
            Sandbox::new().run(&words).expect_success();
        }
        _ if words[0].starts_with("fedmsg") => check_ours(&words),
        _ => panic!("who knows what {command:?} does?"),
    }
}

#[test]
fn every_command_is_one_that_exists_and_takes_its_arguments() {
    let commands = commands();
    assert!(commands.len() >= 12, "{commands:?}");
    commands
        .iter()
        .flat_map(|line| line.split(" | "))
        .for_each(check);
}

#[test]
fn the_commands_of_a_ca_follow_from_one_another() {
    let sandbox = Sandbox::new();
    for command in commands() {
        let words = words(&command);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        if let ["fedmsg-ca", ..] | ["fedmsg", "ca", ..] = words[..] {
            sandbox.run(&words).expect_success();
        }
    }
}

#[test]
fn the_examples_in_the_text_are_there() {
    let readme = super::readme();
    let mentioned = readme.split("`cargo run --example`").skip(1);
    let names = mentioned.flat_map(|text| {
        let sentence = text.split(". ").next().unwrap_or_default();
        let sentence = sentence.split(".\n").next().unwrap_or_default();
        sentence
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    let names: Vec<_> = names.collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        check(&format!("cargo run --example {name}"));
    }
}

#[test]
fn what_is_logged_beside_a_hub_without_configuration_is_tailed() {
    // The commands of "Try it", with the ports of a test.
    let text = commands().join("\n");
    assert!(text.contains("--bin fedmsg-tail -- --pretty"));
    assert!(text.contains("echo hello | cargo run --release --bin fedmsg-logger"));
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let sandbox = Sandbox::new();
    let ports = |words: &[&str]| {
        let mut command = sandbox.command(words);
        command.env("FEDMSG_RELAY_INBOUND", loopback(inbound));
        command.env("FEDMSG_ENDPOINTS__RELAY_OUTBOUND", loopback(outbound));
        command
    };
    let _hub = Process::start(ports(&["fedmsg-hub"]));
    let mut tail = Process::start(ports(&["fedmsg-tail", "--pretty"]));
    // The heartbeat of the demonstration: from here on tail hears everything.
    tail.line_with("\"beat\"");
    let mut logger = Process::start(ports(&["fedmsg-logger"]));
    logger.write_line("hello");
    logger.finish().expect_success();
    tail.line_with("\"log\": \"hello\"");
}
