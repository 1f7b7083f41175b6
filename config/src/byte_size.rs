//! A number of bytes, as an operator writes it: `64 MiB`.
//!
//! Mailbox and message limits of [`crate::Config`] are of this type; params of plugins may be too.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// The units and their sizes, largest first; binary ones before decimal ones of about the same
/// size. (IEC 80000-13 and SI prefixes.)
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// A number of bytes.
///
/// In TOML it is an integer (bytes) or a text: a whole number and a unit, `B`, `kB`, `MB`, `GB`,
/// `TB` (powers of 1000) or `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024), in any case, a space
/// between allowed. It is shown in the largest unit that it is a whole number of, and reads back
/// the same.
///
/// ```
/// use fedmsg_config::ByteSize;
///
/// let size: ByteSize = "64 MiB".parse()?;
/// assert_eq!(size.bytes(), 64 * 1024 * 1024);
/// assert_eq!(ByteSize::new(8_000_000).to_string(), "8 MB");
/// # Ok::<(), fedmsg_config::ByteSizeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// Returns the size of `bytes` bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Returns the size of `count` KiB, or the largest there is.
    pub const fn kib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 10))
    }

    /// Returns the size of `count` MiB, or the largest there is.
    pub const fn mib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 20))
    }

    /// Returns the number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Returns the number of bytes as a length in memory: at most `usize::MAX`.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Reads a size from `MIN` to `MAX` bytes, both included.
    pub(crate) fn within<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let size = Self::deserialize(deserializer)?;
        if (MIN..=MAX).contains(&size.0) {
            return Ok(size);
        }
        let (least, most) = (Self(MIN), Self(MAX));
        Err(D::Error::custom(format!(
            "expected a size from {least} to {most}"
        )))
    }
}

/// What is wrong with a text that should be a number of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ByteSizeError {
    /// The text does not start with a whole number of at most 64 bits.
    #[error("expected a whole number and a unit, such as \"64 MiB\"")]
    NotANumber,
    /// The number is followed by something that is no unit.
    #[error("unknown unit; known: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB")]
    UnknownUnit,
    /// The number of bytes has more than 64 bits.
    #[error("too large")]
    TooLarge,
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text
            .split_at_checked(digits)
            .ok_or(ByteSizeError::NotANumber)?;
        if number.is_empty() || unit.starts_with(['.', ',', '_']) {
            return Err(ByteSizeError::NotANumber);
        }
        let number: u64 = number.parse().map_err(|_| ByteSizeError::TooLarge)?;
        let unit = unit.trim_start();
        let (_, size) = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or(ByteSizeError::UnknownUnit)?;
        number
            .checked_mul(*size)
            .map(Self)
            .ok_or(ByteSizeError::TooLarge)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(name, size): &(&'static str, u64)| {
            (self.0 >= *size && self.0.is_multiple_of(*size)).then(|| (*name, self.0 / size))
        };
        let (unit, number) = UNITS.iter().find_map(whole).unwrap_or(("B", self.0));
        write!(f, "{number} {unit}")
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

struct ByteSizeVisitor;

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as \"64 MiB\", or a number of bytes")
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<ByteSize, E> {
        let negative = |_| E::invalid_value(Unexpected::Signed(bytes), &self);
        u64::try_from(bytes).map(ByteSize).map_err(negative)
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(bytes))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<u64, ByteSizeError>) {
        assert_eq!(text.parse().map(ByteSize::bytes), expected, "{text}");
    }

    #[test]
    fn a_size_is_a_whole_number_and_a_unit() {
        check("64 MiB", Ok(64 << 20));
        check("8MB", Ok(8_000_000));
        check(" 1  kib ", Ok(1024));
        check("1 KB", Ok(1000));
        check("0 B", Ok(0));
        check("18446744073709551615 B", Ok(u64::MAX));
        check("18446744073709551616 B", Err(ByteSizeError::TooLarge));
        check("16777216 TiB", Err(ByteSizeError::TooLarge));
        check("64", Err(ByteSizeError::UnknownUnit));
        check("64 M", Err(ByteSizeError::UnknownUnit));
        check("64 MiBs", Err(ByteSizeError::UnknownUnit));
        check("1.5 MiB", Err(ByteSizeError::NotANumber));
        check("-1 MiB", Err(ByteSizeError::NotANumber));
        check("MiB", Err(ByteSizeError::NotANumber));
        check("", Err(ByteSizeError::NotANumber));
        check("٣ MiB", Err(ByteSizeError::NotANumber));
    }

    #[test]
    fn a_size_is_shown_in_the_largest_unit_that_fits() {
        for (size, expected) in [
            (ByteSize::new(0), "0 B"),
            (ByteSize::new(999), "999 B"),
            (ByteSize::new(1000), "1 kB"),
            (ByteSize::new(1024), "1 KiB"),
            (ByteSize::new(1025), "1025 B"),
            (ByteSize::mib(64), "64 MiB"),
            (ByteSize::kib(u64::MAX), "18446744073709551615 B"),
        ] {
            assert_eq!(size.to_string(), expected);
        }
    }

    #[test]
    fn a_plain_integer_is_a_number_of_bytes() {
        let read = |toml: &str| ByteSize::deserialize(toml.parse::<toml::Value>().unwrap()).ok();
        assert_eq!(read("4096"), Some(ByteSize::kib(4)));
        assert_eq!(read("'4 KiB'"), Some(ByteSize::kib(4)));
        assert_eq!(read("-1"), None);
        assert_eq!(read("1.0"), None);
        assert_eq!(read("true"), None);
    }

    #[test]
    fn a_range_includes_both_ends() {
        let read = |toml: &str| {
            ByteSize::within::<1024, 2048, _>(toml.parse::<toml::Value>().unwrap()).is_ok()
        };
        assert!(read("1024") && read("'2 KiB'"));
        assert!(!read("1023") && !read("2049"));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_the_same(bytes: u64) {
            let size = ByteSize::new(bytes);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn round_sizes_read_back_the_same(count in 0u64..1 << 20, unit in 0usize..UNITS.len()) {
            let size = ByteSize::new(count * UNITS[unit].1);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,20}|[0-9]{0,22} ?[kKmMgGtT]?[iI]?[bB]?") {
            let _ = text.parse::<ByteSize>();
        }
    }
}
