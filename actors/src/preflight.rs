//! What would keep a consumer or producer from starting, as its kind finds it without starting anything.
//!
//! [`crate::Registry::preflight`] asks every kind for it; `fedmsg-config check` shows it.

use fedmsg_config::{Config, KeyPath, Params};
use thiserror::Error;

use crate::consumer::BoxError;

/// Asks a kind about params that it can read; others are the matter of [`crate::Registry::check`].
pub(crate) type Preflight = fn(&Params, &Config) -> Result<(), BoxError>;

/// One consumer or producer that would not start.
///
/// ```
/// use fedmsg_actors::{PreflightError, Registry};
///
/// let config = fedmsg_config::Config::default();
/// let found: Vec<PreflightError> = Registry::default().preflight(&config);
/// assert!(found.is_empty());
/// ```
#[derive(Debug, Error)]
#[error("{table}.{name} would not start: {source}")]
#[non_exhaustive]
pub struct PreflightError {
    /// `consumers` or `producers`.
    pub table: &'static str,
    /// The instance.
    pub name: String,
    /// What its kind said.
    pub source: BoxError,
}

/// What is wrong with params of a kind, with their keys: what a plugin returns for those that it can read, and
/// that yet do not do. Operators are shown file and line.
///
/// ```
/// use fedmsg_actors::ParamsError;
///
/// let error = ParamsError::invalid("pattern", "unbalanced parenthesis");
/// assert_eq!(error.to_string(), "params.pattern: unbalanced parenthesis");
/// ```
pub type ParamsError = fedmsg_config::ParamsError;

/// Something that a kind has found wrong with a setting that is none of its params.
///
/// ```
/// use fedmsg_actors::SettingError;
///
/// let error = SettingError::new(["endpoints", "relay_outbound"], "it has no address");
/// assert_eq!(error.to_string(), "it has no address");
/// ```
#[derive(Debug, Error)]
#[error("{reason}")]
pub struct SettingError {
    /// The setting.
    pub key: KeyPath,
    /// What is wrong with it.
    pub reason: BoxError,
}

impl SettingError {
    /// Says what is wrong with the setting at `key`.
    pub fn new(key: impl Into<KeyPath>, reason: impl Into<BoxError>) -> Self {
        let (key, reason) = (key.into(), reason.into());
        Self { key, reason }
    }
}
