//! Turns a TOML table into a typed value and finds every problem on the way, not only the first.
//!
//! [`crate::load`] reads the configuration with it and [`crate::Params`] the params of a consumer
//! or producer. serde stops at the first error, so the reading is repeated: each time what was at
//! fault is left out, until nothing is. The table itself is never changed, so that paths stay true.

mod node;
mod read_error;

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use self::node::{Edits, Node};
use crate::key_path::{KeyPath, Segment};
use crate::problem::Problem;

/// More problems than this help nobody; the last one then says that there are more.
const MOST_PROBLEMS: usize = 100;

/// What came of reading one table.
#[derive(Debug)]
pub(crate) struct Extraction<T> {
    /// The value, without what was at fault; missing when nothing could be made of the table.
    pub(crate) value: Option<T>,
    /// Every problem, with the path below the table.
    pub(crate) problems: Vec<(KeyPath, Problem)>,
}

/// Reads `table` as a `T`. Keys that `T` does not declare are problems whether or not it says
/// `deny_unknown_fields`.
pub(crate) fn extract<T: DeserializeOwned>(table: &Table) -> Extraction<T> {
    let root = Value::Table(table.clone());
    let mut skipped = BTreeSet::new();
    let mut filled = BTreeSet::new();
    let mut problems = Vec::new();
    loop {
        let edits = Edits::new(&skipped, &filled);
        let error = match T::deserialize(Node::root(&root, &edits)) {
            Ok(value) => {
                return Extraction {
                    value: Some(value),
                    problems,
                };
            }
            Err(error) => error,
        };
        let (path, problem) = error.into_parts();
        let is_known =
            skipped.contains(&path) || filled.contains(&path) || lacks_an_item(&skipped, &path);
        let goes_on = match problem {
            Problem::MissingKey => filled.insert(path.clone()),
            // A stand-in that does not do is of no use: leave out the table that it stands in.
            _ if filled.contains(&path) => path
                .parent()
                .is_some_and(|table| leave_out(&mut skipped, table)),
            _ => leave_out(&mut skipped, path.clone()),
        };
        // What is known has been reported: a key at fault is missing the next time.
        if !is_known {
            problems.push((path, problem));
        }
        if !goes_on {
            return Extraction {
                value: None,
                problems,
            };
        }
        if problems.len() == MOST_PROBLEMS {
            problems.push((KeyPath::root(), Problem::More));
            return Extraction {
                value: None,
                problems,
            };
        }
    }
}

/// Whether an item of the list at `path` has been left out: that it is too short now says nothing.
fn lacks_an_item(skipped: &BTreeSet<KeyPath>, path: &KeyPath) -> bool {
    let below = skipped.range(path.child(0)..);
    let mut below = below.take_while(|it| it.starts_with(path));
    below.any(|it| {
        let is_item = matches!(it.last(), Some(Segment::Index(_)));
        is_item && it.parent().as_ref() == Some(path)
    })
}

/// Leaves out what is at `path`, or the nearest thing around it that is not left out yet. Returns
/// whether there was one: the whole table is never left out.
fn leave_out(skipped: &mut BTreeSet<KeyPath>, path: KeyPath) -> bool {
    let mut next = Some(path);
    while let Some(path) = next.filter(|path| !path.is_root()) {
        next = path.parent();
        if skipped.insert(path) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
