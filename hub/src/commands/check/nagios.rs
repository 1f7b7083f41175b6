//! How a judgement is written for Nagios, and those like it.
//!
//! Written for [`super`]. Names come from a hub that may say anything: what the form gives a meaning to is
//! replaced.

use std::fmt::Write as _;

use super::judge::{Judgement, Level};

/// The line that a monitoring plugin prints: state, words, `|`, numbers (Monitoring Plugins Development
/// Guidelines, "Plugin Output").
pub(super) fn line(level: Level, words: &str, judgement: Option<&Judgement>) -> String {
    let mut line = format!("FEDMSG {}: {}", level.name(), plain(words));
    let measures = judgement.map_or(&[][..], |judgement| &judgement.measures);
    for (position, measure) in measures.iter().enumerate() {
        let separator = if position == 0 { " |" } else { "" };
        let name = plain(&measure.name).replace(['\'', '='], "_");
        let (value, unit) = (measure.value, measure.unit);
        let _ = write!(line, "{separator} '{name}'={value}{unit}");
        if let Some(limit) = measure.threshold {
            let _ = write!(line, ";{};{};0", limit.warning, limit.critical);
        }
    }
    line
}

/// Text without what would end a line, or the words in it.
fn plain(text: &str) -> String {
    text.replace(|c: char| c == '|' || c.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::super::judge::Measure;
    use super::*;

    #[test]
    fn a_line_for_nagios_has_numbers_behind_a_bar_and_no_other_bar() {
        let judgement = Judgement {
            measures: vec![
                Measure {
                    name: "a|b's backlog".to_owned(),
                    unit: "",
                    value: 3.0,
                    threshold: "10:50".parse().ok(),
                },
                Measure {
                    name: "c age".to_owned(),
                    unit: "s",
                    value: 1.5,
                    threshold: None,
                },
            ],
            ..Judgement::default()
        };
        assert_eq!(
            line(Level::Warning, "a|b\nis late", Some(&judgement)),
            "FEDMSG WARNING: a b is late | 'a b_s backlog'=3;10;50;0 'c age'=1.5s"
        );
        assert_eq!(line(Level::Unknown, "?", None), "FEDMSG UNKNOWN: ?");
    }
}
