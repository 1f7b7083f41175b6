//! What the tests of several modules share: golden vectors and generated values.
//!
//! The vectors were made by the real Python program; `tests/fixtures/vectors/README.md` tells how.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::json::{Int, Object, Value};

/// Reads a file of golden vectors, with the parser under test: nothing else reads all of them.
#[track_caller]
pub(crate) fn vectors(path: &str) -> Value {
    let bytes = file(path);
    Value::parse(&bytes).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Reads any other file among the golden vectors.
#[track_caller]
pub(crate) fn file(path: &str) -> Vec<u8> {
    std::fs::read(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the files in a folder of golden vectors whose names end so, as paths to read; none would
/// test nothing.
#[track_caller]
pub(crate) fn files(path: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder().join(path)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names
        .filter(|name| name.ends_with(ending))
        .map(|name| format!("{path}/{name}"))
        .collect();
    assert!(!files.is_empty(), "{path} has no *{ending}");
    files.sort();
    files
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors")
}

/// Returns the list `key` of a file of golden vectors; an empty one would test nothing.
#[track_caller]
pub(crate) fn cases(path: &str, key: &str) -> Vec<Value> {
    let cases = vectors(path)
        .get(key)
        .and_then(Value::as_array)
        .unwrap()
        .to_vec();
    assert!(!cases.is_empty(), "{path} has no {key}");
    cases
}

/// Returns a text member of a vector.
#[track_caller]
pub(crate) fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case.get(key)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text {key} in {case:?}"))
}

/// Returns a base64 member of a vector as bytes.
#[track_caller]
pub(crate) fn bytes(case: &Value, key: &str) -> Vec<u8> {
    base64(text(case, key))
}

/// Decodes the base64 of the vectors: standard alphabet, padded, on one line.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    let sextet = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{} is not base64", other.escape_ascii()),
    };
    let decode = |quad: &[u8]| {
        let word = quad
            .iter()
            .fold(0u32, |word, byte| word << 6 | u32::from(sextet(*byte)));
        let word = word << (6 * (4 - quad.len()));
        word.to_be_bytes()[1..quad.len()].to_vec()
    };
    text.trim_end_matches('=')
        .as_bytes()
        .chunks(4)
        .flat_map(decode)
        .collect()
}

/// Any value: every kind, all awkward floats and integers, lone surrogates, nesting, repeated keys.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "-?[1-9][0-9]{0,40}".prop_map(|digits| Value::Int(digits.parse::<Int>().unwrap())),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        (-1_000_000i32..1_000_000).prop_map(|int| Value::Float(f64::from(int) / 64.0)),
        any_text(),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any_text(), inner), 0..24).prop_map(|members| {
                let keyed = members.into_iter().map(|(key, value)| match key {
                    Value::String(key) => (key, value),
                    other => panic!("{other:?} is no text"),
                });
                Value::Object(keyed.collect::<Object>())
            }),
        ]
    })
}

/// Any text, made of UTF-16 units so that there are lone surrogates, with few different ones so
/// that keys repeat.
fn any_text() -> impl Strategy<Value = Value> {
    let common: Vec<u16> = "ab\"\\/\u{0}\u{1f} \u{7f}\u{80}é€\u{ffff}"
        .encode_utf16()
        .collect();
    let unit = prop_oneof![
        4 => prop::sample::select(common),
        1 => 0xd800..0xe000u16,
        1 => any::<u16>(),
    ];
    prop::collection::vec(unit, 0..12).prop_map(|units| {
        let escaped: String = units.iter().map(|unit| format!("\\u{unit:04X}")).collect();
        Value::parse_str(&format!("\"{escaped}\"")).unwrap()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        for (text, expected) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo")] {
            assert_eq!(base64(text), expected.as_bytes());
        }
        assert_eq!(base64("+/8="), [0xfb, 0xff]);
    }
}
