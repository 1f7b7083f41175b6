//! The literals of Python: numbers, and strings with their prefixes and escapes.
//!
//! [`super::token`] finds where they end. Rules: The Python Language Reference, section 2.4.

use std::iter::Peekable;
use std::str::Chars;

use super::value::Value;

/// Reads a number.
pub(super) fn number(text: &str) -> Result<Value, String> {
    let digits = text.replace('_', "");
    let radix = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => Some(16),
        Some("0o") => Some(8),
        Some("0b") => Some(2),
        _ => None,
    };
    if let Some(radix) = radix {
        let digits = digits.get(2..).unwrap_or_default();
        let number = i64::from_str_radix(digits, radix);
        return number
            .map(Value::Int)
            .map_err(|_| "a number that TOML does not have".to_owned());
    }
    if digits.bytes().all(|digit| digit.is_ascii_digit()) {
        if digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|it| it != b'0') {
            return Err("a number with a leading 0, which Python 3 does not have".to_owned());
        }
        let number = digits.parse();
        return number
            .map(Value::Int)
            .map_err(|_| "a number that TOML does not have".to_owned());
    }
    let is_float = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    match digits.parse::<f64>() {
        Ok(number) if digits.chars().all(is_float) && number.is_finite() => {
            Ok(Value::Float(number))
        }
        _ => Err("a number of another kind than TOML has".to_owned()),
    }
}

/// Reads what stands between the quotes of a string with this prefix.
pub(super) fn string(prefix: &str, body: &str) -> Result<Value, String> {
    let prefix = prefix.to_ascii_lowercase();
    // Lines end with \n in a program, however the file has them.
    let body = body.replace("\r\n", "\n");
    if prefix.contains('f') && body.contains(['{', '}']) {
        return Err("an f-string".to_owned());
    }
    if prefix.contains('r') {
        return Ok(Value::Text(body));
    }
    unescaped(&body, prefix.contains('b')).map(Value::Text)
}

fn unescaped(body: &str, is_bytes: bool) -> Result<String, String> {
    let mut text = String::with_capacity(body.len());
    let mut rest = body.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match rest.next() {
            None => text.push('\\'),
            Some('\n') => {}
            Some(c @ ('\\' | '\'' | '"')) => text.push(c),
            Some('a') => text.push('\u{7}'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('v') => text.push('\u{b}'),
            Some(digit @ '0'..='7') => text.push(octal(digit, &mut rest)?),
            Some('x') => text.push(hexadecimal(2, &mut rest)?),
            Some('u') if !is_bytes => text.push(hexadecimal(4, &mut rest)?),
            Some('U') if !is_bytes => text.push(hexadecimal(8, &mut rest)?),
            Some('N') if !is_bytes => return Err("a character by its name".to_owned()),
            // As Python does, with a warning.
            Some(other) => text.extend(['\\', other]),
        }
    }
    Ok(text)
}

fn octal(first: char, rest: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let mut number = first.to_digit(8).unwrap_or_default();
    for _ in 0..2 {
        let Some(digit) = rest.peek().and_then(|c| c.to_digit(8)) else {
            break;
        };
        number = number * 8 + digit;
        rest.next();
    }
    character(number)
}

fn hexadecimal(digits: usize, rest: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let mut number: u32 = 0;
    for _ in 0..digits {
        let digit = rest.next().and_then(|c| c.to_digit(16));
        let digit = digit.ok_or("a malformed escape in a string")?;
        number = number.wrapping_mul(16).wrapping_add(digit);
    }
    character(number)
}

fn character(number: u32) -> Result<char, String> {
    char::from_u32(number).ok_or_else(|| "half a character, which TOML does not have".to_owned())
}
