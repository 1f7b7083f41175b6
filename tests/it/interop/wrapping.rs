//! What a relay does to a body: nothing, or the same as the real relay.

use std::fs;
use std::path::Path;

use fedmsg::json::{Object, Value};
use serde_json::Value as Vectors;

use super::bodies;
use super::events::{body, spaced};
use crate::peers::{Peers, free_tcp_port};
use crate::sandbox::{Listener, Sandbox, Settings, Speaker};

/// Bodies and what becomes of them on frame 0 `t.x` (fedmsg wire specification §1.10).
const TABLE: [(&str, &str); 5] = [
    ("[1,2]", r#"{"topic": "t.x", "msg": [1, 2]}"#),
    ("not json", r#"{"topic": "t.x", "msg": "not json"}"#),
    (r#"{"msg":1}"#, r#"{"topic": "t.x", "msg": {"msg": 1}}"#),
    ("null", r#"{"topic": "t.x", "msg": null}"#),
    (r#"{"topic":"t.other"}"#, r#"{"topic":"t.other"}"#),
];

/// Bodies that are envelopes, and that nobody may change.
const ENVELOPES: [&str; 8] = [
    r#"{"topic":"t.x"}"#,
    " {\n \"msg\" : {} , \"topic\" : \"t.x\" }\t",
    r#"{"topic":"t.x","topic":null,"msg":1}"#,
    r#"{"topic":[],"msg":{"i":1.50,"z":1e3,"big":123456789012345678901234567890}}"#,
    r#"{"topic":"t.x","msg":"é \u00e9 \/ \ud83d 😀"}"#,
    r#"{"\u0074opic":"t.x"}"#,
    r#"{"topic":"t.x","msg":[NaN,-Infinity,1e999,-0,-0.0]}"#,
    r#"{"i":1,"msg":{"n":1},"msg_id":"2026-x","signature":"x","timestamp":1.5,"topic":"t.x"}"#,
];

/// Further bodies that are none.
const OTHERS: [&str; 14] = [
    "",
    " ",
    "\"text\"",
    "\"\\ud83d\"",
    "1.50",
    "-0",
    "1e400",
    "NaN",
    "{}",
    "[]",
    r#"{"Topic": "t.x", "é": "\/"}"#,
    "line one\nline two \"quoted\" \\ \u{7f} \u{0} é 😀",
    "\u{feff}{\"topic\":\"t.x\"}",
    r#"{"topic":"t.x"} trailing"#,
];

fn vectors() -> Vectors {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vectors");
    let text = fs::read_to_string(path.join("wire-vectors.json")).expect("the vectors");
    serde_json::from_str(&text).expect("JSON")
}

fn texts<'v>(of: &'v Vectors, key: &'v str) -> impl Iterator<Item = &'v str> {
    let cases = of[key].as_array().expect("a list").iter();
    cases.map(|case| case["in"].as_str().or(case.as_str()).expect("a text"))
}

#[test]
fn our_relay_forwards_envelopes_byte_for_byte_and_wraps_the_rest_as_specified() {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, outbound));
    let _relay = sandbox.start(&["fedmsg-relay"]);
    let way = Way::through(inbound, outbound);
    for (sent, expected) in TABLE {
        assert_eq!(way.send(sent), expected, "{sent}");
    }
    let vectors = vectors();
    let relayed = texts(&vectors, "relay_reencode");
    for sent in relayed.chain(ENVELOPES) {
        assert_eq!(way.send(sent), sent);
    }
    for sent in texts(&vectors, "json_rejected") {
        let members = [("topic", Value::from("t.x")), ("msg", Value::from(sent))];
        let wrapped = Value::Object(Object::from_iter(members));
        assert_eq!(way.send(sent), spaced(&wrapped), "{sent}");
    }
}

#[test]
fn our_relay_wraps_as_the_real_one_does_and_changes_nothing_where_that_writes_anew() {
    let Some(peers) = Peers::find() else { return };
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let config = peers.config().relay(inbound, outbound).write();
    let _theirs = peers.daemon("fedmsg-relay", &config);
    let theirs = Way::through(inbound, outbound);
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, outbound));
    let _ours = sandbox.start(&["fedmsg-relay"]);
    let ours = Way::through(inbound, outbound);

    let vectors = vectors();
    let table = TABLE.iter().map(|(sent, _)| *sent);
    let payloads = bodies::for_the_original(1);
    let others = texts(&vectors, "json_rejected")
        .chain(texts(&vectors, "canonical_json"))
        .chain(texts(&vectors, "relay_reencode"))
        .chain(payloads.iter().map(String::as_str))
        .chain(OTHERS);
    for sent in table.chain(ENVELOPES).chain(others) {
        let (by_us, by_them) = (ours.send(sent), theirs.send(sent));
        let value = Value::parse_str(sent);
        match value
            .as_ref()
            .ok()
            .filter(|value| value.get("topic").is_some())
        {
            Some(envelope) => {
                assert_eq!(by_us, sent);
                assert_eq!(by_them, spaced(envelope), "the same value, written anew");
            }
            None => assert_eq!(by_us, by_them, "{sent}"),
        }
    }
}

/// The way through a relay, one body at a time.
struct Way {
    speaker: Speaker,
    listener: Listener,
}

impl Way {
    /// Opens it; returns when both ends of it are connected.
    fn through(inbound: u16, outbound: u16) -> Self {
        let speaker = Speaker::active(inbound);
        let listener = Listener::on(outbound);
        speaker.probe("probe", |time| listener.next_within(time));
        Self { speaker, listener }
    }

    /// Sends a body with the topic `t.x` and returns the body that comes out.
    fn send(&self, sent: &str) -> String {
        self.speaker.forward("t.x", sent);
        body(&self.listener.next_about("t.x")).to_owned()
    }
}
