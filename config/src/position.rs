//! A place in a text, as an editor counts it, and the line found there.
//!
//! [`crate::document`] turns the byte offsets of the TOML parser into these.

use std::ops::Range;

/// Longest line that an excerpt shows, in characters; more of it would not help.
const EXCERPT_WIDTH: usize = 120;

/// A line and a column of a text, both counted from 1; columns count characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
}

/// Where the lines of a text begin, so that a position is found without reading the text again.
pub(crate) struct Lines<'a> {
    text: &'a str,
    /// The offset of each line, in bytes.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Looks for the lines of `text`.
    pub(crate) fn of(text: &'a str) -> Self {
        let newlines = text.match_indices('\n');
        let starts = [0]
            .into_iter()
            .chain(newlines.map(|(newline, _)| newline + 1));
        Self {
            text,
            starts: starts.collect(),
        }
    }

    /// Returns the position of the byte at `offset`; an offset beyond the text means its end.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied();
        let before = self.text.get(start.unwrap_or_default()..offset);
        let column = before.unwrap_or_default().chars().count() + 1;
        Position { line, column }
    }
}

/// Returns the line of `text` that `span` starts in, with carets under what the span covers:
///
/// ```text
///   12 | timeout = 2s
///      |           ^^
/// ```
///
/// Of a line that may hold a secret (its key speaks of one, or it holds a URL with credentials)
/// only the part up to the equals sign is shown.
pub(crate) fn excerpt(text: &str, span: Range<usize>) -> String {
    let at = Lines::of(text).position(span.start);
    let line = text.lines().nth(at.line - 1).unwrap_or_default();
    let shown = without_secret(line).replace('\t', " ");
    let shown: String = shown.chars().take(EXCERPT_WIDTH).collect();
    let width = shown.chars().count();
    let indent = (at.column - 1).min(width);
    let covered = text.get(span).map_or(1, |covered| covered.chars().count());
    let carets = covered.clamp(1, (width - indent).max(1));
    let number = at.line.to_string();
    let margin = " ".repeat(number.len());
    let blank = " ".repeat(indent);
    format!(
        "  {number} | {shown}\n  {margin} | {blank}{}",
        "^".repeat(carets)
    )
}

/// Returns `line`, cut after its equals sign when what follows may be secret.
fn without_secret(line: &str) -> String {
    const TELLING: [&str; 6] = ["pass", "secret", "token", "credential", "key", "auth"];
    let has_credentials = line.contains("://") && line.contains('@');
    let Some((key, _)) = line.split_once('=') else {
        return if has_credentials {
            "…".to_owned()
        } else {
            line.to_owned()
        };
    };
    let name = key.to_lowercase();
    if has_credentials || TELLING.iter().any(|word| name.contains(word)) {
        return format!("{key}= …");
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, offset: usize, line: usize, column: usize) {
        assert_eq!(
            Lines::of(text).position(offset),
            Position { line, column },
            "{text:?} at {offset}"
        );
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        check("", 0, 1, 1);
        check("ab", 1, 1, 2);
        check("ab\ncd", 3, 2, 1);
        check("ab\r\ncd", 5, 2, 2);
        check("é = 1", 3, 1, 3);
        check("ab\n", 99, 2, 1);
        check("\n\na\n", 1, 2, 1);
        check("\n\na\n", 2, 3, 1);
        check("\n\na\n", 4, 4, 1);
    }

    #[test]
    fn an_excerpt_points_at_what_is_wrong() {
        let text = "a = 1\ntimeout = 2s\n";
        assert_eq!(
            excerpt(text, 16..18),
            "  2 | timeout = 2s\n    |           ^^"
        );
        assert_eq!(excerpt(text, 6..6), "  2 | timeout = 2s\n    | ^");
        assert_eq!(excerpt("a = ", 4..4), "  1 | a = \n    |     ^");
        assert_eq!(excerpt("a =\t?", 4..5), "  1 | a = ?\n    |     ^");
    }

    #[test]
    fn a_span_over_several_lines_is_marked_on_its_first() {
        assert_eq!(
            excerpt("a = [1,\n2\n", 4..9),
            "  1 | a = [1,\n    |     ^^^"
        );
    }

    #[test]
    fn an_excerpt_shows_no_secret() {
        for (line, kept) in [
            ("password = \"hunter2", "password = …"),
            ("api_token = hunter2", "api_token = …"),
            ("url = \"amqp://me:hunter2@host", "url = …"),
            ("  amqp://me:hunter2@host", "…"),
        ] {
            let shown = excerpt(line, line.len()..line.len());
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains(kept), "{shown}");
        }
    }

    #[test]
    fn an_endless_line_is_cut() {
        let line = format!("a = {}", "x".repeat(10_000));
        assert!(excerpt(&line, 4..10_004).len() < 300);
    }
}
