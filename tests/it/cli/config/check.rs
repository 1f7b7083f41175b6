//! `fedmsg-config check`: what it finds, and how it ends.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;

use serde_json::Value;

use super::config;
use crate::cli::check_failure;
use crate::peers::{Finished, free_tcp_port};
use crate::sandbox::Sandbox;

/// Checks the status, and that every line found begins so.
#[track_caller]
fn check(finished: &Finished, status: i32, expected: &[&str]) {
    assert_eq!(finished.status.code(), Some(status), "{finished:#?}");
    assert_eq!(finished.lines.len(), expected.len(), "{finished:#?}");
    for (line, expected) in finished.lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line:?}, not {expected:?}");
    }
}

const WRONG: &str = "\
topc_prefix = 'org'
[endpoints]
a = 'tcp://a'
[consumers.audit]
kind = 'lgo'
";

#[test]
fn every_problem_has_its_line_and_the_status_is_that_of_a_wrong_configuration() {
    let finished = config(WRONG, &["check"]);
    let expected = [
        "fedmsg.toml:1: error: topc_prefix: unknown key; did you mean \"topic_prefix\"?",
        "fedmsg.toml:3: error: endpoints.a: a tcp address needs a port",
        "fedmsg.toml:5: error: consumers.audit.kind: unknown value; did you mean \"log\"?",
    ];
    check(&finished, 78, &expected);
    assert_eq!(finished.errors, "fedmsg-config: 3 errors, 0 warnings\n");
    check(&config("timeout = 5", &["check"]), 0, &[]);
    // What a hub ends with at once may be all that those who publish need.
    let idle = config("[consumers.a]\nkind = 'log'\nenabled = false", &["check"]);
    check(&idle, 0, &[]);
    assert!(
        idle.errors.contains("a hub would have nothing to do"),
        "{idle:#?}"
    );
}

#[test]
fn of_two_of_one_kind_the_wrong_one_is_named() {
    let sandbox = Sandbox::new();
    let address = "active = true\n[consumers]\nb = { kind = 'log', params.level = 'info' }\n";
    sandbox.write("site/conf.d/10-fine.toml", address);
    sandbox.write(
        "site/conf.d/20-mixed.toml",
        "[consumers.a]
         kind = 'log'
         params.level = 'loud'
         [consumers.c]
         kind = 'log'
         params.payload = 80
         [producers.x]
         kind = 'heartbeat'
         every = '1s'
         params.topic = 'fine'
         [producers.y]
         kind = 'heartbeat'
         every = '1s'
         params = { topci = 'y' }",
    );
    let checked = sandbox.run(&["fedmsg-config", "check", "site"]);
    let expected = [
        "site/conf.d/20-mixed.toml:3: error: consumers.a.params.level: ",
        "site/conf.d/20-mixed.toml:14: error: producers.y.params.topci: unknown key; did you mean \"topic\"?",
    ];
    check(&checked, 78, &expected);
    // The hub says the same, of these two alone.
    let hub = sandbox.run(&["fedmsg-hub", "--config", "site", "--log", "error"]);
    assert_eq!(hub.status.code(), Some(78), "{hub:#?}");
    let lines = hub.errors.lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), expected.len(), "{hub:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        let expected = expected.replace(" error:", "");
        assert!(line.contains(&expected), "{line:?}, not {expected:?}");
    }
}

#[test]
fn each_path_is_a_configuration_by_itself() {
    let sandbox = Sandbox::new();
    sandbox.write("site/conf.d/10-a.toml", "tiemout = 1");
    sandbox.write("site/conf.d/20-b.toml", "environment = 'stg'");
    sandbox.write("b.toml", "a =");
    let words = ["fedmsg-config", "check", "site", "b.toml", "nope.toml"];
    let expected = [
        "site/conf.d/10-a.toml:1: error: tiemout: ",
        "b.toml:1: error: ",
        "  1 | a =",
        "    | ",
        "nope.toml: error: no such file or directory",
    ];
    check(&sandbox.run(&words), 78, &expected);
}

#[test]
fn json_is_one_object_a_line() {
    let finished = config(WRONG, &["check", "--format", "json"]);
    assert_eq!(finished.status.code(), Some(78));
    let lines = finished.lines.iter();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["severity"], "error");
    assert_eq!(lines[0]["file"], "fedmsg.toml");
    assert_eq!(lines[0]["line"], 1);
    assert_eq!(lines[0]["key"], "topc_prefix");
}

#[test]
fn keys_and_certificates_are_looked_at() {
    let sandbox = Sandbox::new();
    sandbox
        .run(&["fedmsg-ca", "init", "--dir", "pki"])
        .expect_success();
    let issue = ["fedmsg-ca", "issue", "app01", "--dir", "pki", "--days", "3"];
    sandbox.run(&issue).expect_success();
    sandbox
        .run(&["fedmsg-ca", "issue", "app02", "--dir", "pki"])
        .expect_success();
    let text = "\
name = 'shop.app01'
sign_messages = true
validate_signatures = true
ssldir = 'pki'
ca_cert_location = 'pki/ca.crt'
crl_location = 'pki/crl.pem'
[certnames]
'shop.app01' = 'app01'
[endpoints]
'shop.app01' = 'tcp://127.0.0.1:0'
";
    let run = |text: &str| {
        sandbox.write("fedmsg.toml", text);
        sandbox.run(&["fedmsg-config", "check"])
    };
    check(&run(text), 0, &[]);
    let key = std::fs::read_to_string(sandbox.path().join("pki/app02.key")).expect("a key");
    sandbox.write("pki/app01.key", &key);
    check(
        &run(text),
        78,
        &["fedmsg.toml:8: error: certnames.\"shop.app01\": cannot sign with"],
    );
    let absent = text.replace("'app01'", "'app03'");
    check(
        &run(&absent),
        78,
        &["fedmsg.toml:8: error: certnames.\"shop.app01\": cannot read pki/app03.crt"],
    );
    let nobody = text.replace("'shop.app01' = 'app01'", "'shop.app02' = 'app01'");
    check(
        &run(&nobody),
        78,
        &["fedmsg.toml:2: error: sign_messages: nothing to sign with"],
    );
    let no_ca = text
        .replace("sign_messages = true\n", "")
        .replace("pki/ca.crt", "pki/no.crt");
    check(
        &run(&no_ca),
        78,
        &["fedmsg.toml:4: error: ca_cert_location: "],
    );
    let no_crl = text
        .replace("sign_messages = true\n", "")
        .replace("pki/crl.pem", "pki/ca.key");
    check(&run(&no_crl), 78, &["fedmsg.toml:5: error: crl_location: "]);
}

#[test]
fn a_port_in_use_is_a_warning_and_a_name_without_an_address_an_error_if_it_is_looked_up() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("a bound socket").port();
    let text =
        format!("name = 'a.b'\nrelay_inbound = []\n[endpoints]\n'a.b' = 'tcp://127.0.0.1:{port}'");
    let finished = config(&text, &["check"]);
    check(
        &finished,
        0,
        &["fedmsg.toml:4: warning: endpoints.\"a.b\": tcp://127.0.0.1:"],
    );
    assert!(finished.lines[0].contains("in use now"), "{finished:#?}");

    let text = "[endpoints]\na = 'tcp://no-such-host.invalid:1'";
    check(&config(text, &["check"]), 0, &[]);
    let finished = config(text, &["check", "--resolve"]);
    check(
        &finished,
        78,
        &["fedmsg.toml:2: error: endpoints.a: host no-such-host.invalid"],
    );
}

#[test]
fn the_flags_of_a_query_do_not_go_with_a_check() {
    check_failure(&config("", &["--query", "x", "check"]), 2, &[]);
    check_failure(
        &config("", &["--origin", "show", "timeout"]),
        2,
        &["write `fedmsg-config show --origin KEY`"],
    );
    check_failure(&config("", &["check", "--format", "toml"]), 2, &[]);
}

#[test]
fn a_kind_that_is_not_built_in_may_be_that_of_a_hub_which_checks_for_itself() {
    let toml = "[consumers.x]\nkind = 'quite-another'";
    let line = "fedmsg.toml:2: error: consumers.x.kind: unknown value";
    let finished = config(toml, &["check"]);
    check(&finished, 78, &[line]);
    let hint = "; a hub of your own knows more kinds: ask its --check";
    assert!(finished.lines[0].ends_with(hint), "{finished:#?}");

    let sandbox = Sandbox::new();
    let run = |toml: &str| {
        sandbox.write("fedmsg.toml", toml);
        let mut finished = sandbox.run(&["fedmsg-hub", "--check"]);
        finished.lines.retain(|line| !line.contains("in use now"));
        finished
    };
    let finished = run(toml);
    check(&finished, 78, &[line]);
    assert!(!finished.lines[0].contains("your own"), "{finished:#?}");
    assert_eq!(finished.errors, "fedmsg-hub: 1 error, 0 warnings\n");
    check(&run("[consumers.x]\nkind = 'log'"), 0, &[]);
    let argv = "[consumers.x]\nkind = 'exec'\nparams.argv = ['/no/such']";
    check(
        &run(argv),
        78,
        &["fedmsg.toml:3: error: consumers.x.params.argv: "],
    );
    check(
        &run("name = 'x'\n[endpoints]\nx = 'tcp://127.0.0.1:0'"),
        78,
        &["fedmsg.toml: error: nothing to do: "],
    );
}

/// Checks `toml`; which of the usual ports are in use just now is left out.
fn found(toml: &str) -> Finished {
    let mut finished = config(toml, &["check"]);
    finished.lines.retain(|line| !line.contains("in use now"));
    finished
}

#[test]
fn what_would_keep_a_hub_from_starting_is_an_error() {
    let default = found("[consumers]\na.kind = 'relay'\nb.kind = 'relay'");
    let few = "kind: endpoints.relay_outbound: too few addresses, 1: the relays of this hub need 2";
    let expected = [2, 3].map(|line| {
        let name = if line == 2 { 'a' } else { 'b' };
        format!("fedmsg.toml:{line}: error: consumers.{name}.{few}")
    });
    check(&default, 78, &expected.each_ref().map(String::as_str));
    let one = |toml: &str, expected: &str| {
        check(&found(toml), 78, &[expected]);
        // The hub says so, too.
        let sandbox = Sandbox::new();
        sandbox.write("fedmsg.toml", toml);
        let hub = sandbox.run(&["fedmsg-hub"]);
        let said = expected.replace(": error: ", ": ");
        check_failure(&hub, 78, &[&said]);
    };
    one(
        "[consumers.x]\nkind = 'exec'\nparams.argv = ['/no/such']",
        "fedmsg.toml:3: error: consumers.x.params.argv: cannot run /no/such",
    );
    one(
        "[consumers.x]\nkind = 'exec'\nparams.argv = []",
        "fedmsg.toml:3: error: consumers.x.params.argv: `argv` is empty: name a program",
    );
    one(
        "[consumers.x]\nkind = 'process'\nparams.argv = ['/no/such']",
        "fedmsg.toml:3: error: consumers.x.params.argv: cannot run /no/such",
    );
    one(
        "[producers.x]\nkind = 'exec'\nevery = '1h'\nparams.argv = ['/no/such']\n\
         [endpoints]\n'fedmsg-hub.HOST' = 'tcp://127.0.0.1:0'"
            .replace("HOST", &fedmsg::host_name())
            .as_str(),
        "fedmsg.toml:4: error: producers.x.params.argv: cannot run /no/such",
    );
    let speaking = |params: &str| {
        let endpoint = format!("'fedmsg-hub.{}' = 'tcp://127.0.0.1:0'", fedmsg::host_name());
        format!("[producers.x]\nevery = '1h'\n{params}\n[endpoints]\n{endpoint}")
    };
    one(
        &speaking("kind = 'file'\nparams.path = 'log'\nparams.state_file = '/no/such/state'"),
        "fedmsg.toml:5: error: producers.x.params.state_file: \
         cannot write the state file /no/such/state: No such file",
    );
    one(
        &speaking("kind = 'http'\nparams.url = 'http://localhost/'\nparams.headers.'a b' = 'c'"),
        "fedmsg.toml:5: error: producers.x.params.headers.\"a b\": ",
    );
    one(
        "[consumers.x]\nkind = 'process'\nparams.argv = ['cat']\nparams.cwd = '/no/such'",
        "fedmsg.toml:4: error: consumers.x.params.cwd: cannot work in /no/such: No such file",
    );
    one(
        "[consumers.x]\nkind = 'webhook'\nparams.url = 'http://localhost/'\n\
         params.body = '{{ tpoic }}'",
        "fedmsg.toml:4: error: consumers.x.params.body: line 1, column 4: there is no tpoic",
    );
    one(
        "[consumers.x]\nkind = 'webhook'\nparams.url = 'http://localhost/'\n\
         params.secrets.Authorization = { file = '/no/such' }",
        "fedmsg.toml:4: error: consumers.x.params.secrets.Authorization: \
         `Authorization`: cannot read the secret in /no/such",
    );
    one(
        "[consumers.x]\nkind = 'file'\nparams.path = 'bus.log'\nparams.format = '{{ tpoic }}'",
        "fedmsg.toml:4: error: consumers.x.params.format: line 1, column 4: there is no tpoic",
    );
    one(
        "[consumers.x]\nkind = 'file'\nparams.path = '/no/such/bus.log'",
        "fedmsg.toml:3: error: consumers.x.params.path: cannot open /no/such/bus.log: No such file",
    );
    one(
        "[consumers.x]\nkind = 'signing-relay'",
        "fedmsg.toml:2: error: consumers.x.kind: certnames.signing_relay: not set",
    );
    one(
        "certnames.signing_relay = 'nobody'\n[consumers.x]\nkind = 'signing-relay'",
        "fedmsg.toml:1: error: certnames.signing_relay: cannot read ",
    );
    one(
        "endpoints.relay_outbound = []\n[consumers.x]\nkind = 'relay'",
        "fedmsg.toml:1: error: endpoints.relay_outbound: there is no address",
    );
    let two = format!(
        "endpoints.relay_outbound = 'tcp://127.0.0.1:{}'\n\
         relay_inbound = 'tcp://127.0.0.1:0'\n[consumers.x]\nkind = 'relay'\nworkers = 2",
        free_tcp_port()
    );
    one(
        &two,
        "fedmsg.toml:1: error: endpoints.relay_outbound: too few addresses, 1: the relays of this hub need 2",
    );
    let any_port = "endpoints.relay_outbound = 'tcp://127.0.0.1:0'\nrelay_inbound = 'tcp://127.0.0.1:0'\n\
                    [consumers.x]\nkind = 'relay'\nworkers = 2";
    check(&found(any_port), 0, &[]);
    // For a hub it is an address like any other, which may be there in a minute.
    check(
        &found(
            "'moksha.monitoring.socket' = 'ipc://no/such/{process}.socket'\n[consumers.x]\nkind = 'log'",
        ),
        78,
        &["fedmsg.toml:1: error: \"moksha.monitoring.socket\": there is no directory no/such"],
    );
}

#[test]
fn a_setting_that_a_plugin_refuses_as_it_starts_is_one_of_the_configuration() {
    let refused = |status: i32, toml: &str, expected: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("log", "one\n");
        sandbox.write("state", "no state");
        sandbox.write("fedmsg.toml", toml);
        check_failure(&sandbox.run(&["fedmsg-hub"]), status, &[expected]);
    };
    refused(
        78,
        "[consumers.x]\nkind = 'webhook'\nparams.url = 'http://localhost/'\n\
         params.signing_key = { env = 'NO_SUCH_VARIABLE' }",
        "fedmsg.toml:4: consumers.x.params.signing_key: ",
    );
    let following = |state: &str| {
        let endpoint = format!("'fedmsg-hub.{}' = 'tcp://127.0.0.1:0'", fedmsg::host_name());
        format!(
            "[producers.x]\nkind = 'file'\nevery = '1h'\nparams.path = 'log'\n{state}\n[endpoints]\n{endpoint}"
        )
    };
    refused(
        78,
        &following(""),
        "fedmsg.toml:4: producers.x.params.state_file: ",
    );
    refused(
        78,
        &following("params.state_file = 'state'"),
        "fedmsg.toml:5: producers.x.params.state_file: state is no state file",
    );
    // A program that does not do what it should is none.
    refused(
        69,
        "[consumers.x]\nkind = 'process'\nparams.argv = ['true']",
        "consumers.x does not start: ",
    );
}

#[test]
fn a_monitoring_socket_that_cannot_be_made_is_found_for_each_program() {
    let socket = |path: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("run/monitoring-fedmsg-relay.socket", "");
        let toml = format!("'moksha.monitoring.socket' = 'ipc://{path}'");
        sandbox.write("fedmsg.toml", &toml);
        sandbox.run(&["fedmsg-config", "check"])
    };
    let key = "\"moksha.monitoring.socket\"";
    check(&socket("run/monitoring-{process}.sock"), 0, &[]);
    check(
        &socket("run/monitoring-{process}.socket"),
        78,
        &[&format!(
            "fedmsg.toml:1: error: {key}: run/monitoring-fedmsg-relay.socket is a file that is no socket"
        )],
    );
    check(
        &socket("run"),
        78,
        &[&format!("fedmsg.toml:1: error: {key}: run is a file that")],
    );
    // systemd makes it.
    check(
        &socket("/var/run/no-such-fedmsg/{process}.socket"),
        0,
        &[&format!(
            "fedmsg.toml:1: warning: {key}: there is no directory /var/run/no-such-fedmsg for it now"
        )],
    );
    // Not all programs need be on this machine.
    check(&socket("/no/such/{process}/socket"), 0, &[]);
}

#[test]
fn a_monitoring_socket_that_somebody_has_is_in_use() {
    let sandbox = Sandbox::new();
    let _listener = UnixListener::bind(sandbox.path().join("fedmsg-hub")).expect("a socket");
    sandbox.write(
        "fedmsg.toml",
        "'moksha.monitoring.socket' = 'ipc://{process}'",
    );
    check(
        &sandbox.run(&["fedmsg-config", "check"]),
        0,
        &["fedmsg.toml:1: warning: \"moksha.monitoring.socket\": fedmsg-hub is in use now"],
    );
}
