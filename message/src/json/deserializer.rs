//! `from_value`: a `Value` as any `Deserialize` type.
//!
//! Consumers come through [`Envelope::msg_as`](crate::Envelope::msg_as).

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error,
    IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::object::Iter;
use super::{Int, Text, Value};
use crate::DecodeError;

/// Returns the value as a `Deserialize` type, in serde_json's conventions.
///
/// # Errors
///
/// [`DecodeError::Mismatch`], in the words of the type; also for lone surrogates where a string is
/// wanted and for integers beyond 128 bits, which serde cannot express.
///
/// ```
/// use fedmsg_message::json::{Value, from_value};
///
/// #[derive(serde::Deserialize)]
/// struct Commit {
///     rev: String,
///     lines: Option<u32>,
/// }
/// let value = Value::parse(br#"{"rev": "f00", "more": [1]}"#)?;
/// let commit: Commit = from_value(&value)?;
/// assert_eq!((commit.rev.as_str(), commit.lines), ("f00", None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    T::deserialize(value)
}

fn visit_int<'de, V: Visitor<'de>>(int: &Int, visitor: V) -> Result<V::Value, DecodeError> {
    if let Some(int) = int.as_i64() {
        visitor.visit_i64(int)
    } else if let Some(int) = int.as_u64() {
        visitor.visit_u64(int)
    } else if let Some(int) = int.as_i128() {
        visitor.visit_i128(int)
    } else if let Some(int) = int.as_u128() {
        visitor.visit_u128(int)
    } else {
        let unexpected = Unexpected::Other("an integer beyond 128 bits");
        Err(DecodeError::invalid_type(unexpected, &visitor))
    }
}

fn visit_text<'de, V: Visitor<'de>>(text: &'de Text, visitor: V) -> Result<V::Value, DecodeError> {
    match text.as_str() {
        Some(text) => visitor.visit_borrowed_str(text),
        None => {
            let unexpected = Unexpected::Other("a string with a lone surrogate");
            Err(DecodeError::invalid_type(unexpected, &visitor))
        }
    }
}

/// Names the value as serde's error messages do.
fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(bool) => Unexpected::Bool(*bool),
        Value::Int(int) => match int.as_i64() {
            Some(int) => Unexpected::Signed(int),
            None => Unexpected::Other("a large integer"),
        },
        Value::Float(float) => Unexpected::Float(*float),
        Value::String(text) => match text.as_str() {
            Some(text) => Unexpected::Str(text),
            None => Unexpected::Other("a string with a lone surrogate"),
        },
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(*bool),
            Value::Int(int) => visit_int(int, visitor),
            Value::Float(float) => visitor.visit_f64(*float),
            Value::String(text) => visit_text(text, visitor),
            Value::Array(items) => {
                let mut rest = Items(items.iter());
                let value = visitor.visit_seq(&mut rest)?;
                match rest.0.len() {
                    0 => Ok(value),
                    _ => Err(DecodeError::invalid_length(items.len(), &"fewer items")),
                }
            }
            Value::Object(object) => {
                let mut rest = Members {
                    members: object.iter(),
                    value: None,
                };
                let value = visitor.visit_map(&mut rest)?;
                match rest.members.len() {
                    0 => Ok(value),
                    _ => Err(DecodeError::invalid_length(object.len(), &"fewer members")),
                }
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let (variant, content) = match self {
            Value::String(variant) => (variant, None),
            Value::Object(object) if object.len() == 1 => match object.iter().next() {
                Some((variant, content)) => (variant, Some(content)),
                None => return Err(DecodeError::invalid_length(0, &"one variant")),
            },
            other => {
                let expected = "a variant's name, alone or as the only key of an object";
                return Err(DecodeError::invalid_type(unexpected(other), &expected));
            }
        };
        visitor.visit_enum(Variant { variant, content })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl<'de> IntoDeserializer<'de, DecodeError> for &'de Value {
    type Deserializer = &'de Value;

    fn into_deserializer(self) -> &'de Value {
        self
    }
}

/// The items of an array not visited yet.
struct Items<'de>(std::slice::Iter<'de, Value>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.0.next().map(|item| seed.deserialize(item)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The members of an object not visited yet.
struct Members<'de> {
    members: Iter<'de>,
    value: Option<&'de Value>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.members.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let value = self.value.take();
        seed.deserialize(value.ok_or_else(|| DecodeError::custom("a value before its key"))?)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

/// A key, which is text but may be wanted as a number or boolean.
struct Key<'de>(&'de Text);

macro_rules! deserialize_number {
    ($($method:ident: $type:ty => $visit:ident),*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.0.as_str().and_then(|key| key.parse::<$type>().ok()) {
                Some(key) => visitor.$visit(key),
                None => visit_text(self.0, visitor),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visit_text(self.0, visitor)
    }

    deserialize_number!(
        deserialize_bool: bool => visit_bool, deserialize_i8: i64 => visit_i64,
        deserialize_i16: i64 => visit_i64, deserialize_i32: i64 => visit_i64,
        deserialize_i64: i64 => visit_i64, deserialize_i128: i128 => visit_i128,
        deserialize_u8: u64 => visit_u64, deserialize_u16: u64 => visit_u64,
        deserialize_u32: u64 => visit_u64, deserialize_u64: u64 => visit_u64,
        deserialize_u128: u128 => visit_u128
    );

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(Variant {
            variant: self.0,
            content: None,
        })
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// An enum variant and what it holds.
struct Variant<'de> {
    variant: &'de Text,
    content: Option<&'de Value>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), DecodeError> {
        let variant = self.variant.to_string_lossy();
        Ok((
            seed.deserialize(StrDeserializer::<DecodeError>::new(&variant))?,
            self,
        ))
    }
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<&'de Value, DecodeError> {
        self.content
            .ok_or_else(|| DecodeError::custom("the variant's content is missing"))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        self.content.map_or(Ok(()), <()>::deserialize)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            items @ Value::Array(_) => items.deserialize_any(visitor),
            other => Err(DecodeError::invalid_type(unexpected(other), &"an array")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests;
