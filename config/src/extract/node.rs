//! One TOML value as serde reads it, knowing its path and what is left out or filled in.
//!
//! [`super::extract`] starts at the root; tables and lists hand out a node for each thing they
//! hold.

use std::collections::BTreeSet;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use toml::value::Datetime;
use toml::{Table, Value};

use super::read_error::{DATE, ReadError};
use crate::key_path::{KeyPath, Segment};

/// The key by which toml's own types know a date and time on its way through serde.
const DATETIME_KEY: &str = "$__toml_private_datetime";

/// What a reading leaves out of the table, and what it adds.
#[derive(Debug)]
pub(super) struct Edits<'de> {
    skipped: &'de BTreeSet<KeyPath>,
    filled: &'de BTreeSet<KeyPath>,
    /// Stands in for a missing key, so that the rest of its table is still looked at.
    stand_in: Value,
}

impl<'de> Edits<'de> {
    pub(super) fn new(skipped: &'de BTreeSet<KeyPath>, filled: &'de BTreeSet<KeyPath>) -> Self {
        Self {
            skipped,
            filled,
            stand_in: Value::String(String::new()),
        }
    }

    /// Returns the keys filled into the table at `path`.
    fn filled_in(&self, path: &KeyPath) -> impl Iterator<Item = &str> {
        self.filled
            .iter()
            .filter_map(move |filled| match filled.last() {
                Some(Segment::Key(key)) if filled.parent().as_ref() == Some(path) => {
                    Some(key.as_str())
                }
                _ => None,
            })
    }
}

/// A value, where it is, and the fields that the struct around it declares.
#[derive(Debug)]
pub(super) struct Node<'de> {
    value: &'de Value,
    edits: &'de Edits<'de>,
    path: KeyPath,
    declared: Option<&'static [&'static str]>,
}

impl<'de> Node<'de> {
    pub(super) fn root(value: &'de Value, edits: &'de Edits<'de>) -> Self {
        Self {
            value,
            edits,
            path: KeyPath::root(),
            declared: None,
        }
    }

    fn wrong_type<T>(&self, visitor: &dyn serde::de::Expected) -> Result<T, ReadError> {
        let found = match self.value {
            Value::String(_) => Unexpected::Str(""),
            Value::Integer(_) => Unexpected::Signed(0),
            Value::Float(_) => Unexpected::Float(0.0),
            Value::Boolean(_) => Unexpected::Bool(false),
            Value::Datetime(_) => Unexpected::Other(DATE),
            Value::Array(_) => Unexpected::Seq,
            Value::Table(_) => Unexpected::Map,
        };
        Err(ReadError::invalid_type(found, visitor).or_at(&self.path))
    }

    fn visit_table<V: Visitor<'de>>(
        self,
        table: &'de Table,
        declared: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let Self { edits, path, .. } = self;
        let present = table
            .iter()
            .filter(|(key, _)| !edits.skipped.contains(&path.child(key.as_str())));
        let present = present.map(|(key, value)| (key.as_str(), value));
        let filled = edits.filled_in(&path).map(|key| (key, &edits.stand_in));
        let entries: Vec<_> = present.chain(filled).collect();
        let entries = entries.into_iter();
        let access = TableAccess {
            entries,
            value: None,
            edits,
            path: path.clone(),
            declared,
        };
        visitor
            .visit_map(access)
            .map_err(|error| error.or_at(&path))
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let path = self.path.clone();
        let result = match self.value {
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(truth) => visitor.visit_bool(*truth),
            Value::Datetime(datetime) => visitor
                .visit_map(DatetimeAccess::new(datetime))
                .map_err(|error: ReadError| error.or_found(DATE)),
            Value::Array(items) => visitor.visit_seq(ListAccess {
                items: items.iter().enumerate(),
                edits: self.edits,
                path: self.path,
            }),
            Value::Table(table) => self.visit_table(table, None, visitor),
        };
        result.map_err(|error| error.or_at(&path))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let path = self.path.clone();
        visitor
            .visit_newtype_struct(self)
            .map_err(|error| error.or_at(&path))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.value {
            Value::Table(table) => self.visit_table(table, Some(fields), visitor),
            Value::Datetime(_) => self.deserialize_any(visitor),
            _ => self.wrong_type(&visitor),
        }
    }

    /// A date is a table only to types that ask for it by the name of its fields.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            Value::Datetime(_) => self.wrong_type(&visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Whoever wants a text from a TOML date gets it as written, so that types of any date library
    /// that read strings can be params.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let path = self.path.clone();
        match self.value {
            Value::Datetime(datetime) => visitor
                .visit_string(datetime.to_string())
                .map_err(|error: ReadError| error.or_at(&path)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    /// `()` as params means "takes none": an empty table.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Value::Table(table) = self.value else {
            return self.wrong_type(&visitor);
        };
        let path = self.path.clone();
        let left = table.keys().map(|key| path.child(key.as_str()));
        match left
            .into_iter()
            .find(|key| !self.edits.skipped.contains(key))
        {
            Some(key) => Err(ReadError::unknown_field("", &[]).or_at(&key)),
            None => visitor
                .visit_unit()
                .map_err(|error: ReadError| error.or_at(&path)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let path = self.path.clone();
        let (variant, content) = match self.value {
            Value::String(variant) => (variant.as_str(), None),
            Value::Table(table) => {
                let mut entries = table.iter();
                match (entries.next(), entries.next()) {
                    (Some((variant, content)), None) => {
                        let path = path.child(variant.as_str());
                        let node = Node {
                            value: content,
                            edits: self.edits,
                            path,
                            declared: None,
                        };
                        (variant.as_str(), Some(node))
                    }
                    _ => {
                        return Err(ReadError::custom("expected a table with one key").or_at(&path));
                    }
                }
            }
            _ => return self.wrong_type(&"a string"),
        };
        visitor
            .visit_enum(Choice { variant, content })
            .map_err(|error| error.or_at(&path))
    }

    /// serde skips what a struct does not declare in this way; nothing that an operator wrote is
    /// skipped in silence.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match (self.declared, self.path.last()) {
            (Some(declared), Some(Segment::Key(key))) if !declared.contains(&key.as_str()) => {
                Err(ReadError::unknown_field(key, declared).or_at(&self.path))
            }
            _ => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf seq tuple
        tuple_struct identifier
    }
}

/// Hands out the entries of a table, without those left out and with those filled in.
struct TableAccess<'de> {
    entries: std::vec::IntoIter<(&'de str, &'de Value)>,
    value: Option<Node<'de>>,
    edits: &'de Edits<'de>,
    path: KeyPath,
    declared: Option<&'static [&'static str]>,
}

impl<'de> MapAccess<'de> for TableAccess<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        let path = self.path.child(key);
        let deserializer: StrDeserializer<'_, ReadError> = key.into_deserializer();
        let key = seed
            .deserialize(deserializer)
            .map_err(|error| error.or_at(&path))?;
        self.value = Some(Node {
            value,
            edits: self.edits,
            path,
            declared: self.declared,
        });
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        match self.value.take() {
            Some(node) => {
                let path = node.path.clone();
                seed.deserialize(node).map_err(|error| error.or_at(&path))
            }
            None => Err(ReadError::custom("a value was asked for before its key")),
        }
    }
}

/// Hands out the items of a list, without those left out, each under its place in the whole list.
struct ListAccess<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Value>>,
    edits: &'de Edits<'de>,
    path: KeyPath,
}

impl<'de> SeqAccess<'de> for ListAccess<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        for (index, value) in self.items.by_ref() {
            let path = self.path.child(index);
            if self.edits.skipped.contains(&path) {
                continue;
            }
            let node = Node {
                value,
                edits: self.edits,
                path: path.clone(),
                declared: None,
            };
            return seed
                .deserialize(node)
                .map(Some)
                .map_err(|error| error.or_at(&path));
        }
        Ok(None)
    }
}

/// Hands out a date and time in the way that toml's own types expect.
struct DatetimeAccess {
    text: Option<String>,
    is_started: bool,
}

impl DatetimeAccess {
    fn new(datetime: &Datetime) -> Self {
        Self {
            text: Some(datetime.to_string()),
            is_started: false,
        }
    }
}

impl<'de> MapAccess<'de> for DatetimeAccess {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        if std::mem::replace(&mut self.is_started, true) {
            return Ok(None);
        }
        let deserializer: StrDeserializer<'_, ReadError> = DATETIME_KEY.into_deserializer();
        seed.deserialize(deserializer).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        seed.deserialize(self.text.take().unwrap_or_default().into_deserializer())
    }
}

/// One of several named choices: a bare name, or a table with that name as its only key.
struct Choice<'de> {
    variant: &'de str,
    content: Option<Node<'de>>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), ReadError> {
        let deserializer: StrDeserializer<'_, ReadError> = self.variant.into_deserializer();
        Ok((seed.deserialize(deserializer)?, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.content {
            None => Ok(()),
            Some(node) => node.wrong_type(&"a plain name"),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        match self.content {
            Some(node) => seed.deserialize(node),
            None => Err(ReadError::custom(
                "expected a table with settings under this name",
            )),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        match self.content {
            Some(node) => node.deserialize_any(visitor),
            None => Err(ReadError::custom("expected a list under this name")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.content {
            Some(node) => node.deserialize_struct("", fields, visitor),
            None => Err(ReadError::custom(
                "expected a table with settings under this name",
            )),
        }
    }
}
