//! Whole numbers that must lie in a range, checked where they are read.
//!
//! The settings structs name [`within`] in `deserialize_with`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

/// Reads an integer from `MIN` to `MAX`, both included.
pub(crate) fn within<'de, const MIN: i64, const MAX: i64, T, D>(
    deserializer: D,
) -> Result<T, D::Error>
where
    T: TryFrom<i64>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_i64(Within::<MIN, MAX, T>(PhantomData))
}

struct Within<const MIN: i64, const MAX: i64, T>(PhantomData<T>);

impl<const MIN: i64, const MAX: i64, T: TryFrom<i64>> Visitor<'_> for Within<MIN, MAX, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer from {MIN} to {MAX}")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let is_inside = (MIN..=MAX).contains(&number);
        let outside = || E::invalid_value(serde::de::Unexpected::Signed(number), &self);
        let number = is_inside.then(|| T::try_from(number).ok()).flatten();
        number.ok_or_else(outside)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// Reads a switch that the original writes as 0 or 1: an integer, or true or false.
pub(crate) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    deserializer.deserialize_any(Switch)
}

struct Switch;

impl Visitor<'_> for Switch {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, 1 or 0")
    }

    fn visit_bool<E: Error>(self, is_on: bool) -> Result<bool, E> {
        Ok(is_on)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<bool, E> {
        match number {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(E::invalid_value(
                serde::de::Unexpected::Signed(number),
                &self,
            )),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<bool, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, I64Deserializer, U64Deserializer};

    use super::*;

    #[track_caller]
    fn check(number: i64, expected: Option<u8>) {
        let deserializer: I64Deserializer<Error> = number.into_deserializer();
        assert_eq!(
            within::<1, 64, u8, _>(deserializer).ok(),
            expected,
            "{number}"
        );
    }

    #[test]
    fn an_integer_must_lie_in_its_range() {
        check(1, Some(1));
        check(64, Some(64));
        check(0, None);
        check(65, None);
        check(-1, None);
        check(i64::MAX, None);
        let huge: U64Deserializer<Error> = u64::MAX.into_deserializer();
        assert!(within::<0, 10, u8, _>(huge).is_err());
    }

    #[test]
    fn a_switch_takes_the_original_numbers_too() {
        let read = |number: i64| {
            let deserializer: I64Deserializer<Error> = number.into_deserializer();
            switch(deserializer).ok()
        };
        assert_eq!((read(0), read(1), read(2)), (Some(false), Some(true), None));
    }
}
