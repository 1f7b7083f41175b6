//! The JSON Schema of a configuration: editors find no fault with what a hub takes, and find the faults
//! that they can.

mod kinds;

use fedmsg_config::{DEFAULT_HUB, REFERENCE};
use jsonschema::Validator;
use serde_json::Value;
use toml::Table;

use crate::sandbox::Sandbox;

/// Returns what `fedmsg-config schema` prints.
fn printed() -> Value {
    let finished = Sandbox::new().run(&["fedmsg-config", "schema"]);
    let text = finished.expect_success().lines.join("\n");
    serde_json::from_str(&text).expect("JSON")
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&printed()).expect("a schema")
}

/// What is wrong with a configuration, as paths to where.
fn faults(validator: &Validator, toml: &str) -> Vec<String> {
    let table: Table = toml.parse().expect("TOML");
    let value = serde_json::to_value(table).expect("JSON");
    let errors = validator.iter_errors(&value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// A reference with every line that is commented out put in force that is a setting.
fn with_all_settings(reference: &str) -> String {
    let lines = reference.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_a_hub_takes_is_right() {
    let validator = validator();
    for toml in [
        REFERENCE,
        DEFAULT_HUB,
        &with_all_settings(REFERENCE),
        "[consumers.audit]\nenabled = false", // a drop-in that changes one thing
        "[consumers.a]\nkind = 'exec'\nparams.argv = ['true']\nparams.time_limit = '1m'",
        "timeout = '500ms'\nzmq_tcp_keepalive = 1\nzmq_max_message_size = '1 MiB'",
        "[producers.a]\nkind = 'heartbeat'\nevery = '5s'\nparams.topic = 'pulse'",
    ] {
        assert_eq!(faults(&validator, toml), [""; 0], "{toml}");
    }
}

#[test]
fn what_no_hub_takes_is_marked_where_it_stands() {
    let validator = validator();
    for (toml, path) in [
        ("topic_prefx = 'org.example'", ""),
        ("io_threads = 65", "/io_threads"),
        ("crl_policy = 'accept'", "/crl_policy"),
        ("[endpoints]\na = 1", "/endpoints/a"),
        ("[consumers.a]\nkind = 'lgo'", "/consumers/a/kind"),
        ("[consumers.a]\nworkers = 0", "/consumers/a/workers"),
        (
            "[consumers.a]\nkind = 'log'\nparams.levle = 'info'",
            "/consumers/a/params",
        ),
        (
            "[consumers.a]\nkind = 'log'\nparams.level = 'loud'",
            "/consumers/a/params/level",
        ),
        (
            "[consumers.a]\nkind = 'exec'\nparams.argv = 'true'",
            "/consumers/a/params/argv",
        ),
        (
            "[producers.a]\nkind = 'heartbeat'\nevery = '5s'\ncron = '@daily'",
            "/producers/a",
        ),
        ("[producers.a]\nmissed = 'never'", "/producers/a/missed"),
    ] {
        let faults = faults(&validator, toml);
        let is_there = |fault: &String| fault.starts_with(&format!("{path}: "));
        assert!(faults.iter().any(is_there), "{toml}: {faults:#?}");
    }
}
