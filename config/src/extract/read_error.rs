//! The error of one reading: where, and what, in words for an operator.
//!
//! serde's visitors make these by the standard constructors; [`super::node`] adds the path.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::key_path::KeyPath;
use crate::problem::Problem;

/// What a TOML date and time is called; any other free text of serde's may quote the value.
pub(super) const DATE: &str = "a date";

/// The first thing that a reading stumbled over.
#[derive(Debug)]
pub(super) struct ReadError {
    /// Where, as soon as the table or list around it has said so.
    path: Option<KeyPath>,
    problem: Problem,
    /// The key that the table at `path` lacks.
    missing: Option<&'static str>,
}

impl ReadError {
    pub(super) fn new(problem: Problem) -> Self {
        Self {
            path: None,
            problem,
            missing: None,
        }
    }

    /// Returns the error, placed at `path` unless something below has placed it already.
    pub(super) fn or_at(mut self, path: &KeyPath) -> Self {
        self.path.get_or_insert_with(|| path.clone());
        self
    }

    /// Returns the error with another name for the type that was found, where a type is at fault.
    pub(super) fn or_found(mut self, kind: &str) -> Self {
        if let Problem::WrongType { found, .. } = &mut self.problem {
            kind.clone_into(found);
        }
        self
    }

    pub(super) fn into_parts(self) -> (KeyPath, Problem) {
        let path = self.path.unwrap_or_default();
        match self.missing {
            Some(key) => (path.child(key), self.problem),
            None => (path, self.problem),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for ReadError {}

// The standard texts quote the value that was refused. It may be a password, so only types are
// named.
impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Problem::Invalid(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Problem::WrongType {
            expected: expectation(&expected.to_string()),
            found: kind(&found).to_owned(),
        })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {}", expectation(&expected.to_string())))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format!(
            "expected {}, found {length}",
            expectation(&expected.to_string())
        ))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let known = expected.iter().map(|&name| name.to_owned()).collect();
        Self::new(Problem::UnknownName {
            name: variant.to_owned(),
            known,
        })
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        let known = expected.iter().map(|&name| name.to_owned()).collect();
        Self::new(Problem::UnknownKey { known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            missing: Some(field),
            ..Self::new(Problem::MissingKey)
        }
    }
}

/// Says in an operator's words what serde's visitors say in a programmer's.
fn expectation(text: &str) -> String {
    let words = match text {
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "u64" | "u128" | "usize" => "an integer from 0",
        "i8" => "an integer from -128 to 127",
        "i16" => "an integer from -32768 to 32767",
        "i32" => "an integer from -2147483648 to 2147483647",
        "i64" | "i128" | "isize" => "an integer",
        "a nonzero u8" => "an integer from 1 to 255",
        "a nonzero u16" => "an integer from 1 to 65535",
        "a nonzero u32" => "an integer from 1 to 4294967295",
        "a nonzero u64" | "a nonzero usize" => "an integer from 1",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a map" => "a table",
        "a sequence" => "a list",
        "path string" | "a borrowed string" => "a string",
        "unit" => "an empty table",
        other if other.starts_with("struct ") => "a table",
        other if other.starts_with("enum ") || other == "variant identifier" => "a string",
        other => other,
    };
    words.to_owned()
}

/// Names the type of a value in TOML's words.
fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a floating-point number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map | Unexpected::StructVariant => "a table",
        Unexpected::Other(DATE) => DATE,
        _ => "something else",
    }
}
