//! The example of each command: a script of `examples/commands`, run in an empty directory.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{Sandbox, in_shell, loopback};

/// What a script ends with: the last line that it prints.
const OUTPUT: &str = "# Output: ";
/// Longer is no example of one command.
const MAX_LINES: usize = 30;

/// Runs a script, and kills what it has started if the test run ends before it.
const SCRIPT: &str = r#"
(tail --pid="$TEST_RUN" -f /dev/null && kill -KILL 0) <&- >&- 2>&- &
exec "$0" "$@""#;

/// The scripts, by name.
pub(crate) fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/commands");
    let entries = fs::read_dir(folder).expect("the folder of the scripts");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

fn programs() -> OsString {
    let programs = Path::new(env!("CARGO_BIN_EXE_fedmsg")).parent();
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = programs.map(Path::to_owned).into_iter();
    env::join_paths(paths.chain(env::split_paths(&path))).expect("a path")
}

/// Whether this machine has the programs of others that a script uses.
fn is_runnable(script: &str, name: &str) -> bool {
    let is_there = |program: &str, flag: &str| Command::new(program).arg(flag).output().is_ok();
    let needs = [("python3 ", "--version"), ("openssl ", "version")];
    let missing = needs
        .iter()
        .find(|(program, flag)| script.contains(program) && !is_there(program.trim(), flag));
    if let Some((program, _)) = missing {
        let _ = io::Write::write_all(
            &mut io::stderr(),
            format!("skipped: {name}: there is no {program}\n").as_bytes(),
        );
    }
    missing.is_none()
}

#[test]
fn the_example_of_each_command_prints_its_last_line() {
    for path in scripts() {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).expect("a script");
        assert!(text.lines().count() <= MAX_LINES, "{name} is too long");
        let expected = text.lines().find_map(|line| line.strip_prefix(OUTPUT));
        let expected = expected.unwrap_or_else(|| panic!("{name} does not say what it prints"));
        if !is_runnable(&text, &name) {
            continue;
        }
        let sandbox = Sandbox::new();
        let mut command = sandbox.command(&["fedmsg"]);
        command
            .env("PATH", programs())
            .env("FEDMSG_RELAY_INBOUND", loopback(free_tcp_port()))
            .env(
                "FEDMSG_ENDPOINTS__RELAY_OUTBOUND",
                loopback(free_tcp_port()),
            )
            .env("GATEWAY", loopback(free_tcp_port()))
            .env("ARCHIVE", free_tcp_port().to_string());
        let mut shell = Command::new("sh");
        shell.arg(&path).current_dir(sandbox.path()).env_clear();
        for (name, value) in command.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let finished = Process::start(in_shell(SCRIPT, &shell))
            .finish()
            .expect_success();
        assert_eq!(
            finished.lines.last().map(String::as_str),
            Some(expected),
            "{name}: {finished:#?}"
        );
    }
}
