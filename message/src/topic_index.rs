//! `TopicIndex`: thousands of patterns against one topic, without trying each.
//!
//! The router fills it with every consumer's patterns and asks it once for each message.

use std::str::Split;

use hashbrown::HashMap;
use smallvec::{SmallVec, smallvec};

use crate::TopicPattern;
use crate::topic_pattern::Segment;

/// A trie of pattern segments: finds the keys of all patterns that match a topic.
///
/// A key may stand for several patterns and is found once. A lookup costs a hash of each topic
/// segment for each place in the trie the topic can be at: for patterns that differ in literals
/// one place, for `*` beside literals a few, and never more than the trie has nodes, so that no
/// number of `#` makes it explode.
///
/// ```
/// use fedmsg_message::TopicIndex;
///
/// let mut index = TopicIndex::new();
/// index.insert(&"org.fedoraproject.*.bodhi.#".parse()?, 7);
/// index.insert(&"#.bodhi.#".parse()?, 2);
/// index.insert(&"org.fedoraproject.prod.git".parse()?, 3);
///
/// let mut keys = Vec::new();
/// index.lookup("org.fedoraproject.prod.bodhi.update.comment", &mut keys);
/// assert_eq!(keys, [2, 7]);
/// # Ok::<(), fedmsg_message::PatternError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TopicIndex {
    /// The keys of patterns that match everything, ascending.
    everything: Vec<u32>,
    root: Node,
    /// How many nodes have a `floating` number.
    floating: usize,
}

/// A place in the trie: the pattern segments on the way here have matched.
#[derive(Clone, Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    one: Option<Box<Node>>,
    /// Where the node stands that a `#` leads to. Any number of segments keeps a topic there.
    rest: Option<Box<Node>>,
    /// The keys of patterns that end here.
    keys: Vec<u32>,
    /// A number for a node that a `#` leads to and that has another `#` before it: one topic can
    /// reach it many times.
    floating: Option<usize>,
}

impl TopicIndex {
    /// Returns an index without patterns.
    pub fn new() -> TopicIndex {
        TopicIndex::default()
    }

    /// Adds a pattern for a key.
    pub fn insert(&mut self, pattern: &TopicPattern, key: u32) {
        if pattern.is_everything() {
            return insert_sorted(&mut self.everything, key);
        }
        let mut node = &mut self.root;
        let mut is_behind_rest = false;
        for segment in pattern.segments() {
            node = match segment {
                Segment::Literal(literal) => node.literals.entry(literal.clone()).or_default(),
                Segment::One => node.one.get_or_insert_default(),
                Segment::Rest => node.rest.get_or_insert_with(|| {
                    let floating = is_behind_rest.then_some(self.floating);
                    self.floating += usize::from(is_behind_rest);
                    Box::new(Node {
                        floating,
                        ..Node::default()
                    })
                }),
            };
            is_behind_rest |= *segment == Segment::Rest;
        }
        insert_sorted(&mut node.keys, key);
    }

    /// Takes all patterns of a key out, in time proportional to the size of the index.
    pub fn remove(&mut self, key: u32) {
        remove_sorted(&mut self.everything, key);
        self.floating = 0;
        self.root.remove(key, &mut self.floating);
    }

    /// Returns whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.everything.is_empty() && self.root.is_empty()
    }

    /// Appends the key of each pattern that matches the topic to `keys`: each once, ascending.
    ///
    /// Allocates nothing but what `keys` needs, unless there are `#` in the middle of
    /// patterns and the topic can be at many places behind them at once.
    pub fn lookup(&self, topic: &str, keys: &mut Vec<u32>) {
        let start = keys.len();
        keys.extend_from_slice(&self.everything);
        if self.root.is_empty() {
            return;
        }
        self.descend(&self.root, topic.split('.'), keys);
        sort_from(keys, start);
    }

    /// Follows the topic down from a node that is not behind a `#`. There is one way to each, so
    /// none is visited twice; a pattern is not long, so the recursion is not deep.
    fn descend(&self, node: &Node, mut segments: Split<'_, char>, keys: &mut Vec<u32>) {
        if let Some(rest) = &node.rest {
            // Whatever is still to come, a pattern that ends here matches.
            keys.extend_from_slice(&rest.keys);
            if !rest.is_leaf() {
                Walk::new(rest, self.floating, keys).follow(segments.clone());
            }
        }
        let Some(segment) = segments.next() else {
            return keys.extend_from_slice(&node.keys);
        };
        if let Some(child) = node.literals.get(segment) {
            self.descend(child, segments.clone(), keys);
        }
        if let Some(child) = &node.one {
            self.descend(child, segments, keys);
        }
    }
}

impl Node {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.is_leaf()
    }

    fn is_leaf(&self) -> bool {
        self.literals.is_empty() && self.one.is_none() && self.rest.is_none()
    }

    /// Takes a key out, prunes what is left empty and numbers the floating nodes anew.
    fn remove(&mut self, key: u32, floating: &mut usize) {
        remove_sorted(&mut self.keys, key);
        if let Some(number) = &mut self.floating {
            *number = *floating;
            *floating += 1;
        }
        self.literals.retain(|_, node| {
            node.remove(key, floating);
            !node.is_empty()
        });
        for child in [&mut self.one, &mut self.rest] {
            if let Some(node) = child {
                node.remove(key, floating);
                if node.is_empty() {
                    *child = None;
                }
            }
        }
    }
}

/// The places behind one `#` that a topic is at while its segments go by.
///
/// A node there may be reached anew with each segment. `seen` keeps one that would stay from being
/// entered twice; the others are left behind with the next segment.
struct Walk<'a> {
    /// Reached through a `#`, to stay.
    resting: SmallVec<[&'a Node; 8]>,
    /// Reached with the last segment.
    moving: SmallVec<[&'a Node; 8]>,
    /// Reached with the next one; empty between steps.
    next: SmallVec<[&'a Node; 8]>,
    /// A bit for each floating node that rests.
    seen: SmallVec<[u64; 8]>,
    keys: &'a mut Vec<u32>,
}

impl<'a> Walk<'a> {
    /// Begins at the node behind a `#`.
    fn new(start: &'a Node, floating: usize, keys: &'a mut Vec<u32>) -> Walk<'a> {
        Walk {
            resting: smallvec![start],
            moving: SmallVec::new(),
            next: SmallVec::new(),
            seen: smallvec![0; floating.div_ceil(64)],
            keys,
        }
    }

    /// Goes along the rest of the topic.
    fn follow(mut self, segments: Split<'_, char>) {
        for segment in segments {
            self.step(segment);
        }
        for node in self.moving {
            self.keys.extend_from_slice(&node.keys);
        }
    }

    /// Goes on by one segment.
    fn step(&mut self, segment: &str) {
        for node in self.resting.iter().chain(&self.moving) {
            if let Some(child) = node.literals.get(segment) {
                self.next.push(child);
            }
            if let Some(child) = &node.one {
                self.next.push(child);
            }
        }
        std::mem::swap(&mut self.moving, &mut self.next);
        self.next.clear();
        for node in &self.moving {
            let Some(rest) = &node.rest else { continue };
            let is_new = rest
                .floating
                .is_some_and(|number| see(&mut self.seen, number));
            if is_new {
                // Whatever is still to come, a pattern that ends here matches.
                self.keys.extend_from_slice(&rest.keys);
                if !rest.is_leaf() {
                    self.resting.push(rest);
                }
            }
        }
    }
}

/// Sets a bit and returns whether it was not set.
fn see(bits: &mut [u64], number: usize) -> bool {
    let Some(word) = bits.get_mut(number / 64) else {
        return false;
    };
    let bit = 1 << (number % 64);
    let is_new = *word & bit == 0;
    *word |= bit;
    is_new
}

fn insert_sorted(keys: &mut Vec<u32>, key: u32) {
    if let Err(position) = keys.binary_search(&key) {
        keys.insert(position, key);
    }
}

fn remove_sorted(keys: &mut Vec<u32>, key: u32) {
    if let Ok(position) = keys.binary_search(&key) {
        keys.remove(position);
    }
}

/// Sorts what has been appended from `start` on and drops repetitions.
fn sort_from(keys: &mut Vec<u32>, start: usize) {
    let Some(appended) = keys.get_mut(start..) else {
        return;
    };
    if appended.is_sorted_by(|left, right| left < right) {
        return;
    }
    appended.sort_unstable();
    let mut index = 0;
    let mut last = None;
    keys.retain(|key| {
        let is_repeated = index >= start && last == Some(*key);
        if index >= start {
            last = Some(*key);
        }
        index += 1;
        !is_repeated
    });
}

#[cfg(test)]
mod tests;
