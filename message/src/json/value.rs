//! `Value`: one JSON value, owned and lossless.
//!
//! Made by [`Value::parse`](super::parse), [`to_value`](super::to_value) and the `From`
//! conversions; read by everybody.

use super::{Int, Object, Text};

/// One JSON value as CPython's `json` module would hold it.
///
/// Equality is equality of content: objects compare without regard to order, `Int(1)` is not
/// `Float(1.0)`, `NaN` is not `NaN`.
///
/// ```
/// use fedmsg_message::json::Value;
///
/// let value = Value::parse(br#"{"msg": {"commit": {"rev": "f00", "lines": [1, 2]}}}"#)?;
/// assert_eq!(value.pointer("/msg/commit/rev").and_then(Value::as_str), Some("f00"));
/// assert_eq!(value.get("msg").and_then(|msg| msg.get("no such key")), None);
/// # Ok::<(), fedmsg_message::json::JsonError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent, of any size.
    Int(Int),
    /// A number with a fraction or an exponent, or `NaN`, `Infinity`, `-Infinity`.
    Float(f64),
    /// A string.
    String(Text),
    /// An array.
    Array(Vec<Value>),
    /// An object, in the order received.
    Object(Object),
}

impl Value {
    /// Returns the member `key` of an object; `None` for every other value.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// Returns the value a JSON pointer (RFC 6901) leads to; the empty pointer is the value itself.
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer
            .strip_prefix('/')?
            .split('/')
            .try_fold(self, |value, step| match value {
                Value::Object(object) if step.contains('~') => {
                    object.get(&step.replace("~1", "/").replace("~0", "~"))
                }
                Value::Object(object) => object.get(step),
                Value::Array(items) => items.get(array_index(step)?),
                _ => None,
            })
    }

    /// Returns whether the value is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Returns the boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// Returns the integer, if it is one and fits; a float is not an integer, not even `1.0`.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_int()?.as_i64()
    }

    /// Returns the integer, if it is one and fits; a float is not an integer, not even `1.0`.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_int()?.as_u64()
    }

    /// Returns the integer of any size, if it is one.
    pub fn as_int(&self) -> Option<&Int> {
        match self {
            Value::Int(int) => Some(int),
            _ => None,
        }
    }

    /// Returns the number, integer or float, as the nearest `f64`.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(int) => Some(int.as_f64()),
            Value::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// Returns the string, if it is one and has no lone surrogate.
    pub fn as_str(&self) -> Option<&str> {
        self.as_text()?.as_str()
    }

    /// Returns the string, if it is one.
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the items, if it is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the object, if it is one.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Returns the object for changing, if it is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Returns what kind of value it is, as JSON calls it: `null`, `boolean`, `number`, `string`,
    /// `array`, `object`.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) | Value::Float(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }
}

/// Returns the index a pointer step spells: digits without a leading zero (RFC 6901 §4).
fn array_index(step: &str) -> Option<usize> {
    let plain = step == "0" || !step.starts_with(['0', '+']);
    if plain { step.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_walks_objects_and_arrays() {
        let value = Value::parse(br#"{"a":[10,{"b/c":1,"~":2,"":3}],"0":4}"#).unwrap();
        #[track_caller]
        fn check(value: &Value, pointer: &str, expected: Option<i64>) {
            assert_eq!(
                value.pointer(pointer).and_then(Value::as_i64),
                expected,
                "{pointer}"
            );
        }
        check(&value, "/a/0", Some(10));
        check(&value, "/a/1/b~1c", Some(1));
        check(&value, "/a/1/~0", Some(2));
        check(&value, "/a/1/", Some(3));
        check(&value, "/0", Some(4));
        check(&value, "/a/00", None);
        check(&value, "/a/+0", None);
        check(&value, "/a/-", None);
        check(&value, "/a/2", None);
        check(&value, "a", None);
        check(&value, "/a/0/x", None);
        assert_eq!(value.pointer(""), Some(&value));
    }

    #[test]
    fn accessors_never_convert_between_kinds() {
        #[track_caller]
        fn check(json: &str, i64: Option<i64>, u64: Option<u64>, f64: Option<f64>) {
            let value = Value::parse(json.as_bytes()).unwrap();
            assert_eq!(
                (value.as_i64(), value.as_u64(), value.as_f64()),
                (i64, u64, f64),
                "{json}"
            );
        }
        check("1", Some(1), Some(1), Some(1.0));
        check("1.0", None, None, Some(1.0));
        check("-1", Some(-1), None, Some(-1.0));
        check(
            "18446744073709551615",
            None,
            Some(u64::MAX),
            Some(18446744073709551615.0),
        );
        check("100000000000000000000", None, None, Some(1e20));
        check("true", None, None, None);
        check("\"1\"", None, None, None);
    }

    #[test]
    fn equality_ignores_the_order_of_keys_and_keeps_number_kinds_apart() {
        #[track_caller]
        fn check(left: &str, right: &str, equal: bool) {
            let parse = |json: &str| Value::parse(json.as_bytes()).unwrap();
            assert_eq!(parse(left) == parse(right), equal, "{left} {right}");
        }
        check(r#"{"a":1,"b":[2]}"#, r#"{"b":[2],"a":1}"#, true);
        check(r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false);
        check(r#"{"a":1,"b":2}"#, r#"{"a":1,"c":2}"#, false);
        check("1", "1.0", false);
        check("[1,2]", "[2,1]", false);
        check("NaN", "NaN", false);
    }
}
