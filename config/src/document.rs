//! One TOML text: its values, and the place of each in the text.
//!
//! [`crate::load`] merges the values and keeps the places for [`crate::Origins`].

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Table;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error};

use crate::key_path::KeyPath;
use crate::position::{Lines, Position, excerpt};
use crate::problem::Problem;

/// A parsed TOML text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Document {
    /// The values.
    pub(crate) table: Table,
    /// Where each key, and each item of a list, stands. Empty for a table that was never a text.
    pub(crate) positions: BTreeMap<KeyPath, Position>,
}

impl Document {
    /// Parses `text`.
    ///
    /// # Errors
    ///
    /// The first syntax error of each line that has one.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<(Position, Problem)>> {
        let (spanned, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(first_of_each_line(text, &errors));
        }
        let mut positions = BTreeMap::new();
        Places {
            lines: Lines::of(text),
            positions: &mut positions,
        }
        .of_table(spanned.get_ref(), &KeyPath::root());
        let table = Table::deserialize(Deserializer::from(spanned))
            .map_err(|error| first_of_each_line(text, &[error]))?;
        Ok(Self { table, positions })
    }
}

impl From<Table> for Document {
    fn from(table: Table) -> Self {
        Self {
            table,
            positions: BTreeMap::new(),
        }
    }
}

/// The parser goes on after an error, and most of what it finds on the same line is the same error.
fn first_of_each_line(text: &str, errors: &[Error]) -> Vec<(Position, Problem)> {
    let lines = Lines::of(text);
    let mut errors: Vec<_> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or_default();
            (
                span.start,
                lines.position(span.start),
                error.message(),
                span,
            )
        })
        .collect();
    errors.sort_by_key(|(start, ..)| *start);
    errors.dedup_by_key(|(_, position, ..)| position.line);
    let describe = |(_, position, message, span): (usize, Position, &str, _)| {
        let message = message.to_owned();
        (
            position,
            Problem::Syntax {
                message,
                excerpt: excerpt(text, span),
            },
        )
    };
    errors.into_iter().map(describe).collect()
}

/// Walks over a parsed text and notes where things stand.
struct Places<'a> {
    lines: Lines<'a>,
    positions: &'a mut BTreeMap<KeyPath, Position>,
}

impl Places<'_> {
    fn of_table(&mut self, table: &DeTable<'_>, path: &KeyPath) {
        for (key, value) in table {
            let path = path.child(key.get_ref().as_ref());
            self.positions
                .insert(path.clone(), self.lines.position(key.span().start));
            self.of_value(value.get_ref(), &path);
        }
    }

    fn of_list(&mut self, list: &DeArray<'_>, path: &KeyPath) {
        for (index, item) in list.iter().enumerate() {
            let path = path.child(index);
            self.positions
                .insert(path.clone(), self.lines.position(item.span().start));
            self.of_value(item.get_ref(), &path);
        }
    }

    fn of_value(&mut self, value: &DeValue<'_>, path: &KeyPath) {
        match value {
            DeValue::Table(table) => self.of_table(table, path),
            DeValue::Array(list) => self.of_list(list, path),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
a.b = 1
[consumers.\"x.y\"]
kind = 'log'
topics = [
  'org.a',
  'org.b' ]
[[list]]
  name = { first = 1 }
";

    #[track_caller]
    fn check(path: KeyPath, line: usize, column: usize) {
        let document = Document::parse(TEXT).unwrap();
        assert_eq!(
            document.positions.get(&path),
            Some(&Position { line, column }),
            "{path}"
        );
    }

    #[test]
    fn every_key_and_item_has_a_place() {
        check(KeyPath::from("a"), 1, 1);
        check(KeyPath::from(["a", "b"]), 1, 3);
        check(KeyPath::from("consumers"), 2, 2);
        check(KeyPath::from(["consumers", "x.y"]), 2, 12);
        check(KeyPath::from(["consumers", "x.y", "kind"]), 3, 1);
        check(KeyPath::from(["consumers", "x.y", "topics"]).child(1), 6, 3);
        check(
            KeyPath::from("list").child(0).child("name").child("first"),
            8,
            12,
        );
    }

    #[track_caller]
    fn check_errors(text: &str, expected: &[(usize, usize)]) {
        let errors = Document::parse(text).unwrap_err();
        let places: Vec<_> = errors.iter().map(|(at, _)| (at.line, at.column)).collect();
        assert_eq!(places, expected, "{text:?}");
        assert!(
            errors
                .iter()
                .all(|(_, problem)| matches!(problem, Problem::Syntax { .. }))
        );
    }

    #[test]
    fn each_line_has_at_most_one_syntax_error() {
        check_errors("a = \nb = 1\nc = = 2\n", &[(1, 5), (3, 5)]);
        check_errors("timeout = 2s\nb = yes\n", &[(1, 11), (2, 5)]);
        check_errors("x = \"abc\ny = 1\n", &[(1, 9)]);
        check_errors("a = 1\na = 2\n", &[(2, 1)]);
        check_errors("a = 99999999999999999999\n", &[(1, 5)]);
    }

    #[test]
    fn a_text_from_another_system_is_read_too() {
        let document = Document::parse("\u{feff}a = 1\r\nb = 2\r\n").unwrap();
        assert_eq!(document.table.len(), 2);
        assert_eq!(document.positions[&KeyPath::from("b")].line, 2);
    }
}
