//! The original Python programs as the other end of a test.
//!
//! The interop tests start them here, each as a child [`Process`] that reads one `fedmsg.d/`, made
//! by [`Config`]. `tests/interop/setup` installs what is started, `tests/interop/*.py` are the
//! peers that are not commands of their own; without the installation a test skips itself by name.
//!
//! All calls block: an asynchronous test needs a multi-threaded runtime.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod config;
mod port;
mod process;
mod tests;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io, thread};

use tempfile::TempDir;

pub(crate) use self::config::{Config, ConfigDir};
pub(crate) use self::port::free_tcp_port;
pub(crate) use self::process::{Finished, Process};

/// What a daemon of the original logs when its sockets are open and its loop runs.
const RUNNING: &str = "Running the MokshaHub reactor";

/// The installed original programs, and how to start each of them.
pub(crate) struct Peers {
    programs: PathBuf,
    scripts: PathBuf,
}

/// Where a publisher attaches.
#[derive(Clone, Copy)]
pub(crate) enum Via<'a> {
    /// Binds the address of this name in `endpoints`, as a service does.
    Endpoint(&'a str),
    /// Connects to `relay_inbound`, as `fedmsg-logger` does.
    Relay,
}

/// What a publisher sends.
#[derive(Clone, Copy)]
pub(crate) enum Bodies {
    /// `{"n": 1}` to `{"n": count}`, and ends.
    Counted(u32),
    /// One JSON value for each line written to the process, until its input is closed.
    FromInput,
}

/// How to publish with the original `fedmsg.publish()`.
#[derive(Clone, Copy)]
pub(crate) struct Publish<'a> {
    /// Where it attaches.
    pub(crate) via: Via<'a>,
    /// What it sends.
    pub(crate) bodies: Bodies,
    /// How many subscriptions it waits for before its first message.
    pub(crate) subscribers: u32,
    /// The topic, after `<topic_prefix>.<environment>.interop.`.
    pub(crate) topic: &'a str,
    /// Changes the body of every n-th message after it was signed.
    pub(crate) tamper_every: Option<u32>,
    /// Parses its private key once, not for each message.
    pub(crate) keep_key: bool,
}

impl<'a> Publish<'a> {
    /// Returns what waits for one subscription and sends untampered messages with topic `ping`.
    pub(crate) fn new(via: Via<'a>, bodies: Bodies) -> Self {
        Self {
            via,
            bodies,
            subscribers: 1,
            topic: "ping",
            tamper_every: None,
            keep_key: false,
        }
    }
}

impl Peers {
    /// Returns the original programs; without them says on stderr which test is skipped and
    /// returns `None`.
    ///
    /// They are looked for in `$INTEROP_VENV`, relative to the repository; by default in
    /// `target/interop/venv`.
    ///
    /// # Panics
    ///
    /// When they are missing and `INTEROP_REQUIRED` is `1`.
    pub(crate) fn find() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let venv = env::var_os("INTEROP_VENV").unwrap_or_else(|| "target/interop/venv".into());
        let found = Self::installed(root, &root.join(venv));
        if found.is_none() {
            let required = env::var_os("INTEROP_REQUIRED").is_some_and(|value| value == "1");
            assert!(
                !required,
                "the original programs are required: run tests/interop/setup"
            );
            let test = thread::current().name().unwrap_or("a test").to_owned();
            // Past the test harness, which shows what a test prints only when it fails.
            let _ = writeln!(io::stderr(), "skipped: {test}: run tests/interop/setup");
        }
        found
    }

    /// Returns the programs in `venv` if their installation was completed.
    fn installed(root: &Path, venv: &Path) -> Option<Self> {
        let scripts = root.join("tests/interop");
        let complete = venv.join(".complete").is_file();
        complete.then(|| Self {
            programs: venv.join("bin"),
            scripts,
        })
    }

    /// Returns a configuration for the programs, to be filled and written.
    pub(crate) fn config(&self) -> Config<'_> {
        Config::new(self)
    }

    /// Makes an `ssldir`: `ca.crt`, `crl.pem`, and for each name `<name>.crt` and `<name>.key`.
    /// All are valid for a day; the revocation list has the `revoked` names.
    pub(crate) fn pki(&self, names: &[&str], revoked: &[&str]) -> TempDir {
        let directory = TempDir::new().expect("a temporary directory");
        let mut command = self.script("pki.py", directory.path());
        command.arg(directory.path()).args(names);
        command.args(revoked.iter().map(|name| format!("--revoked={name}")));
        Process::start(command).finish().expect_success();
        directory
    }

    /// Starts the original `fedmsg.publish()`.
    ///
    /// Its events: `listening`, `subscribed` (to as many as asked for), `published` with the
    /// `envelope` as it was sent, `done` once every message has left for every subscriber.
    pub(crate) fn publish(&self, config: &ConfigDir, publish: &Publish<'_>) -> Process {
        let mut command = self.script("publish.py", config.path());
        match publish.via {
            Via::Endpoint(name) => command.arg(name),
            Via::Relay => command.args(["relay_inbound", "--active"]),
        };
        command.arg(format!("--subscribers={}", publish.subscribers));
        command.arg(format!("--topic={}", publish.topic));
        if let Bodies::Counted(count) = publish.bodies {
            command.arg(format!("--count={count}"));
        }
        if let Some(every) = publish.tamper_every {
            command.arg(format!("--tamper={every}"));
        }
        if publish.keep_key {
            command.arg("--keep-key");
        }
        Process::start(command)
    }

    /// Starts the original `fedmsg.tail_messages()` on all endpoints of the configuration, for
    /// topics that start with `prefix`; it ends after `count` messages, rejected ones included.
    ///
    /// Its events: `connected` with the `endpoint`; `message` with `name`, `endpoint`, `topic` and
    /// `envelope`; `rejected` with the `reason`; `done` with the numbers of `messages` and
    /// `rejected`.
    pub(crate) fn tail(&self, config: &ConfigDir, prefix: &str, count: u32) -> Process {
        let mut command = self.script("tail.py", config.path());
        command
            .arg(format!("--topic={prefix}"))
            .arg(format!("--count={count}"));
        Process::start(command)
    }

    /// Starts the original `fedmsg-hub` with a consumer that records what it is given, and returns
    /// when it runs.
    ///
    /// Its events: `message` with `topic` and `envelope`.
    pub(crate) fn hub(&self, config: &ConfigDir) -> Process {
        let arguments = ["--with-consumers", "recorder:Recorder"];
        let mut hub = self.program("fedmsg-hub", config, &arguments);
        hub.event("ready");
        hub.line_with(RUNNING);
        hub
    }

    /// Starts `fedmsg-relay`, `fedmsg-gateway` or another daemon of the original, and returns when
    /// its sockets are open and its loop runs.
    pub(crate) fn daemon(&self, name: &str, config: &ConfigDir) -> Process {
        let mut daemon = self.program(name, config, &[]);
        daemon.line_with(RUNNING);
        daemon
    }

    /// Runs `fedmsg-logger` with `lines` as its input: one message each, through the relay.
    ///
    /// It waits `post_init_sleep` for the relay's subscription; after that a message is lost, as
    /// it is on a real bus.
    pub(crate) fn logger(&self, config: &ConfigDir, lines: &[&str]) -> Finished {
        let mut logger = self.program("fedmsg-logger", config, &[]);
        for line in lines {
            logger.write_line(line);
        }
        logger.finish()
    }

    /// Starts any command of the original, such as `fedmsg-tail` or `fedmsg-check`.
    pub(crate) fn program(&self, name: &str, config: &ConfigDir, arguments: &[&str]) -> Process {
        let mut command = self.command(self.programs.join(name), config.path());
        command.args(arguments);
        Process::start(command)
    }

    /// Returns the command that runs one of the scripts beside `setup`.
    fn script(&self, name: &str, directory: &Path) -> Command {
        let mut command = self.command(self.programs.join("python"), directory);
        command.arg(self.scripts.join(name));
        command
    }

    /// Returns the command that runs `program` in `directory`, out of reach of the user's own
    /// fedmsg and Python settings and on the loopback interface only.
    fn command(&self, program: impl AsRef<OsStr>, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(directory)
            .env("HOME", directory)
            .env("INTEROP_LOOPBACK", "1")
            .env("INTEROP_PARENT", std::process::id().to_string())
            .env("PYTHONPATH", &self.scripts)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONNOUSERSITE", "1")
            .env("PYTHONUNBUFFERED", "1")
            .env_remove("PYTHONHOME")
            .env_remove("VIRTUAL_ENV");
        for (name, _) in env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"FEDMSG_") {
                command.env_remove(name);
            }
        }
        command
    }
}
