//! `TemplateError`: what is wrong with a template, and where.
//!
//! Made by [`super::Dialect::compile`] and [`super::Template::render`].

use std::ops::Range;

use thiserror::Error;

/// Why a template was refused, or could not be rendered. Its text has the line, counted from 1, and the
/// column where that is known: "line 2, column 5: unknown filter".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at}{reason}")]
pub struct TemplateError {
    at: String,
    place: Option<Range<usize>>,
    reason: String,
}

impl TemplateError {
    pub(super) fn at(source: &str, place: Range<usize>, reason: String) -> Self {
        let before = source.get(..place.start).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        Self {
            at: format!("line {line}, column {column}: "),
            place: Some(place),
            reason,
        }
    }

    pub(super) fn on_line(source: &str, line: usize, reason: String) -> Self {
        let lines = source.split_inclusive('\n').take(line.saturating_sub(1));
        let start = lines.map(str::len).sum();
        Self {
            at: format!("line {line}: "),
            place: Some(start..start),
            reason,
        }
    }

    pub(super) fn somewhere(reason: String) -> Self {
        let (at, place) = (String::new(), None);
        Self { at, place, reason }
    }

    /// Returns the bytes of the template that are wrong, where that is known; empty at the start of a
    /// line where only the line is.
    #[must_use]
    pub fn place(&self) -> Option<Range<usize>> {
        self.place.clone()
    }

    /// Returns what is wrong, without the place.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
