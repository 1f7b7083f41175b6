//! Statements of Python: assignments and imports are followed, everything else is told and skipped.
//!
//! [`read`] is what [`crate::import`] calls.

use std::collections::BTreeSet;

use super::container::key_text;
use super::expression::Reader;
use super::token::{Token, Word, words};
use super::value::{Dict, Value};
use super::{MAX_SIZE, Machine, Unread};

/// The variable that a configuration is in.
pub(super) const CONFIG: &str = "config";

/// How deep `try` nests at most.
const DEEPEST: usize = 50;

/// Words that begin a statement with a block below it.
const BLOCKS: [&str; 8] = [
    "if", "for", "while", "def", "class", "with", "async", "match",
];

/// What a program comes to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Program {
    /// What is in `config` at the end.
    pub config: Dict,
    /// What was not read, in the order of the lines. Values that are not known are in `config` itself.
    pub unread: Vec<Unread>,
    /// Lines that have something of the machine that the program was read on, and what.
    pub of_machine: Vec<(usize, &'static str)>,
}

/// Reads a program, without running it.
pub fn read(text: &str, machine: &Machine) -> Program {
    if text.len() > MAX_SIZE {
        return Program {
            unread: vec![Unread {
                line: 1,
                reason: "larger than 1 MiB: this is no configuration".to_owned(),
            }],
            ..Program::default()
        };
    }
    let (words, error) = words(text);
    let mut module = Module {
        reader: Reader::new(&words, machine),
        unread: Vec::new(),
        missing: None,
        attempts: 0,
        shared: BTreeSet::new(),
        holding: BTreeSet::new(),
    };
    module.find_hidden_assignments(&words);
    module.statements();
    module.finish(error)
}

/// A program while it is read.
pub(super) struct Module<'a> {
    pub(super) reader: Reader<'a>,
    unread: Vec<Unread>,
    /// The module that may be missing, within a `try`.
    pub(super) missing: Option<String>,
    /// How many of them are open.
    attempts: usize,
    /// Names of which the dict or list may also be a part of something else, or have another name.
    shared: BTreeSet<String>,
    /// Names of which the dict or list may have parts with names of their own.
    holding: BTreeSet<String>,
}

impl Module<'_> {
    pub(super) fn tell(&mut self, line: usize, reason: impl Into<String>) {
        let reason = reason.into();
        self.unread.push(Unread { line, reason });
    }

    fn finish(mut self, error: Option<Unread>) -> Program {
        let is_broken = error.is_some();
        self.unread.extend(error);
        let config = match self.reader.names.remove(CONFIG) {
            Some(Value::Dict(config)) => config,
            Some(Value::Unknown(why)) => {
                self.tell(why.line, format!("config: {}", why.reason));
                Dict::default()
            }
            Some(_) => {
                self.tell(1, "config is no dict");
                Dict::default()
            }
            None if is_broken => Dict::default(),
            None => {
                self.tell(1, "nothing is assigned to config");
                Dict::default()
            }
        };
        self.unread.sort();
        let mut of_machine = std::mem::take(&mut self.reader.of_machine);
        of_machine.dedup();
        Program {
            config,
            unread: self.unread,
            of_machine,
        }
    }

    /// Tells assignments within expressions, which are followed nowhere.
    fn find_hidden_assignments(&mut self, words: &[Word]) {
        for word in words.iter().filter(|word| word.token == Token::Sign(":=")) {
            self.tell(
                word.line,
                "an assignment within an expression: it is not run",
            );
        }
    }

    fn statements(&mut self) {
        while *self.reader.token() != Token::End {
            let before = self.reader.position();
            self.statement();
            if self.reader.position() == before {
                self.reader.advance();
            }
        }
    }

    fn statement(&mut self) {
        let line = self.reader.line();
        match self.reader.token() {
            Token::Newline | Token::Indent | Token::Dedent | Token::Sign(";") => {
                self.reader.advance();
            }
            Token::Name(word) if word == "import" => self.import(),
            Token::Name(word) if word == "from" => self.import_from(),
            Token::Name(word) if word == "try" => self.attempt(),
            Token::Name(word) if BLOCKS.contains(&word.as_str()) => {
                self.tell(line, format!("a statement with `{word}`: it is not run"));
                let start = self.reader.position();
                self.skip_block();
                while self.reader.is_name("else") || self.reader.is_name("elif") {
                    self.skip_block();
                }
                self.forget_since(start, line);
            }
            Token::Sign("@") => self.skip_line(),
            Token::Name(word) if word == "pass" => self.skip_line(),
            _ => {
                self.simple(line);
                if !matches!(
                    self.reader.token(),
                    Token::Newline | Token::Sign(";") | Token::End
                ) {
                    self.tell(
                        line,
                        "a statement of another kind than an assignment: it is not run",
                    );
                    self.skip_line();
                }
            }
        }
    }

    pub(super) fn assign(&mut self, name: String, value: Value) {
        self.reader.names.insert(name, value);
    }

    /// Follows what is tried. Where an import may fail there, nobody knows what is assigned there or where
    /// the failure is dealt with; else that is not reached.
    fn attempt(&mut self) {
        let line = self.reader.line();
        let start = self.reader.position();
        if self.attempts >= DEEPEST {
            self.tell(line, "a statement with `try` that nests too deeply");
            return self.skip_block();
        }
        let before = self.missing.take();
        self.skip_line();
        if *self.reader.token_after(1) != Token::Indent {
            self.tell(line, "a statement with `try` on one line: it is not run");
            return;
        }
        self.reader.advance();
        self.reader.advance();
        self.attempts += 1;
        let mut depth = 1_usize;
        while depth > 0 && *self.reader.token() != Token::End {
            match self.reader.token() {
                Token::Indent => depth += 1,
                Token::Dedent => depth -= 1,
                _ => {}
            }
            let here = self.reader.position();
            if depth == 0 {
                self.reader.advance();
                break;
            }
            self.statement();
            if self.reader.position() == here {
                self.reader.advance();
            }
        }
        self.attempts -= 1;
        let missing = std::mem::replace(&mut self.missing, before);
        if missing.is_some() {
            self.forget_since(start, line);
        }
        loop {
            let is_other = ["except", "else", "finally"];
            let Token::Name(word) = self.reader.token() else {
                return;
            };
            if !is_other.contains(&word.as_str()) {
                return;
            }
            if word != "except" {
                self.tell(
                    self.reader.line(),
                    format!("a statement with `{word}`: it is not run"),
                );
            }
            let start = self.reader.position();
            let line = self.reader.line();
            self.skip_block();
            // Where nothing can fail, it is not reached.
            if missing.is_some() || word != "except" {
                self.forget_since(start, line);
            }
        }
    }

    /// Follows an assignment; other simple statements are told.
    fn simple(&mut self, line: usize) {
        let start = self.reader.position();
        if let Token::Name(name) = self.reader.token() {
            match self.reader.token_after(1) {
                Token::Sign("=") => return self.assignment(),
                Token::Sign("+=") => {
                    let name = name.clone();
                    self.reader.advance();
                    self.reader.advance();
                    let more = self.reader.value();
                    self.tell_if_shared(&name, line);
                    self.hold(&name);
                    let value = self.reader.added(&name, more, line);
                    return self.assign(name, value);
                }
                Token::Sign("[") if self.item_assignment(line) => return,
                Token::Sign(".") if self.update(line) => return,
                _ => {}
            }
        }
        self.reader.go_back(start);
        let is_text = matches!(self.reader.token(), Token::Literal(_));
        let value = self.reader.value();
        if is_text && matches!(self.reader.token(), Token::Newline | Token::End) {
            return; // a description
        }
        let reason = match value {
            Value::Unknown(why) => format!("not run: {}", why.reason),
            _ => "a statement of another kind than an assignment: it is not run".to_owned(),
        };
        self.tell(line, reason);
        self.skip_line();
        self.forget_since(start, line);
    }

    /// Notes that what `name` stands for has parts that other names stand for, too: those that the last
    /// expression has used.
    fn hold(&mut self, name: &str) {
        let used = std::mem::take(&mut self.reader.used);
        if !used.is_empty() {
            self.shared.extend(used);
            self.holding.insert(name.to_owned());
        }
    }

    /// Tells that a change is followed in one place only, if what is changed may be in several.
    fn tell_if_shared(&mut self, name: &str, line: usize) {
        if self.shared.contains(name) {
            let reason = format!("a change of {name}, which may be a part of something else, too");
            self.tell(line, reason);
        }
    }

    /// Follows `name = other = value`.
    fn assignment(&mut self) {
        let mut names = Vec::new();
        while let (Token::Name(name), Token::Sign("=")) =
            (self.reader.token(), self.reader.token_after(1))
        {
            names.push(name.clone());
            self.reader.advance();
            self.reader.advance();
        }
        self.reader.used.clear();
        let is_made = match self.reader.token() {
            Token::Name(name) => ["dict", "list", "tuple"].contains(&name.as_str()),
            _ => true,
        };
        let value = self.reader.value();
        let used = std::mem::take(&mut self.reader.used);
        let is_shared = names.len() > 1 || (!used.is_empty() && !is_made);
        for name in &names {
            match is_shared {
                true => self.shared.insert(name.clone()),
                false => self.shared.remove(name),
            };
            match used.is_empty() {
                true => self.holding.remove(name),
                false => self.holding.insert(name.clone()),
            };
        }
        self.shared.extend(used);
        let last = names.pop();
        for name in names {
            let value = self.reader.copied(&name, &value);
            self.assign(name, value);
        }
        if let Some(name) = last {
            self.assign(name, value);
        }
    }

    /// Follows `name["key"]["key"] = value`; returns whether it is that.
    fn item_assignment(&mut self, line: usize) -> bool {
        let Token::Name(name) = self.reader.token() else {
            return false;
        };
        self.reader.advance();
        let mut keys = Vec::new();
        while self.reader.take("[") {
            let key = self.reader.item();
            if !self.reader.take("]") {
                return false;
            }
            keys.push(key_text(&key));
        }
        if !self.reader.take("=") {
            return false;
        }
        self.reader.used.clear();
        let value = self.reader.value();
        self.hold(name);
        let keys: Result<Vec<String>, String> = keys.into_iter().collect();
        let keys = match keys {
            Ok(keys) => keys,
            Err(reason) => {
                self.tell(line, reason);
                return true;
            }
        };
        let Some((last, above)) = keys.split_last() else {
            return false;
        };
        self.tell_if_shared(name, line);
        if !above.is_empty() && self.holding.contains(name) {
            self.tell(
                line,
                format!("a change of a part of {name}, which may have another name"),
            );
        }
        let mut place = self.reader.names.get_mut(name);
        for key in above {
            place = match place {
                Some(Value::Dict(dict)) => dict.get_mut(key),
                _ => None,
            };
        }
        match place {
            Some(Value::Dict(dict)) => {
                dict.insert(last.clone(), line, value);
            }
            _ => self.tell(
                line,
                format!("an item of {name}, which is no dict that is known"),
            ),
        }
        true
    }

    /// Follows `name.update(…)`; returns whether it is that.
    fn update(&mut self, line: usize) -> bool {
        let Token::Name(name) = self.reader.token() else {
            return false;
        };
        let is_update = matches!(self.reader.token_after(2), Token::Name(it) if it == "update")
            && matches!(self.reader.token_after(3), Token::Sign("("));
        if !is_update {
            return false;
        }
        for _ in 0..4 {
            self.reader.advance();
        }
        self.reader.used.clear();
        let arguments = match self.reader.arguments() {
            Ok(arguments) => arguments,
            Err(Value::Unknown(why)) => {
                self.tell(why.line, why.reason);
                return true;
            }
            Err(_) => return true,
        };
        self.hold(name);
        self.tell_if_shared(name, line);
        let Some(Value::Dict(dict)) = self.reader.names.get_mut(name) else {
            self.tell(
                line,
                format!("an update of {name}, which is no dict that is known"),
            );
            return true;
        };
        let mut unread = Vec::new();
        for value in arguments.values {
            match value {
                Value::Dict(more) => {
                    for entry in more {
                        dict.insert(entry.key, entry.line, entry.value);
                    }
                }
                Value::Unknown(why) => unread.push((why.line, why.reason)),
                _ => unread.push((line, "an update with something that is no dict".to_owned())),
            }
        }
        for entry in arguments.named {
            dict.insert(entry.key, entry.line, entry.value);
        }
        for (line, reason) in unread {
            self.tell(line, reason);
        }
        true
    }
}
