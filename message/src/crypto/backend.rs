//! `Backend`: the two ways to sign. `Backends`: those that are allowed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way to sign, as the member `crypto` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// RSA and an X.509 certificate, which comes with the message.
    X509,
    /// OpenPGP. Covers `msg` only.
    Gpg,
}

impl Backend {
    /// Returns the name used in messages and settings.
    pub fn name(self) -> &'static str {
        match self {
            Backend::X509 => "x509",
            Backend::Gpg => "gpg",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is neither `x509` nor `gpg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither x509 nor gpg")]
pub struct UnknownBackend;

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Backend, UnknownBackend> {
        match name {
            "x509" => Ok(Backend::X509),
            "gpg" => Ok(Backend::Gpg),
            _ => Err(UnknownBackend),
        }
    }
}

/// The ways to sign that are allowed; by default, x509 alone.
///
/// ```
/// use fedmsg_message::{Backend, Backends};
///
/// let both: Backends = [Backend::X509, Backend::Gpg].into_iter().collect();
/// assert!(both.contains(Backend::Gpg));
/// assert!(!Backends::default().contains(Backend::Gpg));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backends {
    x509: bool,
    gpg: bool,
}

impl Backends {
    /// Returns whether a way to sign is allowed.
    pub fn contains(self, backend: Backend) -> bool {
        match backend {
            Backend::X509 => self.x509,
            Backend::Gpg => self.gpg,
        }
    }
}

impl Default for Backends {
    fn default() -> Backends {
        Backends::from_iter([Backend::X509])
    }
}

impl FromIterator<Backend> for Backends {
    fn from_iter<I: IntoIterator<Item = Backend>>(backends: I) -> Backends {
        let mut allowed = Backends {
            x509: false,
            gpg: false,
        };
        for backend in backends {
            match backend {
                Backend::X509 => allowed.x509 = true,
                Backend::Gpg => allowed.gpg = true,
            }
        }
        allowed
    }
}
