//! Our own programs and our own library as one end of a test.
//!
//! A [`Sandbox`] keeps the programs away from the configuration of this machine; [`Speaker`] and
//! [`Listener`] are the library, with calls that block, as those of [`Process`] do. Nothing here
//! says that it is ready but by what others notice: a publisher sees who has subscribed.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod listener;
mod settings;
mod speaker;
mod unread;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use tempfile::TempDir;

pub(crate) use self::listener::Listener;
pub(crate) use self::settings::{Settings, loopback};
pub(crate) use self::speaker::Speaker;
pub(crate) use self::unread::Unread;
use crate::peers::{Finished, Process};

/// How long a test waits for anything: much longer than it ever takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a probe may take before the next one is sent.
pub(crate) const PROBE: Duration = Duration::from_millis(100);

/// Runs the program, and kills its process group if the test run ends before it.
const LEASH: &str = r#"
(tail --pid="$TEST_RUN" -f /dev/null && kill -KILL 0) <&- >&- 2>&- &
exec "$0" "$@""#;

/// The same, with the log where its lines are read as they come, and without standard output.
const LEASH_AND_LOG: &str = r#"
(tail --pid="$TEST_RUN" -f /dev/null && kill -KILL 0) <&- >&- 2>&- &
exec "$0" "$@" 2>&1 >/dev/null"#;

/// Runs the program with a file as its input.
const WITH_INPUT: &str = r#"exec "$0" "$@" <input"#;

/// A directory in which our programs run, out of reach of the user's own settings: it is their
/// home, their working directory, and removed when this is dropped.
pub(crate) struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        Self { directory }
    }

    /// Makes one with a `fedmsg.toml` that says `settings`.
    pub(crate) fn with(settings: &Settings) -> Self {
        let sandbox = Self::new();
        sandbox.write("fedmsg.toml", &settings.to_string());
        sandbox
    }

    /// Returns the directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file below the directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// Returns the command for `words`, the name of a program of ours and its arguments, without
    /// any variable but those that a program needs to find the sandbox.
    ///
    /// If there is a `fedmsg.toml`, it is all that the program reads: the files of the machine
    /// itself are left out.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let (program, arguments) = words.split_first().expect("a program");
        let mut command = Command::new(path_of(program));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.directory.path())
            .env("LOGNAME", "tester")
            .env("TZ", "UTC")
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("TEST_RUN", std::process::id().to_string());
        let settings = self.directory.path().join("fedmsg.toml");
        if settings.exists() {
            command.env("FEDMSG_CONFIG", "fedmsg.toml");
        }
        command
    }

    /// Starts a program of ours.
    pub(crate) fn start(&self, words: &[&str]) -> Process {
        Process::start(in_shell(LEASH, &self.command(words)))
    }

    /// Starts a program of ours whose lines are those of its log.
    pub(crate) fn start_logging(&self, words: &[&str]) -> Process {
        self.start_logging_with(words, &[])
    }

    /// The same, with these variables.
    pub(crate) fn start_logging_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Process {
        let mut command = self.command(words);
        command.envs(variables.iter().copied());
        Process::start(in_shell(LEASH_AND_LOG, &command))
    }

    /// Runs a program of ours to its end, without input.
    pub(crate) fn run(&self, words: &[&str]) -> Finished {
        Process::start(self.command(words)).finish()
    }

    /// Runs a program of ours to its end, with `input`.
    pub(crate) fn run_with_input(&self, words: &[&str], input: &[u8]) -> Finished {
        fs::write(self.directory.path().join("input"), input).expect("a file");
        Process::start(in_shell(WITH_INPUT, &self.command(words))).finish()
    }
}

/// Returns the command that runs `command`, of a sandbox, in a shell with `script`.
pub(crate) fn in_shell(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .current_dir(command.get_current_dir().expect("that of the sandbox"));
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell
}

/// Returns where Cargo has put a program of ours: all beside one another.
fn path_of(program: &str) -> PathBuf {
    assert!(
        program.starts_with("fedmsg"),
        "{program} is no program of ours"
    );
    Path::new(env!("CARGO_BIN_EXE_fedmsg")).with_file_name(program)
}
