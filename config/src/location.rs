//! Where a file is that may also be downloaded: a path, or an `https://` URL.
//!
//! A setting of [`crate::Config`] for CA certificate and CRL; the client library reads from there.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

const HTTPS: &str = "https://";

/// A path, or an `https://` URL.
///
/// ```
/// use fedmsg_config::Location;
///
/// let file: Location = "/etc/pki/fedmsg/ca.crt".parse()?;
/// assert!(matches!(file, Location::File(_)));
/// let url: Location = "https://example.org/fedmsg/ca.crt".parse()?;
/// assert!(matches!(url, Location::Https(_)));
/// assert!("http://example.org/fedmsg/ca.crt".parse::<Location>().is_err());
/// # Ok::<(), fedmsg_config::LocationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file on this machine.
    File(PathBuf),
    /// What a web server has; the whole URL.
    Https(String),
}

/// What is wrong with a text that should be a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LocationError {
    /// There is nothing.
    #[error("expected a path or an https:// URL")]
    Empty,
    /// Anybody on the way could answer in place of the server.
    #[error("expected a path or an https:// URL: nothing else is safe on the way here")]
    NotHttps,
    /// The URL names no server.
    #[error("the URL names no server")]
    NoHost,
    /// The URL has a password, which would end up in logs.
    #[error("the URL has credentials in it, which would be logged: leave them out")]
    Credentials,
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        let is_blank = |c: char| c.is_whitespace() || c.is_control();
        if let Some(rest) = text.strip_prefix(HTTPS) {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if host.is_empty() || rest.contains(is_blank) {
                return Err(LocationError::NoHost);
            }
            if host.contains('@') {
                return Err(LocationError::Credentials);
            }
            return Ok(Self::Https(text.to_owned()));
        }
        match text.split_once("://") {
            Some(("file", path)) if path.starts_with('/') => Ok(Self::File(path.into())),
            Some(_) => Err(LocationError::NotHttps),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Https(url) => f.write_str(url),
        }
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path_or_an_https_url() {
        #[track_caller]
        fn check(text: &str, expected: Result<Location, LocationError>) {
            assert_eq!(text.parse(), expected, "{text:?}");
        }
        let file = |path: &str| Ok(Location::File(path.into()));
        let url = |url: &str| Ok(Location::Https(url.to_owned()));
        check("/etc/pki/ca.crt", file("/etc/pki/ca.crt"));
        check("ca.crt", file("ca.crt"));
        check("file:///etc/pki/ca.crt", file("/etc/pki/ca.crt"));
        check("https://example.org/ca", url("https://example.org/ca"));
        check("https://[::1]:8443/ca", url("https://[::1]:8443/ca"));
        check("", Err(LocationError::Empty));
        check("http://example.org/ca", Err(LocationError::NotHttps));
        check("ftp://example.org/ca", Err(LocationError::NotHttps));
        check("file://host/ca", Err(LocationError::NotHttps));
        check("https:///ca", Err(LocationError::NoHost));
        check("https://a b/ca", Err(LocationError::NoHost));
        check("https://u:p@a/ca", Err(LocationError::Credentials));
    }
}
