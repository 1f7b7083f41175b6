//! From a text to the words of Python: names, literals, signs, lines and indentation.
//!
//! [`super::statement`] asks for them all at once. Rules: The Python Language Reference, chapter 2.

use std::iter::Peekable;
use std::str::CharIndices;

use super::Unread;
use super::literal;
use super::value::Value;

/// One word of the program.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Name(String),
    /// A number or a string.
    Literal(Value),
    /// An operator, a bracket, or another sign.
    Sign(&'static str),
    /// The end of a statement.
    Newline,
    /// The lines from here on are further to the right.
    Indent,
    /// Those from here on are no longer so.
    Dedent,
    /// The end of the program; nothing follows.
    End,
}

/// A word and the line, from 1, that it begins in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) token: Token,
    pub(super) line: usize,
}

/// All signs, longer ones before those that they begin with.
const SIGNS: [&str; 47] = [
    "**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<", "+=", "-=", "*=", "/=", "%=", "&=",
    "|=", "^=", "@=", ":=", "->", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",", ":",
    ".", ";", "=", "+", "-", "*", "/", "%", "<", ">", "&", "|", "^", "~", "@",
];

/// Returns the words of a program, up to what is no Python, and what that is.
pub(super) fn words(text: &str) -> (Vec<Word>, Option<Unread>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        open: Vec::new(),
        indents: vec![0],
        words: Vec::new(),
    };
    let error = reader.read().err();
    reader.finish();
    (reader.words, error)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// The brackets that are open: lines do not end in them.
    open: Vec<&'static str>,
    /// The widths of the indentations that are open.
    indents: Vec<usize>,
    words: Vec<Word>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, token: Token) {
        let line = self.line;
        self.words.push(Word { token, line });
    }

    fn error(&self, reason: impl Into<String>) -> Unread {
        Unread {
            line: self.line,
            reason: reason.into(),
        }
    }

    fn read(&mut self) -> Result<(), Unread> {
        self.indentation();
        while let Some(first) = self.rest().chars().next() {
            match first {
                ' ' | '\t' | '\u{c}' | '\r' => self.at += 1,
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                '\n' => self.end_of_line(),
                '\\' => self.continued_line()?,
                '0'..='9' => self.number(),
                '.' if self
                    .rest()
                    .chars()
                    .nth(1)
                    .is_some_and(|c| c.is_ascii_digit()) =>
                {
                    self.number()
                }
                '"' | '\'' => self.string("")?,
                c if c.is_alphabetic() || c == '_' => self.name()?,
                _ => self.sign()?,
            }
        }
        match self.open.last() {
            Some(bracket) => Err(self.error(format!("no Python: {bracket} is not closed"))),
            None => Ok(()),
        }
    }

    fn end_of_line(&mut self) {
        if self.open.is_empty() && self.words.last().is_some_and(|it| !ends_line(&it.token)) {
            self.push(Token::Newline);
        }
        self.at += 1;
        self.line += 1;
        if self.open.is_empty() {
            self.indentation();
        }
    }

    fn continued_line(&mut self) -> Result<(), Unread> {
        let after = self.rest().get(1..).unwrap_or_default();
        let Some(length) = ["\r\n", "\n"].iter().find(|end| after.starts_with(**end)) else {
            return Err(self.error("no Python: a backslash within a line"));
        };
        self.at += 1 + length.len();
        self.line += 1;
        Ok(())
    }

    /// Looks at how far to the right a line begins; empty lines and comments do not count.
    fn indentation(&mut self) {
        let rest = self.rest();
        let is_blank = |c: char| matches!(c, ' ' | '\t' | '\u{c}');
        let content = rest.trim_start_matches(is_blank);
        if content.is_empty() || content.starts_with(['\n', '\r', '#']) {
            return;
        }
        let blanks = rest.get(..rest.len() - content.len()).unwrap_or_default();
        let width = blanks.chars().fold(0, |width, c| match c {
            '\t' => (width / 8 + 1) * 8,
            _ => width + 1,
        });
        self.at += blanks.len();
        if self.indents.last().is_some_and(|last| width > *last) {
            self.indents.push(width);
            self.push(Token::Indent);
        }
        while self.indents.len() > 1 && self.indents.last().is_some_and(|last| width < *last) {
            self.indents.pop();
            self.push(Token::Dedent);
        }
    }

    fn name(&mut self) -> Result<(), Unread> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        self.at += end;
        let is_prefix = name.len() <= 2
            && name.chars().all(|c| "rRbBuUfF".contains(c))
            && self.rest().starts_with(['"', '\'']);
        if is_prefix {
            return self.string(name);
        }
        self.push(Token::Name(name.to_owned()));
        Ok(())
    }

    fn number(&mut self) {
        let rest = self.rest();
        let mut previous = ' ';
        let end = rest.find(|c: char| {
            let is_exponent_sign = matches!(c, '+' | '-')
                && matches!(previous, 'e' | 'E')
                && !rest.starts_with("0x")
                && !rest.starts_with("0X");
            previous = c;
            !(c.is_alphanumeric() || c == '_' || c == '.' || is_exponent_sign)
        });
        let end = end.unwrap_or(rest.len());
        let number = rest.get(..end).unwrap_or_default();
        self.at += end;
        let value =
            literal::number(number).unwrap_or_else(|reason| Value::unknown(self.line, reason));
        self.push(Token::Literal(value));
    }

    fn string(&mut self, prefix: &str) -> Result<(), Unread> {
        let rest = self.rest();
        let quote = ["\"\"\"", "'''", "\"", "'"];
        let quote = quote.iter().find(|quote| rest.starts_with(**quote));
        let quote = quote.copied().unwrap_or("\"");
        let body = rest.get(quote.len()..).unwrap_or_default();
        let Some(length) = end_of_string(body, quote) else {
            return Err(self.error("no Python: a string does not end"));
        };
        let body = body.get(..length).unwrap_or_default();
        let value = literal::string(prefix, body);
        let value = value.unwrap_or_else(|reason| Value::unknown(self.line, reason));
        self.push(Token::Literal(value));
        self.at += length + 2 * quote.len();
        self.line += body.matches('\n').count();
        Ok(())
    }

    fn sign(&mut self) -> Result<(), Unread> {
        let rest = self.rest();
        let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)).copied() else {
            let c = rest.chars().next().unwrap_or_default();
            return Err(self.error(format!("no Python: {:?}", c)));
        };
        match sign {
            "(" => self.open.push("("),
            "[" => self.open.push("["),
            "{" => self.open.push("{"),
            ")" | "]" | "}" => {
                let opening = matching(sign);
                if self.open.pop() != Some(opening) {
                    return Err(self.error(format!("no Python: {sign} without {opening}")));
                }
            }
            _ => {}
        }
        self.push(Token::Sign(sign));
        self.at += sign.len();
        Ok(())
    }

    /// Ends the last line, and whatever is still open.
    fn finish(&mut self) {
        for bracket in std::mem::take(&mut self.open).into_iter().rev() {
            let closing = match bracket {
                "(" => ")",
                "[" => "]",
                _ => "}",
            };
            self.push(Token::Sign(closing));
        }
        if self.words.last().is_some_and(|it| !ends_line(&it.token)) {
            self.push(Token::Newline);
        }
        for _ in 1..self.indents.len() {
            self.push(Token::Dedent);
        }
        self.push(Token::End);
    }
}

fn matching(closing: &str) -> &'static str {
    match closing {
        ")" => "(",
        "]" => "[",
        _ => "{",
    }
}

fn ends_line(token: &Token) -> bool {
    matches!(token, Token::Newline | Token::Indent | Token::Dedent)
}

/// Returns where, in what follows the opening `quote`, the closing one begins.
fn end_of_string(body: &str, quote: &str) -> Option<usize> {
    let mut characters: Peekable<CharIndices<'_>> = body.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            // Also in raw strings a quote after a backslash does not end them.
            if characters.next().is_some_and(|(_, next)| next == '\r') {
                characters.next_if(|(_, next)| *next == '\n');
            }
        } else if c == '\n' && quote.len() == 1 {
            return None;
        } else if body.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            return Some(at);
        }
    }
    None
}
