//! Floats between JSON text and `f64`, exactly as CPython reads and prints them.
//!
//! Called by the parser and by the writer.

use std::fmt;

/// How many exponent digits the standard library's parser is trusted with; it stops counting beyond
/// 65,536.
const PLAIN_EXPONENT_DIGITS: usize = 4;

/// Reads a float the JSON grammar has let through, correctly rounded; beyond the range it is an
/// infinity.
pub(super) fn parse(text: &str) -> f64 {
    let exponent = text
        .find(['e', 'E'])
        .and_then(|at| text.get(at + 1..))
        .unwrap_or_default();
    if exponent.len() <= PLAIN_EXPONENT_DIGITS {
        // The grammar of the caller is a part of Rust's, so this cannot fail.
        text.parse().unwrap_or(f64::NAN)
    } else {
        parse_long_exponent(text)
    }
}

/// Reads a float whose exponent may be huge by moving the point next to the first digit that is not
/// zero.
///
/// `0.<a million zeros>1e1000001` is one in CPython, and must be one here.
fn parse_long_exponent(text: &str) -> f64 {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (-1.0, mantissa),
        None => (1.0, mantissa),
    };
    let exponent = match exponent.parse::<i64>() {
        Ok(exponent) => exponent,
        Err(_) if exponent.starts_with('-') => i64::MIN,
        Err(_) => i64::MAX,
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return sign * 0.0;
    }
    let leading_zeros = digits.len() - significant.len();
    // A text is never longer than i64::MAX bytes: the differences cannot overflow.
    let point = whole.len() as i64 - leading_zeros as i64;
    let magnitude = match exponent.saturating_add(point) {
        // Below the smallest subnormal, 5e-324, and above the largest float, 1.8e308, by a wide
        // margin.
        ..=-400 => 0.0,
        400.. => f64::INFINITY,
        exponent => format!("0.{significant}e{exponent}")
            .parse()
            .unwrap_or(f64::NAN),
    };
    sign * magnitude
}

/// Appends a float the way Python's `repr` spells it, `NaN` and `Infinity` bare.
///
/// Shortest digits that read back to the same float; positional for scientific exponents −4 ≤ E <
/// 16, else with a signed exponent of at least two digits (fedmsg wire specification §3.1).
pub(super) fn write(out: &mut impl fmt::Write, float: f64) -> fmt::Result {
    if float.is_nan() {
        return out.write_str("NaN");
    }
    if float.is_infinite() {
        return out.write_str(if float > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(float);
    let magnitude = float.abs();
    let is_positional = (1e-4..1e16).contains(&magnitude) || magnitude == 0.0;
    if is_positional && shortest.contains('.') && !shortest.contains('e') {
        out.write_str(shortest)
    } else {
        write_digits(out, shortest, is_positional)
    }
}

/// Appends `shortest`, a float in any spelling, in Python's layout.
fn write_digits(out: &mut impl fmt::Write, shortest: &str, is_positional: bool) -> fmt::Result {
    let unsigned = shortest.strip_prefix('-').unwrap_or(shortest);
    if unsigned.len() < shortest.len() {
        out.write_char('-')?;
    }
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = [whole, fraction].concat();
    let digits = all_digits.trim_start_matches('0');
    let leading_zeros = all_digits.len() - digits.len();
    let digits = digits.trim_end_matches('0');
    // The value is 0.<digits> × 10^point. A spelled float has some twenty digits, never 2^31.
    let point = exponent + whole.len() as i32 - leading_zeros as i32;
    out.write_str(&if is_positional {
        positional(digits, point)
    } else {
        scientific(digits, point - 1)
    })
}

/// Spells 0.`digits` × 10^`point` with at least one digit on both sides of the point.
fn positional(digits: &str, point: i32) -> String {
    let Ok(whole_length @ 1..) = usize::try_from(point) else {
        let zeros = "0".repeat(point.unsigned_abs() as usize);
        return format!("0.{zeros}{digits}");
    };
    match digits.split_at_checked(whole_length) {
        Some((whole, "")) => format!("{whole}.0"),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits:0<whole_length$}.0"),
    }
}

/// Spells `digits` with the point after the first one, and `exponent` with a sign and at least two
/// digits.
fn scientific(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    let exponent = exponent.unsigned_abs();
    match digits.split_at_checked(1) {
        Some((first, rest)) if !rest.is_empty() => format!("{first}.{rest}e{sign}{exponent:02}"),
        _ => format!("{digits}e{sign}{exponent:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut out = String::new();
        write(&mut out, parse(text)).unwrap();
        assert_eq!(out, expected, "{text}");
    }

    #[test]
    fn floats_are_spelled_as_in_python() {
        check("0.0", "0.0");
        check("-0.0", "-0.0");
        check("100.0", "100.0");
        check("1e15", "1000000000000000.0");
        check("9999999999999998.0", "9999999999999998.0");
        check("1e16", "1e+16");
        check("0.0001", "0.0001");
        check("0.00012345", "0.00012345");
        check("0.00001", "1e-05");
        check("-0.000015", "-1.5e-05");
        check("5e-324", "5e-324");
        check("1.7976931348623157e308", "1.7976931348623157e+308");
        check("1e400", "Infinity");
        check("-1e400", "-Infinity");
        check("1e22", "1e+22");
        check("123456789012345.67", "123456789012345.67");
    }

    #[test]
    fn every_spelling_of_the_digits_comes_out_the_same() {
        for shortest in ["12.5", "1.25e1", "125e-1", "0.125e2", "0012.500"] {
            let mut out = String::new();
            write_digits(&mut out, shortest, true).unwrap();
            assert_eq!(out, "12.5", "{shortest}");
            out.clear();
            write_digits(&mut out, shortest, false).unwrap();
            assert_eq!(out, "1.25e+01", "{shortest}");
        }
        let mut out = String::new();
        write_digits(&mut out, "-1e2", true).unwrap();
        write_digits(&mut out, "-5e-3", true).unwrap();
        write_digits(&mut out, "-5e-3", false).unwrap();
        assert_eq!(out, "-100.0-0.005-5e-03");
    }

    #[test]
    fn long_exponents_are_exact() {
        let zeros = "0".repeat(1_000_000);
        check(&format!("0.{zeros}1e1000001"), "1.0");
        check(&format!("1{zeros}e-1000000"), "1.0");
        check(&format!("-1{zeros}.0e-1000001"), "-0.1");
        check(&format!("0.{zeros}1e900000"), "0.0");
        check("1e99999999999999999999", "Infinity");
        check("-1e99999999999999999999", "-Infinity");
        check("-1e-99999999999999999999", "-0.0");
        check("0e99999999999999999999", "0.0");
        check("-0.0e99999999999999999999", "-0.0");
        check("1.5E+00000000000000000000000002", "150.0");
        check("1.5E-00002", "0.015");
    }
}
