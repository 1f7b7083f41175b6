//! Where a hub says how it is: an address that may depend on the program and the host.
//!
//! A setting of [`crate::Config`]; the hub binds it, `fedmsg-check` connects to it. The original computes
//! such a path in its configuration, which is a program; here it has placeholders.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::endpoint::{Endpoint, EndpointError, Scheme};

/// What stands for the name of the program.
pub(crate) const PROCESS: &str = "{process}";
const HOST: &str = "{host}";

/// An `ipc://` or `tcp://` address in which `{process}` stands for the name of the program, such as
/// `fedmsg-hub`, and `{host}` for the host's, without its domain.
///
/// ```
/// use fedmsg_config::MonitoringAddress;
///
/// let address: MonitoringAddress = "ipc:///run/fedmsg/monitoring-{process}.socket".parse()?;
/// let endpoint = address.of("fedmsg-hub", "app01")?;
/// assert_eq!(endpoint.as_str(), "ipc:///run/fedmsg/monitoring-fedmsg-hub.socket");
/// assert!("inproc://monitoring".parse::<MonitoringAddress>().is_err());
/// # Ok::<(), fedmsg_config::MonitoringAddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoringAddress(String);

/// What is wrong with a text that should be such an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MonitoringAddressError {
    /// It is no address, with the placeholders filled in.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Nobody outside the process can reach it.
    #[error("expected ipc://PATH or tcp://HOST:PORT: nobody else reaches any other address")]
    Unreachable,
    /// It has braces that are none of the placeholders.
    #[error("unknown placeholder: there are {{process}} and {{host}}")]
    Placeholder,
}

impl MonitoringAddress {
    /// The address for a program on a host.
    ///
    /// # Errors
    ///
    /// What comes of it is no address, e.g. because it is too long.
    pub fn of(&self, process: &str, host: &str) -> Result<Endpoint, MonitoringAddressError> {
        let text = self.0.replace(PROCESS, process).replace(HOST, host);
        let endpoint: Endpoint = text.parse()?;
        match endpoint.scheme() {
            Scheme::Ipc | Scheme::Tcp => Ok(endpoint),
            _ => Err(MonitoringAddressError::Unreachable),
        }
    }

    /// Whether it differs from program to program.
    #[must_use]
    pub fn names_process(&self) -> bool {
        self.0.contains(PROCESS)
    }
}

impl FromStr for MonitoringAddress {
    type Err = MonitoringAddressError;

    fn from_str(text: &str) -> Result<Self, MonitoringAddressError> {
        let rest = text.replace(PROCESS, "").replace(HOST, "");
        if rest.contains(['{', '}']) {
            return Err(MonitoringAddressError::Placeholder);
        }
        let address = Self(text.to_owned());
        address.of("fedmsg-hub", "host")?;
        Ok(address)
    }
}

impl fmt::Display for MonitoringAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for MonitoringAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MonitoringAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let address: MonitoringAddress = text.parse().unwrap();
            let endpoint = address.of("fedmsg-relay", "app01").unwrap();
            assert_eq!(endpoint.as_str(), expected);
            assert_eq!(address.to_string(), text);
        }
        check("ipc:///run/fedmsg/m.socket", "ipc:///run/fedmsg/m.socket");
        check("ipc:///run/m-{process}", "ipc:///run/m-fedmsg-relay");
        check(
            "ipc:///run/{host}/{process}-{process}",
            "ipc:///run/app01/fedmsg-relay-fedmsg-relay",
        );
        check("tcp://{host}:4242", "tcp://app01:4242");
    }

    #[test]
    fn what_nobody_could_reach_is_refused() {
        use MonitoringAddressError as Error;
        #[track_caller]
        fn check(text: &str, expected: &MonitoringAddressError) {
            let refused = text.parse::<MonitoringAddress>().unwrap_err();
            assert_eq!(&refused, expected, "{text}");
        }
        check("inproc://x", &Error::Unreachable);
        check("ipc:///run/{name}", &Error::Placeholder);
        check("ipc:///run/{process", &Error::Placeholder);
        check("/run/x", &Error::Endpoint(EndpointError::UnknownScheme));
        check("tcp://a", &Error::Endpoint(EndpointError::NoPort));
    }

    #[test]
    fn a_name_that_makes_it_too_long_is_an_error_of_its_own() {
        let address: MonitoringAddress = "ipc:///run/{process}".parse().unwrap();
        assert!(address.of(&"x".repeat(200), "host").is_err());
    }
}
