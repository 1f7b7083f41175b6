//! Colour for indented JSON, as the original's `--really-pretty` shows it.

use std::fmt::{self, Write};

/// ANSI: yellow for keys and strings, blue for numbers, and back to the default (hub specification 5.4).
const STRING: &str = "\u{1b}[33m";
const NUMBER: &str = "\u{1b}[34m";
const DEFAULT: &str = "\u{1b}[39;49;00m";

/// Passes JSON on (well-formed, as [`fedmsg::json::write_pretty`] writes it) with strings and numbers
/// coloured. The pieces in which it comes may end anywhere.
pub(super) struct Highlight<W> {
    out: W,
    within: Token,
}

/// What the last character was part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// White space, brackets, separators, words.
    Plain,
    String,
    /// A string, whose next character is escaped.
    Escape,
    Number,
}

impl<W: Write> Highlight<W> {
    pub(super) fn new(out: W) -> Self {
        let within = Token::Plain;
        Self { out, within }
    }

    /// Ends the colour of what the text ends with.
    pub(super) fn finish(mut self) -> fmt::Result {
        match self.within {
            Token::Plain => Ok(()),
            Token::String | Token::Escape | Token::Number => self.out.write_str(DEFAULT),
        }
    }

    /// Passes on a character outside of strings, with the colour that begins with it.
    fn begin(&mut self, character: char) -> fmt::Result {
        let (within, colour) = match character {
            '"' => (Token::String, STRING),
            '-' | '0'..='9' => (Token::Number, NUMBER),
            _ => (Token::Plain, ""),
        };
        self.within = within;
        self.out.write_str(colour)?;
        self.out.write_char(character)
    }
}

impl<W: Write> Write for Highlight<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|it| self.write_char(it))
    }

    fn write_char(&mut self, character: char) -> fmt::Result {
        match (self.within, character) {
            (Token::Plain, _) => self.begin(character),
            (Token::Number, _) if is_of_number(character) => self.out.write_char(character),
            (Token::Number, _) => {
                self.out.write_str(DEFAULT)?;
                self.begin(character)
            }
            (Token::String, '"') => {
                self.within = Token::Plain;
                self.out.write_char(character)?;
                self.out.write_str(DEFAULT)
            }
            (Token::String, '\\') => {
                self.within = Token::Escape;
                self.out.write_char(character)
            }
            (Token::String | Token::Escape, _) => {
                self.within = Token::String;
                self.out.write_char(character)
            }
        }
    }
}

fn is_of_number(character: char) -> bool {
    character.is_ascii_alphanumeric() || "+-.".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colours a text that comes in pieces of `length` characters.
    fn highlight(json: &str, length: usize) -> String {
        let mut out = String::new();
        let mut highlight = Highlight::new(&mut out);
        let characters: Vec<_> = json.chars().collect();
        for piece in characters.chunks(length) {
            let piece = String::from_iter(piece);
            highlight.write_str(&piece).unwrap();
        }
        highlight.finish().unwrap();
        out
    }

    #[test]
    fn keys_and_strings_are_yellow_and_numbers_blue() {
        let coloured = highlight(
            "{\n  \"a\\\"b\": \"hello\",\n  \"n\": -1.5e+10,\n  \"t\": true\n}",
            99,
        );
        assert!(coloured.contains("\u{1b}[33m\"hello\"\u{1b}[39;49;00m"));
        assert!(coloured.contains("\u{1b}[33m\"a\\\"b\"\u{1b}[39;49;00m: "));
        assert!(coloured.contains("\u{1b}[34m-1.5e+10\u{1b}[39;49;00m,"));
        assert!(coloured.contains(": true\n"));
    }

    #[test]
    fn nothing_is_lost() {
        for json in [
            "",
            "[]",
            "\"unterminated",
            "[-Infinity, NaN, 1]",
            "{\"é\": \"\\\\\"}",
        ] {
            let coloured = highlight(json, 99);
            for length in 1..5 {
                assert_eq!(highlight(json, length), coloured, "in pieces");
            }
            let plain = coloured
                .replace(STRING, "")
                .replace(NUMBER, "")
                .replace(DEFAULT, "");
            assert_eq!(plain, json);
        }
    }
}
