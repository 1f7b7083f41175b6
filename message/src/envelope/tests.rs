//! Frames in, frames out: golden vectors, every odd shape of a body, and what is sent.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::fixture::{any_value, base64, bytes, cases, text, vectors};
use crate::json::{JsonError, JsonErrorKind};
use crate::{TopicError, to_canonical};

fn frames(parts: &[&[u8]]) -> Vec<Bytes> {
    parts
        .iter()
        .map(|part| Bytes::copy_from_slice(part))
        .collect()
}

fn envelope(topic: &str, body: &str) -> Envelope {
    Envelope::from_frames(
        Bytes::copy_from_slice(topic.as_bytes()),
        Bytes::copy_from_slice(body.as_bytes()),
    )
    .unwrap()
}

fn stamp() -> Stamp {
    Stamp {
        msg_id: "2026-x".to_owned(),
        timestamp: 1_793_000_000,
        i: 7,
        username: "me".to_owned(),
    }
}

#[test]
fn frames_are_read_as_hubs_of_the_original_do() {
    #[track_caller]
    fn check(parts: &[&[u8]], expected: Result<(&str, &str), DecodeError>) {
        let decoded = Envelope::decode(&frames(parts));
        let shown = decoded.as_ref().map(|envelope| {
            (
                envelope.topic().as_str(),
                str::from_utf8(envelope.bytes()).unwrap(),
            )
        });
        assert_eq!(shown, expected.as_ref().copied());
    }
    check(&[b"t", b"{}"], Ok(("t", "{}")));
    check(&[b"", b""], Ok(("", "")));
    check(&[b"t\0x", b"{}"], Ok(("t\0x", "{}")));
    check(&[b"t\0{}"], Ok(("t", "{}")));
    check(&[b"t\0a\0b"], Ok(("t", "a\0b")));
    check(&[b"\0"], Ok(("", "")));
    check(&[b"t\0{}", b"ignored", b"\xff"], Ok(("t", "{}")));
    check(&[], Err(DecodeError::Frames { frames: 0 }));
    check(&[b"t"], Err(DecodeError::Frames { frames: 1 }));
    check(&[b"t", b"{}", b""], Err(DecodeError::Frames { frames: 3 }));
    check(
        &[b"t\xff", b"{}"],
        Err(DecodeError::TopicNotUtf8 { offset: 1 }),
    );
    check(&[b"\xc3\0{}"], Err(DecodeError::TopicNotUtf8 { offset: 0 }));
    let topic = "t".to_owned();
    check(
        &[b"t", b"{\"\xed\xa0\xbd\"}"],
        Err(DecodeError::BodyNotUtf8 { topic, offset: 2 }),
    );
}

#[test]
fn a_body_is_an_object_with_a_topic_or_wrapped_in_one() {
    #[track_caller]
    fn check(body: &str, expected: Result<&str, (DecodeError, &str)>) {
        let envelope = envelope("t.x", body);
        let shown = json::to_spaced(envelope.body()).unwrap();
        match expected {
            Ok(expected) => {
                assert_eq!(shown, expected);
                assert_eq!(envelope.strict(), Ok(envelope.body()));
                assert_eq!(envelope.relayed(), body);
                assert_eq!(envelope.relayed().as_ptr(), envelope.bytes().as_ptr());
            }
            Err((refusal, wrapped)) => {
                assert_eq!(shown, wrapped);
                assert_eq!(envelope.strict(), Err(&refusal));
                assert_eq!(envelope.relayed(), wrapped);
            }
        }
        assert!(envelope.get("topic").is_some());
        assert_eq!(envelope.bytes(), body);
    }
    let not_json = |kind, offset| DecodeError::Json(JsonError { kind, offset });
    let not_an_object = |kind| DecodeError::NotAnObject { kind };
    check(
        r#"{"topic":"t.other","msg":1.50}"#,
        Ok(r#"{"topic": "t.other", "msg": 1.5}"#),
    );
    check(r#" {"topic":null} "#, Ok(r#"{"topic": null}"#));
    check(r#"{"topi\u0063":1}"#, Ok(r#"{"topic": 1}"#));
    // The rows of the table in the wire specification, §1.10.
    check(
        "[1,2]",
        Err((not_an_object("array"), r#"{"topic": "t.x", "msg": [1, 2]}"#)),
    );
    check(
        "not json",
        Err((
            not_json(JsonErrorKind::ExpectedValue, 1),
            r#"{"topic": "t.x", "msg": "not json"}"#,
        )),
    );
    check(
        r#"{"msg":1}"#,
        Err((
            DecodeError::NoTopic,
            r#"{"topic": "t.x", "msg": {"msg": 1}}"#,
        )),
    );
    check(
        "null",
        Err((not_an_object("null"), r#"{"topic": "t.x", "msg": null}"#)),
    );
    check(
        "NaN",
        Err((not_an_object("number"), r#"{"topic": "t.x", "msg": NaN}"#)),
    );
    check(
        "\"é\"",
        Err((
            not_an_object("string"),
            r#"{"topic": "t.x", "msg": "\u00e9"}"#,
        )),
    );
    check(
        "",
        Err((
            not_json(JsonErrorKind::UnexpectedEnd, 0),
            r#"{"topic": "t.x", "msg": ""}"#,
        )),
    );
    check(
        "\u{feff}{}",
        Err((
            not_json(JsonErrorKind::ByteOrderMark, 0),
            r#"{"topic": "t.x", "msg": "\ufeff{}"}"#,
        )),
    );
}

#[test]
fn what_is_wrapped_can_always_be_read_again() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for (levels, is_text) in [
        (1, false),
        (MAX_DEPTH - 1, false),
        (MAX_DEPTH, true),
        (100_000, true),
    ] {
        let received = envelope("t", &nested(levels));
        assert_eq!(
            received.msg().as_str(),
            is_text.then_some(nested(levels).as_str())
        );
        let relayed = envelope("t", str::from_utf8(&received.relayed()).unwrap());
        assert_eq!(relayed.strict(), Ok(received.body()), "{levels} levels");
    }
}

#[test]
fn every_field_is_found_and_none_is_believed() {
    let full = envelope(
        "t",
        r#"{"topic":"t","msg":{"a":[1]},"msg_id":"2026-x","timestamp":1344352873.714926,"i":3,
            "username":"me","crypto":"x509","signature":"c2ln","certificate":"Y2VydA==",
            "seq_id":12,"headers":{"h":1},"source_name":"datanommer"}"#,
    );
    assert_eq!(full.msg().pointer("/a/0").and_then(Value::as_i64), Some(1));
    assert_eq!(full.msg_id(), Some("2026-x"));
    assert_eq!(full.timestamp(), Some(1344352873.714926));
    assert_eq!((full.i(), full.seq_id()), (Some(3), Some(12)));
    assert_eq!((full.username(), full.crypto()), (Some("me"), Some("x509")));
    assert_eq!(
        (full.signature(), full.certificate()),
        (Some("c2ln"), Some("Y2VydA=="))
    );
    assert_eq!(full.headers().map(Object::len), Some(1));
    assert_eq!(
        full.get("source_name").and_then(Value::as_str),
        Some("datanommer")
    );
    assert_eq!(full.len(), 1 + full.bytes().len());

    let odd = envelope(
        "t",
        r#"{"topic":[],"msg_id":1,"timestamp":"now","i":1.0,"username":null,"crypto":["x509"],
            "signature":"\ud83d","certificate":{},"seq_id":1e999,"headers":[]}"#,
    );
    assert_eq!(odd.msg(), &Value::Null);
    assert_eq!(
        (odd.msg_id(), odd.username(), odd.crypto()),
        (None, None, None)
    );
    assert_eq!((odd.signature(), odd.certificate()), (None, None));
    assert_eq!((odd.timestamp(), odd.i(), odd.seq_id()), (None, None, None));
    assert_eq!(odd.headers(), None);
    assert!(!odd.is_empty() && envelope("", "").is_empty());
}

#[test]
fn the_payload_is_read_as_a_type() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Payload {
        n: u8,
    }
    let message = envelope("t", r#"{"topic":"t","msg":{"n":1,"more":null}}"#);
    assert_eq!(message.msg_as(), Ok(Payload { n: 1 }));
    let other = envelope("t", r#"{"topic":"t","msg":{"n":"1"}}"#).msg_as::<Payload>();
    assert!(matches!(other, Err(DecodeError::Mismatch(_))), "{other:?}");
}

#[test]
fn the_body_is_parsed_once_for_all_clones_and_threads() {
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    let message = envelope("t", r#"{"topic":"t"}"#);
    is_shared(&message);
    let clone = message.clone();
    let address = |envelope: &Envelope| std::ptr::from_ref(envelope.body()) as usize;
    let elsewhere = std::thread::spawn(move || address(&clone)).join().unwrap();
    assert_eq!(address(&message), elsewhere);
    assert_eq!(message, envelope("t", r#"{"topic":"t"}"#));
    assert_ne!(message, envelope("t", r#"{"topic": "t"}"#));
    assert_ne!(message, envelope("u", r#"{"topic":"t"}"#));
}

#[test]
fn a_stamped_message_has_the_six_members_in_canonical_form() {
    let topic: Topic = "org.example.dev.é".parse().unwrap();
    let msg = Value::from(serde_json::json!({"b": 1.0, "a": "😀"}));
    let sent = Envelope::stamp(topic.clone(), msg.clone(), &stamp()).unwrap();
    assert_eq!(
        *sent.bytes(),
        r#"{"i":7,"msg":{"a":"\ud83d\ude00","b":1.0},"msg_id":"2026-x","timestamp":1793000000,"#
            .to_owned()
            + r#""topic":"org.example.dev.\u00e9","username":"me"}"#
    );
    assert_eq!(sent.topic(), &topic);
    assert_eq!(
        (sent.msg(), sent.i(), sent.username()),
        (&msg, Some(7), Some("me"))
    );
    assert_eq!(
        sent.get("topic").and_then(Value::as_str),
        Some(topic.as_str())
    );
    assert_eq!(sent.relayed(), sent.bytes());
}

#[test]
fn payloads_are_sent_as_by_the_original_except_for_falsy_ones() {
    // What the Python expression in the vector is in JSON, and whether we keep it as it is where
    // the original sends `{}`.
    let payloads = [
        ("None", "null", false),
        ("{}", "{}", false),
        ("''", "\"\"", true),
        ("0", "0", true),
        ("0.0", "0.0", true),
        ("[0]", "[0]", false),
        ("5", "5", false),
        ("{'a': None}", r#"{"a":null}"#, false),
        ("()", "[]", true),
        ("set()", "[]", true),
    ];
    let cases = cases("topics/publish_bodies.json", "cases");
    assert_eq!(cases.len(), payloads.len());
    for case in cases {
        let (_, json, is_kept) = payloads
            .into_iter()
            .find(|(python, ..)| *python == text(&case, "msg"))
            .unwrap();
        let payload: Value = json.parse().unwrap();
        let topic: Topic = text(&case, "topic_frame").parse().unwrap();
        let stamp = Stamp {
            msg_id: "*".into(),
            username: "*".into(),
            i: 1,
            ..stamp()
        };
        let sent = Envelope::stamp(topic, payload.clone(), &stamp).unwrap();

        let mut expected = case.get("envelope").unwrap().clone();
        let object = expected.as_object_mut().unwrap();
        object.insert("timestamp", stamp.timestamp);
        if is_kept {
            assert_eq!(
                object.insert("msg", payload),
                Some(Value::Object(Object::new()))
            );
        }
        assert_eq!(sent.strict(), Ok(&expected));
        assert_eq!(sent.bytes(), &to_canonical(&expected).unwrap());
    }
}

#[test]
fn what_must_not_be_sent_is_refused() {
    #[track_caller]
    fn check(topic: &'static str, msg: &str, expected: EncodeError) {
        let topic = Topic::received(Bytes::from_static(topic.as_bytes())).unwrap();
        assert_eq!(
            Envelope::stamp(topic, msg.parse().unwrap(), &stamp()),
            Err(expected)
        );
    }
    let pointer = "/msg/a/1".to_owned();
    check("t", r#"{"a":[1,NaN]}"#, EncodeError::NotFinite { pointer });
    check(
        "t",
        &("[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH)),
        EncodeError::TooDeep,
    );
    check("", "1", EncodeError::Topic(TopicError::Empty));
    let control = TopicError::ControlCharacter {
        character: '\0',
        position: 1,
    };
    check("t\0", "1", EncodeError::Topic(control));
}

#[test]
fn a_whole_body_is_sent_under_the_topic_of_its_frame() {
    let body = Object::from_iter([("topic", "another"), ("x", "y")]);
    let sent = Envelope::encode("t.x".parse().unwrap(), body).unwrap();
    assert_eq!(sent.bytes(), r#"{"topic":"t.x","x":"y"}"#);
    let sent = Envelope::encode("t.x".parse().unwrap(), Object::new()).unwrap();
    assert_eq!(sent.bytes(), r#"{"topic":"t.x"}"#);
}

#[test]
fn a_signature_covers_all_but_the_credentials() {
    let signed =
        r#"{"topic":"t","signature":"s","msg":{"signature":1},"crypto":"x509","certificate":"c"}"#;
    let message = envelope("t", signed);
    let rest = r#"{"crypto":"x509","msg":{"signature":1},"topic":"t"}"#;
    assert_eq!(message.signed_bytes().unwrap(), rest.as_bytes());
    assert_eq!(message.without_credentials(), rest.parse().unwrap());

    let wire = vectors("wire-vectors.json");
    let x509 = wire.get("x509").unwrap();
    let message = envelope("t", text(x509, "wire_json"));
    assert_eq!(
        message.signed_bytes().unwrap(),
        text(x509, "signed_bytes").as_bytes()
    );
    assert_eq!(
        to_canonical(&message.clone().without_credentials()),
        message.signed_bytes()
    );
}

#[test]
fn a_body_is_copied_only_while_somebody_else_holds_the_message() {
    let long = "x".repeat(1000);
    let message = envelope(
        "t",
        &format!(r#"{{"topic":"t","msg":"{long}","signature":"s"}}"#),
    );
    let place = |msg: Option<&Value>| msg.and_then(Value::as_str).map(str::as_ptr);
    let before = place(Some(message.msg()));
    let copied = message.clone().without_credentials();
    assert_ne!(place(copied.get("msg")), before);
    let given_away = message.without_credentials();
    assert_eq!(place(given_away.get("msg")), before);
    assert_eq!(copied, given_away);
}

/// Decodes the frames of one golden message the way the original's hub takes them.
fn check_vector(name: &str, case: &Value) {
    let Some(encoded) = case.get("frames_b64").and_then(Value::as_array) else {
        return assert_eq!(name, "validate_signed_by.json", "no frames");
    };
    let frames = encoded
        .iter()
        .map(|frame| Bytes::from(base64(frame.as_str().unwrap())));
    let decoded = Envelope::decode(&frames.collect::<Vec<_>>());
    match name {
        "malformed-one-frame.json" => {
            return assert_eq!(decoded, Err(DecodeError::Frames { frames: 1 }));
        }
        "malformed-three-frames.json" => {
            return assert_eq!(decoded, Err(DecodeError::Frames { frames: 3 }));
        }
        "malformed-invalid-utf8-body.json" => {
            let topic = "org.fedoraproject.dev.bodhi.update.comment".to_owned();
            return assert_eq!(
                decoded,
                Err(DecodeError::BodyNotUtf8 {
                    topic,
                    offset: 1993
                })
            );
        }
        _ => {}
    }
    let message = decoded.unwrap();
    let refusal = message.strict().err();
    match name.strip_prefix("malformed-") {
        Some("json-list.json" | "json-null.json" | "json-number.json" | "json-string.json") => {
            assert!(
                matches!(refusal, Some(DecodeError::NotAnObject { .. })),
                "{refusal:?}"
            );
        }
        Some(_) => assert!(matches!(refusal, Some(DecodeError::Json(_))), "{refusal:?}"),
        None if name == "form-topic-field-missing.json" => {
            assert_eq!(refusal, Some(&DecodeError::NoTopic));
        }
        None => assert_eq!(refusal, None),
    }
    assert!(message.get("topic").is_some());
    // Compared as text: there is NaN in some.
    let relayed = Envelope::from_frames(message.topic().as_bytes().clone(), message.relayed());
    let relayed = relayed.unwrap();
    assert_eq!(
        to_canonical(relayed.strict().unwrap()),
        to_canonical(message.body())
    );
    if name.starts_with("valid-") {
        // What the original's signature covers: all but the credentials, or with gpg `msg` alone.
        let covered = match message.crypto() {
            Some("gpg") => to_canonical(message.msg()),
            _ => message.signed_bytes(),
        };
        assert_eq!(covered.unwrap(), bytes(case, "signed_bytes_b64"), "{name}");
    }
}

#[test]
fn every_golden_message_is_decoded_as_its_readme_says() {
    let mut count = 0;
    for folder in ["x509", "gpg"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/fixtures/vectors")
            .join(folder);
        for entry in std::fs::read_dir(path).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".json") {
                check_vector(&name, &vectors(&format!("{folder}/{name}")));
                count += 1;
            }
        }
    }
    assert!(count > 110, "{count} messages");
}

#[test]
fn errors_are_told_in_one_line() {
    let error = Envelope::decode(&frames(&[b"t.x", b"\xff"])).unwrap_err();
    assert_eq!(error.to_string(), "body is not UTF-8 at byte 0 (topic t.x)");
    let error = envelope("t", "[1").strict().unwrap_err().clone();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(
        format!("{error}: {source}"),
        "body is not JSON: unexpected end of text at byte 2"
    );
    let error = EncodeError::NotFinite {
        pointer: String::new(),
    };
    assert_eq!(error.to_string(), "NaN or infinity at the top level");
}

/// Noise, text, and what is nearly a body, with or without a NUL.
fn any_frame() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from),
        ".{0,20}".prop_map(Bytes::from),
        "(\\{|\\[|\\}|\\]|\"topic\"|\"msg\"|:|,|1|\\x00|null){0,8}".prop_map(Bytes::from),
        any_value().prop_map(|value| Bytes::from(to_canonical(&value).unwrap())),
    ]
}

proptest! {
    #[test]
    fn what_is_sent_is_received(msg in any_value(), i in any::<u64>()) {
        let topic: Topic = "org.example.dev.a.b".parse().unwrap();
        let sent = match Envelope::stamp(topic, msg.clone(), &Stamp { i, ..stamp() }) {
            Ok(sent) => sent,
            Err(EncodeError::NotFinite { pointer }) => {
                let inside = pointer.strip_prefix("/msg").unwrap();
                let culprit = msg.pointer(inside);
                // A key with a lone surrogate cannot be spelled in a pointer.
                prop_assert!(culprit.is_none_or(|culprit| !culprit.as_f64().unwrap().is_finite()));
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        };
        let frames = [sent.topic().as_bytes().clone(), sent.bytes().clone()];
        let received = Envelope::decode(&frames).unwrap();
        prop_assert_eq!(&received, &sent);
        prop_assert!(received.strict().is_ok());
        prop_assert_eq!(received.get("i"), Some(&Value::from(i)));
        let expected = if msg.is_null() { "{}".parse().unwrap() } else { msg };
        prop_assert_eq!(received.msg(), &expected);
        prop_assert_eq!(&to_canonical(received.body()).unwrap(), received.bytes());
    }

    #[test]
    fn no_frames_can_hurt(frames in prop::collection::vec(any_frame(), 0..4)) {
        if let Ok(message) = Envelope::decode(&frames) {
            prop_assert!(message.get("topic").is_some());
            let topic = message.topic().as_bytes().clone();
            let relayed = Envelope::from_frames(topic, message.relayed()).unwrap();
            // Compared as text: there may be NaN in it.
            let read = relayed.strict().unwrap();
            prop_assert_eq!(to_canonical(read), to_canonical(message.body()));
        }
    }
}
