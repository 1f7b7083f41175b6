//! Tests that the two TOML files of this crate say what the code says.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::Table;

use crate::{Config, DEFAULT_HUB, Origin, Problem, REFERENCE, Sources};

/// Returns the reference with every setting in effect that is commented out. Comments have a space
/// after the `#`, settings have none.
fn uncommented() -> String {
    let setting = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line != "#";
    let uncomment = |line: &'static str| if setting(line) { &line[1..] } else { line };
    REFERENCE
        .lines()
        .map(uncomment)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the fields of a settings struct: what an unknown key is told to be one of.
fn fields<T: DeserializeOwned + std::fmt::Debug>(required: &str) -> Vec<String> {
    let table: Table = format!("{required}\n\"no such key\" = 1").parse().unwrap();
    let extraction = crate::extract::extract::<T>(&table);
    let known = extraction
        .problems
        .into_iter()
        .find_map(|(_, problem)| match problem {
            Problem::UnknownKey { known } => Some(known),
            _ => None,
        });
    let mut known = known.expect("the struct refuses unknown keys");
    known.sort();
    known
}

fn keys(table: &Table) -> Vec<String> {
    table.keys().cloned().collect()
}

#[test]
fn the_reference_holds_the_defaults() {
    assert_eq!(Config::from_toml(REFERENCE).unwrap(), Config::default());
    // Not one by way of the other: the values themselves, as written.
    let mut defaults = Table::try_from(Config::default()).unwrap();
    for empty in ["consumers", "producers"] {
        assert_eq!(
            defaults.remove(empty),
            Some(toml::Value::Table(Table::new()))
        );
    }
    assert_eq!(REFERENCE.parse::<Table>().unwrap(), defaults);
}

#[test]
fn the_reference_names_every_key() {
    let table: Table = uncommented().parse().unwrap();
    assert_eq!(keys(&table), fields::<Config>(""));
    let log = table["consumers"]["log"].as_table().unwrap();
    assert_eq!(keys(log), fields::<crate::ConsumerConfig>("kind = 'k'"));
    assert_eq!(
        keys(log["mailbox"].as_table().unwrap()),
        fields::<crate::MailboxConfig>("")
    );
    assert_eq!(
        keys(log["retry"].as_table().unwrap()),
        fields::<crate::RetryConfig>("")
    );
    assert_eq!(
        keys(log["restart"].as_table().unwrap()),
        fields::<crate::RestartConfig>("")
    );
    let mut producer = keys(table["producers"]["heartbeat"].as_table().unwrap());
    producer.extend(keys(table["producers"]["nightly"].as_table().unwrap()));
    producer.sort();
    producer.dedup();
    assert_eq!(producer, fields::<crate::ProducerConfig>("kind = 'k'"));
}

#[test]
fn the_commented_out_settings_of_the_reference_are_valid() {
    let config = Config::from_toml(&uncommented()).unwrap();
    // One of each kind, by the name of its kind; `tests/it/readme` sees to it that none is left out.
    let mut consumers = config.consumers.iter();
    assert!(consumers.all(|(name, consumer)| *name == consumer.kind));
    assert!(config.consumers.len() >= 5);
    assert_eq!(config.endpoints.len(), 2);
    assert_eq!(
        config.producers["heartbeat"]
            .schedule()
            .unwrap()
            .to_string(),
        "every 5s"
    );
    assert!(config.producers["nightly"].schedule().is_ok());
}

#[test]
fn the_commented_out_settings_of_the_reference_are_the_defaults() {
    let config = Config::from_toml(&uncommented()).unwrap();
    let defaults = crate::ConsumerConfig::new("log");
    let log = crate::ConsumerConfig {
        topics: None,
        source: None,
        validate_signatures: None,
        ..config.consumers["log"].clone()
    };
    assert_eq!(log, defaults);
    let heartbeat = &config.producers["heartbeat"];
    let defaults = crate::ProducerConfig::new("heartbeat");
    assert_eq!(
        crate::ProducerConfig {
            every: None,
            ..heartbeat.clone()
        },
        defaults
    );
}

/// Returns the comment before each key or table header of the reference, as words.
fn reference_comments() -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    let (mut table, mut words) = (String::new(), Vec::new());
    for line in REFERENCE.lines() {
        let setting = line
            .strip_prefix('#')
            .filter(|rest| !rest.starts_with(' '))
            .unwrap_or(line);
        if let Some(comment) = line.strip_prefix("# ") {
            words.extend(comment.split_whitespace());
            continue;
        }
        let path = if let Some(header) = setting.strip_prefix('[') {
            header.trim_end_matches(']').clone_into(&mut table);
            Some(table.clone())
        } else {
            let key = setting.split_once(" = ").map(|(key, _)| key);
            key.map(|key| {
                if table.is_empty() {
                    key.to_owned()
                } else {
                    format!("{table}.{key}")
                }
            })
        };
        if let Some(path) = path {
            comments.insert(path, words.join(" "));
        }
        words.clear();
    }
    comments
}

/// Returns the doc comment of each field of the struct `name` in a source text, as words.
fn doc_comments(source: &str, name: &str) -> Vec<(String, String)> {
    let (_, body) = source.split_once(&format!("pub struct {name} {{")).unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let (mut comments, mut words) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            words.extend(comment.split_whitespace());
        } else if let Some((field, _)) = line.strip_prefix("pub ").and_then(|it| it.split_once(':'))
        {
            comments.push((field.to_owned(), words.join(" ")));
            words.clear();
        }
    }
    assert!(!comments.is_empty(), "{name}");
    comments
}

#[test]
fn the_comments_of_the_reference_are_those_of_the_fields() {
    let reference = reference_comments();
    let consumer = include_str!("../consumer_config.rs");
    let producer = include_str!("../producer_config.rs");
    for (source, name, tables) in [
        (include_str!("../config.rs"), "Config", &[""][..]),
        (consumer, "ConsumerConfig", &["consumers.log."]),
        (
            include_str!("../mailbox_config.rs"),
            "MailboxConfig",
            &["consumers.log.mailbox."],
        ),
        (
            include_str!("../retry_config.rs"),
            "RetryConfig",
            &["consumers.log.retry."],
        ),
        (
            include_str!("../restart_config.rs"),
            "RestartConfig",
            &["consumers.log.restart."],
        ),
        (
            producer,
            "ProducerConfig",
            &["producers.heartbeat.", "producers.nightly."],
        ),
    ] {
        for (field, comment) in doc_comments(source, name) {
            let example = match field.as_str() {
                "consumers" => "consumers.log",
                "producers" => "producers.heartbeat",
                "monitoring_socket" => "\"moksha.monitoring.socket\"",
                "monitoring_socket_mode" => "\"moksha.monitoring.socket.mode\"",
                other => other,
            };
            let found = tables
                .iter()
                .find_map(|table| reference.get(&format!("{table}{example}")));
            assert_eq!(found, Some(&comment), "{name}.{field}");
        }
    }
}

#[test]
fn the_default_hub_relays_logs_and_beats_on_this_machine_alone() {
    let config = Config::from_toml(DEFAULT_HUB).unwrap();
    assert!(config.active);
    let kinds: Vec<_> = config
        .consumers
        .values()
        .map(|consumer| consumer.kind.as_str())
        .collect();
    assert_eq!(kinds, ["log", "relay"]);
    let everything = fedmsg_message::TopicPattern::everything();
    let topics = config.consumers["log"].topics.as_deref().unwrap();
    assert!(
        topics.iter().all(|topic| topic.is_everything()),
        "{topics:?} is not {everything}"
    );
    let heartbeat = &config.producers["heartbeat"];
    assert_eq!(
        (
            heartbeat.schedule().unwrap().to_string().as_str(),
            heartbeat.now
        ),
        ("every 5s", true)
    );
    let addresses = config.endpoints.addresses().map(|(_, endpoint)| endpoint);
    for endpoint in addresses.chain(&config.relay_inbound) {
        assert_eq!(endpoint.host(), Some("127.0.0.1"), "{endpoint}");
    }
}

#[test]
fn the_default_hub_is_used_where_there_is_no_file() {
    let root = tempfile::tempdir().unwrap();
    let sources = Sources {
        root: root.path().to_owned(),
        cwd: root.path().to_owned(),
        fallback: Some(DEFAULT_HUB),
        ..Sources::default()
    };
    let loaded = Config::load(&sources).unwrap();
    assert!(loaded.used_fallback);
    assert_eq!(loaded.config, Config::from_toml(DEFAULT_HUB).unwrap());
    let origin = loaded.origins.of(&crate::KeyPath::from("active"));
    assert!(
        matches!(
            origin,
            Origin::Text {
                position: Some(_),
                ..
            }
        ),
        "{origin}"
    );
}
