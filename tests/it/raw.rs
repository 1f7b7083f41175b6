//! libzmq itself as the other end of a test: it sends what no program of the bus would.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{PATIENCE, loopback};

/// One for all tests: closing one waits for all of its sockets.
static CONTEXT: LazyLock<zmq::Context> = LazyLock::new(zmq::Context::new);

/// A ZeroMQ socket whose calls block, and fail the test when they do so for too long.
pub(crate) struct RawSocket(zmq::Socket);

impl RawSocket {
    /// Opens a publisher bound to `port`. What it sends before somebody has subscribed
    /// ([`RawSocket::subscription`]) is lost.
    pub(crate) fn publisher_on(port: u16) -> Self {
        let publisher = Self::new(zmq::XPUB);
        let deadline = Instant::now() + PATIENCE;
        // Who had the port before may still be closing it.
        while let Err(error) = publisher.0.bind(&loopback(port)) {
            assert_eq!(error, zmq::Error::EADDRINUSE);
            assert!(Instant::now() < deadline, "{port} stays in use");
            thread::yield_now();
        }
        publisher
    }

    /// Opens a publisher that has connected to the relay at `port`, and been subscribed to.
    pub(crate) fn publisher_to(port: u16) -> Self {
        let publisher = Self::new(zmq::XPUB);
        publisher.0.connect(&loopback(port)).expect("an address");
        publisher.subscription();
        publisher
    }

    /// Opens a subscriber to everything that publishers connect to, as a relay does. It holds one message
    /// of each until they are received.
    pub(crate) fn subscriber_on(port: u16) -> Self {
        let subscriber = Self::new(zmq::SUB);
        subscriber.0.set_rcvhwm(1).expect("an option");
        subscriber.0.set_subscribe(b"").expect("a subscription");
        subscriber.0.bind(&loopback(port)).expect("a free port");
        subscriber
    }

    /// Opens a subscriber to everything that has connected to the publisher at `port`, which may
    /// not have read of the subscription yet: what it sends at once may be lost.
    pub(crate) fn subscriber_to(port: u16) -> Self {
        let subscriber = Self::new(zmq::SUB);
        let events = zmq::SocketEvent::HANDSHAKE_SUCCEEDED.to_raw();
        let address = format!("inproc://monitor.{port}");
        subscriber
            .0
            .monitor(&address, events.into())
            .expect("a monitor");
        let monitor = Self::new(zmq::PAIR);
        monitor.0.connect(&address).expect("a monitor");
        subscriber.0.set_subscribe(b"").expect("a subscription");
        subscriber.0.connect(&loopback(port)).expect("an address");
        monitor.receive();
        subscriber
    }

    fn new(kind: zmq::SocketType) -> Self {
        let socket = CONTEXT.socket(kind).expect("a socket");
        let patience = i32::try_from(PATIENCE.as_millis()).expect("a minute");
        socket.set_rcvtimeo(patience).expect("an option");
        socket.set_sndtimeo(patience).expect("an option");
        socket.set_linger(0).expect("an option");
        socket.set_sndhwm(0).expect("an option");
        socket.set_rcvhwm(0).expect("an option");
        Self(socket)
    }

    /// Waits until somebody subscribes who has not before, and returns to what.
    pub(crate) fn subscription(&self) -> Vec<u8> {
        loop {
            let notice = self.0.recv_bytes(0).expect("a subscription in time");
            if let Some((1, prefix)) = notice.split_first() {
                return prefix.to_vec();
            }
        }
    }

    /// Sends one message of these frames.
    pub(crate) fn send<F: AsRef<[u8]>>(&self, frames: &[F]) {
        let frames = frames.iter().map(AsRef::as_ref);
        self.0.send_multipart(frames, 0).expect("room to send");
    }

    /// Sends a message as a program of the bus would.
    pub(crate) fn publish(&self, topic: &str, msg: &str) {
        let body = format!(r#"{{"topic": "{topic}", "msg": "{msg}", "msg_id": "{msg}"}}"#);
        self.send(&[topic, &body]);
    }

    /// Returns the frames of the next message, or `None` if it does not come `within` that time.
    pub(crate) fn receive_within(&self, within: Duration) -> Option<Vec<Vec<u8>>> {
        let within = i64::try_from(within.as_millis()).expect("a minute");
        let came = self.0.poll(zmq::POLLIN, within).expect("a socket");
        (came > 0).then(|| self.receive())
    }

    /// Returns the frames of the next message.
    pub(crate) fn receive(&self) -> Vec<Vec<u8>> {
        self.0.recv_multipart(0).expect("a message in time")
    }
}
