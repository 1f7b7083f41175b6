//! Loopback ports that a test hands to the programs it starts.
//!
//! Called by the tests before they write a configuration.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpSocket;

/// The sockets that keep the ports of this process reserved, for as long as it lives.
static RESERVED: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());

/// Returns a port of 127.0.0.1 that nobody listens on, a different one on every call.
///
/// The usual way, bind port 0 and close the socket again, leaves a gap in which the kernel gives
/// the number to somebody else: to another port 0, or to an outgoing connection. Here the socket
/// stays bound, with `SO_REUSEADDR` and without listening. So the kernel does not give the number
/// away, and yet a program that sets `SO_REUSEADDR`, as libzmq, tokio and the standard library do
/// for what listens, can bind it (socket(7), `SO_REUSEADDR`). What remains of the race is a stranger
/// who asks for this very number.
///
/// # Panics
///
/// When the machine has no port left.
pub(crate) fn free_tcp_port() -> u16 {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("SO_REUSEADDR");
    socket
        .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .expect("a free port");
    let port = socket.local_addr().expect("a bound socket").port();
    RESERVED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(socket);
    port
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_port_is_handed_out_once_and_can_be_listened_on() {
        let ports: BTreeSet<u16> = (0..200).map(|_| free_tcp_port()).collect();
        assert_eq!(ports.len(), 200);
        for port in ports {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            assert!(
                TcpStream::connect(address).is_err(),
                "somebody listens on {port}"
            );
            let listener = TcpListener::bind(address).expect("the port is ours");
            TcpStream::connect(address).expect("we listen");
            drop(listener);
        }
    }

    #[test]
    fn the_kernel_gives_a_reserved_port_to_nobody_else() {
        // Without the reservation one in seventy would be one of ours.
        let ports: BTreeSet<u16> = (0..200).map(|_| free_tcp_port()).collect();
        for _ in 0..2_000 {
            let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            let port = stranger.local_addr().expect("a bound socket").port();
            assert!(!ports.contains(&port), "{port} is reserved");
        }
    }
}
