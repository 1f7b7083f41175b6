//! Expressions of Python, evaluated while they are read.
//!
//! [`super::statement`] asks for the value of each right-hand side. What is not understood is skipped up to
//! the comma or bracket that ends it, so that only that item is not known. Depth, length and the work for
//! each file are bounded.

use std::collections::BTreeMap;

use super::Machine;
use super::call::{Arguments, Callee, call};
use super::operation::{
    arithmetic, attribute, element, finite, float, not_known, plus, remainder, times,
};
use super::token::{Token, Word};
use super::value::Value;

/// How deep brackets and values nest at most; configurations nest five levels.
const DEEPEST: usize = 50;

/// How much may be copied where names are used, in bytes and values.
const MOST_COPIED: usize = 1024 * 1024;

/// Why an item is not known that `for` follows: then the whole of what is in the brackets is not.
const COMPREHENSION: &str = "a comprehension";

/// The built-in functions that are known, which stand for themselves.
const BUILT_IN: [&str; 6] = ["dict", "list", "tuple", "str", "unicode", "int"];

/// Where a program is being read, and what its names mean there.
pub(super) struct Reader<'a> {
    words: &'a [Word],
    pub(super) at: usize,
    depth: usize,
    copied: usize,
    /// Where the last tuple that was written with commas ended: elsewhere it is a list.
    pub(super) tuple_end: Option<usize>,
    /// Where the last item ended that `for` followed.
    pub(super) comprehension_end: Option<usize>,
    machine: &'a Machine,
    /// Names of dicts and lists that the last expression has used as they are.
    pub(super) used: Vec<String>,
    pub(super) names: BTreeMap<String, Value>,
    /// Lines whose values are those of this machine.
    pub(super) of_machine: Vec<(usize, &'static str)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(words: &'a [Word], machine: &'a Machine) -> Self {
        Self {
            words,
            at: 0,
            depth: 0,
            copied: 0,
            tuple_end: None,
            comprehension_end: None,
            machine,
            used: Vec::new(),
            names: BTreeMap::new(),
            of_machine: Vec::new(),
        }
    }

    pub(super) fn token(&self) -> &'a Token {
        self.token_after(0)
    }

    /// Returns the word so many words further on.
    pub(super) fn token_after(&self, count: usize) -> &'a Token {
        self.words
            .get(self.at + count)
            .map_or(&Token::End, |word| &word.token)
    }

    pub(super) fn line(&self) -> usize {
        let last = self.words.get(self.at).or(self.words.last());
        last.map_or(1, |word| word.line)
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn go_back(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(it) if *it == sign)
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self.token(), Token::Name(it) if it == name)
    }

    /// Goes on if this sign is next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let is_next = self.is_sign(sign);
        if is_next {
            self.advance();
        }
        is_next
    }

    /// Returns the value of a whole expression. Commas at its end make a tuple of it.
    pub(super) fn value(&mut self) -> Value {
        let first = self.item();
        if !self.is_sign(",") {
            return first;
        }
        let mut items = vec![first];
        while self.take(",") {
            if matches!(self.token(), Token::Newline | Token::End) || self.is_sign("=") {
                break;
            }
            items.push(self.item());
        }
        Value::List(items)
    }

    /// Returns the value of an expression that a comma, a bracket, a colon or the line ends.
    pub(super) fn item(&mut self) -> Value {
        let line = self.line();
        let value = if self.depth >= DEEPEST {
            Value::unknown(line, "something that nests too deeply")
        } else {
            self.depth += 1;
            let value = self.sum();
            self.depth -= 1;
            value
        };
        let is_ended = match self.token() {
            Token::Newline | Token::Indent | Token::Dedent | Token::End => true,
            Token::Sign(sign) => [",", ")", "]", "}", ":", "=", ";"].contains(sign),
            _ => false,
        };
        if is_ended {
            return value;
        }
        let reason = match self.token() {
            Token::Name(name) if name == "for" => COMPREHENSION,
            Token::Name(name) if name == "if" => "a condition",
            _ => "an expression of another kind than literals and names",
        };
        self.skip_item();
        if reason == COMPREHENSION {
            self.comprehension_end = Some(self.at);
        }
        match value {
            _ if reason == COMPREHENSION => Value::unknown(line, reason),
            unknown @ Value::Unknown(_) => unknown,
            _ => Value::unknown(line, reason),
        }
    }

    /// Skips what is left of an item; brackets in it as a whole.
    pub(super) fn skip_item(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.token() {
                Token::Newline | Token::Indent | Token::Dedent | Token::End => return,
                Token::Sign("(" | "[" | "{") => open += 1,
                Token::Sign(")" | "]" | "}") if open == 0 => return,
                Token::Sign(")" | "]" | "}") => open -= 1,
                Token::Sign("," | ";") if open == 0 => return,
                _ => {}
            }
            self.advance();
        }
    }

    fn sum(&mut self) -> Value {
        let mut value = self.product();
        loop {
            let line = self.line();
            if self.take("+") {
                let other = self.product();
                value = plus(value, other, line);
            } else if self.take("-") {
                let other = self.product();
                value = arithmetic(&value, &other, line, i64::checked_sub, |a, b| a - b);
            } else {
                return value;
            }
        }
    }

    fn product(&mut self) -> Value {
        let mut value = self.signed();
        loop {
            let line = self.line();
            if self.take("%") {
                let other = self.signed();
                let is_tuple = self.tuple_end == Some(self.at);
                value = remainder(value, &other, is_tuple, line);
            } else if self.take("*") {
                let other = self.signed();
                value = times(&value, &other, line);
            } else if self.take("//") {
                let other = self.signed();
                value = match (value, other) {
                    (Value::Int(a), Value::Int(b @ 1..)) => Value::Int(a.div_euclid(b)),
                    (value, other) => not_known([&value, &other], line, "a division"),
                };
            } else if self.take("/") {
                let other = self.signed();
                value = match (float(&value), float(&other)) {
                    (Some(a), Some(b)) if b != 0.0 => finite(a / b, line),
                    _ => not_known([&value, &other], line, "a division"),
                };
            } else {
                return value;
            }
        }
    }

    fn signed(&mut self) -> Value {
        let line = self.line();
        let mut is_negative = false;
        let mut has_sign = false;
        while self.is_sign("-") || self.is_sign("+") {
            is_negative ^= self.is_sign("-");
            has_sign = true;
            self.advance();
        }
        let value = self.postfix();
        match value {
            value if !has_sign => value,
            Value::Int(number) if is_negative => match number.checked_neg() {
                Some(number) => Value::Int(number),
                None => Value::unknown(line, "a number that TOML does not have"),
            },
            Value::Float(number) if is_negative => Value::Float(-number),
            value @ (Value::Int(_) | Value::Float(_) | Value::Unknown(_)) => value,
            _ => Value::unknown(line, "a sign before something that is no number"),
        }
    }

    fn postfix(&mut self) -> Value {
        let used = self.used.len();
        let value = self.of_atom();
        // Of a dict or list that only gave a text or a number, nothing is shared.
        if !matches!(value, Value::Dict(_) | Value::List(_) | Value::Unknown(_)) {
            self.used.truncate(used);
        }
        value
    }

    fn of_atom(&mut self) -> Value {
        let mut value = self.atom();
        loop {
            let line = self.line();
            if self.take(".") {
                let Token::Name(name) = self.token() else {
                    return Value::unknown(line, "an attribute without a name");
                };
                self.advance();
                if let Value::Named(of) = &value {
                    value = attribute(of, name);
                } else if self.take("(") {
                    let arguments = self.arguments();
                    let callee = Callee::Method(value, name.clone());
                    value = self.result(callee, arguments, line);
                } else if !matches!(value, Value::Unknown(_)) {
                    value = Value::unknown(line, format!("the attribute {name}"));
                }
            } else if self.take("(") {
                let arguments = self.arguments();
                value = self.result(Callee::Plain(value), arguments, line);
            } else if self.take("[") {
                let index = self.item();
                let is_plain = self.is_sign("]");
                while !self.take("]") {
                    if matches!(self.token(), Token::End | Token::Newline) {
                        break;
                    }
                    self.advance();
                    self.skip_item();
                }
                value = if is_plain {
                    element(value, &index, line)
                } else {
                    Value::unknown(line, "a slice")
                };
            } else {
                return value;
            }
        }
    }

    fn result(
        &mut self,
        callee: Callee,
        arguments: Result<Arguments, Value>,
        line: usize,
    ) -> Value {
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(unknown) => return unknown,
        };
        if let Callee::Plain(Value::Named(name)) = &callee {
            match name.as_str() {
                "os.getcwd" => self.of_machine.push((line, "the working directory")),
                "socket.gethostname" => self.of_machine.push((line, "the name of this host")),
                _ => {}
            }
        }
        call(callee, arguments, self.machine, line)
    }

    fn atom(&mut self) -> Value {
        let line = self.line();
        match self.token() {
            Token::Literal(first) => {
                self.advance();
                self.adjacent(first.clone(), line)
            }
            Token::Name(name) => {
                self.advance();
                self.named(name, line)
            }
            Token::Sign("(") => {
                self.advance();
                self.parenthesis(line)
            }
            Token::Sign("[") => {
                self.advance();
                let items = self.items("]");
                items.map_or_else(|unknown| unknown, Value::List)
            }
            Token::Sign("{") => {
                self.advance();
                self.braces(line)
            }
            _ => Value::unknown(
                line,
                "an expression of another kind than literals and names",
            ),
        }
    }

    /// Strings beside each other are one.
    fn adjacent(&mut self, first: Value, line: usize) -> Value {
        let mut value = first;
        while let Token::Literal(next @ (Value::Text(_) | Value::Unknown(_))) = self.token() {
            self.advance();
            value = match (value, next) {
                (Value::Text(mut text), Value::Text(next)) => {
                    text.push_str(next);
                    Value::Text(text)
                }
                (Value::Text(_), next) => next.clone(),
                (unknown @ Value::Unknown(_), _) => unknown,
                _ => Value::unknown(line, "a number beside a string"),
            };
        }
        value
    }

    fn named(&mut self, name: &str, line: usize) -> Value {
        match name {
            "None" => return Value::None,
            "True" => return Value::Bool(true),
            "False" => return Value::Bool(false),
            "not" | "lambda" | "await" | "yield" => {
                self.skip_item(); // with the colon of a lambda
                return Value::unknown(line, format!("an expression with `{name}`"));
            }
            _ => {}
        }
        let Some(value) = self.names.get(name) else {
            return if BUILT_IN.contains(&name) {
                Value::Named(name.to_owned())
            } else {
                Value::unknown(
                    line,
                    format!("the name {name}, which nothing known is assigned to"),
                )
            };
        };
        let (size, depth) = value.size();
        self.copied = self.copied.saturating_add(size);
        if self.copied > MOST_COPIED || depth > DEEPEST {
            return Value::unknown(line, format!("{name}: more than a configuration has"));
        }
        if matches!(value, Value::Dict(_) | Value::List(_)) {
            self.used.push(name.to_owned());
        }
        value.clone()
    }

    /// Returns a copy of a value, for `name`, if there is not too much of it.
    pub(super) fn copied(&mut self, name: &str, value: &Value) -> Value {
        self.copied = self.copied.saturating_add(value.size().0);
        if self.copied > MOST_COPIED {
            let line = self.line();
            return Value::unknown(line, format!("{name}: more than a configuration has"));
        }
        value.clone()
    }

    pub(super) fn words_since(&self, start: usize) -> &'a [Word] {
        self.words.get(start..self.at).unwrap_or_default()
    }

    /// Returns what a name stands for with `more` added to it.
    pub(super) fn added(&mut self, name: &str, more: Value, line: usize) -> Value {
        let value = self.named(name, line);
        plus(value, more, line)
    }
}
