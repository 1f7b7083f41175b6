//! Configurations of the original: what it makes of its files, and what we have imported from them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::peers::{Peers, Process};
use crate::sandbox::Sandbox;

/// The files in the style of those that are deployed; see `tests/fixtures/fedmsg.d/10-base.py`.
fn fixtures() -> impl Iterator<Item = (String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fedmsg.d");
    let files = fs::read_dir(folder).expect("fixtures");
    files.map(|file| {
        let path = file.expect("a file").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, fs::read_to_string(path).expect("a text"))
    })
}

/// What the original prints of a key, and what we do, are the same but for these. Lists and tables by name
/// are compared as a whole.
const DIFFERENT: [(&str, &str); 3] = [
    // One of its values is random.
    (
        "endpoints",
        "left out: fedmsg.d/70-late.py:9: endpoints.any.app04: not known",
    ),
    // Two ways to write one thing, as `--query` shows.
    ("relay_inbound", ""),
    // It is 1 there.
    ("zmq_tcp_keepalive", ""),
];

/// What the original has and we do not, with what is said of it.
const NOT_HERE: [(&str, &str); 12] = [
    ("crypto_backend", "remark: "),
    ("irc", "remark: "),
    ("irc_default_color", "remark: "),
    ("logging", "remark: "),
    ("moksha.workers_per_consumer", "remark: "),
    ("our.own.consumer.enabled", "left out: "),
    ("persistent_store", "remark: "),
    ("fedmsg.consumers.dummy.enabled", "remark: "),
    ("status_directory", "left out: "),
    ("zmq_enabled", "remark: "),
    // A default of the original that no file has, and what it derives.
    ("print_config", ""),
    ("topic_prefix_re", ""),
];

#[test]
fn what_the_original_makes_of_its_files_is_what_we_import() {
    let Some(peers) = Peers::find() else { return };
    let config = peers.config().write();
    fs::remove_file(config.path().join("fedmsg.d/interop.py")).expect("the only file");
    for (name, text) in fixtures() {
        fs::write(config.path().join("fedmsg.d").join(name), text).expect("a file");
    }
    let theirs = peers
        .program("fedmsg-config", &config, &[])
        .finish()
        .expect_success();
    let theirs: Value = serde_json::from_str(&theirs.lines.join("\n")).expect("JSON");
    let theirs = theirs.as_object().expect("an object");

    let sandbox = Sandbox::new();
    let run = |words: &[&str]| {
        let mut command = sandbox.command(&[&["fedmsg-config"], words].concat());
        command.current_dir(config.path());
        Process::start(command).finish()
    };
    let imported = run(&["import", "fedmsg.d", "--output", "fedmsg.toml"]);
    assert_eq!(imported.status.code(), Some(65), "{imported:#?}");
    let ours = run(&["--config", "fedmsg.toml"]).expect_success();
    let ours: Value = serde_json::from_str(&ours.lines.join("\n")).expect("JSON");

    let mut different = BTreeSet::new();
    let mut not_here = BTreeSet::new();
    for (key, value) in theirs {
        match ours.get(key) {
            Some(our) if our == value => {}
            Some(_) => drop(different.insert(key.as_str())),
            None if key == "fedmsg.consumers.relay.enabled" => {
                assert_eq!(ours["consumers"]["relay"]["kind"], "relay");
            }
            // Of the program that is one: hubs leave it out.
            None if key == "fedmsg.consumers.gateway.port" => {
                let gateway = &ours["consumers"]["gateway"];
                assert_eq!(gateway["enabled"], false);
                let address = format!("tcp://*:{value}");
                assert_eq!(gateway["params"]["address"], address);
            }
            None if key == "fedmsg.consumers.gateway.high_water_mark" => {
                let params = &ours["consumers"]["gateway"]["params"];
                assert_eq!(&params["high_water_mark"], value);
            }
            None => drop(not_here.insert(key.as_str())),
        }
    }
    let said = |key: &str, start: &str| {
        let of_key = format!("{key}: ");
        let mut lines = imported.errors.lines();
        start.is_empty() || lines.any(|line| line.starts_with(start) && line.contains(&of_key))
    };
    for (key, start) in NOT_HERE {
        assert!(said(key, start), "nothing of {key} in {}", imported.errors);
    }
    assert_eq!(not_here, NOT_HERE.iter().map(|(key, _)| *key).collect());
    assert_eq!(different, DIFFERENT.iter().map(|(key, _)| *key).collect());
    assert!(
        imported.errors.contains(DIFFERENT[0].1),
        "{}",
        imported.errors
    );

    assert_eq!(json!([theirs["relay_inbound"]]), ours["relay_inbound"]);
    let (theirs, ours) = (&theirs["endpoints"], &ours["endpoints"]);
    let random = "any.app04";
    assert_eq!(theirs[random][0], ours[random][0]);
    let names = |of: &Value| {
        of.as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(names(theirs), names(ours));
    for name in names(theirs).iter().filter(|name| *name != random) {
        assert_eq!(theirs[name], ours[name], "{name}");
    }
}
