//! What a Rust source file offers to others: its public items with their examples, and its re-exports.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What an item that can have an example begins with, after `pub` and words such as `async`.
const KINDS: [&str; 6] = ["enum", "fn", "struct", "trait", "type", "union"];

/// A public item that can have an example.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) line: usize,
    /// Whether its doc comment has a block of code that is compiled.
    pub(super) has_example: bool,
}

/// What a file offers.
#[derive(Default)]
pub(super) struct Items {
    /// What is `pub` at the top of the file; not methods.
    pub(super) public: Vec<Item>,
    /// The names in each `pub use` at the top of the file.
    pub(super) exports: Vec<String>,
}

impl Items {
    /// Looks at the tokens of a file.
    pub(super) fn read(tokens: &TokenStream) -> Self {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut items = Self::default();
        for (at, token) in tokens.iter().enumerate() {
            if !is_word(token, "pub") {
                continue;
            }
            let rest = &tokens[at + 1..];
            if rest.first().is_some_and(|token| is_word(token, "use")) {
                let end = rest.iter().position(|token| is_mark(token, ';'));
                let path = &rest[1..end.unwrap_or(rest.len())];
                add_leaves(path, &mut items.exports);
            } else if let Some(name) = name_of(rest) {
                items.public.push(Item {
                    name,
                    line: token.span().start().line,
                    has_example: has_example(&docs_before(&tokens[..at])),
                });
            }
        }
        items
    }
}

/// Returns the name of an item from what follows its `pub`.
fn name_of(rest: &[TokenTree]) -> Option<String> {
    let words = rest.iter().map_while(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    });
    let words: Vec<String> = words.collect();
    let kind = words
        .iter()
        .position(|word| KINDS.contains(&word.as_str()))?;
    words.get(kind + 1).cloned()
}

/// Returns the text of the doc comments just before an item.
fn docs_before(tokens: &[TokenTree]) -> String {
    let mut docs = Vec::new();
    let mut rest = tokens;
    while let [
        before @ ..,
        TokenTree::Punct(hash),
        TokenTree::Group(attribute),
    ] = rest
    {
        if hash.as_char() != '#' || attribute.delimiter() != Delimiter::Bracket {
            break;
        }
        let tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
        if let [doc, _, TokenTree::Literal(text)] = &tokens[..]
            && is_word(doc, "doc")
        {
            docs.push(text.to_string());
        }
        rest = before;
    }
    docs.reverse();
    docs.join("\n")
}

fn has_example(docs: &str) -> bool {
    let fences = docs.lines().filter_map(|line| line.split_once("```"));
    let openings = fences.step_by(2);
    let mut languages = openings.map(|(_, language)| language.trim_end_matches(['"', '#']));
    languages.any(|language| ["", "rust", "no_run", "rust,no_run"].contains(&language))
}

/// Adds the names at the ends of a path of `use`.
fn add_leaves(path: &[TokenTree], leaves: &mut Vec<String>) {
    for part in path.split(|token| is_mark(token, ',')) {
        match part.last() {
            Some(TokenTree::Ident(name)) => leaves.push(name.to_string()),
            Some(TokenTree::Group(group)) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                add_leaves(&inner, leaves);
            }
            _ => {}
        }
    }
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}
