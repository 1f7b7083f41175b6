//! Statements that are not followed: skipped as a whole, and what they may have changed is not known any more.
//!
//! A part of [`Module`]; [`super::statement`] comes here with everything but assignments and imports.

use super::statement::{CONFIG, Module};
use super::token::{Token, Word};
use super::value::Value;

/// The signs that assign what follows them.
const ASSIGNING: [&str; 13] = [
    "=", "+=", "-=", "*=", "/=", "//=", "%=", "**=", "&=", "|=", "^=", ">>=", "<<=",
];

impl Module<'_> {
    pub(super) fn skip_line(&mut self) {
        while !matches!(self.reader.token(), Token::Newline | Token::End) {
            self.reader.advance();
        }
    }

    /// Skips a statement with the block below it.
    pub(super) fn skip_block(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.reader.token() {
                Token::End => return,
                Token::Indent => depth += 1,
                Token::Dedent => depth = depth.saturating_sub(1),
                _ => {}
            }
            let is_last = match self.reader.token() {
                Token::Dedent => depth == 0,
                Token::Newline => depth == 0 && *self.reader.token_after(1) != Token::Indent,
                _ => false,
            };
            self.reader.advance();
            if is_last {
                return;
            }
        }
    }

    /// Forgets what the statements from `start` up to here may have changed; `config`, of which it has been
    /// told, keeps what is known of it.
    pub(super) fn forget_since(&mut self, start: usize, line: usize) {
        let words = self.reader.words_since(start);
        let mut changed = Vec::new();
        let mut depth = 0_usize;
        let ends = |word: &Word| {
            match word.token {
                Token::Sign("(" | "[" | "{") => depth += 1,
                Token::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
                _ => {}
            }
            match word.token {
                Token::Newline | Token::Indent | Token::Dedent => true,
                Token::Sign(sign) => depth == 0 && [":", ";"].contains(&sign),
                _ => false,
            }
        };
        for statement in words.split(ends) {
            changed_names(statement, &mut changed);
        }
        for name in changed {
            if name != CONFIG {
                let reason = format!("{name}, which a statement in line {line} may have changed");
                self.assign(name.to_owned(), Value::unknown(line, reason));
            }
        }
    }
}

/// Adds the names that a statement may give another value, and perhaps some more.
fn changed_names<'a>(statement: &'a [Word], changed: &mut Vec<&'a str>) {
    let name = |word: &'a Word| match &word.token {
        Token::Name(name) => Some(name.as_str()),
        _ => None,
    };
    let first = statement.first().and_then(name);
    if let Some(
        "import" | "from" | "del" | "global" | "def" | "class" | "case" | "with" | "except" | "for",
    ) = first
    {
        changed.extend(statement.iter().filter_map(name));
        return;
    }
    let mut depth = 0_usize;
    let mut assigned = 0;
    for (at, word) in statement.iter().enumerate() {
        match word.token {
            Token::Sign("(" | "[" | "{") => depth += 1,
            Token::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
            Token::Sign(sign) if depth == 0 && ASSIGNING.contains(&sign) => assigned = at,
            _ => {}
        }
    }
    let targets = statement.iter().take(assigned);
    changed.extend(targets.filter_map(name));
    // A method may change what it is called on.
    if let [_, second, ..] = statement
        && matches!(second.token, Token::Sign("." | "["))
    {
        changed.extend(first);
    }
}
