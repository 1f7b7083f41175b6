//! Bodies that are no JSON, or more of it than anybody wants.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Rig;

/// The texts that the original's JSON reader refuses.
fn rejected() -> Vec<String> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vectors");
    let vectors = fs::read_to_string(vectors.join("wire-vectors.json")).expect("the vectors");
    let vectors: Value = serde_json::from_str(&vectors).expect("JSON");
    let texts = vectors["json_rejected"].as_array().expect("a list");
    let texts: Vec<_> = texts
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect();
    assert!(texts.len() >= 20, "{texts:?}");
    texts
}

/// Sends `bodies`, which tail shows none of and the hub's consumer gets wrapped.
fn check_refused(bodies: &[String]) {
    let mut rig = Rig::new();
    for body in bodies {
        rig.evil().send(&["com.example.refused", body]);
        rig.hub.line_with("com.example.refused");
        rig.still_works();
    }
    let ended = rig.stop();
    assert!(!ended.tail.lines.iter().any(|line| line.contains("refused")));
    let skipped = format!("skipped={}", bodies.len());
    assert!(
        ended.tail.errors.contains(&skipped),
        "{}",
        ended.tail.errors
    );
    assert!(
        ended.summary.contains("dropped=0 overflowed=0"),
        "{}",
        ended.summary
    );
}

#[test]
fn a_body_that_is_no_json_is_skipped_by_tail_and_wrapped_for_a_consumer() {
    check_refused(&rejected());
}

#[test]
fn a_million_levels_of_nesting_overflow_no_stack() {
    const LEVELS: usize = 1_000_000;
    let lists = "[".repeat(LEVELS);
    let closed = format!("{lists}{}", "]".repeat(LEVELS));
    let objects = r#"{"a":"#.repeat(LEVELS);
    let within = format!(r#"{{"topic": "t", "msg": {closed}}}"#);
    check_refused(&[lists, closed, objects, within]);
}

#[test]
fn bodies_that_are_json_but_no_envelope_are_wrapped_for_a_consumer() {
    let mut rig = Rig::new();
    for body in [
        "1",
        "[]",
        "{}",
        "null",
        "\"text\"",
        r#"{"msg": 1}"#,
        "NaN",
        "-0",
        "1e999",
    ] {
        rig.evil().send(&["com.example.strange", body]);
        rig.hub.line_with("com.example.strange");
        rig.still_works();
    }
    for body in [
        r#"{"topic": 7, "msg_id": {}, "timestamp": "never", "i": -1, "username": []}"#,
        r#"{"topic": null, "msg": "\ud800", "msg_id": "\u0000", "timestamp": 1e308}"#,
        r#"{"topic": "other", "topic": "another", "signature": 5, "certificate": [[]]}"#,
    ] {
        rig.evil().send(&["com.example.stranger", body]);
        rig.hub.line_with("com.example.stranger");
        rig.tail.line_with("topic");
        rig.still_works();
    }
    rig.stop();
}
