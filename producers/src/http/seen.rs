//! `Seen`: the items that a poll has published before, so that they are not published again.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::mem;

use fedmsg::json::Value;
use fedmsg_message::{EncodeError, to_canonical};

/// So many that are no longer there are still known when they come back.
const OLDER: usize = 10_000;

/// What a value is known by: a hash that nobody outside can foresee.
pub(super) type Key = u64;

/// Makes keys; a clone makes the same ones.
#[derive(Clone, Default)]
pub(super) struct KeyMaker(RandomState);

impl KeyMaker {
    /// What a value is known by. It is written down whole, which takes a while for a large one.
    pub(super) fn key(&self, value: &Value) -> Result<Key, EncodeError> {
        Ok(self.0.hash_one(to_canonical(value)?))
    }
}

/// Values that are known, 16 bytes each.
#[derive(Default)]
pub(super) struct Seen {
    /// Those of the answer before.
    last: HashSet<Key>,
    /// Those of this answer.
    current: HashSet<Key>,
    /// Those that were there before, oldest first.
    older: VecDeque<Key>,
    older_set: HashSet<Key>,
}

impl Seen {
    /// Whether it is known already.
    pub(super) fn knows(&self, key: Key) -> bool {
        let is_in = |set: &HashSet<Key>| set.contains(&key);
        is_in(&self.current) || is_in(&self.last) || is_in(&self.older_set)
    }

    /// Notes that it is there, and known from now on.
    pub(super) fn note(&mut self, key: Key) {
        self.current.insert(key);
    }

    /// An answer has been looked through to its end: what it did not have any more is older now.
    pub(super) fn turn(&mut self) {
        let last = mem::replace(&mut self.last, mem::take(&mut self.current));
        for key in last {
            if !self.last.contains(&key) && self.older_set.insert(key) {
                self.older.push_back(key);
            }
        }
        while self.older.len() > OLDER {
            if let Some(oldest) = self.older.pop_front() {
                self.older_set.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_known_and_of_what_is_gone_not_more_than_so_much() {
        let mut seen = Seen::default();
        for key in 0..30_000 {
            assert!(!seen.knows(key));
            seen.note(key);
            assert!(seen.knows(key));
        }
        seen.turn();
        assert!((0..30_000).all(|key| seen.knows(key)), "however many");
        seen.note(7);
        seen.turn();
        seen.note(7);
        seen.turn();
        assert!(seen.knows(7));
        let known = (0..30_000).filter(|key| seen.knows(*key)).count();
        assert!((10_000..=10_001).contains(&known), "{known}");
        assert_eq!(seen.older.len(), seen.older_set.len());
    }

    #[test]
    fn the_order_of_members_makes_no_difference_and_a_number_is_no_text() {
        let keys = KeyMaker::default();
        let key = |json: &str| keys.key(&Value::parse(json.as_bytes()).unwrap()).unwrap();
        assert_eq!(key(r#"{"a": 1, "b": 2}"#), key(r#"{"b": 2, "a": 1}"#));
        assert_ne!(key("1"), key(r#""1""#));
    }
}
