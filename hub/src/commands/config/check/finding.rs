//! One thing that a check has found, with its place.
//!
//! The files beside this one make them; [`super::run`] shows them.

use std::fmt;

use fedmsg_config::{ConfigError, KeyPath, Loaded, Origin};
use fedmsg_message::json;
use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Severity {
    /// A program does not start with it, or does not do what is asked.
    Error,
    /// It may be what is meant.
    Warning,
}

/// What a check has found. It is shown as an editor can jump to it: `FILE:LINE: error: KEY: text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Finding {
    pub(in super::super) severity: Severity,
    pub(in super::super) origin: Origin,
    pub(in super::super) key: KeyPath,
    pub(in super::super) message: String,
}

impl Finding {
    /// Something wrong with the setting at `key`.
    pub(super) fn error(loaded: &Loaded, key: KeyPath, message: impl fmt::Display) -> Self {
        Self {
            severity: Severity::Error,
            origin: loaded.origins.of(&key),
            key,
            message: message.to_string(),
        }
    }

    /// Something about the setting at `key` that may be meant.
    pub(super) fn warning(loaded: &Loaded, key: KeyPath, message: impl fmt::Display) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(loaded, key, message)
        }
    }

    /// Returns it as an object of JSON, on one line.
    pub(super) fn to_json(&self) -> String {
        let file = match &self.origin {
            Origin::File { path, .. } => Some(path.display().to_string()),
            _ => None,
        };
        let position = self.origin.position();
        let line = Line {
            severity: self.severity,
            origin: self.origin.to_string(),
            file,
            line: position.map(|it| it.line),
            column: position.map(|it| it.column),
            key: self.key.to_string(),
            message: &self.message,
        };
        let line = json::to_value(&line).and_then(|line| json::to_spaced(&line));
        line.unwrap_or_else(|error| error.to_string())
    }
}

#[derive(Serialize)]
struct Line<'a> {
    severity: Severity,
    origin: String,
    file: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    key: String,
    message: &'a str,
}

impl From<&ConfigError> for Finding {
    fn from(error: &ConfigError) -> Self {
        let advice = error.suggestion.iter().map(|advice| format!("; {advice}"));
        Self {
            severity: Severity::Error,
            origin: error.origin.clone(),
            key: error.key.clone(),
            message: format!("{}{}", error.problem, advice.collect::<String>()),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {severity}: ", self.origin)?;
        if !self.key.is_root() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.message)
    }
}
