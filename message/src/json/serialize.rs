//! `Serialize` for `Value`: a value inside somebody else's serializer.

use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::{Object, Text, Value};

impl Serialize for Value {
    /// Serializes the value; integers go as the smallest of `i64`, `u64`, `i128` and `u128` that
    /// holds them.
    ///
    /// # Errors
    ///
    /// Integers beyond 128 bits and lone surrogates have no counterpart in serde's data model.
    /// `NaN` and infinities have; serde_json writes them as `null`, so use
    /// [`to_canonical`](crate::to_canonical) or [`to_spaced`](super::to_spaced) for text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(bool) => serializer.serialize_bool(*bool),
            Value::Int(int) => {
                if let Some(int) = int.as_i64() {
                    serializer.serialize_i64(int)
                } else if let Some(int) = int.as_u64() {
                    serializer.serialize_u64(int)
                } else if let Some(int) = int.as_i128() {
                    serializer.serialize_i128(int)
                } else if let Some(int) = int.as_u128() {
                    serializer.serialize_u128(int)
                } else {
                    Err(S::Error::custom("an integer beyond 128 bits"))
                }
            }
            Value::Float(float) => serializer.serialize_f64(*float),
            Value::String(text) => text.serialize(serializer),
            Value::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items
                    .iter()
                    .try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Value::Object(object) => object.serialize(serializer),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        self.iter()
            .try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => Err(S::Error::custom("a string with a lone surrogate")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_serialize_through_serde_json() {
        #[track_caller]
        fn check(json: &str, expected: Option<&str>) {
            let value = Value::parse(json.as_bytes()).unwrap();
            assert_eq!(
                serde_json::to_string(&value).ok().as_deref(),
                expected,
                "{json}"
            );
        }
        check(
            r#"{"b":[1, 2.5, null],"a":"é"}"#,
            Some(r#"{"b":[1,2.5,null],"a":"é"}"#),
        );
        check("18446744073709551615", Some("18446744073709551615"));
        check(&i128::MIN.to_string(), Some(&i128::MIN.to_string()));
        check(&u128::MAX.to_string(), Some(&u128::MAX.to_string()));
        check(&format!("{}0", u128::MAX), None);
        check(r#"["\ud83d"]"#, None);
        check(r#"{"\ud83d":1}"#, None);
    }
}
