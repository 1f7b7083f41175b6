//! Lists that may be written without brackets when they hold one thing: `"a"` for `["a"]`.
//!
//! The original allows this for addresses; topics follow suit.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// Reads a text, or a list of texts, as a list of `T`.
pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err: fmt::Display> + Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(OneOrMany(PhantomData))
}

/// As [`deserialize`], for a list that may be absent.
pub(crate) fn optional<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: FromStr<Err: fmt::Display> + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<Wrapped<T>>::deserialize(deserializer).map(|list| list.map(|Wrapped(list)| list))
}

/// As [`optional`], for the topics of a consumer: whoever writes an empty list may mean nothing, or everything.
pub(crate) fn filled<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: FromStr<Err: fmt::Display> + Deserialize<'de>,
    D: Deserializer<'de>,
{
    match optional(deserializer)? {
        Some(list) if list.is_empty() => Err(D::Error::custom(
            "an empty list: leave it out for the default of the kind, or write enabled = false",
        )),
        list => Ok(list),
    }
}

/// A list read in this way, for places where serde wants a type.
#[derive(Deserialize)]
#[serde(
    transparent,
    bound = "T: FromStr<Err: fmt::Display> + Deserialize<'de>"
)]
pub(crate) struct Wrapped<T>(#[serde(deserialize_with = "deserialize")] pub(crate) Vec<T>);

struct OneOrMany<T>(PhantomData<T>);

impl<'de, T> Visitor<'de> for OneOrMany<T>
where
    T: FromStr<Err: fmt::Display> + Deserialize<'de>,
{
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        text.parse().map(|one| vec![one]).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut many = Vec::with_capacity(items.size_hint().unwrap_or_default().min(64));
        while let Some(item) = items.next_element()? {
            many.push(item);
        }
        Ok(many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(toml: &str, expected: Option<&[u16]>) {
        // A type whose text form and TOML form are the same everywhere but here.
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(try_from = "String")]
        struct Port(u16);
        impl FromStr for Port {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Port)
            }
        }
        impl TryFrom<String> for Port {
            type Error = std::num::ParseIntError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
        let value: toml::Value = toml.parse().unwrap();
        let read = deserialize::<Port, _>(value.clone()).ok();
        let ports = |list: Vec<Port>| list.into_iter().map(|Port(port)| port).collect::<Vec<_>>();
        assert_eq!(read.map(ports).as_deref(), expected, "{toml}");
        let present = optional::<Port, _>(value)
            .ok()
            .map(Option::unwrap)
            .map(ports);
        assert_eq!(present.as_deref(), expected, "{toml}");
    }

    #[test]
    fn one_thing_needs_no_brackets() {
        check("'1'", Some(&[1]));
        check("['1']", Some(&[1]));
        check("['2', '1']", Some(&[2, 1]));
        check("[]", Some(&[]));
        check("'x'", None);
        check("['1', 'x']", None);
        check("1", None);
        check("{ a = '1' }", None);
    }
}
