//! Everything an operator can set, in one struct.
//!
//! [`crate::load`] fills it from files, environment and flags; the client library, the hub and its
//! consumers and producers read it. `config/fedmsg.toml` is the annotated reference: it repeats the
//! comments of the fields here, word for word, and a test compares them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fedmsg_message::{Backend, CrlPolicy, StrongAlgorithm};
use schemars::JsonSchema;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use crate::byte_size::ByteSize;
use crate::consumer_config::ConsumerConfig;
use crate::duration;
use crate::endpoint::Endpoint;
use crate::endpoints::Endpoints;
use crate::file_mode::FileMode;
use crate::location::Location;
use crate::monitoring_address::MonitoringAddress;
use crate::producer_config::ProducerConfig;
use crate::{integer, one_or_many, schema};

/// The settings of a program on the bus: what every tool needs, and what a hub runs.
///
/// Keys that the original has keep their names and units (fedmsg configuration specification,
/// section 4). [`Config::default`] is what a program without any file runs with; reading checks
/// every range, code that fills fields itself is expected to keep to them.
///
/// ```
/// use std::time::Duration;
///
/// use fedmsg_config::Config;
///
/// let config = Config::from_toml(r#"
///     topic_prefix = "org.example"
///     environment  = "prod"
///     timeout      = "500ms"
///
///     [endpoints]
///     "bodhi.app01" = ["tcp://app01:3000", "tcp://app01:3001"]
/// "#)?;
/// assert_eq!(config.timeout, Duration::from_millis(500));
/// assert_eq!(config.endpoints.get("bodhi.app01").map(<[_]>::len), Some(2));
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How every topic begins that this program publishes: dotted words, by custom a domain
    /// backwards.
    #[serde(deserialize_with = "topic_part")]
    pub topic_prefix: String,

    /// The second part of those topics: by custom "prod", "stg" or "dev"; any dotted words do.
    #[serde(deserialize_with = "topic_part")]
    pub environment: String,

    /// The entry of `endpoints` that a publisher binds, by custom "service.host". Without it the
    /// name of the program and the host are used: "program.host".
    pub name: Option<String>,

    /// Whether a publisher connects to the relay at `relay_inbound` instead of binding an address
    /// of its own from `endpoints`. For programs that come and go: scripts, hooks, command-line
    /// tools.
    pub active: bool,

    /// The addresses that a relay binds for publishers which connect to it: one or a list. A
    /// publisher connects to the first that answers.
    #[serde(deserialize_with = "one_or_many::deserialize")]
    #[schemars(schema_with = "schema::one_or_many::<Endpoint>")]
    pub relay_inbound: Vec<Endpoint>,

    /// How long an operation may block, such as waiting until the relay takes messages: in seconds,
    /// or a time such as "500ms". At most 10 years.
    #[serde(with = "duration::seconds")]
    #[schemars(schema_with = "schema::number_or_time")]
    pub timeout: Duration,

    /// How long a publisher that has bound its address waits for subscribers before its first
    /// message, so that they do not miss it: in seconds, or a time such as "500ms". At most 10
    /// years.
    #[serde(with = "duration::seconds")]
    #[schemars(schema_with = "schema::number_or_time")]
    pub post_init_sleep: Duration,

    /// Threads that move bytes between sockets and the network: 1 to 64. One is enough up to about
    /// a gigabyte per second (ZMQ_IO_THREADS).
    #[serde(deserialize_with = "integer::within::<1, 64, _, _>")]
    #[schemars(range(min = 1, max = 64))]
    pub io_threads: u16,

    /// Messages that a publisher queues for one subscriber that does not keep up, at most; beyond
    /// it that subscriber loses messages (ZMQ_SNDHWM). 0 means no limit, as in the original: then
    /// one subscriber that has stalled takes all memory of the publisher. At most 2147483647.
    #[serde(deserialize_with = "integer::within::<0, 2_147_483_647, _, _>")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub high_water_mark: u32,

    /// Messages that a subscriber's socket holds before it is read, at most, for each publisher;
    /// beyond it the publisher queues (ZMQ_RCVHWM). 0 means no limit. At most 2147483647.
    #[serde(deserialize_with = "integer::within::<0, 2_147_483_647, _, _>")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub receive_high_water_mark: u32,

    /// How long a closing socket goes on sending what is queued: in milliseconds, or a time such as
    /// "1s" (ZMQ_LINGER). At most 2147483647 ms.
    #[serde(
        serialize_with = "duration::milliseconds::serialize",
        deserialize_with = "duration::milliseconds::within::<0, 2_147_483_647, _>"
    )]
    #[schemars(schema_with = "schema::number_or_time")]
    pub zmq_linger: Duration,

    /// Whether the system probes silent TCP connections, to notice peers that are gone: 1 or true,
    /// 0 or false (ZMQ_TCP_KEEPALIVE).
    #[serde(deserialize_with = "integer::switch")]
    #[schemars(schema_with = "schema::switch")]
    pub zmq_tcp_keepalive: bool,

    /// Probes without an answer after which a connection counts as dead: 1 to 127
    /// (ZMQ_TCP_KEEPALIVE_CNT).
    #[serde(deserialize_with = "integer::within::<1, 127, _, _>")]
    #[schemars(range(min = 1, max = 127))]
    pub zmq_tcp_keepalive_cnt: u32,

    /// How long a connection is silent before the first probe: in whole seconds, 1 to 32767, or a
    /// time such as "1m" (ZMQ_TCP_KEEPALIVE_IDLE).
    #[serde(
        serialize_with = "duration::seconds::serialize",
        deserialize_with = "duration::seconds::whole_within::<1, 32_767, _>"
    )]
    #[schemars(schema_with = "schema::number_or_time")]
    pub zmq_tcp_keepalive_idle: Duration,

    /// How long between two probes: in whole seconds, 1 to 32767, or a time such as "5s"
    /// (ZMQ_TCP_KEEPALIVE_INTVL).
    #[serde(
        serialize_with = "duration::seconds::serialize",
        deserialize_with = "duration::seconds::whole_within::<1, 32_767, _>"
    )]
    #[schemars(schema_with = "schema::number_or_time")]
    pub zmq_tcp_keepalive_intvl: Duration,

    /// How long a lost connection waits before it is tried again: in milliseconds, at least 1, or a
    /// time such as "100ms" (ZMQ_RECONNECT_IVL).
    #[serde(
        serialize_with = "duration::milliseconds::serialize",
        deserialize_with = "duration::milliseconds::within::<1, 2_147_483_647, _>"
    )]
    #[schemars(schema_with = "schema::number_or_time")]
    pub zmq_reconnect_ivl: Duration,

    /// The longest such wait: it doubles with each failure up to this; in milliseconds, or a time
    /// such as "1s". Less than `zmq_reconnect_ivl`, such as 0, means that it does not grow
    /// (ZMQ_RECONNECT_IVL_MAX).
    #[serde(
        serialize_with = "duration::milliseconds::serialize",
        deserialize_with = "duration::milliseconds::within::<0, 2_147_483_647, _>"
    )]
    #[schemars(schema_with = "schema::number_or_time")]
    pub zmq_reconnect_ivl_max: Duration,

    /// The largest frame of a message to accept, from "1 KiB" to "1 GiB". A peer that sends a
    /// larger one loses its connection, so that nobody can fill the memory (ZMQ_MAXMSGSIZE).
    #[serde(deserialize_with = "ByteSize::within::<1024, 1_073_741_824, _>")]
    pub zmq_max_message_size: ByteSize,

    /// The host to bind in place of the one that an address names: an address of this machine, or
    /// "*" for every interface, which is what the original always does. Without it an address is
    /// bound as it is written, its host name looked up first.
    #[serde(deserialize_with = "bind_host")]
    pub bind_host: Option<String>,

    /// Whether what this program publishes is signed. Then it does not start without its key and
    /// certificate.
    pub sign_messages: bool,

    /// The directory of the keys and certificates to sign with: `NAME.key` and `NAME.crt` (PEM) for
    /// each NAME that `certnames` gives.
    pub ssldir: PathBuf,

    /// The first word of the entry of `certnames` to sign with; the second is the host: "koji" for
    /// "koji.app01". Without it, the name of the publisher is looked up, and "shell.host" for
    /// one that publishes through a relay.
    pub cert_prefix: Option<String>,

    /// A second signature to sign with, which older programs pass over: "rsa-sha256" with the same
    /// key, or "ed25519" with `NAME.ed25519.key` and `NAME.ed25519.crt` in `ssldir`. Without it
    /// there is none.
    #[schemars(schema_with = "schema::strong_signature")]
    pub strong_signature: Option<StrongAlgorithm>,

    /// Whether only messages are believed whose signature is good and whose sender may send to the
    /// topic. What is refused is counted and logged. A consumer may say otherwise for itself.
    pub validate_signatures: bool,

    /// Which ways to sign are believed: "x509", "gpg". gpg covers the payload of a message only,
    /// neither topic nor time, and takes a process of the system's gpg for each message.
    #[schemars(schema_with = "schema::backends")]
    pub crypto_validate_backends: Vec<Backend>,

    /// The home directory of gpg, with the keys that are believed. Without it, "~/.gnupg".
    pub gpg_home: Option<PathBuf>,

    /// The certificate of the CA whose certificates are believed: a file, or an https:// URL. A file
    /// that has changed is read anew within 10 seconds.
    pub ca_cert_location: Location,

    /// A file that keeps what was last downloaded from `ca_cert_location`, for a start while that
    /// does not answer.
    pub ca_cert_cache: Option<PathBuf>,

    /// How long a downloaded CA certificate is used before it is downloaded again: in seconds, or a
    /// time such as "1d"; 0 means for as long as the program runs. At most 10 years.
    #[serde(with = "duration::seconds")]
    #[schemars(schema_with = "schema::number_or_time")]
    pub ca_cert_cache_expiry: Duration,

    /// The list of certificates that the CA has revoked: a file, or an https:// URL. Without it,
    /// none is revoked.
    pub crl_location: Option<Location>,

    /// A file that keeps what was last downloaded from `crl_location`.
    pub crl_cache: Option<PathBuf>,

    /// How long a downloaded list is used before it is downloaded again: in seconds, or a time such
    /// as "1h"; 0 means for as long as the program runs. At most 10 years.
    #[serde(with = "duration::seconds")]
    #[schemars(schema_with = "schema::number_or_time")]
    pub crl_cache_expiry: Duration,

    /// What to do once the list should have been replaced by its own account, so that nobody knows
    /// who has been revoked since: "refuse" every message, as the original does, or
    /// "accept-with-alarm".
    #[schemars(schema_with = "schema::crl_policy")]
    pub crl_policy: CrlPolicy,

    /// Whether messages without a strong signature are refused. One that is there must be good in
    /// any case.
    pub require_strong_signature: bool,

    /// Whether topics that `routing_policy` does not list are refused.
    pub routing_nitpicky: bool,

    /// The archive of the bus, a datagrepper, from which `fedmsg-dg-replay` takes messages: its base
    /// URL, or that of its search, which ends with "/raw". Without it, that of Fedora.
    pub datagrepper_url: Option<String>,

    /// How long a hub that is told to stop goes on with what waits in its mailboxes: a time such as
    /// "10s". At most 10 years.
    #[serde(with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub stop_timeout: Duration,

    /// Where a hub says every 5 seconds how it is, for `fedmsg-check` and other programs: an
    /// "ipc://" or "tcp://" address, in which {process} is the name of the program and {host} that of
    /// the host. Whoever reaches it may read it. Without it, a hub says nothing.
    #[serde(rename = "moksha.monitoring.socket")]
    pub monitoring_socket: Option<MonitoringAddress>,

    /// Who may read from an "ipc://" address of that kind: octal digits, as chmod(1) takes them.
    /// Reading takes the right to write. Without it, the umask decides.
    #[serde(rename = "moksha.monitoring.socket.mode")]
    pub monitoring_socket_mode: Option<FileMode>,

    /// Who publishes where, the same for everybody on the bus: for each publisher an address or a
    /// list. A publisher binds the first free one under its name, subscribers connect to all.
    /// Tables from several files add up; an empty list takes a name out again.
    pub endpoints: Endpoints,

    /// Which certificate signs for whom: for the name of a publisher, or for a `cert_prefix` and the
    /// host, what its files in `ssldir` are called. A relay signs nothing and needs no entry.
    pub certnames: BTreeMap<String, String>,

    /// Who may send to which topic: for a whole topic, without wildcards, a list of the common
    /// names of certificates. Nobody but them may, by x509: gpg does not say who signed.
    #[serde(deserialize_with = "whole_topics")]
    pub routing_policy: BTreeMap<String, Vec<String>>,

    /// What a hub listens with: for each consumer a table, by a name of your choice.
    pub consumers: BTreeMap<String, ConsumerConfig>,

    /// What a hub speaks with: for each producer a table, by a name of your choice.
    pub producers: BTreeMap<String, ProducerConfig>,
}

impl Default for Config {
    /// The defaults of the original's newer system (fedmsg configuration specification, section 4),
    /// but for `high_water_mark`, which is not unlimited here, `validate_signatures`, which refuses
    /// everything until there is a CA, and the keys that only we have.
    fn default() -> Self {
        Self {
            topic_prefix: "com.example".to_owned(),
            environment: "dev".to_owned(),
            name: None,
            active: false,
            relay_inbound: vec![Endpoint::loopback(2001)],
            timeout: Duration::from_secs(2),
            post_init_sleep: Duration::from_millis(500),
            io_threads: 1,
            high_water_mark: 100_000,
            receive_high_water_mark: 1000,
            zmq_linger: Duration::from_secs(1),
            zmq_tcp_keepalive: true,
            zmq_tcp_keepalive_cnt: 3,
            zmq_tcp_keepalive_idle: Duration::from_secs(60),
            zmq_tcp_keepalive_intvl: Duration::from_secs(5),
            zmq_reconnect_ivl: Duration::from_millis(100),
            zmq_reconnect_ivl_max: Duration::from_secs(1),
            zmq_max_message_size: ByteSize::mib(8),
            bind_host: None,
            sign_messages: false,
            ssldir: "/etc/pki/fedmsg".into(),
            cert_prefix: None,
            strong_signature: None,
            validate_signatures: false,
            crypto_validate_backends: vec![Backend::X509],
            gpg_home: None,
            ca_cert_location: Location::File("/etc/pki/fedmsg/ca.crt".into()),
            ca_cert_cache: None,
            ca_cert_cache_expiry: Duration::ZERO,
            crl_location: None,
            crl_cache: None,
            crl_cache_expiry: Duration::from_secs(3600),
            crl_policy: CrlPolicy::Refuse,
            require_strong_signature: false,
            routing_nitpicky: false,
            datagrepper_url: None,
            stop_timeout: Duration::from_secs(10),
            monitoring_socket: None,
            monitoring_socket_mode: None,
            endpoints: [("relay_outbound", [Endpoint::loopback(4001)])]
                .into_iter()
                .collect(),
            certnames: BTreeMap::new(),
            routing_policy: BTreeMap::new(),
            consumers: BTreeMap::new(),
            producers: BTreeMap::new(),
        }
    }
}

/// Reads a part of a topic: words of any characters but blanks and wildcards, joined by single
/// dots.
fn topic_part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_word = |word: &str| {
        let is_allowed = |c: char| !c.is_whitespace() && !c.is_control() && c != '*' && c != '#';
        !word.is_empty() && word.chars().all(is_allowed)
    };
    if text.split('.').all(is_word) {
        return Ok(text);
    }
    Err(D::Error::custom(
        "expected words joined by dots, without blanks, * and #",
    ))
}

/// Reads a routing policy, whose topics are compared as a whole: a pattern would protect nothing.
fn whole_topics<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let policy = BTreeMap::<String, Vec<String>>::deserialize(deserializer)?;
    match policy.keys().find(|topic| topic.contains(['*', '#'])) {
        None => Ok(policy),
        Some(pattern) => Err(D::Error::custom(format_args!(
            "\"{pattern}\" protects nothing: list whole topics, without * and #"
        ))),
    }
}

/// Reads a host that can stand in an address.
fn bind_host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let host = Option::<String>::deserialize(deserializer)?;
    if let Some(host) = &host {
        Endpoint::loopback(0)
            .with_host(host)
            .map_err(D::Error::custom)?;
    }
    Ok(host)
}

#[cfg(test)]
mod tests;
