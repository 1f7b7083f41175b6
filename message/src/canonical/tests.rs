//! Golden vectors of the original's encoder, for all styles, and properties of the canonical form.

use std::fmt;

use proptest::prelude::*;

use super::*;
use crate::fixture::{any_value, bytes, cases, text};
use crate::json::{MAX_DEPTH, skim, to_pretty, to_spaced, write_pretty};

fn canonical(value: &Value) -> String {
    String::from_utf8(to_canonical(value).unwrap()).unwrap()
}

#[track_caller]
fn check(json: &[u8], expected: &str) {
    assert_eq!(canonical(&Value::parse(json).unwrap()), expected);
}

#[test]
fn every_text_of_the_encoding_vectors_comes_out_as_from_the_original() {
    let (mut accepted, mut refused) = (0, 0);
    for case in cases("encoding/canonical.json", "cases") {
        let json = bytes(&case, "json_b64");
        if case.get("error").is_some() {
            let error = Value::parse(&json).expect_err(&json.escape_ascii().to_string());
            assert_eq!(skim(&json), Err(error));
            refused += 1;
            continue;
        }
        let value = Value::parse(&json).unwrap();
        assert_eq!(to_canonical(&value).unwrap(), bytes(&case, "canonical_b64"));
        assert_eq!(canonical(&value), text(&case, "canonical"));
        assert_eq!(to_pretty(&value).unwrap(), text(&case, "pretty"));
        accepted += 1;
    }
    assert!(
        accepted > 40 && refused > 15,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn every_float_of_the_encoding_vectors_is_spelled_as_by_the_original() {
    for case in cases("encoding/floats.json", "cases") {
        let (bits, expected) = (case.pointer("/0").unwrap(), case.pointer("/1").unwrap());
        let bits = u64::from_str_radix(bits.as_str().unwrap(), 16).unwrap();
        let value = Value::Float(f64::from_bits(bits));
        assert_eq!(canonical(&value), expected.as_str().unwrap());
        check(
            expected.as_str().unwrap().as_bytes(),
            expected.as_str().unwrap(),
        );
    }
}

#[test]
fn every_canonical_wire_vector_holds() {
    for case in cases("wire-vectors.json", "canonical_json") {
        check(text(&case, "in").as_bytes(), text(&case, "out"));
    }
}

#[test]
fn every_rejected_wire_vector_is_refused() {
    for case in cases("wire-vectors.json", "json_rejected") {
        let json = case.as_str().unwrap();
        let error = Value::parse_str(json).expect_err(json);
        assert_eq!(skim(json.as_bytes()), Err(error), "{json}");
    }
}

#[test]
fn every_relayed_wire_vector_is_spaced_as_by_the_original() {
    for case in cases("wire-vectors.json", "relay_reencode") {
        let value = Value::parse_str(text(&case, "in")).unwrap();
        assert_eq!(to_spaced(&value).unwrap(), text(&case, "out"));
    }
}

#[test]
fn the_signed_bytes_of_the_wire_vectors_are_reproduced() {
    let vectors = crate::fixture::vectors("wire-vectors.json");
    let x509 = vectors.get("x509").unwrap();
    let message = Value::parse_str(text(x509, "wire_json")).unwrap();
    let mut out = String::from("kept: ");
    append_canonical_without(&mut out, &message, &["signature", "certificate"]).unwrap();
    assert_eq!(out.strip_prefix("kept: "), Some(text(x509, "signed_bytes")));
    assert_eq!(canonical(&message), text(x509, "wire_json"));
}

#[test]
fn the_example_in_the_readme_is_right() {
    let (json, canonical) = (
        r#"{"b": 1e3, "a": ["é\u007F😀", -0, 1.10], "b": 1e16}"#,
        r#"{"a":["\u00e9\u007f\ud83d\ude00",0,1.1],"b":1e+16}"#,
    );
    check(json.as_bytes(), canonical);
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("`{json}` becomes `{canonical}`")));
}

#[test]
fn members_are_left_out_at_the_top_only() {
    #[track_caller]
    fn check(json: &str, left_out: &[&str], expected: &str) {
        let mut out = String::new();
        append_canonical_without(&mut out, &json.parse().unwrap(), left_out).unwrap();
        assert_eq!(out, expected, "{json}");
    }
    check(
        r#"{"b":{"a":1,"b":2},"a":3}"#,
        &["a"],
        r#"{"b":{"a":1,"b":2}}"#,
    );
    check(r#"{"c":1,"b":2,"a":3}"#, &["b", "x"], r#"{"a":3,"c":1}"#);
    check(r#"{"a":1}"#, &["a"], "{}");
    check(r#"[{"a":1}]"#, &["a"], r#"[{"a":1}]"#);
}

#[test]
fn what_is_sent_has_no_nan_and_the_error_says_where() {
    #[track_caller]
    fn check(json: &str, pointer: &str) {
        let error = append_sendable(&mut String::new(), &json.parse().unwrap());
        assert_eq!(
            error,
            Err(EncodeError::NotFinite {
                pointer: pointer.to_owned()
            }),
            "{json}"
        );
    }
    check("NaN", "");
    check("[1, -1e999]", "/1");
    check(r#"{"b": 1, "a": {"/~": [[Infinity]]}}"#, "/a/~1~0/0/0");

    let mut out = String::new();
    append_sendable(&mut out, &r#"{"b": 1.5, "a": []}"#.parse().unwrap()).unwrap();
    assert_eq!(out, r#"{"a":[],"b":1.5}"#);
}

/// Takes so many bytes, then refuses a piece, and must not be given another.
struct Room(Option<usize>);

impl fmt::Write for Room {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = self.0.expect("nothing comes after a refusal");
        self.0 = left.checked_sub(text.len());
        self.0.map(drop).ok_or(fmt::Error)
    }
}

#[test]
fn a_sink_that_refuses_a_piece_gets_no_other() {
    let value: Value = r#"{"a\ud83d": [1.5, -7, "\u00e9", null, true], "b": {}}"#
        .parse()
        .unwrap();
    let length = to_pretty(&value).unwrap().len();
    for room in 0..length {
        let refused = write_pretty(&mut Room(Some(room)), &value);
        assert_eq!(refused, Err(EncodeError::Sink(fmt::Error)), "{room}");
    }
    assert_eq!(write_pretty(&mut Room(Some(length)), &value), Ok(()));
}

#[test]
fn what_nests_too_deeply_is_refused_in_every_style() {
    let nested = |levels: usize| {
        (1..levels).fold(Value::from([0; 0]), |inner, level| {
            if level % 2 == 0 {
                Value::from([inner])
            } else {
                [("k", inner)]
                    .into_iter()
                    .collect::<crate::json::Object>()
                    .into()
            }
        })
    };
    let (deepest, too_deep) = (nested(MAX_DEPTH), nested(MAX_DEPTH + 1));
    assert_eq!(
        Value::parse(&to_canonical(&deepest).unwrap()),
        Ok(deepest.clone())
    );
    assert!(to_spaced(&deepest).is_ok() && to_pretty(&deepest).is_ok());
    assert_eq!(to_canonical(&too_deep), Err(EncodeError::TooDeep));
    assert_eq!(to_spaced(&too_deep), Err(EncodeError::TooDeep));
    assert_eq!(to_pretty(&too_deep), Err(EncodeError::TooDeep));
}

proptest! {
    #[test]
    fn the_canonical_form_is_its_own_canonical_form(value in any_value()) {
        let once = canonical(&value);
        prop_assert_eq!(canonical(&Value::parse_str(&once).unwrap()), once);
    }

    #[test]
    fn every_style_is_ascii_that_reads_back_as_the_same_value(value in any_value()) {
        let expected = canonical(&value);
        for text in [expected.clone(), to_spaced(&value).unwrap(), to_pretty(&value).unwrap()] {
            prop_assert!(text.is_ascii());
            prop_assert_eq!(canonical(&Value::parse_str(&text).unwrap()), expected.as_str());
        }
    }

    #[test]
    fn received_order_survives_the_styles_for_people(value in any_value()) {
        let spaced = to_spaced(&value).unwrap();
        prop_assert_eq!(to_spaced(&Value::parse_str(&spaced).unwrap()).unwrap(), spaced);
        let pretty = to_pretty(&value).unwrap();
        prop_assert_eq!(to_pretty(&Value::parse_str(&pretty).unwrap()).unwrap(), pretty);
    }
}
