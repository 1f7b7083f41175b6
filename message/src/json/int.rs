//! `Int`: an integer of any size, kept as its decimal digits when it does not fit 64 bits.
//!
//! Made by the parser and the `From` conversions; the writer copies its text.

use std::fmt;
use std::str::FromStr;

/// An integer of any size, in one normal form: `-0` is `0`, no leading zeros, no plus sign.
///
/// ```
/// use fedmsg_message::json::Int;
///
/// let huge: Int = "-00123456789012345678901234567890".parse()?;
/// assert_eq!(huge.to_string(), "-123456789012345678901234567890");
/// assert_eq!(huge.as_i64(), None);
/// assert_eq!("-0".parse::<Int>()?, Int::from(0));
/// # Ok::<(), fedmsg_message::json::NotAnInteger>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Int(Repr);

/// `Big` holds only what `Small` cannot, so that derived equality is numeric equality.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    Big(Box<str>),
}

impl Int {
    /// Takes the integer the JSON grammar has let through: an optional minus, then digits without a
    /// leading zero.
    pub(super) fn from_json_digits(digits: &str) -> Int {
        match digits.parse() {
            Ok(small) => Int(Repr::Small(small)),
            Err(_) => Int(Repr::Big(digits.into())),
        }
    }

    /// Returns the integer, if it fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(small) => Some(*small),
            Repr::Big(_) => None,
        }
    }

    /// Returns the integer, if it fits.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small(small) => u64::try_from(*small).ok(),
            Repr::Big(digits) => digits.parse().ok(),
        }
    }

    /// Returns the integer, if it fits.
    pub fn as_i128(&self) -> Option<i128> {
        match &self.0 {
            Repr::Small(small) => Some(i128::from(*small)),
            Repr::Big(digits) => digits.parse().ok(),
        }
    }

    /// Returns the integer, if it fits.
    pub fn as_u128(&self) -> Option<u128> {
        match &self.0 {
            Repr::Small(small) => u128::try_from(*small).ok(),
            Repr::Big(digits) => digits.parse().ok(),
        }
    }

    /// Returns the nearest `f64`, infinite when the integer is beyond its range.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Repr::Small(small) => *small as f64,
            // Digits always parse; beyond the range they parse as an infinity.
            Repr::Big(digits) => digits.parse().unwrap_or(f64::NAN),
        }
    }

    /// Appends the decimal digits.
    pub(super) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match &self.0 {
            Repr::Small(small) => out.write_str(itoa::Buffer::new().format(*small)),
            Repr::Big(digits) => out.write_str(digits),
        }
    }
}

impl fmt::Display for Int {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(small) => fmt::Display::fmt(small, formatter),
            Repr::Big(digits) => formatter.pad(digits),
        }
    }
}

impl fmt::Debug for Int {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A text that is no decimal integer: an optional sign and at least one ASCII digit are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal integer")]
pub struct NotAnInteger;

impl FromStr for Int {
    type Err = NotAnInteger;

    fn from_str(text: &str) -> Result<Int, NotAnInteger> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAnInteger);
        }
        let digits = digits.trim_start_matches('0');
        Ok(match (negative, digits) {
            (_, "") => Int::from(0),
            (false, digits) => Int::from_json_digits(digits),
            (true, digits) => Int::from_json_digits(&format!("-{digits}")),
        })
    }
}

macro_rules! from_small {
    ($($type:ty),*) => { $(
        impl From<$type> for Int {
            fn from(int: $type) -> Int {
                Int(Repr::Small(i64::from(int)))
            }
        }
    )* };
}
from_small!(i8, i16, i32, i64, u8, u16, u32);

macro_rules! from_large {
    ($($type:ty),*) => { $(
        impl From<$type> for Int {
            fn from(int: $type) -> Int {
                match i64::try_from(int) {
                    Ok(small) => Int(Repr::Small(small)),
                    Err(_) => Int(Repr::Big(int.to_string().into())),
                }
            }
        }
    )* };
}
from_large!(u64, i128, u128, isize, usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_normalised() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(text.parse::<Int>().unwrap().to_string(), expected);
        }
        check("0", "0");
        check("-0", "0");
        check("-000", "0");
        check("+007", "7");
        check("9223372036854775807", "9223372036854775807");
        check("9223372036854775808", "9223372036854775808");
        check("-9223372036854775808", "-9223372036854775808");
        check("-0009223372036854775809", "-9223372036854775809");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "-", "+", " 1", "1.0", "1e3", "١", "0x1", "--1", "+-1"] {
            assert_eq!(text.parse::<Int>(), Err(NotAnInteger), "{text:?}");
        }
    }

    #[test]
    fn conversions_meet_at_the_edges() {
        assert_eq!(Int::from(u64::MAX).as_u64(), Some(u64::MAX));
        assert_eq!(Int::from(u64::MAX).as_i64(), None);
        assert_eq!(Int::from(i128::MIN).as_i128(), Some(i128::MIN));
        assert_eq!(Int::from(u128::MAX).as_u128(), Some(u128::MAX));
        assert_eq!(Int::from(i128::from(i64::MIN)), Int::from(i64::MIN));
        assert_eq!(Int::from(-1).as_u128(), None);
        assert_eq!(
            "9".repeat(400).parse::<Int>().unwrap().as_f64(),
            f64::INFINITY
        );
        assert_eq!(Int::from(i64::MAX).as_f64(), 9223372036854775808.0);
    }
}
