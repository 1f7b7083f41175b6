//! Texts with values put into them: `"%s.%s" % (a, b)` and `"{}.{}".format(a, b)`.
//!
//! [`super::expression`] and [`super::call`] ask for it. Rules: The Python Standard Library, "printf-style
//! String Formatting" and "Format String Syntax", of which the forms without attributes are understood.

use super::operation::PROGRAM;
use super::value::{Dict, Value};
use crate::monitoring_address::PROCESS;

/// The longest text that is made, in bytes: a configuration has none like it.
pub(super) const LONGEST: usize = 64 * 1024;

/// The widest field, in characters.
const WIDEST: usize = 1000;

/// Puts values in the places of `%s` and its like.
pub(super) fn percent(template: &str, values: &Value, is_tuple: bool) -> Result<String, String> {
    let mut arguments = match values {
        // A list in more places than one is an error, so that one with a name must be a tuple.
        Value::List(items) if is_tuple || has_several_places(template) => items.iter(),
        value => std::slice::from_ref(value).iter(),
    };
    let mut text = String::new();
    let mut rest = template;
    let mut is_named = false;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let (name, after) = match after.strip_prefix('(').map(|named| named.split_once(')')) {
            None => (None, after),
            Some(Some((name, after))) => (Some(name), after),
            Some(None) => return Err("a malformed template".to_owned()),
        };
        let flags_end = after
            .find(|c: char| !"-+ #0".contains(c))
            .unwrap_or(after.len());
        let (flags, after) = after.split_at_checked(flags_end).unwrap_or_default();
        let digits_end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let (width, after) = after.split_at_checked(digits_end).unwrap_or_default();
        let mut characters = after.chars();
        let Some(kind) = characters.next() else {
            return Err("a malformed template".to_owned());
        };
        rest = characters.as_str();
        if kind == '%' && flags.is_empty() && width.is_empty() {
            text.push('%');
            continue;
        }
        let value = match (name, values) {
            (Some(name), Value::Dict(dict)) => {
                is_named = true;
                dict.get(name)
            }
            (Some(_), _) => None,
            (None, _) => arguments.next(),
        };
        let value = value.ok_or("a template with more places than values")?;
        let field = converted(kind, value)?;
        pad(&mut text, &field, kind, flags, width)?;
        if text.len() > LONGEST {
            return Err("a very long text".to_owned());
        }
    }
    text.push_str(rest);
    if arguments.next().is_some() && !is_named && !matches!(values, Value::Dict(_)) {
        return Err("a template with fewer places than values".to_owned());
    }
    Ok(text)
}

fn has_several_places(template: &str) -> bool {
    template.replace("%%", "").matches('%').count() > 1
}

fn converted(kind: char, value: &Value) -> Result<String, String> {
    match (kind, value) {
        (_, Value::Unknown(unknown)) => Err(unknown.reason.clone()),
        ('s', value) => shown(value),
        ('r', value) => represented(value),
        ('d' | 'i' | 'u', Value::Int(number)) => Ok(number.to_string()),
        ('d' | 'i' | 'u', Value::Bool(is)) => Ok(i64::from(*is).to_string()),
        // What is behind the point goes; a whole number of this size has no other text.
        ('d' | 'i' | 'u', Value::Float(number)) if number.abs() < 1e15 => {
            let whole = number.trunc() + 0.0; // no -0
            Ok(format!("{whole:.0}"))
        }
        ('x', Value::Int(number)) if *number >= 0 => Ok(format!("{number:x}")),
        ('o', Value::Int(number)) if *number >= 0 => Ok(format!("{number:o}")),
        _ => Err(format!("the form %{kind} of a value")),
    }
}

fn pad(text: &mut String, field: &str, kind: char, flags: &str, width: &str) -> Result<(), String> {
    let width: usize = if width.is_empty() {
        0
    } else {
        width.parse().unwrap_or(usize::MAX)
    };
    if width > WIDEST || flags.contains(['+', ' ', '#']) {
        return Err("an unusual form of a value".to_owned());
    }
    let missing = width.saturating_sub(field.chars().count());
    let is_number = !matches!(kind, 's' | 'r');
    if is_number && field.starts_with('-') && flags.contains('0') {
        return Err("an unusual form of a value".to_owned());
    }
    if flags.contains('-') {
        text.push_str(field);
        text.push_str(&" ".repeat(missing));
    } else {
        let filler = if flags.contains('0') && is_number {
            "0"
        } else {
            " "
        };
        text.push_str(&filler.repeat(missing));
        text.push_str(field);
    }
    Ok(())
}

/// Puts values in the places of `{}`, `{0}` and `{name}`.
pub(super) fn braces(template: &str, values: &[Value], named: &Dict) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    let mut next = 0;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at_checked(at).unwrap_or_default();
        text.push_str(before);
        if let Some(doubled) = ["{{", "}}"].iter().find(|it| after.starts_with(**it)) {
            text.push_str(doubled.get(..1).unwrap_or_default());
            rest = after.get(2..).unwrap_or_default();
            continue;
        }
        let field = after
            .strip_prefix('{')
            .and_then(|field| field.split_once('}'));
        let (field, after) = field.ok_or("a malformed template")?;
        rest = after;
        let value = match field {
            "" => {
                next += 1;
                values.get(next - 1)
            }
            number if number.bytes().all(|digit| digit.is_ascii_digit()) => number
                .parse::<usize>()
                .ok()
                .and_then(|number| values.get(number)),
            name => named.get(name),
        };
        text.push_str(&shown(value.ok_or("an unusual place in a template")?)?);
        if text.len() > LONGEST {
            return Err("a very long text".to_owned());
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// Returns what `repr` makes of a value. What is beyond ASCII depends on the version of Python.
fn represented(value: &Value) -> Result<String, String> {
    let Value::Text(text) = value else {
        return shown(value);
    };
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("an unusual text in quotes".to_owned());
    }
    let text = text.replace('\\', r"\\");
    Ok(match (text.contains('\''), text.contains('"')) {
        (true, false) => format!("\"{text}\""),
        _ => format!("'{}'", text.replace('\'', r"\'")),
    })
}

/// Returns what `str` makes of a value.
pub(super) fn shown(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Int(number) => Ok(number.to_string()),
        // Both write the shortest form that reads back as the same.
        Value::Float(number) if (1e-4..1e16).contains(&number.abs()) || *number == 0.0 => {
            Ok(format!("{number:?}"))
        }
        Value::Bool(true) => Ok("True".to_owned()),
        Value::Bool(false) => Ok("False".to_owned()),
        Value::None => Ok("None".to_owned()),
        Value::Named(name) if name == PROGRAM => Ok(PROCESS.to_owned()),
        Value::Unknown(unknown) => Err(unknown.reason.clone()),
        _ => Err("a list or a dict within a text".to_owned()),
    }
}
