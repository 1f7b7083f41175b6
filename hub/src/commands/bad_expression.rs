//! `BadExpression`: an expression of the command line that cannot be used, and where it goes wrong.
//!
//! Made by the filter of topics, and by the templates and expressions of `fedmsg-tail`.

use std::fmt;
use std::ops::Range;

/// How many characters of a line are shown before and after the place.
const AROUND: usize = 40;

/// What is wrong with the value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadExpression {
    option: &'static str,
    expression: String,
    /// Bytes of the expression; `None` if the reason shows the place itself, or there is none.
    place: Option<Range<usize>>,
    reason: String,
}

impl BadExpression {
    /// An error at a place that is known.
    pub(crate) fn at(
        option: &'static str,
        expression: &str,
        place: Range<usize>,
        reason: impl fmt::Display,
    ) -> Self {
        Self {
            option,
            expression: expression.to_owned(),
            place: Some(place),
            reason: reason.to_string(),
        }
    }

    /// An error that says itself where it is.
    pub(crate) fn new(option: &'static str, expression: &str, reason: impl fmt::Display) -> Self {
        Self {
            option,
            expression: expression.to_owned(),
            place: None,
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for BadExpression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (option, reason) = (self.option, &self.reason);
        let Some(place) = &self.place else {
            return write!(formatter, "{option} {}: {reason}", self.expression);
        };
        let before = self.expression.get(..place.start);
        let before = before.unwrap_or(&self.expression);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(start..).unwrap_or_default().chars().count();
        writeln!(
            formatter,
            "{option}, line {line}, column {}: {reason}",
            column + 1
        )?;
        let shown = self.expression.get(start..).unwrap_or_default();
        let shown = shown.lines().next().unwrap_or_default();
        let skipped = column.saturating_sub(AROUND);
        // A tab is as wide as a space here, so that the caret stands under the place.
        let visible = |it: char| if it.is_control() { ' ' } else { it };
        let shown = shown.chars().skip(skipped).take(2 * AROUND).map(visible);
        let shown: String = shown.collect();
        let end = place.end.max(place.start);
        let within = self.expression.get(place.start..end).unwrap_or_default();
        let room = (2 * AROUND).saturating_sub(column - skipped).max(1);
        let width = within.lines().next().unwrap_or_default().chars().count();
        let (before, marks) = (
            " ".repeat(column - skipped),
            "^".repeat(width.clamp(1, room)),
        );
        writeln!(formatter, "  {}", shown.trim_end())?;
        write!(formatter, "  {before}{marks}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_marked() {
        #[track_caller]
        fn check(expression: &str, place: Range<usize>, expected: &str) {
            let error = BadExpression::at("--jq", expression, place, "no");
            assert_eq!(error.to_string(), format!("--jq, {expected}"));
        }
        check("a(", 1..2, "line 1, column 2: no\n  a(\n   ^");
        check("", 0..0, "line 1, column 1: no\n  \n  ^");
        check("é|x", 3..4, "line 1, column 3: no\n  é|x\n    ^");
        check("a\nbcd\ne", 3..5, "line 2, column 2: no\n  bcd\n   ^^");
        check("\tx", 1..2, "line 1, column 2: no\n   x\n   ^");
        // Whatever a library says where it is.
        check("ab", 7..9, "line 1, column 3: no\n  ab\n    ^");
        let (skipped, shown) = ("-".repeat(100), "-".repeat(40));
        check(
            &format!("{skipped}x{skipped}"),
            100..101,
            &format!(
                "line 1, column 101: no\n  {shown}x{}\n  {}^",
                "-".repeat(39),
                " ".repeat(40)
            ),
        );
    }

    #[test]
    fn a_reason_may_know_the_place_itself() {
        let error = BadExpression::new("--include", "(", "no");
        assert_eq!(error.to_string(), "--include (: no");
    }
}
