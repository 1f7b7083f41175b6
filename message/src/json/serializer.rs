//! `to_value`: any `Serialize` type as a `Value`.
//!
//! Authors come through [`Message::from_serialize`](crate::Message::from_serialize). Unlike
//! `serde_json::to_value` it keeps 128-bit integers, and `NaN`, which is refused when sent instead
//! of turning into `null`.

use serde::ser::{
    Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

use super::{Object, Text, Value};
use crate::EncodeError;

/// Returns what a `Serialize` type looks like as JSON, in serde_json's conventions.
///
/// # Errors
///
/// [`EncodeError::KeyNotText`], or [`EncodeError::Serialize`] with the words of the type itself.
///
/// ```
/// use fedmsg_message::json::{self, Value};
///
/// #[derive(serde::Serialize)]
/// struct Update {
///     title: &'static str,
///     karma: i8,
/// }
/// let value = json::to_value(&Update { title: "kernel-7.0", karma: 3 })?;
/// assert_eq!(value.get("karma").and_then(Value::as_i64), Some(3));
/// # Ok::<(), fedmsg_message::EncodeError>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, EncodeError> {
    value.serialize(ValueSerializer)
}

struct ValueSerializer;

macro_rules! serialize_into {
    ($($method:ident: $type:ty),*) => { $(
        fn $method(self, value: $type) -> Result<Value, EncodeError> {
            Ok(Value::from(value))
        }
    )* };
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = EncodeError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    serialize_into!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_i128: i128, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_f32: f32,
        serialize_f64: f64, serialize_str: &str
    );

    fn serialize_char(self, character: char) -> Result<Value, EncodeError> {
        Ok(Value::from(&*character.encode_utf8(&mut [0; 4])))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, EncodeError> {
        Ok(bytes.iter().copied().collect())
    }

    fn serialize_none(self) -> Result<Value, EncodeError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, EncodeError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, EncodeError> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, EncodeError> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, EncodeError> {
        Ok(in_variant(Some(variant), to_value(value)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, EncodeError> {
        Ok(Items {
            items: Vec::new(),
            variant: None,
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<Items, EncodeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, EncodeError> {
        Ok(Items {
            items: Vec::new(),
            variant: Some(variant),
        })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, EncodeError> {
        Ok(Members {
            object: Object::new(),
            key: None,
            variant: None,
        })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Members, EncodeError> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members, EncodeError> {
        Ok(Members {
            object: Object::new(),
            key: None,
            variant: Some(variant),
        })
    }
}

/// Returns the content of an enum variant under the variant's name.
fn in_variant(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Object(Object::from_iter([(variant, value)])),
        None => value,
    }
}

/// An array under construction.
struct Items {
    items: Vec<Value>,
    variant: Option<&'static str>,
}

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), EncodeError> {
        self.items.push(to_value(item)?);
        Ok(())
    }

    fn end(self) -> Result<Value, EncodeError> {
        Ok(in_variant(self.variant, Value::Array(self.items)))
    }
}

macro_rules! as_items {
    ($($trait:ident: $method:ident),*) => { $(
        impl $trait for Items {
            type Ok = Value;
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), EncodeError> {
                SerializeSeq::serialize_element(self, item)
            }

            fn end(self) -> Result<Value, EncodeError> {
                SerializeSeq::end(self)
            }
        }
    )* };
}
as_items!(
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

/// An object under construction.
struct Members {
    object: Object,
    key: Option<Text>,
    variant: Option<&'static str>,
}

impl SerializeMap for Members {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.key = Some(key.serialize(KeySerializer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key = self
            .key
            .take()
            .ok_or_else(|| EncodeError::Serialize("a map value came without its key".to_owned()))?;
        self.object.insert(key, to_value(value)?);
        Ok(())
    }

    fn end(self) -> Result<Value, EncodeError> {
        Ok(in_variant(self.variant, Value::Object(self.object)))
    }
}

macro_rules! as_members {
    ($($trait:ident),*) => { $(
        impl $trait for Members {
            type Ok = Value;
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.object.insert(name, to_value(value)?);
                Ok(())
            }

            fn end(self) -> Result<Value, EncodeError> {
                SerializeMap::end(self)
            }
        }
    )* };
}
as_members!(SerializeStruct, SerializeStructVariant);

/// Makes keys: text as it is, numbers and booleans as their JSON spelling.
struct KeySerializer;

macro_rules! key_from {
    ($($method:ident: $type:ty),*) => { $(
        fn $method(self, key: $type) -> Result<Text, EncodeError> {
            Ok(Text::from(key.to_string()))
        }
    )* };
}

macro_rules! no_key {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => { $(
        fn $method(self, $(_: $argument),*) -> Result<$ok, EncodeError> {
            Err(EncodeError::KeyNotText)
        }
    )* };
}

impl Serializer for KeySerializer {
    type Ok = Text;
    type Error = EncodeError;
    type SerializeSeq = Impossible<Text, EncodeError>;
    type SerializeTuple = Impossible<Text, EncodeError>;
    type SerializeTupleStruct = Impossible<Text, EncodeError>;
    type SerializeTupleVariant = Impossible<Text, EncodeError>;
    type SerializeMap = Impossible<Text, EncodeError>;
    type SerializeStruct = Impossible<Text, EncodeError>;
    type SerializeStructVariant = Impossible<Text, EncodeError>;

    key_from!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_i128: i128, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_char: char,
        serialize_str: &str
    );

    no_key! {
        serialize_f32(f32) -> Text;
        serialize_f64(f64) -> Text;
        serialize_bytes(&[u8]) -> Text;
        serialize_none() -> Text;
        serialize_unit() -> Text;
        serialize_unit_struct(&'static str) -> Text;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Text, EncodeError> {
        Err(EncodeError::KeyNotText)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Text, EncodeError> {
        Ok(Text::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        key: &T,
    ) -> Result<Text, EncodeError> {
        key.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Text, EncodeError> {
        Err(EncodeError::KeyNotText)
    }
}
