//! What an expression of Python comes to.
//!
//! [`super::expression`] makes them, [`crate::import`] turns those of `config` into TOML.

use std::collections::BTreeMap;

/// A value of Python, as far as configurations have them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer, of those that TOML has.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A text; one of bytes counts as such.
    Text(String),
    /// A list or a tuple.
    List(Vec<Self>),
    /// A dict.
    Dict(Dict),
    /// Something of a module, or a built-in function, by its full name: `os.path`, `dict`.
    Named(String),
    /// What is not known without running the program.
    Unknown(Unknown),
}

/// Why a value is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The line that says so.
    pub line: usize,
    /// What it depends on.
    pub reason: String,
}

/// A dict, in the order in which its keys were first set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict {
    entries: Vec<Entry>,
    /// Where each key is among them.
    places: BTreeMap<String, usize>,
}

/// One key of a dict, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key; one that is no text is written as Python writes it.
    pub key: String,
    /// The line that the key stands in.
    pub line: usize,
    /// Its value.
    pub value: Value,
}

impl Value {
    /// Returns what is not known.
    pub(super) fn unknown(line: usize, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Unknown(Unknown { line, reason })
    }

    /// Returns how much there is of the value, in bytes and values, and how deep it is.
    pub(super) fn size(&self) -> (usize, usize) {
        let nested = |values: &mut dyn Iterator<Item = (usize, &Self)>| {
            values.fold((1, 1), |(size, depth): (usize, usize), (extra, value)| {
                let (below, levels) = value.size();
                (
                    size.saturating_add(below).saturating_add(extra),
                    depth.max(levels + 1),
                )
            })
        };
        match self {
            Self::Text(text) | Self::Named(text) => (1 + text.len(), 1),
            Self::Unknown(unknown) => (1 + unknown.reason.len(), 1),
            Self::List(items) => nested(&mut items.iter().map(|item| (0, item))),
            Self::Dict(dict) => nested(&mut dict.iter().map(|it| (it.key.len(), &it.value))),
            _ => (1, 1),
        }
    }
}

impl Dict {
    /// Sets a key; returns the former value.
    pub fn insert(&mut self, key: impl Into<String>, line: usize, value: Value) -> Option<Value> {
        let key = key.into();
        if let Some(entry) = self.entry_mut(&key) {
            entry.line = line;
            return Some(std::mem::replace(&mut entry.value, value));
        }
        self.places.insert(key.clone(), self.entries.len());
        self.entries.push(Entry { key, line, value });
        None
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let entry = self.entries.get(*self.places.get(key)?)?;
        Some(&entry.value)
    }

    /// Returns the value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.entry_mut(key).map(|entry| &mut entry.value)
    }

    fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.get_mut(*self.places.get(key)?)
    }

    /// Returns the keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl IntoIterator for Dict {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}
