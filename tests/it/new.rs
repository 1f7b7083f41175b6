//! `fedmsg-new`: what it makes compiles against this repository, and passes its own tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::sandbox::Sandbox;

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
    }
    let unit = fs::read_to_string(sandbox.path().join("our-hub/our-hub.service")).unwrap();
    assert!(unit.contains("\nExecStart=/usr/bin/our-hub --config /etc/fedmsg/our-hub.toml\n"));
    assert!(!unit.contains("fedmsg-hub"), "{unit}");
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
