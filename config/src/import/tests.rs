//! What becomes of files of the original.

use proptest::prelude::*;

use super::*;

fn imported(texts: &[&str]) -> Imported {
    let file = |(number, text): (usize, &&str)| PythonFile {
        path: format!("{number}.py").into(),
        text: (*text).to_owned(),
    };
    let files: Vec<_> = texts.iter().enumerate().map(file).collect();
    import(&files, &Machine::default(), &["relay", "dummy"])
}

/// Checks the settings, and how each of the lines begins that say what was left out.
#[track_caller]
fn check(texts: &[&str], expected: &str, left_out: &[&str]) {
    let imported = imported(texts);
    assert_eq!(
        imported.table,
        expected.parse::<Table>().unwrap(),
        "{:#?}",
        imported.notes
    );
    let notes = imported
        .notes
        .iter()
        .filter(|note| note.weight == Weight::LeftOut);
    let notes: Vec<_> = notes.map(ToString::to_string).collect();
    assert_eq!(notes.len(), left_out.len(), "{notes:#?}");
    for (note, expected) in notes.iter().zip(left_out) {
        assert!(note.starts_with(expected), "{note:?}, not {expected:?}");
    }
    // What is written is what is meant, and loads.
    let text = imported.to_toml();
    assert_eq!(text.parse::<Table>().unwrap(), imported.table);
    Config::from_toml(&text).unwrap();
    assert_eq!(imported.is_complete(), left_out.is_empty());
}

#[test]
fn keys_of_the_same_meaning_keep_their_names() {
    check(
        &[
            "config = dict(topic_prefix='org.x', environment='prod', high_water_mark=0, \
           post_init_sleep=0.5, zmq_linger=1000, zmq_tcp_keepalive=1, active=False, \
           relay_inbound=['tcp://a:1', 'tcp://b:1'], sign_messages=True, ssldir='/etc/pki', \
           certnames={'a.b': 'c'}, routing_policy={'org.x.y': ('d',)}, crypto_validate_backends=['x509'], \
           ca_cert_location='https://a.org/ca.crt', crl_location=None)",
        ],
        "topic_prefix = 'org.x'\nenvironment = 'prod'\nhigh_water_mark = 0\npost_init_sleep = 0.5\n\
         zmq_linger = 1000\nzmq_tcp_keepalive = 1\nactive = false\n\
         relay_inbound = ['tcp://a:1', 'tcp://b:1']\nsign_messages = true\nssldir = '/etc/pki'\n\
         crypto_validate_backends = ['x509']\nca_cert_location = 'https://a.org/ca.crt'\n\
         certnames = { 'a.b' = 'c' }\nrouting_policy = { 'org.x.y' = ['d'] }",
        &[],
    );
}

#[test]
fn files_are_merged_key_by_key_and_lists_replaced() {
    check(
        &[
            "config = dict(topic_prefix='a', endpoints={'x.h': ['tcp://a:1'], 'y.h': ['tcp://b:1']})",
            "config = dict(topic_prefix='b', endpoints={'y.h': ['tcp://c:1'], 'z.h': 'tcp://d:1'})",
        ],
        "topic_prefix = 'b'\n[endpoints]\n'x.h' = ['tcp://a:1']\n'y.h' = ['tcp://c:1']\n'z.h' = 'tcp://d:1'",
        &[],
    );
}

#[test]
fn switches_become_consumers_of_kinds_that_there_are() {
    check(
        &[
            "config = {\n'fedmsg.consumers.relay.enabled': True,\n'fedmsg.consumers.dummy.enabled': False,\n\
           'fedmsg.consumers.gateway.enabled': True,\n'mine.enabled': True,\n'yours.enabled': False}",
        ],
        "[consumers.relay]\nkind = 'relay'",
        &[
            "0.py:4: fedmsg.consumers.gateway.enabled: ",
            "0.py:5: mine.enabled: ",
        ],
    );
}

#[test]
fn settings_of_the_gateway_become_its_params() {
    let text = "config = {\n'fedmsg.consumers.gateway.port': 9940,\n\
                'fedmsg.consumers.gateway.high_water_mark': 10000,\n";
    let import = |text: &str| {
        let files = [PythonFile {
            path: "a.py".into(),
            text: text.to_owned(),
        }];
        import(&files, &Machine::default(), &["gateway"])
    };
    let imported = import(&format!("{text}'fedmsg.consumers.gateway.enabled': True}}"));
    let gateway = &imported.table["consumers"]["gateway"];
    assert_eq!(gateway["kind"].as_str(), Some("gateway"));
    assert_eq!(gateway["params"]["address"].as_str(), Some("tcp://*:9940"));
    assert_eq!(
        gateway["params"]["high_water_mark"].as_integer(),
        Some(10_000)
    );
    assert!(imported.is_complete());
    // Without a switch, which the program that is a gateway does not need.
    let imported = import(&format!("{text}}}"));
    let expected = "[consumers.gateway]\nkind = 'gateway'\nenabled = false\n\
                    params = { address = 'tcp://*:9940', high_water_mark = 10000 }";
    assert_eq!(imported.table, expected.parse::<Table>().unwrap());
    assert!(imported.is_complete());
    let notes = imported.notes.iter().map(ToString::to_string);
    let notes: Vec<_> = notes
        .filter(|it| it.contains("for fedmsg-gateway: "))
        .collect();
    assert_eq!(notes.len(), 1, "one for both: {notes:?}");
}

#[test]
fn what_has_no_counterpart_is_named_with_its_line() {
    check(
        &[
            "config = {\n'logging': {'version': 1},\n'zmq_enabled': True,\n'zmq_strict': True,\n\
           'status_directory': '/x',\n'crypto_backend': 'gpg',\n'datagrepper_url': None,\n'irc': []}",
        ],
        "",
        &[
            "0.py:4: zmq_strict: ",
            "0.py:5: status_directory: ",
            "0.py:6: crypto_backend: ",
        ],
    );
    let notes = imported(&["config = {'logging': {}}"]).notes;
    assert!(
        notes
            .iter()
            .any(|note| note.to_string().starts_with("0.py:1: logging: "))
    );
}

#[test]
fn what_is_not_known_or_not_allowed_is_left_out_alone() {
    check(
        &[
            "import random\nconfig = dict(\n environment='no blanks',\n io_threads=random.randint(1, 2),\n\
           timeout=-1,\n endpoints={\n  'a': ['tcp://a:1', 'nonsense', 'tcp://b:%i' % random.random(), 'tcp://c:1'],\n\
           'b': 5},\n active=True)",
        ],
        "active = true\n[endpoints]\na = ['tcp://a:1', 'tcp://c:1']",
        &[
            "0.py:3: environment: not allowed here: expected words",
            "0.py:4: io_threads: not known without running it: a random value",
            "0.py:5: timeout: not allowed here: ",
            "0.py:7: endpoints.a: not known",
            "0.py:7: endpoints.a: not allowed here: ",
            "0.py:8: endpoints.b: not allowed here: ",
        ],
    );
}

#[test]
fn the_interval_of_collectd_is_a_param_of_its_consumer() {
    let import = |text: &str| {
        let files = [PythonFile {
            path: "a.py".into(),
            text: text.to_owned(),
        }];
        import(&files, &Machine::default(), &["collectd"])
    };
    let interval = "'topic_prefix': 'a', 'collectd_interval': 10";
    // The switch comes later, by the order of names.
    let switched = import(&format!(
        "config = {{{interval}, 'fedmsg.commands.collectd.enabled': True}}"
    ));
    let collectd = &switched.table["consumers"]["collectd"];
    assert_eq!(collectd["kind"].as_str(), Some("collectd"));
    assert_eq!(collectd["params"]["interval"].as_integer(), Some(10));
    assert!(switched.notes.is_empty(), "{:?}", switched.notes);
    // The program of its own switches it on by itself.
    let alone = import(&format!("config = {{{interval}}}"));
    assert!(alone.is_complete());
    let collectd = &alone.table["consumers"]["collectd"];
    assert_eq!(collectd["enabled"].as_bool(), Some(false));
    assert_eq!(collectd["params"]["interval"].as_integer(), Some(10));
    let note = alone.notes[0].to_string();
    assert!(
        note.contains("for fedmsg-collectd: hubs leave it out"),
        "{note}"
    );
}

#[test]
fn the_name_of_the_program_is_kept_where_it_has_a_placeholder() {
    let name = "sys.argv[0].split('/')[-1]";
    let text = format!(
        "import sys\nconfig = {{'topic_prefix': 'a',\n\
         'moksha.monitoring.socket': 'ipc:///var/run/fedmsg/monitoring-%s.socket' % {name},\n"
    );
    let socket = "'moksha.monitoring.socket' = 'ipc:///var/run/fedmsg/monitoring-{process}.socket'";
    let expected = format!("topic_prefix = 'a'\n{socket}");
    check(&[&format!("{text}}}")], &expected, &[]);
    let notes = imported(&[&format!("{text}}}")]).notes;
    assert_eq!(
        notes[0].to_string(),
        "0.py:3: moksha.monitoring.socket: {process} stands for the name of the program"
    );
    let elsewhere = format!(
        "{text}'name': '%s.a' % {name},\n'endpoints': {{'%s.b' % {name}: 'tcp://a:1',\n'relay_outbound': []}}}}"
    );
    check(
        &[&elsewhere],
        &format!("{expected}\n[endpoints]\nrelay_outbound = []"),
        &[
            "0.py:4: name: not known without running it: the name of the program",
            "0.py:5: endpoints.{process}.b: not known without running it: the name of the program",
        ],
    );
}

#[test]
fn nothing_in_a_file_breaks_out_of_a_comment() {
    let text = imported(&["config = {'x\\nactive = true\\n': 5, 'y\\r': 1}"]).to_toml();
    assert_eq!(text.parse::<Table>().unwrap(), Table::new());
}

#[test]
fn another_default_than_the_originals_is_mentioned() {
    let notes = |text: &str| {
        let notes = imported(&[text]).notes;
        notes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = notes("config = {'endpoints': {}}");
    assert!(
        all[0].starts_with("topic_prefix: not set")
            && all[1].starts_with("endpoints.relay_outbound")
    );
    assert_eq!(notes("config = {'topic_prefix': 'a'}"), [""; 0]);
}

proptest! {
    #[test]
    fn whatever_is_imported_loads(words in prop::collection::vec(prop::sample::select(&[
        "'topic_prefix'", "'endpoints'", "'consumers'", "'relay_inbound'", "'certnames'", "'active'",
        "'fedmsg.consumers.relay.enabled'", "'a'", "{", "}", "[", "]", "1", "-1", "1.5", "True", "None",
        "'tcp://a:1'", "x", "{}", "[]",
    ][..]), 0..12)) {
        let mut text = String::from("config = {");
        for (number, word) in words.iter().enumerate() {
            text.push_str(word);
            text.push(if number % 2 == 0 { ':' } else { ',' });
        }
        let imported = imported(&[&text]);
        prop_assert!(Config::from_toml(&imported.to_toml()).is_ok(), "{}", imported.to_toml());
    }
}
