//! What is found in a configuration, and where.

use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};

use super::*;
use crate::hub::built_in_kinds;

/// Returns what is found in `toml`, without a look at this machine.
fn found(toml: &str, registry: &Registry) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.toml"), toml).unwrap();
    let sources = Sources {
        config: Some("a.toml".into()),
        cwd: directory.path().to_owned(),
        ..Sources::default()
    };
    let findings = findings(&sources, registry, Scope::Text);
    findings.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(toml: &str, expected: &[&str]) {
    let found = found(toml, &built_in_kinds());
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found:?}, not {expected:?}");
    }
}

#[test]
fn nothing_is_wrong_with_what_is_right() {
    check("", &[]);
    check("[consumers.audit]\nkind = 'log'\ntopics = '#'", &[]);
}

#[test]
fn everything_is_found_at_once() {
    check(
        "\
tiemout = 1
topic_prefix = 'org.example'
[consumers.a]
kind = 'lgo'
[consumers.b]
kind = 'log'
enabled = false
params = { levle = 'info' }
[consumers.c]
kind = 'log'
topics = ['org.example.#', 'com.example.#']
retry = 5
[consumers.d]
kind = 'log'
topics = 'org.t*'
[producers.e]
kind = 'heartbeat'
cron = '0 0 30 2 *'
",
        &[
            "a.toml:1: error: tiemout: unknown key; did you mean \"timeout\"?",
            "a.toml:4: error: consumers.a.kind: unknown value; did you mean \"log\"?",
            "a.toml:8: warning: consumers.b.params.levle: unknown key; did you mean \"level\"?",
            "a.toml:11: warning: consumers.c.topics[1]: \"com.example.#\" matches nothing",
            "a.toml:12: error: consumers.c.retry: ",
            "a.toml:15: error: consumers.d.topics: ",
            "a.toml:16: warning: producers.e: [endpoints] has no address on this host",
            "a.toml:18: error: producers.e.cron: cron pattern \"0 0 30 2 *\" is never due",
        ],
    );
}

#[test]
fn addresses_that_two_would_bind_are_found() {
    check(
        "\
name = 'a.host'
[endpoints]
'a.host' = 'tcp://127.0.0.1:4000'
'b.host' = 'tcp://127.0.0.1:4000'
relay_outbound = 'tcp://127.0.0.1:4000'
[consumers.relay]
kind = 'relay'
",
        &[
            "a.toml:4: warning: endpoints.\"b.host\": tcp://127.0.0.1:4000 is that of endpoints.\"a.host\"",
            "a.toml:5: error: endpoints.relay_outbound: tcp://127.0.0.1:4000 is that of endpoints.\"a.host\"",
        ],
    );
    check(
        "\
relay_inbound = ['tcp://127.0.0.1:4001', 'tcp://*:4002']
[endpoints]
relay_outbound = ['tcp://127.0.0.1:4002', 'tcp://127.0.0.1:4003']
[consumers.relay]
kind = 'relay'
",
        &[
            "a.toml:1: warning: relay_inbound[1]: tcp://*:4002 is that of endpoints.relay_outbound[0]",
        ],
    );
}

#[test]
fn a_gateway_has_an_address_too() {
    let check = |params: &str, expected: &[&str]| {
        let relay =
            "endpoints.relay_outbound = 'tcp://127.0.0.1:9940'\nconsumers.relay.kind = 'relay'";
        check(
            &format!("{relay}\nconsumers.out = {{ kind = 'gateway'{params} }}"),
            expected,
        );
    };
    check(
        "",
        &[
            "a.toml:3: error: consumers.out.params.address: tcp://127.0.0.1:9940 is that of endpoints",
        ],
    );
    check(
        ", params = { address = 'tcp://*:9940' }",
        &["a.toml:3: error: consumers.out.params.address: "],
    );
    check(", params = { address = 'tcp://127.0.0.1:9941' }", &[]);
}

#[test]
fn publishers_without_an_address_are_found() {
    let beat = "producers.beat = { kind = 'heartbeat', every = '1s' }\n";
    let check = |toml: &str, expected: &[&str]| check(&format!("{beat}{toml}"), expected);
    check(
        "",
        &["a.toml:1: warning: producers.beat: [endpoints] has no address on this host"],
    );
    check(
        "name = 'a'",
        &["a.toml:2: error: name: [endpoints] has no address for \"a\""],
    );
    check("name = 'a'\nendpoints.a = 'tcp://127.0.0.1:0'", &[]);
    check("active = true", &[]);
    check(
        "active = true\nrelay_inbound = []",
        &["a.toml:2: error: active: there is no relay"],
    );
    self::check("name = 'a'", &["a.toml:1: warning: name: "]);
}

#[test]
fn nothing_is_said_of_what_stands_in_for_a_missing_kind() {
    check(
        "active = true\n[consumers.x]\nworkers = 2\n[producers.y]\nevery = '1s'",
        &[
            "a.toml:2: error: consumers.x.kind: missing key",
            "a.toml:4: error: producers.y.kind: missing key",
        ],
    );
}

#[test]
fn what_cannot_be_read_is_all_that_is_found() {
    check("a = ", &["a.toml:1: error: "]);
}

struct Own;

impl Consumer for Own {
    const KIND: &'static str = "own";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[test]
fn a_program_is_checked_with_its_own_kinds() {
    let mut registry = built_in_kinds();
    let toml = "consumers.x = { kind = 'own' }";
    assert_eq!(found(toml, &registry).len(), 1);
    registry.consumer::<Own>();
    assert_eq!(found(toml, &registry), [""; 0]);
}

#[test]
fn a_schedule_that_cannot_be_read_is_not_missing_too() {
    let producer = "active = true\n[producers.p]\nkind = 'heartbeat'\n";
    check(
        &format!("{producer}every = '5 parsecs'"),
        &["a.toml:4: error: producers.p.every: "],
    );
    check(
        &format!("{producer}cron = '61 * * * *'\ntimezone = 'Mars/Utopia'"),
        &[
            "a.toml:4: error: producers.p.cron: malformed cron pattern",
            "a.toml:5: error: producers.p.timezone: unknown time zone",
        ],
    );
}

#[test]
fn an_empty_list_of_topics_is_neither_nothing_nor_everything() {
    check(
        "[consumers.c]\nkind = 'log'\ntopics = []",
        &["a.toml:3: error: consumers.c.topics: an empty list: leave it out"],
    );
    // One that is empty without what is wrong in it has that mistake alone.
    check(
        "[consumers.c]\nkind = 'log'\ntopics = ['org.*x', 'org.*y']",
        &[
            "a.toml:3: error: consumers.c.topics[0]: ",
            "a.toml:3: error: consumers.c.topics[1]: ",
        ],
    );
}

#[test]
fn a_hub_of_your_own_knows_more_kinds_and_no_more_of_the_params_of_a_kind() {
    let config = "[consumers.l]\nkind = 'log'\nparams.level = 'loud'";
    let line = &found(config, &built_in_kinds())[0];
    assert!(line.starts_with("a.toml:3: error: consumers.l.params.level: "));
    assert!(!line.contains("a hub of your own"), "{line}");
    let kind = &found("[consumers.l]\nkind = 'quite-another'", &built_in_kinds())[0];
    assert!(kind.contains("a hub of your own"), "{kind}");
}

#[test]
fn publishers_without_a_name_or_with_the_address_of_another_are_found() {
    check(
        "\
[endpoints]
'' = 'tcp://app01:3000'
'a.app01' = ['tcp://app01:3001', 'tcp://app01:3002']
'b.app01' = ['tcp://app01:3003', 'tcp://APP01:3002']
'c.app02' = ['tcp://app02:3001', 'tcp://app02:3001']
'd.app02' = 'tcp://*:3001'
'e.app03' = 'tcp://*:3001'
'f.app04' = 'ipc:///run/fedmsg/f'
'g.app05' = 'ipc:///run/fedmsg/f'
'h.app06' = 'tcp://127.0.0.1:4001'
",
        &[
            "a.toml:2: warning: endpoints.\"\": a publisher without a name",
            "a.toml:4: warning: endpoints.\"b.app01\"[1]: tcp://APP01:3002 is that of endpoints.\"a.app01\"",
        ],
    );
}
