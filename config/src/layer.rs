//! One source of settings, ready to be merged.
//!
//! [`crate::files`] and [`crate::environment`] make layers, [`crate::load`] puts them on top of
//! each other.

use toml::{Table, Value};

use crate::document::Document;
use crate::error::ConfigError;
use crate::key_path::{KeyPath, Segment};
use crate::origin::Origin;

/// The values of one source, and which source that is.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The source, without a position.
    pub(crate) source: Origin,
    pub(crate) document: Document,
}

impl Layer {
    /// Returns the layer of a table that stands in no text.
    pub(crate) fn new(source: Origin, table: Table) -> Self {
        Self {
            source,
            document: Document::from(table),
        }
    }

    /// Returns the layer of a TOML text, or its syntax errors.
    pub(crate) fn parse(source: Origin, text: &str) -> Result<Self, Vec<ConfigError>> {
        match Document::parse(text) {
            Ok(document) => Ok(Self { source, document }),
            Err(problems) => {
                let place = |(position, problem)| {
                    ConfigError::new(source.at(Some(position)), KeyPath::root(), problem)
                };
                Err(problems.into_iter().map(place).collect())
            }
        }
    }

    /// Returns where this source speaks of `path`.
    pub(crate) fn origin(&self, path: &KeyPath) -> Origin {
        self.source.at(self.document.positions.get(path).copied())
    }

    /// Returns the value that this source gives for a path of keys.
    pub(crate) fn value(&self, path: &KeyPath) -> Option<&Value> {
        let mut segments = path.segments().iter();
        let Some(Segment::Key(first)) = segments.next() else {
            return None;
        };
        segments.try_fold(
            self.document.table.get(first)?,
            |value, segment| match segment {
                Segment::Key(key) => value.get(key),
                Segment::Index(index) => value.get(*index),
            },
        )
    }
}
