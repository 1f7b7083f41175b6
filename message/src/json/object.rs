//! `Object`: the members of a JSON object in the order received, found by key.
//!
//! Built by the parser and by authors, read by everybody, sorted by the canonical writer. An object
//! of a few members is searched from the front; a larger one carries a hash index with a secret
//! seed, so that no hostile set of keys makes it slow.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::{Text, Value};

/// Up to this many members a search from the front is faster than hashing the key.
const INDEX_ABOVE: usize = 16;

/// The members of a JSON object, each key once, in the order received.
///
/// As in a Python `dict`, giving a key again replaces its value and keeps its place. Looking up,
/// inserting and comparing take constant time for each member, removing takes linear time.
/// Equality does not regard order.
///
/// ```
/// use fedmsg_message::json::{Object, Value};
///
/// let mut object = Object::new();
/// object.insert("b", 1);
/// object.insert("a", "text");
/// assert_eq!(object.insert("b", Value::Null), Some(Value::from(1)));
/// let keys: Vec<&str> = object.keys().filter_map(|key| key.as_str()).collect();
/// assert_eq!(keys, ["b", "a"]);
/// assert_eq!(object.remove("a"), Some(Value::from("text")));
/// assert_eq!(object.get("a"), None);
/// ```
#[derive(Clone, Default)]
pub struct Object {
    members: Vec<(Text, Value)>,
    /// Present when there have been more than `INDEX_ABOVE` members.
    index: Option<Box<Index>>,
}

impl Object {
    /// Returns an object without members.
    pub fn new() -> Object {
        Object::default()
    }

    /// Returns an object without members, with room for `capacity` of them.
    pub fn with_capacity(capacity: usize) -> Object {
        Object {
            members: Vec::with_capacity(capacity),
            index: None,
        }
    }

    /// Returns how many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns the value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let position = self.position(key.as_bytes())?;
        self.members.get(position).map(|(_, value)| value)
    }

    /// Returns the value of `key`, for changing.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let position = self.position(key.as_bytes())?;
        self.members.get_mut(position).map(|(_, value)| value)
    }

    /// Returns whether there is a member `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key.as_bytes()).is_some()
    }

    /// Sets the value of `key` and returns the one it replaces, whose place it takes.
    pub fn insert(&mut self, key: impl Into<Text>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        let known = self.position(key.as_wtf8());
        if let Some((_, slot)) = known.and_then(|position| self.members.get_mut(position)) {
            return Some(std::mem::replace(slot, value));
        }
        self.push_new(key, value);
        None
    }

    /// Takes the member `key` out; those behind it move up.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let position = self.position(key.as_bytes())?;
        let (_, value) = self.members.remove(position);
        if let Some(index) = &mut self.index {
            index.remove(position);
        }
        Some(value)
    }

    /// Keeps the members for which `keep` returns true.
    pub fn retain(&mut self, mut keep: impl FnMut(&Text, &mut Value) -> bool) {
        self.members.retain_mut(|(key, value)| keep(key, value));
        self.rebuild_index();
    }

    /// Returns the members in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.members.iter())
    }

    /// Returns the keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Text> {
        self.iter().map(|(key, _)| key)
    }

    /// Returns the values in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    /// Returns the values in the order of their keys, for changing.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Value> {
        self.members.iter_mut().map(|(_, value)| value)
    }

    /// Returns the members as one slice.
    pub(super) fn members(&self) -> &[(Text, Value)] {
        &self.members
    }

    /// Appends a member whose key is known to be new.
    fn push_new(&mut self, key: Text, value: Value) {
        let position = self.members.len();
        if let Some(index) = &mut self.index {
            index.push(&self.members, key.as_wtf8(), position);
        }
        self.members.push((key, value));
        if self.index.is_none() && self.members.len() > INDEX_ABOVE {
            self.rebuild_index();
        }
    }

    /// Returns where the member `key`, given in WTF-8, is.
    fn position(&self, key: &[u8]) -> Option<usize> {
        match &self.index {
            None => self
                .members
                .iter()
                .position(|(known, _)| known.as_wtf8() == key),
            Some(index) => index.position(&self.members, key),
        }
    }

    fn rebuild_index(&mut self) {
        self.index = (self.members.len() > INDEX_ABOVE).then(|| {
            let mut index = Box::new(Index::default());
            for (position, (key, _)) in self.members.iter().enumerate() {
                index.push(&self.members, key.as_wtf8(), position);
            }
            index
        });
    }
}

/// Where each key of an object is.
#[derive(Clone, Default)]
struct Index {
    /// Seeded at random: the keys come from the network.
    hasher: RandomState,
    positions: HashTable<usize>,
}

impl Index {
    fn position(&self, members: &[(Text, Value)], key: &[u8]) -> Option<usize> {
        let is_key = |position: &usize| {
            members
                .get(*position)
                .is_some_and(|(known, _)| known.as_wtf8() == key)
        };
        self.positions
            .find(self.hasher.hash_one(key), is_key)
            .copied()
    }

    /// Enters a key that is not in the index yet.
    fn push(&mut self, members: &[(Text, Value)], key: &[u8], position: usize) {
        let Index { hasher, positions } = self;
        let hash_again = |known: &usize| match members.get(*known) {
            Some((known, _)) => hasher.hash_one(known.as_wtf8()),
            None => 0,
        };
        positions.insert_unique(hasher.hash_one(key), position, hash_again);
    }

    /// Forgets a position; those above it move down.
    fn remove(&mut self, removed: usize) {
        self.positions.retain(|position| {
            let stays = *position != removed;
            if *position > removed {
                *position -= 1;
            }
            stays
        });
    }
}

/// An object being read: saves looking for equal keys as long as they come in ascending order,
/// which is how canonical JSON has them.
pub(super) struct ObjectBuilder {
    object: Object,
    is_ascending: bool,
}

impl Default for ObjectBuilder {
    fn default() -> ObjectBuilder {
        ObjectBuilder {
            object: Object::new(),
            is_ascending: true,
        }
    }
}

impl ObjectBuilder {
    /// Adds a member like [`Object::insert`].
    #[inline]
    pub(super) fn insert(&mut self, key: Text, value: Value) {
        if self.is_ascending {
            let last = self.object.members.last();
            self.is_ascending = last.is_none_or(|(last, _)| last.as_wtf8() < key.as_wtf8());
        }
        if self.is_ascending {
            self.object.push_new(key, value);
        } else {
            self.object.insert(key, value);
        }
    }

    /// Returns whether the keys came in the order of the canonical writer, each once.
    pub(super) fn is_ascending(&self) -> bool {
        self.is_ascending
    }

    /// Returns the object.
    pub(super) fn finish(self) -> Object {
        self.object
    }
}

/// The members of a borrowed object, in order.
#[derive(Clone, Debug)]
pub struct Iter<'a>(std::slice::Iter<'a, (Text, Value)>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Text, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (key, value))
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// The members of an object, in order.
#[derive(Debug)]
pub struct IntoIter(std::vec::IntoIter<(Text, Value)>);

impl Iterator for IntoIter {
    type Item = (Text, Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for IntoIter {}

impl IntoIterator for Object {
    type Item = (Text, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.members.into_iter())
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a Text, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<K: Into<Text>, V: Into<Value>> Extend<(K, V)> for Object {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, members: I) {
        for (key, value) in members {
            self.insert(key, value);
        }
    }
}

impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Object {
        let mut object = Object::new();
        object.extend(members);
        object
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        let is_in_other = |(key, value): &(Text, Value)| {
            let position = other.position(key.as_wtf8());
            let member = position.and_then(|position| other.members.get(position));
            member.is_some_and(|(_, theirs)| value == theirs)
        };
        self.len() == other.len() && self.members.iter().all(is_in_other)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
