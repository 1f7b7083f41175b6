//! The sending side: an XPUB socket, which a subscriber cannot tell from a PUB socket and which says
//! who subscribes.
//!
//! [`crate::publisher`] sends through it, directly: tmq's sink costs four times as much per message.

use std::ffi::c_int;
use std::os::fd::RawFd;
use std::task::{Context, Poll, ready};

use fedmsg_config::{Endpoint, Scheme, SocketOptions};
use tokio::io::unix::AsyncFd;

use super::monitor::{PeerEvent, monitor, peer_event, unmonitor};
use super::{SocketContext, SocketError, bind, connect, set_option};

/// What became of a message that was handed to a PUB socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is queued for every subscriber whose subscription matches (there may be none).
    Queued,
    /// At least one subscriber's queue was full: it misses this message and those after it until it
    /// has caught up. The others have it.
    Overflowed,
}

/// The publishing side: an XPUB socket, bound or connected.
pub(crate) struct PubSocket {
    // Declared first, so dropped first: the descriptor leaves the event loop before libzmq closes it.
    ready: AsyncFd<RawFd>,
    socket: zmq::Socket,
    /// How its connections are; bound ones come and go as subscribers please.
    link: Option<Link>,
}

/// The connections of a socket that connects. libzmq keeps queue and subscriptions of a peer that has
/// gone, for the time when it is back: only this tells whether anybody is there now.
struct Link {
    monitor: zmq::Socket,
    connections: u64,
    losses: u64,
}

impl Link {
    fn new(monitor: zmq::Socket) -> Self {
        Self {
            monitor,
            connections: 0,
            losses: 0,
        }
    }

    /// Takes in what libzmq has reported.
    fn update(&mut self) {
        // Of an event the first frame says what happened, the second where.
        while let Ok(report) = self.monitor.recv_multipart(zmq::DONTWAIT) {
            match report.first().and_then(|frame| peer_event(frame)) {
                Some(PeerEvent::Up) => self.connections += 1,
                Some(PeerEvent::Down) if self.connections > 0 => {
                    self.connections -= 1;
                    self.losses += u64::from(self.connections == 0);
                }
                _ => {}
            }
        }
    }
}

impl Drop for PubSocket {
    fn drop(&mut self) {
        if self.link.is_some() {
            unmonitor(&self.socket);
        }
    }
}

impl PubSocket {
    /// Opens a publishing socket bound to `endpoint`; returns it with the address actually bound.
    pub(crate) fn bind(
        context: &SocketContext,
        options: &SocketOptions,
        endpoint: &Endpoint,
    ) -> Result<(Self, Endpoint), SocketError> {
        let socket = Self::open(context, options)?;
        let bound = bind(&socket, endpoint)?;
        Ok((Self::register(socket, None)?, bound))
    }

    /// Opens a publishing socket that connects to all of `endpoints`.
    pub(crate) fn connect(
        context: &SocketContext,
        options: &SocketOptions,
        endpoints: &[Endpoint],
    ) -> Result<Self, SocketError> {
        let socket = Self::open(context, options)?;
        // libzmq reports nothing of connections within the process, which do not end by accident.
        let link = match endpoints.iter().any(|it| it.scheme() == Scheme::Inproc) {
            true => None,
            false => Some(Link::new(monitor(context, &socket)?)),
        };
        for endpoint in endpoints {
            connect(&socket, endpoint)?;
        }
        Self::register(socket, link)
    }

    fn open(context: &SocketContext, options: &SocketOptions) -> Result<zmq::Socket, SocketError> {
        let mut socket = context.socket(zmq::XPUB, options)?;
        socket.set_sndhwm(options.high_water_mark)?;
        socket.set_rcvhwm(0)?; // subscriptions are drained at once and must not be lost
        set_option(&mut socket, zmq_sys::ZMQ_XPUB_NODROP as c_int, 1)?;
        Ok(socket)
    }

    fn register(socket: zmq::Socket, link: Option<Link>) -> Result<Self, SocketError> {
        let descriptor = socket.get_fd()?;
        #[expect(
            deprecated,
            reason = "the replacement is unsafe; the descriptor outlives `ready`"
        )]
        let ready = AsyncFd::new(descriptor)?;
        Ok(Self {
            ready,
            socket,
            link,
        })
    }

    /// Sends one message to every matching subscriber. Never waits.
    pub(crate) fn send(&mut self, topic: &[u8], body: &[u8]) -> Result<Sent, SocketError> {
        let mut sent = Sent::Queued;
        let result = self
            .send_or_overflow(topic, zmq::DONTWAIT | zmq::SNDMORE, &mut sent)
            .and_then(|()| self.send_or_overflow(body, zmq::DONTWAIT, &mut sent));
        if sent == Sent::Overflowed {
            set_option(&mut self.socket, zmq_sys::ZMQ_XPUB_NODROP as c_int, 1)?;
        }
        result?;
        Ok(sent)
    }

    /// Sends a frame; when a subscriber's queue is full, lets libzmq drop it for that one only.
    fn send_or_overflow(
        &mut self,
        frame: &[u8],
        flags: i32,
        sent: &mut Sent,
    ) -> Result<(), zmq::Error> {
        let mut result = self.send_frame(frame, flags);
        if result == Err(zmq::Error::EAGAIN) {
            // libzmq looks at what its peers have read at most once a millisecond; asking for the
            // events makes it look now. Without this a burst would "overflow" a fast subscriber.
            // What ails the socket, if anything, is what the send says; a signal in between is nothing.
            let _ = self.socket.get_events();
            result = self.send_frame(frame, flags);
        }
        match result {
            Err(zmq::Error::EAGAIN) => {
                *sent = Sent::Overflowed;
                set_option(&mut self.socket, zmq_sys::ZMQ_XPUB_NODROP as c_int, 0)?;
                self.send_frame(frame, flags)
            }
            result => result,
        }
    }

    fn send_frame(&self, frame: &[u8], flags: i32) -> Result<(), zmq::Error> {
        loop {
            match self.socket.send(frame, flags) {
                Err(zmq::Error::EINTR) => {}
                result => return result,
            }
        }
    }

    /// The next change of the subscriptions that has arrived: a byte 1 (subscribe) or 0 (cancel),
    /// then the prefix. `None` when there is none.
    pub(crate) fn try_notice(&mut self) -> Result<Option<Vec<u8>>, SocketError> {
        loop {
            match self.socket.recv_bytes(zmq::DONTWAIT) {
                Ok(notice) => return Ok(Some(notice)),
                Err(zmq::Error::EAGAIN) => return Ok(None),
                Err(zmq::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether there is a connection to send on; always for a bound socket.
    pub(crate) fn is_connected(&mut self) -> bool {
        self.link.as_mut().is_none_or(|link| {
            link.update();
            link.connections > 0
        })
    }

    /// Times that the last connection was lost since this was last asked; never for a bound socket.
    pub(crate) fn take_losses(&mut self) -> u64 {
        self.link.as_mut().map_or(0, |link| {
            link.update();
            std::mem::take(&mut link.losses)
        })
    }

    /// Waits until libzmq has something to say to this socket. The signal is an edge: call
    /// [`PubSocket::try_notice`] until it gives `None` after each.
    pub(crate) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        let mut guard = ready!(self.ready.poll_read_ready(context))?;
        guard.clear_ready();
        Poll::Ready(Ok(()))
    }
}
