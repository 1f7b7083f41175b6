//! The commands as their users see them: help, exit statuses, messages, what is on which stream.
//!
//! Every test starts the real programs, in a sandbox that keeps them away from the configuration of
//! this machine.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod announce;
mod ca;
mod check;
mod collectd;
mod config;
mod configuration;
mod dg_replay;
mod help;
mod hub;
mod logger;
mod relayed_bus;
mod tail;
mod trigger;

use crate::peers::Finished;

/// The commands, each by its own name and as the word after `fedmsg`.
const COMMANDS: [(&str, &str); 14] = [
    ("fedmsg-hub", "hub"),
    ("fedmsg-relay", "relay"),
    ("fedmsg-signing-relay", "signing-relay"),
    ("fedmsg-gateway", "gateway"),
    ("fedmsg-tail", "tail"),
    ("fedmsg-logger", "logger"),
    ("fedmsg-announce", "announce"),
    ("fedmsg-trigger", "trigger"),
    ("fedmsg-dg-replay", "dg-replay"),
    ("fedmsg-ca", "ca"),
    ("fedmsg-config", "config"),
    ("fedmsg-check", "check"),
    ("fedmsg-collectd", "collectd"),
    ("fedmsg-new", "new"),
];

/// Those that join the bus: they have flags for the configuration, and a log.
fn commands_on_the_bus() -> impl Iterator<Item = (&'static str, &'static str)> {
    COMMANDS
        .into_iter()
        .filter(|(_, word)| !["ca", "config", "new"].contains(word))
}

/// Checks the exit status of a command that has failed, that it has written nothing but a complaint,
/// and that this says all of `words`.
#[track_caller]
fn check_failure(finished: &Finished, status: i32, words: &[&str]) {
    assert_eq!(finished.status.code(), Some(status), "{finished:#?}");
    assert_eq!(finished.lines, [""; 0], "{finished:#?}");
    for word in words {
        assert!(
            finished.errors.contains(word),
            "no {word:?} in {finished:#?}"
        );
    }
}
