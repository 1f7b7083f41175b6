//! Conversions between `Value` and Rust's own types, and serde_json's.
//!
//! Authors build payloads with them; `serde_json::json!` makes a [`Value`] by `into()`.

use std::borrow::Cow;

use super::{Int, Object, Text, Value};
use crate::encode_error::{Pointer, pointer_below};

macro_rules! value_from_int {
    ($($type:ty),*) => { $(
        impl From<$type> for Value {
            fn from(int: $type) -> Value {
                Value::Int(Int::from(int))
            }
        }
    )* };
}
value_from_int!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

impl From<()> for Value {
    fn from((): ()) -> Value {
        Value::Null
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Value {
        Value::Bool(bool)
    }
}

impl From<Int> for Value {
    fn from(int: Int) -> Value {
        Value::Int(int)
    }
}

impl From<f32> for Value {
    fn from(float: f32) -> Value {
        Value::Float(f64::from(float))
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Value {
        Value::Float(float)
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Value {
        Value::String(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::String(text.into())
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Value {
        Value::String(text.into())
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Value {
        Value::Object(object)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(option: Option<T>) -> Value {
        option.map_or(Value::Null, T::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        items.into_iter().collect()
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Value {
        items.into_iter().collect()
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Value {
        Value::Array(items.into_iter().map(T::into).collect())
    }
}

impl From<serde_json::Value> for Value {
    /// Takes the value over; nothing is lost in this direction.
    fn from(value: serde_json::Value) -> Value {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(bool) => Value::Bool(bool),
            serde_json::Value::Number(number) => from_number(&number),
            serde_json::Value::String(text) => Value::from(text),
            serde_json::Value::Array(items) => items.into_iter().collect(),
            serde_json::Value::Object(map) => Value::Object(map.into_iter().collect()),
        }
    }
}

fn from_number(number: &serde_json::Number) -> Value {
    if let Some(int) = number.as_i64() {
        Value::from(int)
    } else if let Some(int) = number.as_u64() {
        Value::from(int)
    } else {
        // Without serde_json's feature `arbitrary_precision` every other number is a float.
        Value::Float(number.as_f64().unwrap_or(f64::NAN))
    }
}

/// A value that a `serde_json::Value` cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// `NaN` or an infinity.
    #[error("NaN or infinity at {}", Pointer(pointer))]
    NotFinite {
        /// Where, as a JSON pointer (RFC 6901).
        pointer: String,
    },
    /// A string or key with a lone surrogate.
    #[error("lone surrogate at {}", Pointer(pointer))]
    LoneSurrogate {
        /// Where, as a JSON pointer (RFC 6901); for a key, that of its object.
        pointer: String,
    },
    /// An integer beyond the ranges of `i64` and `u64`.
    #[error("integer beyond 64 bits at {}", Pointer(pointer))]
    IntegerTooLarge {
        /// Where, as a JSON pointer (RFC 6901).
        pointer: String,
    },
}

impl LossError {
    fn below(mut self, step: &str) -> LossError {
        let (LossError::NotFinite { pointer }
        | LossError::LoneSurrogate { pointer }
        | LossError::IntegerTooLarge { pointer }) = &mut self;
        *pointer = pointer_below(pointer, step);
        self
    }
}

impl TryFrom<&Value> for serde_json::Value {
    type Error = LossError;

    /// Copies the value.
    ///
    /// # Errors
    ///
    /// The first part found that a `serde_json::Value` cannot hold.
    fn try_from(value: &Value) -> Result<serde_json::Value, LossError> {
        let pointer = String::new();
        Ok(match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(bool) => serde_json::Value::Bool(*bool),
            Value::Int(int) => match (int.as_i64(), int.as_u64()) {
                (Some(int), _) => int.into(),
                (None, Some(int)) => int.into(),
                (None, None) => return Err(LossError::IntegerTooLarge { pointer }),
            },
            Value::Float(float) => serde_json::Number::from_f64(*float)
                .ok_or(LossError::NotFinite { pointer })?
                .into(),
            Value::String(text) => utf8(text)?.into(),
            Value::Array(items) => {
                let item = |(index, item): (usize, _)| {
                    serde_json::Value::try_from(item)
                        .map_err(|error: LossError| error.below(&index.to_string()))
                };
                serde_json::Value::Array(
                    items
                        .iter()
                        .enumerate()
                        .map(item)
                        .collect::<Result<_, _>>()?,
                )
            }
            Value::Object(object) => {
                let member = |(key, value): (&Text, _)| {
                    let key = utf8(key)?;
                    let value = serde_json::Value::try_from(value);
                    Ok((
                        key.to_owned(),
                        value.map_err(|error: LossError| error.below(key))?,
                    ))
                };
                serde_json::Value::Object(object.iter().map(member).collect::<Result<_, _>>()?)
            }
        })
    }
}

fn utf8(text: &Text) -> Result<&str, LossError> {
    text.as_str().ok_or(LossError::LoneSurrogate {
        pointer: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serde_json_value_goes_there_and_back() {
        let value = serde_json::json!({
            "a": [null, true, -1, i64::MIN, u64::MAX, 1.0, -0.0, 1e300],
            "é/~": {"": "😀"},
        });
        let ours = Value::from(value.clone());
        assert_eq!(ours.pointer("/a/4").and_then(Value::as_u64), Some(u64::MAX));
        assert_eq!(serde_json::Value::try_from(&ours), Ok(value));
    }

    #[test]
    fn what_would_be_lost_is_named() {
        #[track_caller]
        fn check(json: &str, expected: LossError) {
            let value = Value::parse(json.as_bytes()).unwrap();
            assert_eq!(serde_json::Value::try_from(&value), Err(expected), "{json}");
        }
        let pointer = String::from;
        check(
            "NaN",
            LossError::NotFinite {
                pointer: pointer(""),
            },
        );
        check(
            r#"{"a/b":[0,1e999]}"#,
            LossError::NotFinite {
                pointer: pointer("/a~1b/1"),
            },
        );
        check(
            r#"["\ud83d"]"#,
            LossError::LoneSurrogate {
                pointer: pointer("/0"),
            },
        );
        check(
            r#"{"a":{"\ud83d":1}}"#,
            LossError::LoneSurrogate {
                pointer: pointer("/a"),
            },
        );
        check(
            "[18446744073709551616]",
            LossError::IntegerTooLarge {
                pointer: pointer("/0"),
            },
        );
    }

    #[test]
    fn rust_values_become_json() {
        #[track_caller]
        fn check(value: Value, expected: &str) {
            assert_eq!(crate::json::to_spaced(&value).unwrap(), expected);
        }
        check(().into(), "null");
        check(None::<i32>.into(), "null");
        check(Some("a").into(), "\"a\"");
        check(vec![1.5, 2.0].into(), "[1.5, 2.0]");
        check([u64::MAX, 0].into(), "[18446744073709551615, 0]");
        check(i128::MIN.into(), "-170141183460469231731687303715884105728");
        check(Object::from_iter([("k", true)]).into(), r#"{"k": true}"#);
        check(Cow::from("c").into(), "\"c\"");
    }
}
