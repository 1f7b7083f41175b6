//! What the rules of `tidy` want to know of a Rust source file.

use std::ops::Range;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use super::items::Items;

/// A Rust source file, taken apart.
pub(super) struct Source {
    /// Its path in the repository.
    pub(super) path: String,
    /// How many lines it has.
    pub(super) lines: usize,
    /// How many of them belong to modules marked `#[cfg(test)]` in this file.
    pub(super) test_lines: usize,
    /// Whether its first line is a `//!` comment.
    pub(super) opens_with_header: bool,
    /// The identifiers and keywords of its code: not those in comments, doc comments, strings.
    pub(super) words: Vec<Word>,
    /// Its text with everything but comments and line breaks replaced by blanks.
    pub(super) comments: String,
    /// What it offers to others.
    pub(super) items: Items,
}

/// An identifier or keyword in code.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) line: usize,
    /// Whether a `!` follows, as in the call of a macro.
    pub(super) is_macro: bool,
    /// Whether it is in a module marked `#[cfg(test)]`.
    pub(super) is_in_tests: bool,
}

impl Source {
    /// Takes `text` apart.
    ///
    /// # Panics
    ///
    /// When it is not Rust.
    pub(super) fn read(path: &str, text: &str) -> Self {
        let tokens: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let items = Items::read(&tokens);
        let mut reader = Reader {
            text,
            comments: text.into(),
            words: Vec::new(),
            tests: Vec::new(),
        };
        reader.read(tokens);
        let Reader {
            comments,
            mut words,
            tests,
            ..
        } = reader;
        for word in &mut words {
            word.is_in_tests = tests.iter().any(|lines| lines.contains(&word.line));
        }
        Self {
            path: path.to_owned(),
            lines: text.lines().count(),
            test_lines: tests.iter().map(ExactSizeIterator::len).sum(),
            opens_with_header: text.starts_with("//!"),
            words,
            comments: String::from_utf8(comments).expect("whole tokens were blanked"),
            items,
        }
    }

    /// Returns whether the file is in a folder for tests or benchmarks.
    pub(super) fn is_in_test_folder(&self) -> bool {
        self.path
            .split('/')
            .any(|folder| matches!(folder, "tests" | "benches"))
    }

    /// Returns whether the file has nothing but tests or benchmarks in it.
    pub(super) fn is_test(&self) -> bool {
        self.is_in_test_folder() || self.path.ends_with("/tests.rs")
    }
}

struct Reader<'t> {
    text: &'t str,
    comments: Vec<u8>,
    words: Vec<Word>,
    tests: Vec<Range<usize>>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        self.tests
            .extend((0..tokens.len()).filter_map(|at| test_module(&tokens[at..])));
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.group(group),
                TokenTree::Ident(ident) if self.is_code(ident.span()) => {
                    let next = tokens.get(at + 1);
                    self.words.push(Word {
                        text: ident.to_string(),
                        line: ident.span().start().line,
                        is_macro: matches!(next, Some(TokenTree::Punct(mark)) if mark.as_char() == '!'),
                        is_in_tests: false,
                    });
                    self.blank(ident.span());
                }
                other => self.blank(other.span()),
            }
        }
    }

    fn group(&mut self, group: &Group) {
        if self.is_code(group.span()) {
            self.blank(group.span_open());
            self.blank(group.span_close());
            self.read(group.stream());
        }
    }

    /// Returns whether `span` is code: the tokens that a doc comment stands for have its span.
    fn is_code(&self, span: Span) -> bool {
        let text = self.text.get(span.byte_range()).unwrap_or_default();
        !text.starts_with("//") && !text.starts_with("/*")
    }

    /// Takes a token out of the comments.
    fn blank(&mut self, span: Span) {
        if self.is_code(span) {
            let bytes = self.comments.get_mut(span.byte_range()).unwrap_or_default();
            bytes
                .iter_mut()
                .filter(|byte| **byte != b'\n')
                .for_each(|byte| *byte = b' ');
        }
    }
}

/// Returns the lines of the module at the start of `tokens` if it is marked `#[cfg(test)]` and has
/// its content here.
fn test_module(tokens: &[TokenTree]) -> Option<Range<usize>> {
    let [
        TokenTree::Punct(hash),
        TokenTree::Group(attribute),
        rest @ ..,
    ] = tokens
    else {
        return None;
    };
    let is_test = attribute.stream().to_string().replace(' ', "") == "cfg(test)";
    if hash.as_char() != '#' || !is_test {
        return None;
    }
    let is_word =
        |token: &TokenTree, word: &str| matches!(token, TokenTree::Ident(ident) if ident == word);
    let body = rest.iter().position(|token| is_word(token, "mod"))? + 2;
    let between = rest.get(..body - 2)?;
    // Between them: more attributes and a visibility, nothing that is an item of its own.
    let is_prefix = between.iter().all(|token| match token {
        TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == '#',
        TokenTree::Ident(ident) => ident == "pub",
        TokenTree::Literal(_) => false,
    });
    match rest.get(body) {
        Some(TokenTree::Group(body)) if is_prefix && body.delimiter() == Delimiter::Brace => {
            Some(hash.span().start().line..body.span_close().end().line + 1)
        }
        _ => None,
    }
}
