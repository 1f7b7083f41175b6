//! Operators and attributes: what comes of values that are known.
//!
//! [`super::expression`] asks.

use super::format::{LONGEST, percent};
use super::value::Value;

pub(super) fn attribute(of: &str, name: &str) -> Value {
    match (of, name) {
        ("os.path" | "os", "sep") => Value::Text("/".to_owned()),
        ("os", "pathsep") => Value::Text(":".to_owned()),
        ("os", "curdir") => Value::Text(".".to_owned()),
        _ if of.len() + name.len() > 200 => Value::Named("a long name".to_owned()),
        _ => Value::Named(format!("{of}.{name}")),
    }
}

/// How the program was called.
pub(super) const CALLED: &str = "sys.argv[0]";
/// The parts of its path.
pub(super) const CALLED_PARTS: &str = "the parts of sys.argv[0]";
/// The last of them. By custom the path of the monitoring socket has it.
pub(super) const PROGRAM: &str = "the name of the program";

/// Returns what an item of the command line, or of a part of it, is.
fn part_of_argv(of: &str, index: i64) -> Option<&'static str> {
    match (of, index) {
        ("sys.argv", 0) => Some(CALLED),
        (CALLED_PARTS, -1) => Some(PROGRAM),
        _ => None,
    }
}

/// Returns an item of a list, or what a key of a dict has.
pub(super) fn element(value: Value, index: &Value, line: usize) -> Value {
    if let (Value::Named(name), Value::Int(index)) = (&value, index)
        && let Some(named) = part_of_argv(name, *index)
    {
        return Value::Named(named.to_owned());
    }
    let found = match (&value, index) {
        (Value::List(items), Value::Int(index)) => {
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let from_end = if *index < 0 {
                index.checked_add(length)
            } else {
                Some(*index)
            };
            let index = from_end.and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| items.get(index))
        }
        (Value::Dict(dict), Value::Text(key)) => dict.get(key),
        _ => None,
    };
    match found {
        Some(found) => found.clone(),
        None => match value {
            Value::Named(name) => Value::unknown(line, format!("what {name} has")),
            value => not_known([&value, index], line, "an item that is not there"),
        },
    }
}

/// Returns the first of two values that is not known, or else one that is not known for this `reason`.
pub(super) fn not_known(values: [&Value; 2], line: usize, reason: &str) -> Value {
    let unknown = values
        .into_iter()
        .find(|it| matches!(it, Value::Unknown(_)));
    unknown
        .cloned()
        .unwrap_or_else(|| Value::unknown(line, reason))
}

pub(super) fn plus(a: Value, b: Value, line: usize) -> Value {
    match (a, b) {
        (Value::Text(mut a), Value::Text(b)) if a.len() + b.len() <= LONGEST => {
            a.push_str(&b);
            Value::Text(a)
        }
        (Value::List(mut a), Value::List(b)) => {
            a.extend(b);
            Value::List(a)
        }
        (a, b) => arithmetic(&a, &b, line, i64::checked_add, |a, b| a + b),
    }
}

pub(super) fn times(a: &Value, b: &Value, line: usize) -> Value {
    match (a, b) {
        (Value::Text(text), Value::Int(count)) | (Value::Int(count), Value::Text(text)) => {
            let count = usize::try_from(*count).unwrap_or_default();
            if text.len().saturating_mul(count) > LONGEST {
                return Value::unknown(line, "a very long text");
            }
            Value::Text(text.repeat(count))
        }
        _ => arithmetic(a, b, line, i64::checked_mul, |a, b| a * b),
    }
}

pub(super) fn remainder(a: Value, b: &Value, is_tuple: bool, line: usize) -> Value {
    match (a, b) {
        (unknown @ Value::Unknown(_), _) => unknown,
        (Value::Text(template), b) => {
            let text = percent(&template, b, is_tuple);
            text.map_or_else(|reason| Value::unknown(line, reason), Value::Text)
        }
        (Value::Int(a), Value::Int(b @ 1..)) => Value::Int(a.rem_euclid(*b)),
        (a, b) => not_known([&a, b], line, "a remainder"),
    }
}

pub(super) fn arithmetic(
    a: &Value,
    b: &Value,
    line: usize,
    of_ints: fn(i64, i64) -> Option<i64>,
    of_floats: fn(f64, f64) -> f64,
) -> Value {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => match of_ints(*a, *b) {
            Some(number) => Value::Int(number),
            None => Value::unknown(line, "a number that TOML does not have"),
        },
        _ => match (float(a), float(b)) {
            (Some(a), Some(b)) => finite(of_floats(a, b), line),
            _ => not_known([a, b], line, "an operation on these values"),
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "as Python does")]
pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

pub(super) fn finite(number: f64, line: usize) -> Value {
    if number.is_finite() {
        Value::Float(number)
    } else {
        Value::unknown(line, "a number that TOML does not have")
    }
}
