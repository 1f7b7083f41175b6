//! Tests that need a process of their own: what they do, or measure, is that of a whole process.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::env;
use std::process::Command;

use crate::peers::Process;

/// Runs a test of this program that is ignored otherwise, by its whole name.
#[track_caller]
pub(crate) fn run_apart(test: &str) {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--ignored", "--exact", test]);
    let finished = Process::start(command).finish().expect_success();
    let has_run = finished.lines.iter().any(|line| line.contains("1 passed"));
    assert!(has_run, "{:?}", finished.lines);
}
