//! `Jq`: messages as an expression of jq makes them, `--jq`.
//!
//! The language is that of jaq, which reimplements jq; [`super::form`] runs it on one message at a time.

mod from_json;
mod value;

use std::io::{self, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fedmsg::json::Value;
use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::Val;
use jaq_json::write::Pp;

use self::value::from_message;
use super::plain::plain;
use crate::commands::bad_expression::BadExpression;

/// The option, as errors name it.
const NAME: &str = "--jq";

/// How much of an error of jq is shown, in characters: it may quote the message.
const LONGEST_ERROR: usize = 200;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// As JSON, in quotes.
    Quoted,
    /// As they are.
    Raw,
}

/// A compiled expression.
pub(super) struct Jq {
    filter: Filter<JustLut<Val>>,
    strings: Strings,
    is_terminal: bool,
}

/// What an expression made of one message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Results {
    /// How many results were written, each on a line of its own.
    pub(super) written: u64,
    /// Why there are no more, if the expression failed.
    pub(super) error: Option<String>,
}

impl Jq {
    /// Compiles an expression. It has the functions of jq but those that read further input; modules
    /// cannot be imported.
    pub(super) fn new(
        expression: &str,
        strings: Strings,
        is_terminal: bool,
    ) -> Result<Self, BadExpression> {
        let definitions = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs());
        let functions = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs().filter(|(name, ..)| *name != from_json::NAME))
            .chain(from_json::functions());
        let file = File {
            code: expression,
            path: (),
        };
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, file)
            .map_err(|errors| first(expression, errors.into_iter().filter_map(not_read)))?;
        let filter = Compiler::default()
            .with_funs(functions)
            .compile(modules)
            .map_err(|errors| first(expression, errors.into_iter().filter_map(undefined)))?;
        Ok(Self {
            filter,
            strings,
            is_terminal,
        })
    }

    /// Writes each result as soon as it is there. The outer error is that of `out`.
    pub(super) fn run(&self, message: &Value, out: &mut impl Write) -> io::Result<Results> {
        // A defect of the library must cost one message, whatever that has in it.
        let run = AssertUnwindSafe(|| self.run_unguarded(message, out));
        catch_unwind(run).unwrap_or_else(|_| {
            let error = Some("jq has panicked".to_owned());
            Ok(Results { written: 0, error })
        })
    }

    fn run_unguarded(&self, message: &Value, out: &mut impl Write) -> io::Result<Results> {
        let context = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let mut written = 0;
        for result in self.filter.id.run((context, from_message(message))) {
            match result {
                Ok(value) => self.write(&value, out)?,
                Err(exception) => {
                    let error = match exception.get_err() {
                        Ok(error) => error.to_string(),
                        Err(_) => "halt is not for messages: use --count".to_owned(),
                    };
                    let error = Some(error.chars().take(LONGEST_ERROR).collect());
                    return Ok(Results { written, error });
                }
            }
            written += 1;
        }
        Ok(Results {
            written,
            error: None,
        })
    }

    fn write(&self, value: &Val, out: &mut impl Write) -> io::Result<()> {
        if self.is_terminal {
            let mut text = Vec::new();
            self.write_as_it_is(value, &mut text)?;
            out.write_all(plain(&String::from_utf8_lossy(&text)).as_bytes())?;
        } else {
            self.write_as_it_is(value, out)?;
        }
        out.write_all(b"\n")
    }

    fn write_as_it_is(&self, value: &Val, out: &mut impl Write) -> io::Result<()> {
        match (self.strings, value) {
            (Strings::Raw, Val::TStr(text) | Val::BStr(text)) => out.write_all(text),
            _ => jaq_json::write::write(out, &Pp::default(), 0, value),
        }
    }
}

/// What is wrong with an expression, and the part of it that is; nothing is the end.
type Mistake<'a> = (Option<&'a str>, String);

/// Says what is wrong first.
fn first<'a>(expression: &'a str, mistakes: impl Iterator<Item = Mistake<'a>>) -> BadExpression {
    let place =
        |part: Option<&str>| part.map_or(end(expression), |part| place_of(expression, part));
    let placed = mistakes.map(|(part, reason)| (place(part), reason));
    match placed.min_by_key(|(place, _)| place.start) {
        Some((place, reason)) => BadExpression::at(NAME, expression, place, reason),
        None => BadExpression::new(NAME, expression, "it cannot be compiled"),
    }
}

fn end(expression: &str) -> Range<usize> {
    let end = expression.trim_end().len();
    end..end
}

/// Where `part`, a slice of `expression`, stands in it.
fn place_of(expression: &str, part: &str) -> Range<usize> {
    let start = part
        .as_ptr()
        .addr()
        .wrapping_sub(expression.as_ptr().addr());
    match start.checked_add(part.len()) {
        Some(end) if end <= expression.len() => start..end,
        _ => end(expression),
    }
}

fn not_read<'a>((_, error): (File<&'a str, ()>, load::Error<&'a str>)) -> Option<Mistake<'a>> {
    match error {
        load::Error::Io(errors) => {
            let (path, reason) = errors.into_iter().next()?;
            Some((Some(path), reason))
        }
        load::Error::Lex(errors) => {
            let (expected, found) = errors.into_iter().next()?;
            // What follows an opening bracket, or what no token begins with.
            let found = found.get(..found.chars().next().map_or(0, char::len_utf8));
            Some((found, format!("expected {}", expected.as_str())))
        }
        load::Error::Parse(errors) => {
            let (expected, found) = errors.into_iter().next()?;
            let found = Some(found).filter(|found| !found.is_empty());
            Some((found, format!("expected {}", expected.as_str())))
        }
    }
}

fn undefined<'a>(
    (_, errors): (File<&'a str, ()>, Vec<jaq_core::compile::Error<&'a str>>),
) -> Option<Mistake<'a>> {
    let (name, kind) = errors.into_iter().next()?;
    Some((Some(name), format!("undefined {}", kind.as_str())))
}

#[cfg(test)]
mod tests;
