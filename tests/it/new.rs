//! `fedmsg-new`: what it makes compiles against this repository, and passes its own tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use rustix::process::Signal;

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{PROBE, Sandbox};

/// Where Cargo has put our programs, and has the dependencies compiled.
fn target() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_fedmsg"));
    let profile = program.parent().expect("the folder of the profile");
    profile.parent().expect("the target folder").to_owned()
}

/// Runs Cargo in a project, which must succeed; what it says on standard output.
fn cargo(project: &Path, words: &[&str]) -> String {
    let mut command = Command::new(env::var_os("CARGO").expect("tests are run by cargo"));
    command.args(words).current_dir(project);
    let output = command.env("CARGO_TARGET_DIR", target()).output();
    let output = output.expect("cargo");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_is_made_is_formatted_compiles_and_passes_its_tests() {
    let sandbox = Sandbox::new();
    for (what, name, tests) in [
        ("consumer", "greet-guests", 3),
        ("producer", "count-up", 3),
        ("hub", "our-hub", 5),
    ] {
        let sources = env!("CARGO_MANIFEST_DIR");
        let made = sandbox.run(&["fedmsg-new", what, name, "--path", sources]);
        made.expect_success();
        let project = sandbox.path().join(name);
        cargo(&project, &["fmt", "--check"]);
        let said = cargo(&project, &["test", "--offline", "--all-targets"]);
        let passed = said.lines().filter(|line| line.ends_with(" ... ok"));
        assert_eq!(passed.count(), tests, "{said}");
        let listed = cargo(&project, &["run", "--offline", "-q", "--", "--list-kinds"]);
        let kind = if what == "hub" { "greeter" } else { name };
        assert!(listed.contains(&format!("kind = \"{kind}\"")), "{listed}");
        let config = ["--config", "fedmsg.toml"];
        cargo(
            &project,
            &[&["run", "--offline", "-q", "--"][..], &config, &["--check"]].concat(),
        );
        let help = cargo(&project, &["run", "--offline", "-q", "--", "--help"]);
        assert!(help.contains(&format!("\n  {name} --check ")), "{help}");
        assert!(!help.contains("  fedmsg-hub"), "{help}");
        if what != "producer" {
            a_message_is_greeted(&sandbox, name);
        }
    }
    let unit = fs::read_to_string(sandbox.path().join("our-hub/our-hub.service")).unwrap();
    assert!(unit.contains("\nExecStart=/usr/bin/our-hub --config /etc/fedmsg/our-hub.toml\n"));
    assert!(!unit.contains("fedmsg-hub"), "{unit}");
}

/// Runs what has been built under the configuration that came with it, on ports of its own, and says something
/// to it by the command of its README.
fn a_message_is_greeted(sandbox: &Sandbox, name: &str) {
    let project = sandbox.path().join(name);
    let mut config = fs::read_to_string(project.join("fedmsg.toml")).unwrap();
    for port in ["3900", "3901", "3902"] {
        assert!(config.contains(port), "{config}");
        config = config.replace(port, &free_tcp_port().to_string());
    }
    sandbox.write("tried.toml", &config);
    let readme = fs::read_to_string(project.join("README.md")).unwrap();
    let mut lines = readme.lines();
    let say = lines.find_map(|line| line.strip_prefix("$ echo '\"Ada\"' | "));
    let say = say.expect("a command that says something").to_owned();
    let say = say.replace("fedmsg.toml", "tried.toml");
    let say: Vec<_> = say.split(' ').collect();

    let mut hub = Command::new(target().join("debug").join(name));
    hub.args(["--config", "tried.toml"]);
    hub.current_dir(sandbox.path());
    let hub = Process::start(hub);
    let mut tail = sandbox.start(&["fedmsg-tail", "--config", "tried.toml"]);
    // Until listener and greeter have connected, nobody hears of it.
    let mut heard = None;
    while heard.is_none() {
        let said = sandbox.run_with_input(&say, b"\"Ada\"\n");
        said.expect_success();
        while let Some(line) = tail.line_within(PROBE * 5) {
            heard = heard.or(line.contains("Hello, Ada!").then_some(line));
        }
    }
    hub.signal(Signal::TERM);
    hub.finish().expect_success();
    tail.signal(Signal::TERM);
    tail.finish();
}

#[test]
fn nothing_that_is_there_is_touched() {
    let sandbox = Sandbox::new();
    let theirs = sandbox.write("mine/Cargo.toml", "theirs");
    let finished = sandbox.run(&["fedmsg-new", "hub", "mine"]);
    assert_eq!(finished.status.code(), Some(65), "{finished:#?}");
    assert_eq!(fs::read_to_string(theirs).unwrap(), "theirs");
    assert_eq!(
        fs::read_dir(sandbox.path().join("mine")).unwrap().count(),
        1
    );

    for (words, status) in [
        (&["hub", "../out"][..], 65),
        (&["consumer", "log"], 65),
        (&["hub", "x", "--path", "/nonexistent"], 74),
        (&["hub", "x", "--dir", "no/such/folder"], 74),
        (&["house", "x"], 2),
    ] {
        let finished = sandbox.run(&[&["fedmsg-new"], words].concat());
        assert_eq!(
            finished.status.code(),
            Some(status),
            "{words:?}: {finished:#?}"
        );
    }
    assert!(!sandbox.path().join("x").exists());
}
