//! JSON of the bus as jq sees it, and back.
//!
//! Called by [`super`] for each message, and by `fromjson`.

use fedmsg::json::Value;
use jaq_json::{Num, Rc, Val};

/// Returns a value for jq. Integers keep all digits; a lone surrogate becomes U+FFFD.
pub(super) fn from_message(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(bool) => Val::Bool(*bool),
        Value::Float(float) => Val::Num(Num::Float(*float)),
        Value::Int(int) => {
            let digits = int.to_string();
            let number = Num::from_str_radix(&digits, 10);
            Val::Num(number.unwrap_or_else(|| Num::from_dec_str(&digits)))
        }
        Value::String(text) => Val::utf8_str(text.to_string_lossy().into_owned()),
        Value::Array(items) => Val::Arr(Rc::new(items.iter().map(from_message).collect())),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| {
                let key = key.to_string_lossy().into_owned();
                (Val::utf8_str(key), from_message(value))
            });
            Val::obj(members.collect())
        }
    }
}
