//! What is read, what is refused and where, and what a hostile text costs.

use proptest::prelude::*;

use super::*;
use crate::fixture::any_value;
use crate::json::{Object, Shape, from_value, skim, to_pretty, to_spaced, to_value};
use crate::to_canonical;

#[track_caller]
fn check(json: impl AsRef<[u8]>, expected: Result<&str, (JsonErrorKind, usize)>) {
    let json = json.as_ref();
    let shown = json.escape_ascii().to_string();
    let parsed = Value::parse(json);
    assert_eq!(skim(json).err(), parsed.as_ref().err().copied(), "{shown}");
    let spaced = parsed.map(|value| to_spaced(&value).unwrap());
    let expected = expected.map(str::to_owned);
    let expected = expected.map_err(|(kind, offset)| JsonError { kind, offset });
    assert_eq!(spaced, expected, "{shown}");
}

#[test]
fn values_of_every_kind_are_read() {
    check(" \t\r\n[ ] \n", Ok("[]"));
    check("{ }", Ok("{}"));
    check("[null , true,false]", Ok("[null, true, false]"));
    check(r#"{ "a" : 1 , "b":[{}] }"#, Ok(r#"{"a": 1, "b": [{}]}"#));
    check("[-0,-0.0,0e0,-1E-2]", Ok("[0, -0.0, 0.0, -0.01]"));
    check("[NaN,Infinity,-Infinity]", Ok("[NaN, Infinity, -Infinity]"));
    check(
        "\"\u{7f}\u{80}\u{feff}\u{10ffff}\"",
        Ok(r#""\u007f\u0080\ufeff\udbff\udfff""#),
    );
    check(
        r#"["\ud83d\ude00","\ud83d","\ude00\ud83d"]"#,
        Ok(r#"["\ud83d\ude00", "\ud83d", "\ude00\ud83d"]"#),
    );
    check("999999999999999999", Ok("999999999999999999"));
    check("-9223372036854775809", Ok("-9223372036854775809"));
}

#[test]
fn the_last_of_equal_keys_wins_at_the_place_of_the_first() {
    check(r#"{"a":1,"b":2,"a":3}"#, Ok(r#"{"a": 3, "b": 2}"#));
    check(r#"{"a":1,"\u0061":[]}"#, Ok(r#"{"a": []}"#));
    check(r#"{"\ud83d":1,"\ud83d":2}"#, Ok(r#"{"\ud83d": 2}"#));
}

#[test]
fn what_python_refuses_is_refused_where_it_goes_wrong() {
    use JsonErrorKind::*;
    check("", Err((UnexpectedEnd, 0)));
    check("  ", Err((UnexpectedEnd, 2)));
    check("\u{feff}{}", Err((ByteOrderMark, 0)));
    check(b"[\"ab\xff\"]", Err((InvalidUtf8, 4)));
    check(b"\"\xed\xa0\xbd\"", Err((InvalidUtf8, 1)));
    check("{} x", Err((TrailingData, 3)));
    check("01", Err((TrailingData, 1)));
    check("1 2", Err((TrailingData, 2)));
    check("[1,]", Err((ExpectedValue, 3)));
    check("[,1]", Err((ExpectedValue, 1)));
    check("[1", Err((UnexpectedEnd, 2)));
    check("[1 2]", Err((ExpectedCommaOrEnd, 3)));
    check("[1}", Err((ExpectedCommaOrEnd, 2)));
    check(r#"{"a":1,}"#, Err((ExpectedKey, 7)));
    check("{1:2}", Err((ExpectedKey, 1)));
    check("{'a':1}", Err((ExpectedKey, 1)));
    check(r#"{"a" 1}"#, Err((ExpectedColon, 5)));
    check(r#"{"a":}"#, Err((ExpectedValue, 5)));
    check(r#"{"a":1]"#, Err((ExpectedCommaOrEnd, 6)));
    check(r#"{"a"#, Err((UnexpectedEnd, 3)));
    check("[\u{b}]", Err((ExpectedValue, 1)));
    check("[\u{a0}1]", Err((ExpectedValue, 1)));
    check("nul", Err((UnexpectedEnd, 3)));
    check("nan", Err((ExpectedValue, 1)));
    check("True", Err((ExpectedValue, 0)));
    check("[.5]", Err((ExpectedValue, 1)));
    check("[+1]", Err((ExpectedValue, 1)));
    check("[1.]", Err((MissingDigit, 3)));
    check("[\"\t\"]", Err((ControlCharacter, 2)));
    check("// c\n1", Err((ExpectedValue, 0)));
    check("[1]\0", Err((TrailingData, 3)));
}

#[test]
fn nesting_is_read_up_to_the_limit() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    check(nested(MAX_DEPTH), Ok(&nested(MAX_DEPTH)));
    check(
        nested(MAX_DEPTH + 1),
        Err((JsonErrorKind::TooDeep, MAX_DEPTH)),
    );
    let objects = r#"{"":"#.repeat(MAX_DEPTH + 1) + "1" + &"}".repeat(MAX_DEPTH + 1);
    check(objects, Err((JsonErrorKind::TooDeep, MAX_DEPTH * 4)));
    assert!(Value::parse_within("[[]]", 1).is_err());
    assert!(Value::parse_within("[[]]", 2).is_ok());
}

#[test]
fn a_million_levels_are_refused_on_the_spot() {
    for opening in ["[", "{\"a\":", "[{\"a\":"] {
        let error = Value::parse(opening.repeat(1_000_000).as_bytes()).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::TooDeep);
        assert!(error.offset <= MAX_DEPTH * opening.len());
    }
}

/// Runs `work` on the deepest value with so much stack; too little of it ends the test process.
#[track_caller]
fn check_stack(kibibytes: usize, work: fn(&str, Value)) {
    let json = r#"[{"k":"#.repeat(MAX_DEPTH / 2) + "1" + &"}]".repeat(MAX_DEPTH / 2);
    let thread = std::thread::Builder::new().stack_size(kibibytes * 1024);
    let work = move || work(&json, Value::parse(json.as_bytes()).unwrap());
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn the_deepest_text_needs_half_of_a_default_stack_without_optimisation() {
    check_stack(1024, |json, value| {
        assert_eq!(skim(json.as_bytes()), Ok(Shape::Array));
        assert_eq!(to_canonical(&value).unwrap(), json.as_bytes());
        assert!(to_pretty(&value).unwrap().len() > json.len());
        assert_eq!(value.clone(), value);
    });
}

#[test]
fn the_deepest_value_is_converted_on_a_default_stack_without_optimisation() {
    check_stack(2048, |_, value| {
        assert_eq!(to_value(&value).as_ref(), Ok(&value));
        assert_eq!(from_value::<Value>(&value).as_ref(), Ok(&value));
        let theirs = serde_json::Value::try_from(&value).unwrap();
        assert_eq!(Value::from(theirs), value);
    });
}

#[test]
fn a_hundred_thousand_equal_or_different_keys_are_read() {
    let count = 100_000;
    let equal: String = (0..count).map(|index| format!("\"k\":{index},")).collect();
    check(format!("{{{equal}\"k\":-1}}"), Ok(r#"{"k": -1}"#));

    // Descending, then all of them again: neither order nor novelty helps.
    let keys = (0..count).rev().chain(0..count).enumerate();
    let members: Vec<String> = keys
        .map(|(value, key)| format!("\"{key:x}\":{value}"))
        .collect();
    let value = Value::parse(format!("{{{}}}", members.join(",")).as_bytes()).unwrap();
    let object = value.as_object().unwrap();
    assert_eq!(object.len(), count);
    assert_eq!(
        object.keys().next().and_then(|key| key.as_str()),
        Some("1869f")
    );
    for key in [0, 1, 77_777, count - 1] {
        let expected = Some((count + key) as i64);
        assert_eq!(
            object.get(&format!("{key:x}")).and_then(Value::as_i64),
            expected
        );
    }
    let canonical = to_canonical(&value).unwrap();
    assert_eq!(
        to_canonical(&Value::parse(&canonical).unwrap()).unwrap(),
        canonical
    );
}

#[test]
fn huge_numbers_are_read_in_linear_time() {
    let digits = "1234567890".repeat(100_000);
    check(&digits, Ok(&digits));
    check(format!("-{digits}"), Ok(&format!("-{digits}")));
    check(format!("{digits}.0"), Ok("Infinity"));
    check(format!("0.{digits}"), Ok("0.12345678901234568"));
    check(format!("0.{digits}e{digits}"), Ok("Infinity"));
    check(format!("-0.{digits}e-{digits}"), Ok("-0.0"));
}

#[test]
fn a_value_is_small() {
    // Every level of a message pays for it.
    assert_eq!(size_of::<Value>(), 32);
    assert_eq!(size_of::<Object>(), 32);
}

/// Pieces of JSON that make texts which are nearly right.
fn nearly_json() -> impl Strategy<Value = String> {
    let pieces = vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        " ",
        "\n",
        "\"",
        "\"\"",
        "\"a\":",
        "\"topic\":",
        "\"b\"",
        "\\",
        "\\n",
        "\\ud83d",
        "\\ude00",
        "\\u00e9",
        "\\u12",
        "é",
        "\u{1}",
        "0",
        "-",
        "12",
        "1.5",
        "e5",
        "E-2",
        ".",
        "NaN",
        "-Infinity",
        "null",
        "true",
        "false",
        "n",
        "123456789012345678901",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..20).prop_map(|pieces| pieces.concat())
}

/// Right texts with one stretch of bytes replaced.
fn damaged_json() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec(any::<u8>(), 0..3);
    (any_value(), any::<prop::sample::Index>(), 0..3usize, damage).prop_map(
        |(value, at, length, damage)| {
            let mut json = to_canonical(&value).unwrap();
            let start = at.index(json.len());
            let end = json.len().min(start + length);
            json.splice(start..end, damage);
            json
        },
    )
}

/// Checks that both readers say the same about a text, serde_json too where it is strict.
fn check_agreement(json: &[u8]) -> Result<(), TestCaseError> {
    let parsed = Value::parse(json);
    let skimmed = skim(json);
    prop_assert_eq!(skimmed.err(), parsed.as_ref().err().copied());
    if let (Ok(value), Ok(shape)) = (&parsed, skimmed) {
        let expected = match value {
            Value::Object(object) if object.contains_key("topic") => Shape::Envelope,
            Value::Object(_) => Shape::Object,
            Value::Array(_) => Shape::Array,
            Value::String(_) => Shape::String,
            Value::Int(_) | Value::Float(_) => Shape::Number,
            Value::Bool(_) => Shape::Bool,
            Value::Null => Shape::Null,
        };
        prop_assert_eq!(shape, expected);
    }
    // Everything serde_json takes is JSON, so it must be read here.
    if serde_json::from_slice::<serde_json::Value>(json).is_ok() {
        prop_assert!(parsed.is_ok());
    }
    Ok(())
}

proptest! {
    #[test]
    fn skimming_and_parsing_agree_on_what_is_nearly_json(json in nearly_json()) {
        check_agreement(json.as_bytes())?;
    }

    #[test]
    fn skimming_and_parsing_agree_on_damaged_json(json in damaged_json()) {
        check_agreement(&json)?;
    }

    #[test]
    fn skimming_and_parsing_agree_on_any_bytes(json in prop::collection::vec(any::<u8>(), 0..64)) {
        check_agreement(&json)?;
    }
}

/// The generator of the comparison with CPython: texts of every spelling.
#[path = "../../../tests/python_json/generate.rs"]
mod generate;

/// A text is canonical if, and only if, writing its value canonically gives the same text.
#[track_caller]
fn check_canonical(text: &str) -> Option<bool> {
    let (value, marks) = Value::parse_marking(text, ["b", "a"]).ok()?;
    let canonical = to_canonical(&value).unwrap() == text.as_bytes();
    assert_eq!(marks.is_some(), canonical, "{text}");
    let object = value.as_object();
    for (key, mark) in ["b", "a"].into_iter().zip(marks.into_iter().flatten()) {
        let member = object.and_then(|object| object.get(key));
        let expected = member.map(|member| {
            let value = to_canonical(member).unwrap();
            format!("\"{key}\":{}", String::from_utf8(value).unwrap())
        });
        assert_eq!(mark.map(|mark| text[mark].to_owned()), expected, "{text}");
    }
    Some(canonical)
}

#[test]
fn a_canonical_text_is_known_for_one() {
    for seed in 0..4 {
        let texts = generate::texts(seed, 6_000);
        let texts = texts.iter().filter_map(|text| str::from_utf8(text).ok());
        let found: Vec<bool> = texts.filter_map(check_canonical).collect();
        let canonical = found.iter().filter(|found| **found).count();
        assert!(
            canonical > 500 && found.len() - canonical > 2_000,
            "{canonical}"
        );
    }
    for text in [
        r#"{"a":1,"b":{"a":"x"}}"#,
        r#"{"a":{"b":[{"a":1}]},"c":2}"#,
        r#"[{"a":1}]"#,
        r#"{"b":1,"a":2}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":1,"a":1}"#,
        r#"{"\u0061":1}"#,
        "{\"a\":1}\n",
        "{\"a\":\"\u{7f}\"}",
        "{\"a\":\"é\"}",
        r#"{"a":"\u007f\u0000\u001f\u00e9\ud83d\ude00\ud83d"}"#,
        r#"{"a":"\u00E9"}"#,
        r#"{"a":"\uD83D"}"#,
        r#"{"a":"\u000a"}"#,
        r#"{"a":"\/"}"#,
        r#"{"a":-0}"#,
        r#"{"a":-0.0}"#,
        r#"{"a":1e16}"#,
        r#"{"a":[NaN,-Infinity,Infinity,1e+16,123456789012345678901234567890]}"#,
    ] {
        assert!(check_canonical(text).is_some(), "{text}");
    }
    // One escape for each unit there is, in both cases.
    for unit in 0..=0xffffu32 {
        check_canonical(&format!(r#""\u{unit:04x}""#));
        check_canonical(&format!(r#""\u{unit:04X}""#));
    }
    for byte in 0..0x80u8 {
        check_canonical(&format!(r#""{}""#, char::from(byte)));
        check_canonical(&format!(r#""\{}""#, char::from(byte)));
    }
}

proptest! {
    #[test]
    fn what_the_canonical_writer_wrote_is_canonical(value in any_value()) {
        let text = String::from_utf8(to_canonical(&value).unwrap()).unwrap();
        prop_assert_eq!(check_canonical(&text), Some(true));
    }
}
