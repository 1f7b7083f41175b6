//! The settings of a socket as libzmq takes them.
//!
//! The client library reads them off [`crate::Config`] and sets them, one to one, before it binds
//! or connects.

use std::time::Duration;

use crate::config::Config;

/// What to set on a socket. Numbers are in libzmq's types and units, and always within its ranges,
/// also when a [`Config`] was put together in code.
///
/// ```
/// use fedmsg_config::{Config, SocketOptions};
///
/// let options = SocketOptions::from(&Config::default());
/// assert_eq!(options.linger_ms, 1000);
/// assert_eq!(options.high_water_mark, 100_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketOptions {
    /// `ZMQ_SNDHWM` of a publishing socket, in messages for each subscriber; 0 means no limit.
    pub high_water_mark: i32,
    /// `ZMQ_RCVHWM` of a subscribing socket, in messages; 0 means no limit.
    pub receive_high_water_mark: i32,
    /// `ZMQ_LINGER`, in milliseconds.
    pub linger_ms: i32,
    /// `ZMQ_TCP_KEEPALIVE`: 1 on, 0 off.
    pub tcp_keepalive: i32,
    /// `ZMQ_TCP_KEEPALIVE_CNT`: probes without an answer before a connection counts as dead.
    pub tcp_keepalive_cnt: i32,
    /// `ZMQ_TCP_KEEPALIVE_IDLE`: seconds of silence before the first probe.
    pub tcp_keepalive_idle: i32,
    /// `ZMQ_TCP_KEEPALIVE_INTVL`: seconds between probes.
    pub tcp_keepalive_intvl: i32,
    /// `ZMQ_RECONNECT_IVL`, in milliseconds.
    pub reconnect_ivl_ms: i32,
    /// `ZMQ_RECONNECT_IVL_MAX`, in milliseconds.
    pub reconnect_ivl_max_ms: i32,
    /// `ZMQ_MAXMSGSIZE`: the largest frame to accept, in bytes.
    pub max_message_size: i64,
    /// The host to bind in place of the one that an endpoint names; none keeps the endpoint's own.
    pub bind_host: Option<String>,
}

impl From<&Config> for SocketOptions {
    fn from(config: &Config) -> Self {
        Self {
            high_water_mark: saturating(config.high_water_mark),
            receive_high_water_mark: saturating(config.receive_high_water_mark),
            linger_ms: saturating(config.zmq_linger.as_millis()),
            tcp_keepalive: i32::from(config.zmq_tcp_keepalive),
            tcp_keepalive_cnt: saturating(config.zmq_tcp_keepalive_cnt.clamp(1, 127)),
            tcp_keepalive_idle: keepalive_seconds(config.zmq_tcp_keepalive_idle),
            tcp_keepalive_intvl: keepalive_seconds(config.zmq_tcp_keepalive_intvl),
            reconnect_ivl_ms: saturating(config.zmq_reconnect_ivl.as_millis()).max(1),
            reconnect_ivl_max_ms: saturating(config.zmq_reconnect_ivl_max.as_millis()),
            max_message_size: i64::try_from(config.zmq_max_message_size.bytes())
                .unwrap_or(i64::MAX),
            bind_host: config.bind_host.clone(),
        }
    }
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self::from(&Config::default())
    }
}

fn saturating(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// Linux takes 1 to 32767 s (`MAX_TCP_KEEPIDLE` and `MAX_TCP_KEEPINTVL` of its `net/tcp.h`).
fn keepalive_seconds(duration: Duration) -> i32 {
    saturating(duration.as_secs().clamp(1, 32_767))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_size::ByteSize;

    #[test]
    fn the_defaults_are_the_documented_ones() {
        assert_eq!(
            SocketOptions::default(),
            SocketOptions {
                high_water_mark: 100_000,
                receive_high_water_mark: 1000,
                linger_ms: 1000,
                tcp_keepalive: 1,
                tcp_keepalive_cnt: 3,
                tcp_keepalive_idle: 60,
                tcp_keepalive_intvl: 5,
                reconnect_ivl_ms: 100,
                reconnect_ivl_max_ms: 1000,
                max_message_size: 8 << 20,
                bind_host: None,
            }
        );
    }

    #[test]
    fn values_beyond_what_libzmq_takes_are_brought_into_range() {
        let options = SocketOptions::from(&Config {
            high_water_mark: u32::MAX,
            zmq_linger: Duration::MAX,
            zmq_tcp_keepalive: false,
            zmq_tcp_keepalive_cnt: 1000,
            zmq_tcp_keepalive_idle: Duration::from_secs(100_000),
            zmq_tcp_keepalive_intvl: Duration::ZERO,
            zmq_reconnect_ivl: Duration::ZERO,
            zmq_max_message_size: ByteSize::new(u64::MAX),
            ..Config::default()
        });
        assert_eq!(options.high_water_mark, i32::MAX);
        assert_eq!(options.linger_ms, i32::MAX);
        assert_eq!(options.tcp_keepalive, 0);
        assert_eq!(options.tcp_keepalive_cnt, 127);
        assert_eq!(options.tcp_keepalive_idle, 32_767);
        assert_eq!(options.tcp_keepalive_intvl, 1);
        assert_eq!(options.reconnect_ivl_ms, 1);
        assert_eq!(options.max_message_size, i64::MAX);
    }
}
