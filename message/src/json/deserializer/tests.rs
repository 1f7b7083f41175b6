//! Rust types to values and back, in serde_json's conventions.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;

use super::*;
use crate::EncodeError;
use crate::json::{to_spaced, to_value};

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
enum Event {
    Started,
    Failed(String),
    Moved(i8, u8),
    Named { from: char, to: Option<char> },
}

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Wrapper(u64);

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Marker;

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Report {
    #[serde(default)]
    events: Vec<Event>,
    inner: Option<Box<Report>>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// Checks the way there and back, and that serde_json writes the same.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(rust: T, json: &str) {
    let value = to_value(&rust).unwrap();
    assert_eq!(to_spaced(&value).unwrap(), json);
    assert_eq!(from_value::<T>(&value), Ok(rust));
    let theirs = serde_json::to_value(from_value::<T>(&value).unwrap()).unwrap();
    assert_eq!(Value::from(theirs), value);
}

#[test]
fn types_go_there_and_back() {
    check((), "null");
    check(Marker, "null");
    check(true, "true");
    check(
        (i8::MIN, i16::MIN, i32::MIN, i64::MIN),
        "[-128, -32768, -2147483648, -9223372036854775808]",
    );
    check(
        (u8::MAX, u16::MAX, u32::MAX, u64::MAX),
        "[255, 65535, 4294967295, 18446744073709551615]",
    );
    check((1.5f32, -0.0f64, 1e300), "[1.5, -0.0, 1e+300]");
    check(('é', String::from("😀")), r#"["\u00e9", "\ud83d\ude00"]"#);
    check((Some(1), None::<i32>), "[1, null]");
    check(Wrapper(7), "7");
    check(Event::Started, r#""Started""#);
    check(Event::Failed("x".into()), r#"{"Failed": "x"}"#);
    check(Event::Moved(-1, 2), r#"{"Moved": [-1, 2]}"#);
    check(
        Event::Named {
            from: 'a',
            to: None,
        },
        r#"{"Named": {"from": "a", "to": null}}"#,
    );
    check(
        BTreeMap::from([(2u16, "b".to_owned()), (10, "a".to_owned())]),
        r#"{"2": "b", "10": "a"}"#,
    );
    check(BTreeMap::from([(true, ())]), r#"{"true": null}"#);
    check(BTreeMap::from([(Some('k'), 1)]).len(), "1");
    check(
        Report {
            events: vec![Event::Started],
            inner: Some(Box::new(Report {
                events: vec![],
                inner: None,
                rest: BTreeMap::from([("x".into(), Value::from([1.0]))]),
            })),
            rest: BTreeMap::new(),
        },
        r#"{"events": ["Started"], "inner": {"events": [], "inner": null, "x": [1.0]}}"#,
    );
}

#[test]
fn numbers_of_128_bits_survive() {
    let numbers = (i128::MIN, u128::MAX, 1i128, 1u128);
    let value = to_value(&numbers).unwrap();
    assert_eq!(from_value::<(i128, u128, i128, u128)>(&value), Ok(numbers));
    let keys = BTreeMap::from([(i128::MIN, u128::MAX)]);
    assert_eq!(
        from_value::<BTreeMap<i128, u128>>(&to_value(&keys).unwrap()),
        Ok(keys)
    );
}

#[test]
fn nan_stays_nan_instead_of_turning_into_null() {
    let value = to_value(&[f64::NAN, f64::INFINITY]).unwrap();
    assert_eq!(to_spaced(&value).unwrap(), "[NaN, Infinity]");
    assert!(from_value::<Vec<f64>>(&value).unwrap()[0].is_nan());
}

#[test]
fn a_value_inside_a_type_is_left_alone() {
    let value: Value = r#"{"b": [1, {"c": 18446744073709551616}], "a": null}"#
        .parse()
        .unwrap();
    assert_eq!(to_value(&value).as_ref(), Ok(&value));
    assert_eq!(from_value::<Value>(&value).as_ref(), Ok(&value));
}

#[test]
fn what_does_not_fit_is_a_mismatch() {
    #[track_caller]
    fn check<T: DeserializeOwned + Debug>(json: &str) {
        let result = from_value::<T>(&json.parse().unwrap());
        assert!(
            matches!(result, Err(DecodeError::Mismatch(_))),
            "{json}: {result:?}"
        );
    }
    check::<u8>("256");
    check::<u64>("-1");
    check::<i64>("1.0");
    check::<bool>("1");
    check::<String>("null");
    check::<String>(r#""\ud83d""#);
    check::<i128>(&format!("{}0", u128::MAX));
    check::<Vec<u8>>("{}");
    check::<(u8, u8)>("[1]");
    check::<(u8, u8)>("[1,2,3]");
    check::<Report>("[]");
    check::<Report>(r#"{"events": ["Unknown"]}"#);
    check::<Event>("1");
    check::<Event>("{}");
    check::<Event>(r#"{"Started": 1}"#);
    check::<Event>(r#"{"Failed": "x", "Started": null}"#);
    check::<Event>(r#""Failed""#);
    check::<Event>(r#"{"Moved": {"0": 1}}"#);
    check::<BTreeMap<u8, u8>>(r#"{"256": 1}"#);
    check::<BTreeMap<u8, u8>>(r#"{"x": 1}"#);
    check::<BTreeMap<bool, u8>>(r#"{"maybe": 1}"#);
}

#[test]
fn keys_must_be_text_or_numbers() {
    #[track_caller]
    fn check<K: Serialize + Ord>(key: K, expected: Result<&str, EncodeError>) {
        let value = to_value(&BTreeMap::from([(key, 1)]));
        let key = value.map(|value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .next()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        });
        assert_eq!(key, expected.map(str::to_owned));
    }
    #[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
    enum Kind {
        Plain,
        Rich(u8),
    }
    #[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct Newtype(&'static str);
    check("k", Ok("k"));
    check('c', Ok("c"));
    check(-1, Ok("-1"));
    check(u128::MAX, Ok("340282366920938463463374607431768211455"));
    check(Kind::Plain, Ok("Plain"));
    check(Newtype("n"), Ok("n"));
    check(Kind::Rich(1), Err(EncodeError::KeyNotText));
    check((), Err(EncodeError::KeyNotText));
    check((1, 2), Err(EncodeError::KeyNotText));
    check(vec![1], Err(EncodeError::KeyNotText));
    check(Some(1), Err(EncodeError::KeyNotText));
}

#[test]
fn a_type_that_gives_up_is_quoted() {
    struct Hopeless;
    impl Serialize for Hopeless {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    assert_eq!(
        to_value(&Hopeless),
        Err(EncodeError::Serialize("no".to_owned()))
    );
}
