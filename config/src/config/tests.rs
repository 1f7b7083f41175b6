//! Tests of the settings themselves: every key, its type, its range, and that they read as written.

use std::collections::BTreeSet;

use super::*;
use crate::{Config, KeyPath, Missed, Problem, Schedule, Source, WhenFull};

/// Reads a setting that is wrong, on the third line, and expects one error, at that line and key.
#[track_caller]
fn refuse(header: &str, setting: &str, key: KeyPath) -> Problem {
    let toml = format!("# a comment\n{header}\n{setting}\n");
    let errors = Config::from_toml(&toml).unwrap_err();
    assert_eq!(errors.len(), 1, "{setting}: {errors}");
    let error = errors.into_iter().next().unwrap();
    assert_eq!(
        (error.line(), &error.key),
        (Some(3), &key),
        "{setting}: {error}"
    );
    error.problem
}

/// A value of a wrong type for each key.
const WRONG_TYPES: [(&str, &str); 44] = [
    ("topic_prefix", "1"),
    ("environment", "true"),
    ("name", "1"),
    ("active", "1"),
    ("relay_inbound", "1"),
    ("timeout", "true"),
    ("post_init_sleep", "[]"),
    ("io_threads", "'1'"),
    ("high_water_mark", "1.0"),
    ("receive_high_water_mark", "'1'"),
    ("zmq_linger", "true"),
    ("zmq_tcp_keepalive", "'yes'"),
    ("zmq_tcp_keepalive_cnt", "'3'"),
    ("zmq_tcp_keepalive_idle", "true"),
    ("zmq_tcp_keepalive_intvl", "{}"),
    ("zmq_reconnect_ivl", "[]"),
    ("zmq_reconnect_ivl_max", "1979-05-27"),
    ("zmq_max_message_size", "1.5"),
    ("bind_host", "1"),
    ("sign_messages", "'yes'"),
    ("ssldir", "1"),
    ("cert_prefix", "[]"),
    ("strong_signature", "true"),
    ("validate_signatures", "1"),
    ("crypto_validate_backends", "'x509'"),
    ("gpg_home", "1"),
    ("ca_cert_location", "[]"),
    ("ca_cert_cache", "1"),
    ("ca_cert_cache_expiry", "true"),
    ("crl_location", "false"),
    ("crl_cache", "{}"),
    ("crl_cache_expiry", "[]"),
    ("crl_policy", "1"),
    ("require_strong_signature", "0"),
    ("routing_nitpicky", "'true'"),
    ("certnames", "'bodhi'"),
    ("routing_policy", "[]"),
    ("datagrepper_url", "1"),
    ("stop_timeout", "10"),
    ("moksha.monitoring.socket", "1"),
    ("moksha.monitoring.socket.mode", "770"),
    ("endpoints", "'tcp://a:1'"),
    ("consumers", "[]"),
    ("producers", "1"),
];

#[test]
fn a_wrong_type_is_refused_with_line_and_key() {
    for (key, value) in WRONG_TYPES {
        let problem = refuse("", &format!("'{key}' = {value}"), KeyPath::from(key));
        assert!(
            matches!(problem, Problem::WrongType { .. }),
            "{key}: {problem}"
        );
    }
    let tried: BTreeSet<&str> = WRONG_TYPES.iter().map(|(key, _)| *key).collect();
    let Problem::UnknownKey { known } = refuse("", "x_y_z = 1", KeyPath::from("x_y_z")) else {
        panic!("an unknown key was not one");
    };
    assert_eq!(tried, known.iter().map(String::as_str).collect());
}

#[test]
fn a_value_out_of_range_is_refused_with_line_and_key() {
    for (key, values) in [
        (
            "topic_prefix",
            &["''", "'.a'", "'a..b'", "'a b'", "'a.#'", "\"a\\u0000\""][..],
        ),
        ("environment", &["''", "'*'"]),
        ("timeout", &["-1", "-0.5", "'-1s'", "'1 parsec'", "'4000d'"]),
        ("post_init_sleep", &["-1", "nan"]),
        ("io_threads", &["0", "65", "-1"]),
        ("high_water_mark", &["-1", "2147483648"]),
        ("receive_high_water_mark", &["-1", "2147483648"]),
        ("zmq_linger", &["-1", "2147483648", "'5w'"]),
        ("zmq_tcp_keepalive", &["2", "-1"]),
        ("zmq_tcp_keepalive_cnt", &["0", "128"]),
        ("zmq_tcp_keepalive_idle", &["0", "32768", "0.5", "'500ms'"]),
        ("zmq_tcp_keepalive_intvl", &["0", "32768"]),
        ("zmq_reconnect_ivl", &["0", "2147483648"]),
        ("zmq_reconnect_ivl_max", &["-1", "2147483648"]),
        (
            "zmq_max_message_size",
            &["0", "1023", "'2 GiB'", "'8 MB/s'"],
        ),
        ("bind_host", &["''", "'a b'", "'tcp://a:1'", "'a:1'"]),
        ("strong_signature", &["'sha1'", "''"]),
        ("ca_cert_location", &["''", "'http://a/ca.crt'"]),
        ("ca_cert_cache_expiry", &["-1", "'4000d'"]),
        ("crl_location", &["'ftp://a/crl.pem'", "'https://'"]),
        ("crl_cache_expiry", &["-1"]),
        ("crl_policy", &["'accept'"]),
        ("stop_timeout", &["'-1s'", "'10'"]),
        (
            "moksha.monitoring.socket",
            &["'inproc://a'", "'ipc:///run/{pid}'", "'/run/a'"],
        ),
        ("moksha.monitoring.socket.mode", &["'1777'", "'rwx'"]),
        ("relay_inbound", &["'udp://a:1'", "''"]),
    ] {
        for value in values {
            let problem = refuse("", &format!("'{key}' = {value}"), KeyPath::from(key));
            assert!(
                matches!(problem, Problem::Invalid(_) | Problem::UnknownName { .. }),
                "{key} = {value}: {problem:?}"
            );
        }
    }
}

#[test]
fn a_policy_for_a_pattern_is_refused_because_it_would_protect_nothing() {
    let policy = KeyPath::from("routing_policy");
    for topic in ["org.*", "org.#", "*"] {
        let toml = format!("[routing_policy]\n'{topic}' = ['bodhi']");
        let errors = Config::from_toml(&toml).unwrap_err();
        let error = errors.into_iter().next().unwrap();
        assert_eq!(error.key, policy, "{error}");
        assert!(error.to_string().contains(topic), "{error}");
    }
}

#[test]
fn whoever_may_send_is_a_list_and_a_way_to_sign_is_known() {
    // In the original a text in place of a list lets everybody send whose name it contains.
    let policy = KeyPath::from(["routing_policy", "org.a"]);
    let problem = refuse("[routing_policy]", "'org.a' = 'bodhi'", policy);
    assert!(matches!(problem, Problem::WrongType { .. }), "{problem}");
    let toml = "crypto_validate_backends = ['x509', 'pgp']";
    let error = Config::from_toml(toml).unwrap_err().to_string();
    assert!(error.contains("crypto_validate_backends"), "{error}");
    assert!(error.contains("gpg"), "{error}");
}

#[test]
fn a_setting_of_a_consumer_is_refused_with_line_and_key() {
    let consumer = KeyPath::from(["consumers", "a"]);
    for (setting, below) in [
        ("enabled = 1", &["enabled"][..]),
        ("topics = 1", &["topics"]),
        ("topics = 'a.b*'", &["topics"]),
        ("source = 'relay'", &["source"]),
        ("source = 1", &["source"]),
        ("workers = 0", &["workers"]),
        ("workers = 65", &["workers"]),
        ("stuck_after = 300", &["stuck_after"]),
        ("mailbox = 1", &["mailbox"]),
        ("mailbox.messages = 0", &["mailbox", "messages"]),
        ("mailbox.bytes = '1'", &["mailbox", "bytes"]),
        ("mailbox.when_full = 'drop'", &["mailbox", "when_full"]),
        ("mailbox.size = 1", &["mailbox", "size"]),
        ("retry.attempts = 0", &["retry", "attempts"]),
        ("retry.first_delay = 100", &["retry", "first_delay"]),
        ("retry.max_delay = '1 mo'", &["retry", "max_delay"]),
        ("restart.within = 60", &["restart", "within"]),
        ("restart.delay = '1s'", &["restart", "delay"]),
        ("params = 'x'", &["params"]),
        ("kindd = 'x'", &["kindd"]),
    ] {
        let key = below
            .iter()
            .fold(consumer.clone(), |path, &key| path.child(key));
        refuse(
            "consumers.a.kind = 'log'",
            &format!("consumers.a.{setting}"),
            key,
        );
    }
}

#[test]
fn a_setting_of_a_producer_is_refused_with_line_and_key() {
    for (setting, key) in [
        ("every = '0s'", "every"),
        ("every = 5", "every"),
        ("cron = '61 * * * *'", "cron"),
        ("cron = '0 0 30 2 *'", "cron"),
        ("cron = 5", "cron"),
        ("now = 1", "now"),
        ("missed = 'ignore'", "missed"),
        ("jitter = 5", "jitter"),
        ("jitter = '-1s'", "jitter"),
        ("time_limit = '11 years'", "time_limit"),
        ("on_error = 'ignore'", "on_error"),
        ("stuck_after = 300", "stuck_after"),
        ("topic = 'x'", "topic"),
    ] {
        let has_rate = !setting.starts_with("every") && !setting.starts_with("cron");
        let header = if has_rate {
            "kind = 'k', every = '1s'"
        } else {
            "kind = 'k'"
        };
        let header = format!("producers.b = {{ {header} }}");
        // An inline table is closed, so the setting joins it.
        let toml = header.replace(" }", &format!(",\n{setting} }}"));
        let errors = Config::from_toml(&format!("\n{toml}")).unwrap_err();
        assert_eq!(errors.len(), 1, "{setting}: {errors}");
        let error = errors.iter().next().unwrap();
        assert_eq!(error.key, KeyPath::from(["producers", "b", key]), "{error}");
        assert_eq!(error.line(), Some(3), "{error}");
    }
}

#[test]
fn a_schedule_that_is_missing_or_double_is_refused_where_the_producer_is() {
    for settings in ["", "every = '1s'\ncron = '@daily'", "timezone = 'UTC'"] {
        let toml = format!("\n[producers.b]\nkind = 'k'\n{settings}");
        let errors = Config::from_toml(&toml).unwrap_err();
        let error = errors.iter().next().unwrap();
        assert!(matches!(error.problem, Problem::Schedule(_)), "{error}");
        assert_eq!(
            (error.line(), &error.key),
            (Some(2), &KeyPath::from(["producers", "b"]))
        );
    }
    let errors =
        Config::from_toml("[producers.b]\nkind = 'k'\nevery = '1s'\ntimezone = 'UTC'").unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(
        (error.line(), error.key.last()),
        (Some(4), Some(&"timezone".into()))
    );
}

#[test]
fn an_item_of_a_list_is_refused_at_its_own_line() {
    for (toml, key) in [
        (
            "relay_inbound = [\n'tcp://a:1',\n'tcp://b' ]",
            KeyPath::from("relay_inbound").child(1),
        ),
        (
            "endpoints.'x.y' = [\n'tcp://a:1',\n'tcp:/b:1' ]",
            KeyPath::from(["endpoints", "x.y"]).child(1),
        ),
        (
            "consumers.a = { kind = 'k', topics = [\n'a',\n'b.*c' ] }",
            KeyPath::from(["consumers", "a", "topics"]).child(1),
        ),
    ] {
        let errors = Config::from_toml(toml).unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!(
            (error.line(), &error.key, errors.len()),
            (Some(3), &key, 1),
            "{error}"
        );
    }
}

#[test]
fn a_missing_kind_is_refused_and_the_rest_of_its_table_looked_at() {
    let errors = Config::from_toml("[consumers.a]\ntopcs = 'x'\nworkers = 0").unwrap_err();
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.line(), error.key.to_string()))
        .collect();
    assert_eq!(
        found,
        [
            (Some(1), "consumers.a.kind".to_owned()),
            (Some(2), "consumers.a.topcs".to_owned()),
            (Some(3), "consumers.a.workers".to_owned()),
        ]
    );
    assert!(matches!(
        errors.iter().next().unwrap().problem,
        Problem::MissingKey
    ));
}

#[test]
fn every_spelling_of_a_value_is_understood() {
    let config = Config::from_toml(
        "relay_inbound = 'ipc:///run/x'
        timeout = '1m 30s'
        post_init_sleep = 0
        zmq_linger = '1s'
        zmq_tcp_keepalive = 0
        zmq_tcp_keepalive_idle = '2m'
        zmq_max_message_size = 4096
        bind_host = '::1'
        high_water_mark = 0
        [endpoints]
        'a.b' = 'tcp://a:1'
        relay_outbound = []
        [consumers.a]
        kind = 'log'
        topics = 'org.x'
        source = 'relay_inbound'
        mailbox = { when_full = 'drop-newest', bytes = '1 GiB' }
        [producers.b]
        kind = 'k'
        cron = '*/5 * * * *'
        missed = 'catch-up'",
    )
    .unwrap();
    assert_eq!(config.relay_inbound, ["ipc:///run/x".parse().unwrap()]);
    assert_eq!(config.timeout, Duration::from_secs(90));
    assert_eq!(config.post_init_sleep, Duration::ZERO);
    assert_eq!(config.zmq_linger, Duration::from_secs(1));
    assert!(!config.zmq_tcp_keepalive);
    assert_eq!(config.zmq_tcp_keepalive_idle, Duration::from_secs(120));
    assert_eq!(config.zmq_max_message_size, ByteSize::kib(4));
    assert_eq!(config.bind_host.as_deref(), Some("::1"));
    assert_eq!(config.high_water_mark, 0);
    assert_eq!(config.endpoints.addresses().count(), 1);
    assert_eq!(config.endpoints.get("relay_outbound"), Some(&[][..]));
    let consumer = &config.consumers["a"];
    assert_eq!(consumer.source, Some(Source::RelayInbound));
    assert_eq!(consumer.mailbox.when_full, WhenFull::DropNewest);
    assert_eq!(consumer.mailbox.messages, 10_000);
    let producer = &config.producers["b"];
    assert_eq!(producer.missed, Missed::CatchUp);
    assert!(matches!(producer.schedule(), Ok(Schedule::Cron(_))));
}

#[test]
fn what_is_written_reads_back_the_same() {
    let mut config = Config::from_toml(crate::DEFAULT_HUB).unwrap();
    config.name = Some("bodhi.app01".to_owned());
    config.timeout = Duration::from_nanos(1_234_567_891);
    config.zmq_linger = Duration::from_micros(1_500);
    config
        .endpoints
        .insert("bodhi.app01", ["tcp://app01:3000".parse().unwrap()]);
    let written = toml::to_string(&config).unwrap();
    assert_eq!(Config::from_toml(&written).unwrap(), config);
}

#[test]
fn the_default_addresses_are_on_the_loopback_interface() {
    let config = Config::default();
    assert_eq!(config.relay_inbound[0].as_str(), "tcp://127.0.0.1:2001");
    assert_eq!(
        config.endpoints.get("relay_outbound").unwrap()[0].as_str(),
        "tcp://127.0.0.1:4001"
    );
}
