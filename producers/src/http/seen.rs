//! `Seen`: the items that a poll has published before, so that they are not published again.

use std::collections::{HashSet, VecDeque};
use std::mem;

use serde::{Deserialize, Serialize};

use super::key::Key;

/// So many that are no longer there are still known when they come back.
pub(super) const OLDER: usize = 10_000;

/// Values that are known, 16 bytes each.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Those of the answer before.
    last: HashSet<Key>,
    /// Those of this answer.
    current: HashSet<Key>,
    /// Those that were there before, oldest first.
    older: VecDeque<Key>,
    older_set: HashSet<Key>,
}

/// [`Seen`], to be written down.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenKeys {
    there: Vec<Key>,
    /// Oldest first.
    gone: Vec<Key>,
}

impl Seen {
    /// Whether it is known already.
    pub(super) fn knows(&self, key: Key) -> bool {
        let is_in = |set: &HashSet<Key>| set.contains(&key);
        is_in(&self.current) || is_in(&self.last) || is_in(&self.older_set)
    }

    /// Notes that it is there, and known from now on; says whether it was not known before.
    pub(super) fn note(&mut self, key: Key) -> bool {
        let is_new = !self.knows(key);
        self.current.insert(key);
        is_new
    }

    /// An answer has been looked through to its end: what it did not have any more is older now.
    pub(super) fn turn(&mut self) {
        let last = mem::replace(&mut self.last, mem::take(&mut self.current));
        for key in last {
            if !self.last.contains(&key) {
                self.grow_old(key);
            }
        }
    }

    fn grow_old(&mut self, key: Key) {
        if self.older_set.insert(key) {
            self.older.push_back(key);
        }
        while self.older.len() > OLDER {
            if let Some(oldest) = self.older.pop_front() {
                self.older_set.remove(&oldest);
            }
        }
    }

    /// All that is known. Of an answer that has not been looked through, what was before it is still there.
    pub(super) fn keys(&self) -> SeenKeys {
        SeenKeys {
            there: self.last.union(&self.current).copied().collect(),
            gone: self.older.iter().copied().collect(),
        }
    }
}

impl From<SeenKeys> for Seen {
    fn from(keys: SeenKeys) -> Self {
        let mut seen = Self {
            last: keys.there.into_iter().collect(),
            ..Self::default()
        };
        for key in keys.gone {
            seen.grow_old(key);
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use fedmsg::json::Value;

    use super::*;

    fn keys(numbers: std::ops::Range<i64>) -> Vec<Key> {
        let keys = numbers.map(|number| Key::of(&Value::from(number)).unwrap());
        keys.collect()
    }

    #[test]
    fn what_was_there_is_known_and_of_what_is_gone_not_more_than_so_much() {
        let mut seen = Seen::default();
        let keys = keys(0..30_000);
        for key in &keys {
            assert!(!seen.knows(*key));
            assert!(seen.note(*key));
            assert!(seen.knows(*key));
        }
        seen.turn();
        assert!(keys.iter().all(|key| seen.knows(*key)), "however many");
        assert!(!seen.note(keys[7]));
        seen.turn();
        seen.note(keys[7]);
        seen.turn();
        assert!(seen.knows(keys[7]));
        let known = keys.iter().filter(|key| seen.knows(**key)).count();
        assert!((10_000..=10_001).contains(&known), "{known}");
        assert_eq!(seen.older.len(), seen.older_set.len());
    }

    #[test]
    fn what_is_written_down_is_known_again_in_the_middle_of_an_answer_too() {
        let keys = keys(0..30);
        let mut seen = Seen::default();
        for answer in [&keys[..20], &keys[10..20]] {
            for key in answer {
                seen.note(*key);
            }
            seen.turn();
        }
        seen.note(keys[20]);
        let written = serde_json::to_string(&seen.keys()).unwrap();
        let seen = Seen::from(serde_json::from_str::<SeenKeys>(&written).unwrap());
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(seen.knows(*key), n <= 20, "{n}");
        }
    }
}
