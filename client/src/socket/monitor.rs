//! What happens to the connections of a socket, as libzmq reports it (`zmq_socket_monitor`).
//!
//! Sockets that connect have one: [`super::SubSocket`] waits for its events, [`super::PubSocket`] looks
//! before it sends.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{SocketContext, SocketError};

/// What happened to a connection of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerEvent {
    /// A peer finished the ZMTP handshake: from now on messages pass.
    Up,
    /// A connection ended; what its peer publishes until it is back is missed.
    Down,
    /// A peer answered with something that is not ZMTP, or refused the handshake.
    Refused,
}

/// Opens the PAIR socket on which libzmq reports what happens to `socket`'s connections.
pub(super) fn monitor(
    context: &SocketContext,
    socket: &zmq::Socket,
) -> Result<zmq::Socket, SocketError> {
    let events = [
        zmq::SocketEvent::HANDSHAKE_SUCCEEDED,
        zmq::SocketEvent::DISCONNECTED,
        zmq::SocketEvent::HANDSHAKE_FAILED_NO_DETAIL,
        zmq::SocketEvent::HANDSHAKE_FAILED_PROTOCOL,
        zmq::SocketEvent::HANDSHAKE_FAILED_AUTH,
    ];
    let mask = events
        .iter()
        .fold(0, |mask, event| mask | i32::from(event.to_raw()));
    let address = monitor_address();
    socket.monitor(&address, mask)?;
    let pair = context.0.socket(zmq::PAIR)?;
    pair.set_linger(0)?;
    // Without limit, because libzmq's I/O thread would wait for a reader that is held back.
    pair.set_rcvhwm(0)?;
    pair.connect(&address)?;
    Ok(pair)
}

/// Takes the monitor of a socket away, before the monitor's reader goes. libzmq works on a socket for a
/// while after it has been closed, and reports to the monitor with a send that blocks (4.3.4,
/// `socket_base_t::monitor_event`): without a reader for ever, and with it the I/O thread and all
/// other sockets of the context.
pub(super) fn unmonitor(socket: &zmq::Socket) {
    // The bindings cannot switch it off; one without events in its place reports nothing.
    let _ = socket.monitor(&monitor_address(), 0);
}

/// Returns an address within this process that no monitor has had before.
fn monitor_address() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("inproc://monitor.{number}")
}

/// Reads the first frame of a monitor message: the event (`u16`) and its value (`u32`), native byte
/// order.
pub(super) fn peer_event(frame: &[u8]) -> Option<PeerEvent> {
    let head = frame.first_chunk::<2>().copied()?;
    let event = u32::from(u16::from_ne_bytes(head));
    Some(if event == zmq::SocketEvent::HANDSHAKE_SUCCEEDED as u32 {
        PeerEvent::Up
    } else if event == zmq::SocketEvent::DISCONNECTED as u32 {
        PeerEvent::Down
    } else {
        PeerEvent::Refused
    })
}
