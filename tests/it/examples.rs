//! The examples, each run as a newcomer would, down to its last line.

pub(crate) mod commands;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::SystemTime;
use std::{env, fs};

use crate::peers::Process;

/// Each example with its arguments and its last line.
const EXAMPLES: &[(&str, &[&str], &str)] = &[
    ("blocking_script", &[], "2 messages published"),
    ("clock_producer", &[], "stopped after tick 3"),
    ("conformance", &[], "the archive keeps all rules"),
    ("hello_hub", &[], "the hub has stopped"),
    (
        "own_command",
        &["--config", "examples/own_command.toml", "--log", "warn"],
        "memory: com.example.dev.hub.heartbeat was the last",
    ),
    ("print_consumer", &[], "# items: \"tea\""),
    ("publish", &[], "2 published, 1 of them unheard"),
    ("retry", &[], "1 delivered, 1 dropped, 2 not delivered"),
    ("tail", &[], "1550 cents in all"),
    ("test_kit", &[], "all tests passed"),
];

/// Longer is no example of one thing.
const MAX_LINES: usize = 80;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The sources of the examples, by name.
fn sources() -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder of the examples");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            (name.into_owned(), path)
        })
        .collect()
}

/// Returns the program of an example, which Cargo puts beside our binaries.
fn program(name: &str) -> PathBuf {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let binary = Path::new(env!("CARGO_BIN_EXE_fedmsg-hub"));
        let profile = binary.parent().expect("the folder of the profile");
        let examples = profile.join("examples");
        if !are_fresh(&examples) {
            build(profile);
        }
        examples
    });
    BUILT.join(name)
}

/// `cargo test` builds the examples; `cargo test --test it` does not, and leaves those of an earlier
/// build, or none.
fn are_fresh(examples: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|it| it.modified()).ok();
    let sources = newest_source(Path::new(env!("CARGO_MANIFEST_DIR")));
    let is_fresh = |name: &String| changed(&examples.join(name)) > Some(sources);
    self::sources().keys().all(is_fresh)
}

fn newest_source(folder: &Path) -> SystemTime {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_other = ["target", "tests", "benches"].contains(&&*name) || name.starts_with('.');
        if path.is_dir() && !is_other {
            newest = newest.max(newest_source(&path));
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            let changed = path.metadata().and_then(|it| it.modified());
            newest = newest.max(changed.expect("a time"));
        }
    }
    newest
}

fn build(profile: &Path) {
    let cargo = env::var_os("CARGO").expect("tests are run by cargo");
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--examples", "--target-dir"])
        .arg(profile.parent().expect("the target folder"))
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.ends_with("release") {
        command.arg("--release");
    }
    assert!(
        command.status().expect("cargo").success(),
        "the examples do not compile"
    );
}

#[test]
fn every_example_is_run() {
    let names: Vec<_> = EXAMPLES.iter().map(|(name, ..)| *name).collect();
    let files: Vec<_> = sources().into_keys().collect();
    assert_eq!(
        files, names,
        "files in examples/, and those that are run here"
    );
}

#[test]
fn every_example_ends_with_its_last_line() {
    for (name, arguments, last) in EXAMPLES {
        let mut command = Command::new(program(name));
        // Nothing of what the user of this machine has set.
        command
            .args(*arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .env("HOME", "/nonexistent");
        let finished = Process::start(command).finish().expect_success();
        assert_eq!(
            finished.lines.last().map(String::as_str),
            Some(*last),
            "{name}"
        );
    }
}

#[test]
fn every_example_is_short_and_says_how_to_run_it() {
    for (name, path) in sources() {
        let text = fs::read_to_string(path).expect("a source");
        let lines = text.lines().count();
        assert!(lines < MAX_LINES, "{name} has {lines} lines");
        assert!(
            text.contains(&format!("cargo run --example {name}")),
            "{name}"
        );
    }
}
