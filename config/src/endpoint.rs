//! An address on the bus, checked before libzmq ever sees it.
//!
//! [`crate::Endpoints`] and `relay_inbound` of [`crate::Config`] hold them; the client library
//! binds and connects them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// Longest path of a Unix domain socket in bytes: `sun_path` of unix(7) has 108, one for the final
/// 0.
const LONGEST_IPC_PATH: usize = 107;
/// Longest host name in characters (RFC 1123, section 2.1, and RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253;
/// Longest part of a host name between dots in characters (RFC 1035, section 2.3.4).
const LONGEST_LABEL: usize = 63;
/// Longest name of an in-process address that libzmq 4.3 documents (zmq_inproc(7)).
const LONGEST_INPROC_NAME: usize = 256;

/// The transport of an [`Endpoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `tcp://host:port`, between machines.
    Tcp,
    /// `ipc://path`, between processes of one machine.
    Ipc,
    /// `inproc://name`, within one process.
    Inproc,
}

/// A ZeroMQ address of one of these forms:
///
/// | form | is |
/// |---|---|
/// | `tcp://app01.example.org:3000` | a host by name (RFC 1123, also `_`) and a port, 0 to 65535 |
/// | `tcp://192.0.2.7:3000`, `tcp://[2001:db8::7]:3000` | an IPv4 or IPv6 address and a port |
/// | `tcp://*:3000` | every interface, for one who binds |
/// | `ipc:///run/fedmsg/relay.sock` | a Unix domain socket, at most 107 bytes |
/// | `ipc://@relay` | the same in Linux's abstract namespace |
/// | `inproc://name` | another part of this process, at most 256 bytes |
///
/// Port 0 lets the system choose when binding. It is shown exactly as it was written. Cloning is
/// cheap.
///
/// ```
/// use fedmsg_config::{Endpoint, Scheme};
///
/// let endpoint: Endpoint = "tcp://[::1]:3000".parse()?;
/// assert_eq!(endpoint.scheme(), Scheme::Tcp);
/// assert_eq!(endpoint.host(), Some("::1"));
/// assert_eq!(endpoint.port(), Some(3000));
/// assert_eq!(endpoint.to_string(), "tcp://[::1]:3000");
/// assert!("udp://app01:3000".parse::<Endpoint>().is_err());
/// # Ok::<(), fedmsg_config::EndpointError>(())
/// ```
#[derive(Clone)]
pub struct Endpoint {
    text: Arc<str>,
    target: Target,
}

#[derive(Clone, PartialEq)]
enum Target {
    /// The host is this part of the text, without brackets.
    Tcp {
        host: Range<usize>,
        port: u16,
        is_ipv6: bool,
    },
    Ipc,
    Inproc,
}

/// What is wrong with a text that should be an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The text does not begin with a transport that is known.
    #[error(
        "not an address: expected tcp://HOST:PORT, tcp://[IPV6]:PORT, tcp://*:PORT, ipc://PATH, \
         ipc://@NAME or inproc://NAME"
    )]
    UnknownScheme,
    /// A `tcp` address has no port.
    #[error("a tcp address needs a port, as in tcp://HOST:PORT")]
    NoPort,
    /// The port is no plain number from 0 to 65535.
    #[error("the port must be a number from 0 to 65535")]
    BadPort,
    /// The host is neither a name nor an address nor `*`.
    #[error("the host must be a name, an IPv4 address, an IPv6 address in brackets, or *")]
    BadHost,
    /// The path or name is empty, is a wildcard, or holds control characters.
    #[error("the part after :// must be a path or a name")]
    BadName,
    /// The path or name is longer than the transport allows.
    #[error("too long: at most {longest} bytes are allowed after ://")]
    TooLong {
        /// The most bytes that the transport allows.
        longest: usize,
    },
}

impl Endpoint {
    /// Returns the `tcp` address of a socket address.
    pub fn tcp(address: SocketAddr) -> Self {
        // A scope would be shown as a number after `%`; libzmq takes it in this form.
        let text = format!("tcp://{address}");
        let host_end = text.rfind(':').unwrap_or(text.len());
        let is_ipv6 = address.is_ipv6();
        let start = "tcp://".len();
        let host = if is_ipv6 {
            start + 1..host_end.saturating_sub(1)
        } else {
            start..host_end
        };
        let target = Target::Tcp {
            host,
            port: address.port(),
            is_ipv6,
        };
        Self {
            text: text.into(),
            target,
        }
    }

    /// Returns the address of a port on this machine's own loopback interface, `127.0.0.1`.
    pub fn loopback(port: u16) -> Self {
        Self::tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// Returns the transport.
    pub fn scheme(&self) -> Scheme {
        match self.target {
            Target::Tcp { .. } => Scheme::Tcp,
            Target::Ipc => Scheme::Ipc,
            Target::Inproc => Scheme::Inproc,
        }
    }

    /// Returns the host of a `tcp` address: a name, an address (IPv6 without brackets), or `*`.
    pub fn host(&self) -> Option<&str> {
        match &self.target {
            Target::Tcp { host, .. } => self.text.get(host.clone()),
            Target::Ipc | Target::Inproc => None,
        }
    }

    /// Returns the port of a `tcp` address; 0 means that the system chooses one when binding.
    pub fn port(&self) -> Option<u16> {
        match self.target {
            Target::Tcp { port, .. } => Some(port),
            Target::Ipc | Target::Inproc => None,
        }
    }

    /// Returns whether the host is an IPv6 address, for which a socket needs `ZMQ_IPV6`.
    pub fn is_ipv6(&self) -> bool {
        matches!(self.target, Target::Tcp { is_ipv6: true, .. })
    }

    /// Returns the path of an `ipc` address that has a file, not one of the abstract namespace.
    pub fn ipc_path(&self) -> Option<&str> {
        let path = self.text.strip_prefix("ipc://")?;
        (!path.starts_with('@')).then_some(path)
    }

    /// Returns the address as it was written, which is as libzmq takes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the address with `host` in place of its own: what to bind when `bind_host` is set.
    /// An address that has no host comes back as it is.
    ///
    /// # Errors
    ///
    /// [`EndpointError::BadHost`] when `host` is none; an IPv6 address needs no brackets here.
    pub fn with_host(&self, host: &str) -> Result<Self, EndpointError> {
        let Some(port) = self.port() else {
            return Ok(self.clone());
        };
        if host.parse::<Ipv6Addr>().is_ok() {
            return format!("tcp://[{host}]:{port}").parse();
        }
        format!("tcp://{host}:{port}").parse()
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError::UnknownScheme)?;
        let target = match scheme {
            "tcp" => parse_tcp(rest, text.len() - rest.len())?,
            "ipc" => parse_ipc(rest)?,
            "inproc" => parse_inproc(rest)?,
            _ => return Err(EndpointError::UnknownScheme),
        };
        Ok(Self {
            text: text.into(),
            target,
        })
    }
}

/// Reads what follows `tcp://`, which begins at byte `start` of the whole.
fn parse_tcp(rest: &str, start: usize) -> Result<Target, EndpointError> {
    let (host, port) = rest.rsplit_once(':').ok_or(EndpointError::NoPort)?;
    if rest.ends_with(']') {
        return Err(EndpointError::NoPort);
    }
    let is_plain = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let has_zeros = port.len() > 1 && port.starts_with('0');
    if !is_plain || has_zeros {
        return Err(EndpointError::BadPort);
    }
    let port = port.parse().map_err(|_| EndpointError::BadPort)?;
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        if !is_ipv6_address(address) {
            return Err(EndpointError::BadHost);
        }
        let host = start + 1..start + 1 + address.len();
        return Ok(Target::Tcp {
            host,
            port,
            is_ipv6: true,
        });
    }
    if host != "*" && !is_ipv4_or_name(host) {
        return Err(EndpointError::BadHost);
    }
    Ok(Target::Tcp {
        host: start..start + host.len(),
        port,
        is_ipv6: false,
    })
}

/// An IPv6 address, perhaps with a zone: an interface's name or number (RFC 4007, section 11).
fn is_ipv6_address(text: &str) -> bool {
    /// Longest name of a network interface: `IFNAMSIZ` of netdevice(7) less the final 0.
    const LONGEST_ZONE: usize = 15;
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let is_zone = |zone: &str| {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=LONGEST_ZONE).contains(&zone.len()) && zone.bytes().all(is_name)
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone)
}

/// An IPv4 address or a host name. A name whose last part is a number would be taken for an address
/// by some resolvers (the URL standard, "host parsing"), so it must be one.
fn is_ipv4_or_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(is_allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    name.len() <= LONGEST_HOST && name.split('.').all(is_label)
}

fn parse_ipc(path: &str) -> Result<Target, EndpointError> {
    check_name(path, LONGEST_IPC_PATH)?;
    // `*` makes libzmq invent a path that no peer can know; `@` alone names nothing.
    if path == "*" || path == "@" {
        return Err(EndpointError::BadName);
    }
    Ok(Target::Ipc)
}

fn parse_inproc(name: &str) -> Result<Target, EndpointError> {
    check_name(name, LONGEST_INPROC_NAME)?;
    Ok(Target::Inproc)
}

fn check_name(name: &str, longest: usize) -> Result<(), EndpointError> {
    if name.len() > longest {
        return Err(EndpointError::TooLong { longest });
    }
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(EndpointError::BadName);
    }
    Ok(())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

// The text says everything about an endpoint; the rest is only a faster way to read it.
impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Endpoint {}

impl PartialOrd for Endpoint {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Endpoint {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
