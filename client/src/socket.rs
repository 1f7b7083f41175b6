//! The ZeroMQ sockets of the bus: with its two halves below, the only file that names tmq, zmq and libzmq.
//!
//! [`crate::publisher`] and [`crate::subscriber`] open sockets here and see bytes, events and typed
//! errors, never a zmq type. libzmq is driven without blocking.

mod monitor;
mod pub_socket;
mod sub_socket;

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fedmsg_config::{Endpoint, Scheme, SocketOptions};
use thiserror::Error;

pub(crate) use self::monitor::PeerEvent;
pub(crate) use self::pub_socket::{PubSocket, Sent};
pub(crate) use self::sub_socket::{Frames, SubSocket};
use crate::ipc_path::check_ipc_path;

/// Bytes that libzmq asks of the kernel, and gives to it, per system call
/// (`ZMQ_IN_BATCH_SIZE`, `ZMQ_OUT_BATCH_SIZE`; the default of 8 KiB costs half the throughput at 1 KiB).
const IO_BATCH_BYTES: c_int = 64 * 1024;
/// `ZMQ_IN_BATCH_SIZE` of zmq.h (draft API, hence not in the bindings).
const ZMQ_IN_BATCH_SIZE: c_int = 101;
/// `ZMQ_OUT_BATCH_SIZE` of zmq.h (draft API, hence not in the bindings).
const ZMQ_OUT_BATCH_SIZE: c_int = 102;

/// What libzmq refused, with the address where one was involved.
#[derive(Debug, Error)]
pub enum SocketError {
    /// Another process (or socket) is bound to the address.
    #[error("address {0} is already in use")]
    InUse(String),
    /// The address cannot be bound on this host, or reached as written.
    #[error("cannot use address {address}: {reason}")]
    Address {
        /// The address as given.
        address: String,
        /// What libzmq or the system says of it.
        reason: String,
    },
    /// Any other failure of libzmq.
    #[error("socket: {0}")]
    Zmq(String),
    /// The event loop did not take the socket's descriptor.
    #[error("socket: {0}")]
    Io(#[from] std::io::Error),
}

impl SocketError {
    /// What kept a socket of our own from being bound.
    pub(crate) fn not_bound(endpoint: &Endpoint, error: &std::io::Error) -> Self {
        let address = endpoint.to_string();
        match error.kind() {
            std::io::ErrorKind::AddrInUse => Self::InUse(address),
            _ => Self::Address {
                address,
                reason: error.to_string(),
            },
        }
    }

    fn at(address: &str, error: zmq::Error) -> Self {
        match error {
            zmq::Error::EADDRINUSE => Self::InUse(address.to_owned()),
            other => Self::Address {
                address: address.to_owned(),
                reason: other.message().to_owned(),
            },
        }
    }
}

impl From<zmq::Error> for SocketError {
    fn from(error: zmq::Error) -> Self {
        Self::Zmq(error.message().to_owned())
    }
}

impl From<tmq::TmqError> for SocketError {
    fn from(error: tmq::TmqError) -> Self {
        match error {
            tmq::TmqError::Io(error) => Self::Io(error),
            other => Self::Zmq(other.to_string()),
        }
    }
}

/// A libzmq context: its I/O threads, and the namespace of `inproc://` addresses.
///
/// The last clone to go waits for what its sockets still have to send, each at most its linger.
#[derive(Clone)]
pub(crate) struct SocketContext(zmq::Context);

impl SocketContext {
    /// Opens a context with `io_threads` I/O threads (1 is enough up to about a gigabyte a second).
    pub(crate) fn new(io_threads: u16) -> Self {
        let context = zmq::Context::new();
        // libzmq refuses only negative numbers here.
        let _ = context.set_io_threads(i32::from(io_threads.max(1)));
        Self(context)
    }

    /// Makes every socket fail from now on; returns when all of them are closed. Its memory is never
    /// given back, which would end it a second time.
    #[cfg(test)]
    pub(crate) fn terminate(self) {
        let mut context = std::mem::ManuallyDrop::new(self.0);
        while context.destroy() == Err(zmq::Error::EINTR) {}
    }

    fn socket(
        &self,
        kind: zmq::SocketType,
        options: &SocketOptions,
    ) -> Result<zmq::Socket, SocketError> {
        let mut socket = self.0.socket(kind)?;
        apply(&mut socket, options)?;
        Ok(socket)
    }
}

/// Sets what both directions share. Runs before bind and connect, as libzmq demands.
fn apply(socket: &mut zmq::Socket, options: &SocketOptions) -> Result<(), zmq::Error> {
    // The bindings' default linger is "for ever", which would hang a stopping process.
    socket.set_linger(options.linger_ms)?;
    socket.set_maxmsgsize(options.max_message_size)?;
    socket.set_reconnect_ivl(options.reconnect_ivl_ms)?;
    socket.set_reconnect_ivl_max(options.reconnect_ivl_max_ms)?;
    socket.set_tcp_keepalive(options.tcp_keepalive)?;
    socket.set_tcp_keepalive_cnt(options.tcp_keepalive_cnt)?;
    socket.set_tcp_keepalive_idle(options.tcp_keepalive_idle)?;
    socket.set_tcp_keepalive_intvl(options.tcp_keepalive_intvl)?;
    // Only a libzmq with the draft API knows these two; another is slower, not wrong.
    let _ = set_option(socket, ZMQ_IN_BATCH_SIZE, IO_BATCH_BYTES);
    let _ = set_option(socket, ZMQ_OUT_BATCH_SIZE, IO_BATCH_BYTES);
    Ok(())
}

/// Sets an integer option that the bindings do not expose.
#[expect(
    unsafe_code,
    reason = "zmq has no general setsockopt, and the batch sizes and XPUB_NODROP no setter"
)]
fn set_option(socket: &mut zmq::Socket, option: c_int, value: c_int) -> Result<(), zmq::Error> {
    // SAFETY: the pointer is that of a live socket that we hold exclusively, and libzmq copies
    // `size_of::<c_int>()` bytes from `value` before it returns.
    let status = unsafe {
        zmq_sys::zmq_setsockopt(
            socket.as_mut_ptr(),
            option,
            std::ptr::from_ref(&value).cast(),
            size_of::<c_int>(),
        )
    };
    if status == 0 {
        Ok(())
    } else {
        Err(zmq::Error::EINVAL)
    }
}

/// Runs a bind or connect: repeats it when a signal interrupts, and turns the panic with which the
/// bindings meet an errno they do not know into an error.
fn attach(
    address: &str,
    operation: impl Fn() -> Result<(), zmq::Error>,
) -> Result<(), SocketError> {
    loop {
        match catch_unwind(AssertUnwindSafe(&operation)) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(zmq::Error::EINTR)) => {}
            Ok(Err(error)) => return Err(SocketError::at(address, error)),
            Err(_) => {
                return Err(SocketError::Address {
                    address: address.to_owned(),
                    reason: "refused by the system".to_owned(),
                });
            }
        }
    }
}

/// Binds, after making sure that no living process owns the path of an `ipc://` address
/// (libzmq would take it over silently). Returns the address actually bound.
fn bind(socket: &zmq::Socket, endpoint: &Endpoint) -> Result<Endpoint, SocketError> {
    let address = endpoint.as_str();
    if endpoint.scheme() == Scheme::Ipc
        && let Some(path) = endpoint.ipc_path()
    {
        check_ipc_path(path).map_err(|error| SocketError::not_bound(endpoint, &error))?;
    }
    socket.set_ipv6(endpoint.is_ipv6())?;
    attach(address, || socket.bind(address))?;
    let bound = socket
        .get_last_endpoint()?
        .unwrap_or_else(|_| address.to_owned());
    Ok(bound.parse().unwrap_or_else(|_| endpoint.clone()))
}

fn connect(socket: &zmq::Socket, endpoint: &Endpoint) -> Result<(), SocketError> {
    socket.set_ipv6(endpoint.is_ipv6())?;
    attach(endpoint.as_str(), || socket.connect(endpoint.as_str()))
}

#[cfg(test)]
mod tests;
