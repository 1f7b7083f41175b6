//! Several files on top of each other, as the original merges them.
//!
//! [`super::import`] fills it. Rules: fedmsg configuration specification, section 2.3: dicts are merged key
//! by key, anything else is replaced, lists too.

use std::collections::BTreeMap;

use crate::python::{Dict, Value};

/// The keys of all files so far.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) nodes: Nodes,
}

type Nodes = BTreeMap<String, Node>;

/// What a key has, and which file and line say so.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) file: usize,
    pub(super) line: usize,
    pub(super) tree: Tree,
}

/// A table of the configuration, or a value in it.
#[derive(Debug)]
pub(super) enum Tree {
    Table(Nodes),
    Leaf(Value),
}

impl Merged {
    /// Puts the `config` of a file on top.
    pub(super) fn add(&mut self, file: usize, config: Dict) {
        merge(&mut self.nodes, nodes(file, config));
    }
}

impl Tree {
    pub(super) fn of(file: usize, value: Value) -> Self {
        match value {
            Value::Dict(dict) => Self::Table(nodes(file, dict)),
            value => Self::Leaf(value),
        }
    }
}

fn nodes(file: usize, dict: Dict) -> Nodes {
    let node = |entry: crate::python::Entry| {
        let tree = Tree::of(file, entry.value);
        let line = entry.line;
        (entry.key, Node { file, line, tree })
    };
    dict.into_iter().map(node).collect()
}

fn merge(into: &mut Nodes, more: Nodes) {
    for (key, node) in more {
        match (into.get_mut(&key).map(|it| &mut it.tree), node) {
            (
                Some(Tree::Table(into)),
                Node {
                    tree: Tree::Table(more),
                    ..
                },
            ) => merge(into, more),
            (_, node) => {
                into.insert(key, node);
            }
        }
    }
}
