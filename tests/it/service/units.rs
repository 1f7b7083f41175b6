//! The units: what systemd's own tools say of them.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use tempfile::TempDir;

const UNITS: [&str; 4] = [
    "fedmsg-hub.service",
    "fedmsg-hub@.service",
    "fedmsg-relay.service",
    "fedmsg-gateway.service",
];

/// Exposure in tenths, up to which systemd-analyze shows its smile: 1.5 of 10.
const THRESHOLD: &str = "15";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/systemd")
}

fn unit(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("a unit")
}

/// Runs a tool of systemd; without it says on stderr which test is skipped.
fn run(tool: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(tool).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let test = thread::current().name().unwrap_or("a test").to_owned();
            let _ = writeln!(
                io::stderr(),
                "skipped: {test}: there is no {tool} (Debian: systemd)"
            );
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

#[track_caller]
fn expect_success(output: &Output) {
    assert!(output.status.success(), "{output:#?}");
}

#[test]
fn units_are_exposed_no_more_than_a_daemon_of_the_network_has_to_be() {
    for name in UNITS {
        let path = folder().join(name);
        let path = path.to_str().expect("a path in UTF-8");
        let threshold = format!("--threshold={THRESHOLD}");
        let arguments = ["security", "--offline=yes", "--no-pager", &threshold, path];
        let Some(output) = run("systemd-analyze", &arguments) else {
            return;
        };
        expect_success(&output);
    }
}

#[test]
fn units_are_understood() {
    let directory = TempDir::new().expect("a directory");
    let mut paths = Vec::new();
    for name in UNITS {
        // A program that is there, since ours are not where packages put them.
        let start = |line: &str| {
            line.starts_with("ExecStart=")
                .then_some("ExecStart=/bin/true")
        };
        let text: Vec<_> = unit(name)
            .lines()
            .map(|line| start(line).unwrap_or(line).to_owned())
            .collect();
        let path = directory.path().join(name.replace('@', "@one"));
        fs::write(&path, text.join("\n")).expect("a file");
        paths.push(path.to_str().expect("a path in UTF-8").to_owned());
    }
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let arguments = [&["verify", "--man=no"], &*paths].concat();
    let Some(output) = run("systemd-analyze", &arguments) else {
        return;
    };
    expect_success(&output);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(!complaints.contains("fedmsg"), "{complaints}");

    let root = format!("--root={}", directory.path().display());
    let users = folder().join("fedmsg.sysusers.conf");
    let users = users.to_str().expect("a path in UTF-8");
    if let Some(output) = run("systemd-sysusers", &["--dry-run", &root, users]) {
        expect_success(&output);
    }
    let etc = directory.path().join("etc");
    fs::create_dir(&etc).expect("a folder");
    fs::write(
        etc.join("passwd"),
        "root:x:0:0::/:/bin/sh\nfedmsg:x:990:990::/:/bin/false\n",
    )
    .expect("a file");
    fs::write(etc.join("group"), "root:x:0:\nfedmsg:x:990:\n").expect("a file");
    let folders = folder().join("fedmsg.tmpfiles.conf");
    let folders = folders.to_str().expect("a path in UTF-8");
    if let Some(output) = run(
        "systemd-tmpfiles",
        &["--create", "--dry-run", &root, folders],
    ) && !String::from_utf8_lossy(&output.stderr).contains("unrecognized option")
    {
        expect_success(&output);
    }
}

/// What a hub does without: the kind `system` reads files of /proc that are of no process, and programs in
/// other languages make code while they run. Relays and gateways do neither.
const NOT_OF_HUBS: [&str; 2] = ["ProcSubset=pid", "MemoryDenyWriteExecute=yes"];

/// The settings of a unit, without what is its own.
fn common(name: &str) -> Vec<String> {
    let own = [
        "#",
        "Description=",
        "ExecStart=",
        "Environment=",
        "StateDirectory=",
    ];
    let text = unit(name);
    let lines = text.lines().filter(|line| {
        !own.iter().any(|start| line.starts_with(start)) && !NOT_OF_HUBS.contains(line)
    });
    lines.map(str::to_owned).collect()
}

#[test]
fn hubs_read_the_state_of_their_host_and_run_any_program_and_the_others_do_not() {
    for name in UNITS {
        let text = unit(name);
        for setting in NOT_OF_HUBS {
            let is_set = text.lines().any(|line| line == setting);
            let is_hub = name.starts_with("fedmsg-hub");
            assert_eq!(is_set, !is_hub, "{name}: {setting}");
        }
    }
}

#[test]
fn units_differ_in_what_they_start_and_what_hubs_do_without() {
    let hub = common(UNITS[0]);
    for name in UNITS {
        assert_eq!(common(name), hub, "{name}");
        let program = name.split(['.', '@']).next().expect("a name");
        let start = format!("\nExecStart=/usr/bin/{program}");
        assert!(unit(name).contains(&start), "{name}: no {start}");
        // The states of two hubs may have one name.
        let own_state = if name.contains('@') { "fedmsg/%i " } else { "" };
        let state = format!("\nStateDirectory={own_state}fedmsg\n");
        assert!(unit(name).contains(&state), "{name}: no {state}");
    }
    for setting in [
        "Type=notify",
        "Restart=on-failure",
        "RuntimeDirectory=fedmsg",
        // Without these two libzmq ends the process (its thread.cpp and ip_resolver.cpp).
        "SystemCallFilter=sched_setscheduler",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    ] {
        assert!(hub.iter().any(|line| line == setting), "{setting}");
    }
    let timeout = hub
        .iter()
        .find_map(|line| line.strip_prefix("TimeoutStopSec="));
    let timeout = fedmsg_config::duration::parse(timeout.expect("a time")).expect("a time");
    assert!(timeout > fedmsg_config::Config::default().stop_timeout);
}
