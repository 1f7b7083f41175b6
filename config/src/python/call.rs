//! The functions and methods of which the result is known without calling them.
//!
//! [`super::expression`] asks; any other call is a value that is not known.

use super::Machine;
use super::format::{LONGEST, braces, shown};
use super::operation::{CALLED, CALLED_PARTS, PROGRAM};
use super::value::{Dict, Value};

/// What a function is given.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) values: Vec<Value>,
    pub(super) named: Dict,
}

/// Something that can be called.
pub(super) enum Callee {
    /// A value by itself.
    Plain(Value),
    /// A method of a value.
    Method(Value, String),
}

/// Returns what a call comes to, in `line`.
pub(super) fn call(callee: Callee, arguments: Arguments, machine: &Machine, line: usize) -> Value {
    let result = match callee {
        Callee::Plain(Value::Named(name)) => function(&name, arguments, machine),
        Callee::Plain(unknown @ Value::Unknown(_)) => return unknown,
        Callee::Plain(_) => Err("a call of something that is no function".to_owned()),
        Callee::Method(unknown @ Value::Unknown(_), _) => return unknown,
        Callee::Method(value, name) => method(&value, &name, &arguments),
    };
    result.unwrap_or_else(|reason| Value::unknown(line, reason))
}

fn function(name: &str, arguments: Arguments, machine: &Machine) -> Result<Value, String> {
    let Arguments { mut values, named } = arguments;
    let unknown = || Err(format!("the result of {name}()"));
    match (name, values.len()) {
        ("dict" | "collections.OrderedDict", 0) => Ok(Value::Dict(named)),
        ("dict" | "collections.OrderedDict", 1) => match values.pop() {
            Some(Value::Dict(mut dict)) => {
                for entry in named {
                    dict.insert(entry.key, entry.line, entry.value);
                }
                Ok(Value::Dict(dict))
            }
            Some(Value::Unknown(why)) => Err(why.reason),
            _ => unknown(),
        },
        ("list" | "tuple", 0) => Ok(Value::List(Vec::new())),
        ("list" | "tuple", 1) => match values.pop() {
            Some(Value::List(items)) => Ok(Value::List(items)),
            Some(Value::Unknown(why)) => Err(why.reason),
            _ => unknown(),
        },
        ("str" | "unicode", 1) => match values.pop() {
            Some(value) => shown(&value).map(Value::Text),
            None => unknown(),
        },
        ("int", 1) => match values.pop() {
            Some(Value::Int(number)) => Ok(Value::Int(number)),
            Some(Value::Text(text)) => {
                let number = text.trim().parse();
                number
                    .map(Value::Int)
                    .map_err(|_| "int() of another text".to_owned())
            }
            _ => unknown(),
        },
        ("os.getcwd", 0) => Ok(Value::Text(machine.directory.clone())),
        ("socket.gethostname", 0) => Ok(Value::Text(machine.host.clone())),
        ("os.path.join", 1..) => joined_path(&values).ok_or_else(|| "a path".to_owned()),
        ("os.path.basename", 1) if values == [Value::Named(CALLED.to_owned())] => {
            Ok(Value::Named(PROGRAM.to_owned()))
        }
        ("sys.argv[0].split", 1) if values == [Value::Text("/".to_owned())] => {
            Ok(Value::Named(CALLED_PARTS.to_owned()))
        }
        (name, _) if name.starts_with("random.") => Err(format!("a random value: {name}()")),
        _ => unknown(),
    }
}

fn joined_path(parts: &[Value]) -> Option<Value> {
    let mut path = String::new();
    for part in parts {
        let Value::Text(part) = part else {
            return None;
        };
        if part.starts_with('/') {
            path.clear();
        } else if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(part);
        if path.len() > LONGEST {
            return None;
        }
    }
    Some(Value::Text(path))
}

fn method(value: &Value, name: &str, arguments: &Arguments) -> Result<Value, String> {
    let Arguments { values, named } = arguments;
    let unknown = || format!("the result of the method {name}()");
    let Value::Text(text) = value else {
        return match (value, name, values.as_slice()) {
            (Value::Dict(dict), "copy", []) => Ok(Value::Dict(dict.clone())),
            _ => Err(unknown()),
        };
    };
    match (name, values.as_slice()) {
        ("join", [Value::List(items)]) => join(text, items).map(Value::Text),
        ("join", [Value::Unknown(why)]) => Err(why.reason.clone()),
        ("format", values) => braces(text, values, named).map(Value::Text),
        _ if !named.is_empty() => Err(unknown()),
        ("split", []) => Ok(list(text.split_whitespace())),
        ("split", [Value::Text(by)]) if !by.is_empty() => Ok(list(text.split(by.as_str()))),
        ("split", [Value::Text(by), Value::Int(most @ 0..)]) if !by.is_empty() => {
            let most = usize::try_from(*most)
                .unwrap_or(usize::MAX)
                .saturating_add(1);
            Ok(list(text.splitn(most, by.as_str())))
        }
        ("strip", []) => Ok(Value::Text(text.trim().to_owned())),
        ("lower", []) => Ok(Value::Text(text.to_lowercase())),
        ("upper", []) => Ok(Value::Text(text.to_uppercase())),
        _ => Err(unknown()),
    }
}

fn list<'a>(parts: impl Iterator<Item = &'a str>) -> Value {
    Value::List(parts.map(|part| Value::Text(part.to_owned())).collect())
}

fn join(separator: &str, items: &[Value]) -> Result<String, String> {
    let mut text = String::new();
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            text.push_str(separator);
        }
        match item {
            Value::Text(item) => text.push_str(item),
            Value::Unknown(why) => return Err(why.reason.clone()),
            _ => return Err("join() of something that is no text".to_owned()),
        }
        if text.len() > LONGEST {
            return Err("a very long text".to_owned());
        }
    }
    Ok(text)
}
