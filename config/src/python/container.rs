//! What is in brackets: lists, tuples, dicts, and the arguments of calls.
//!
//! A part of [`Reader`]; [`super::expression`] comes here at an opening bracket.

use super::call::Arguments;
use super::expression::Reader;
use super::operation::not_known;
use super::token::Token;
use super::value::{Dict, Value};

impl Reader<'_> {
    pub(super) fn parenthesis(&mut self, line: usize) -> Value {
        if self.take(")") {
            return Value::List(Vec::new());
        }
        let first = self.item();
        if self.take(")") {
            return first;
        }
        if !self.take(",") {
            self.close(")");
            return Value::unknown(
                line,
                "an expression of another kind than literals and names",
            );
        }
        let mut all = vec![first];
        match self.items(")") {
            Ok(items) => {
                self.tuple_end = Some(self.at);
                all.extend(items);
                Value::List(all)
            }
            Err(unknown) => unknown,
        }
    }

    /// Reads items up to a closing bracket, which it takes.
    pub(super) fn items(&mut self, closing: &str) -> Result<Vec<Value>, Value> {
        let mut items = Vec::new();
        loop {
            if self.take(closing) {
                return Ok(items);
            }
            let line = self.line();
            let value = self.item();
            if self.comprehension_end == Some(self.at) {
                self.close(closing);
                return Err(value);
            }
            items.push(value);
            if !self.take(",") && !self.is_sign(closing) {
                self.close(closing);
                let reason = "an expression of another kind than literals and names";
                return Err(Value::unknown(line, reason));
            }
        }
    }

    /// Skips up to a closing bracket, and takes it.
    fn close(&mut self, closing: &str) {
        loop {
            self.skip_item();
            if self.take(closing) || matches!(self.token(), Token::End | Token::Newline) {
                return;
            }
            self.advance();
        }
    }

    pub(super) fn braces(&mut self, line: usize) -> Value {
        let mut dict = Dict::default();
        loop {
            if self.take("}") {
                return Value::Dict(dict);
            }
            let key_line = self.line();
            if self.take("**") {
                match self.item() {
                    Value::Dict(more) => {
                        for entry in more {
                            dict.insert(entry.key, entry.line, entry.value);
                        }
                    }
                    value => {
                        self.close("}");
                        return not_known([&value, &value], line, "a dict within a dict");
                    }
                }
            } else {
                let key = self.item();
                if !self.take(":") {
                    self.close("}");
                    return Value::unknown(line, "a set, or a comprehension");
                }
                let value = self.item();
                if self.comprehension_end == Some(self.at) {
                    self.close("}");
                    return value;
                }
                match key_text(&key) {
                    Ok(key) => dict.insert(key, key_line, value),
                    Err(reason) => {
                        // The other keys are known.
                        let key = format!("a key in line {key_line}");
                        dict.insert(key, key_line, Value::unknown(key_line, reason))
                    }
                };
            }
            if !self.take(",") && !self.is_sign("}") {
                self.close("}");
                return Value::unknown(line, "a dict of another kind");
            }
        }
    }

    /// Reads the arguments of a call up to its closing parenthesis, which it takes.
    pub(super) fn arguments(&mut self) -> Result<Arguments, Value> {
        let mut arguments = Arguments::default();
        loop {
            if self.take(")") {
                return Ok(arguments);
            }
            let line = self.line();
            match (self.token(), self.token_after(1)) {
                (Token::Name(name), Token::Sign("=")) => {
                    self.advance();
                    self.advance();
                    let value = self.item();
                    arguments.named.insert(name.clone(), line, value);
                }
                (Token::Sign("**"), _) => {
                    self.advance();
                    match self.item() {
                        Value::Dict(more) => {
                            for entry in more {
                                arguments.named.insert(entry.key, entry.line, entry.value);
                            }
                        }
                        value => {
                            self.close(")");
                            return Err(not_known([&value, &value], line, "arguments in a dict"));
                        }
                    }
                }
                _ => arguments.values.push(self.item()),
            }
            if !self.take(",") && !self.is_sign(")") {
                self.close(")");
                return Err(Value::unknown(line, "arguments of another kind"));
            }
        }
    }
}

/// Returns the key of a dict as a text.
pub(super) fn key_text(key: &Value) -> Result<String, String> {
    match key {
        Value::Text(text) => Ok(text.clone()),
        Value::Unknown(why) => Err(format!("a key that is {}", why.reason)),
        _ => Err("a key that is no text".to_owned()),
    }
}
