//! The cow that says what has happened: `--cowsay`.
//!
//! Drawn here, where the original starts the program cowsay, in a shell and with text from the bus.

use std::fmt::Write as _;

/// How many characters of a line fit into the balloon.
const WIDTH: usize = 40;

const COW: &str = r"
        \   ^__^
         \  (oo)\_______
            (__)\       )\/\
                ||----w |
                ||     ||";

/// Returns the cow and its balloon, without a line feed at the end.
pub(super) fn cow(text: &str) -> String {
    let lines = wrapped(text);
    let width = lines.iter().map(|line| line.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut out = format!(" {}\n", "_".repeat(width + 2));
    for (index, line) in lines.iter().enumerate() {
        let (left, right) = match (index, lines.len()) {
            (_, 1) => ('<', '>'),
            (0, _) => ('/', '\\'),
            (last, count) if last + 1 == count => ('\\', '/'),
            _ => ('|', '|'),
        };
        let _ = writeln!(out, "{left} {line:width$} {right}");
    }
    out.push(' ');
    out.push_str(&"-".repeat(width + 2));
    out.push_str(COW);
    out
}

/// Breaks a text between words, and longer words within. There is one line at least.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word = word;
        let mut length = word.chars().count();
        if used > 0 && used + 1 + length > WIDTH {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while length > WIDTH {
            let end = word
                .char_indices()
                .nth(WIDTH)
                .map_or(word.len(), |(at, _)| at);
            let (piece, rest) = word.split_at(end);
            lines.push(piece.to_owned());
            word = rest;
            length -= WIDTH;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, balloon: &[&str]) {
        let drawn = cow(text);
        let (said, _) = drawn.split_once("\n        \\").unwrap();
        assert_eq!(said.lines().collect::<Vec<_>>(), balloon, "{drawn}");
    }

    #[test]
    fn a_line_has_a_balloon_of_its_length() {
        check(
            "hello $(rm -rf) `x`",
            &[
                " _____________________",
                "< hello $(rm -rf) `x` >",
                " ---------------------",
            ],
        );
        check("", &[" __", "<  >", " --"]);
    }

    #[test]
    fn long_texts_are_broken_between_words_and_long_words_within() {
        check(
            &format!("one two\nthree {} end", "x".repeat(45)),
            &[
                &format!(" {}", "_".repeat(42)),
                &format!("/ {:40} \\", "one two three"),
                &format!("| {} |", "x".repeat(40)),
                &format!("\\ {:40} /", "xxxxx end"),
                &format!(" {}", "-".repeat(42)),
            ],
        );
        check(
            &"y".repeat(80),
            &[
                &format!(" {}", "_".repeat(42)),
                &format!("/ {} \\", "y".repeat(40)),
                &format!("\\ {} /", "y".repeat(40)),
                &format!(" {}", "-".repeat(42)),
            ],
        );
    }
}
