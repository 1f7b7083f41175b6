//! The receiving side: a SUB socket that is drained many messages per wake-up.
//!
//! [`crate::subscriber`] reads it. tmq says when there is something (and hands over the first message);
//! the rest of a batch is taken from the socket directly, which costs one `poll(2)` a batch instead of
//! one a message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use fedmsg_config::{Endpoint, SocketOptions};
use futures::Stream;
use tmq::{AsZmqSocket, FromZmqSocket, Multipart, TmqError};

use super::monitor::{PeerEvent, monitor, peer_event, unmonitor};
use super::{SocketContext, SocketError, bind, connect};

/// At most this many messages are taken from a socket per wake-up; then other tasks have a turn.
pub(super) const BATCH_MESSAGES: usize = 256;
/// At most this many bytes are taken from a socket per wake-up (one message may exceed it).
const BATCH_BYTES: usize = 256 * 1024;

/// The frames of one received message, in libzmq's own memory: who keeps them copies them, so that a
/// consumer that keeps one message does not pin the receive buffer of many.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Frames<'a> {
    /// Topic and body, as every fedmsg program sends them.
    Pair(&'a [u8], &'a [u8]),
    /// Any other number of frames: the first, and how many there were.
    Odd(&'a [u8], usize),
}

/// A SUB socket, connected or bound.
pub(crate) struct SubSocket {
    subscribe: tmq::subscribe::Subscribe,
    monitor: tmq::pair::Pair,
}

impl SubSocket {
    /// Opens a SUB socket that connects to `endpoint` and subscribes to each of `prefixes`.
    pub(crate) fn connect(
        context: &SocketContext,
        options: &SocketOptions,
        endpoint: &Endpoint,
        prefixes: &[Bytes],
    ) -> Result<Self, SocketError> {
        let (socket, monitor) = Self::open(context, options)?;
        connect(&socket, endpoint)?;
        Self::subscribe(socket, monitor, prefixes)
    }

    /// Opens a SUB socket bound to `endpoint`; returns it with the address actually bound.
    pub(crate) fn bind(
        context: &SocketContext,
        options: &SocketOptions,
        endpoint: &Endpoint,
        prefixes: &[Bytes],
    ) -> Result<(Self, Endpoint), SocketError> {
        let (socket, monitor) = Self::open(context, options)?;
        let bound = bind(&socket, endpoint)?;
        Ok((Self::subscribe(socket, monitor, prefixes)?, bound))
    }

    fn open(
        context: &SocketContext,
        options: &SocketOptions,
    ) -> Result<(zmq::Socket, zmq::Socket), SocketError> {
        let socket = context.socket(zmq::SUB, options)?;
        // Nothing it has to say is worth waiting for once it is closed.
        socket.set_linger(0)?;
        socket.set_rcvhwm(options.receive_high_water_mark)?;
        // A SUB socket queues its own subscriptions to send: a limit would lose them at a reconnect.
        socket.set_sndhwm(0)?;
        let monitor = monitor(context, &socket)?;
        Ok((socket, monitor))
    }

    fn subscribe(
        socket: zmq::Socket,
        monitor: zmq::Socket,
        prefixes: &[Bytes],
    ) -> Result<Self, SocketError> {
        for prefix in prefixes.iter().skip(1) {
            socket.set_subscribe(prefix)?;
        }
        let first = prefixes.first().map_or(&[][..], |prefix| prefix);
        let subscribe =
            tmq::subscribe::SubscribeWithoutTopic::from_zmq_socket(socket)?.subscribe(first)?;
        Ok(Self {
            subscribe,
            monitor: tmq::pair::Pair::from_zmq_socket(monitor)?,
        })
    }

    /// Hands each message that has arrived to `take`, up to one batch, and returns how many;
    /// waits while there is none. Cancel-safe: a message is either handed over or still in the socket.
    pub(crate) fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        mut take: impl FnMut(Frames<'_>),
    ) -> Poll<Result<usize, SocketError>> {
        let polled = Pin::new(&mut self.subscribe).poll_next(context);
        let first = match ready!(again_if_interrupted(polled, context)) {
            Some(multipart) => multipart?,
            None => return Poll::Ready(Ok(0)),
        };
        let (mut messages, mut bytes) = (0, 0);
        if let Some(frames) = Frames::of(&first) {
            (messages, bytes) = (1, frames.len());
            take(frames);
        }
        let socket = self.subscribe.get_socket();
        let mut inbox = Inbox::new();
        while messages < BATCH_MESSAGES && bytes < BATCH_BYTES {
            match inbox.receive(socket) {
                Ok(Some(frames)) => {
                    messages += 1;
                    bytes += frames.len();
                    take(frames);
                }
                Ok(None) => break,
                // What was taken before the failure counts; the next poll reports it again.
                Err(_) if messages > 0 => break,
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Poll::Ready(Ok(messages))
    }

    /// The next thing that happened to a connection of this socket.
    pub(crate) fn poll_peer(&mut self, context: &mut Context<'_>) -> Poll<PeerEvent> {
        loop {
            let polled = Pin::new(&mut self.monitor).poll_next(context);
            match ready!(again_if_interrupted(polled, context)) {
                Some(Ok(report)) => {
                    if let Some(event) = report.iter().next().and_then(|it| peer_event(it)) {
                        return Poll::Ready(event);
                    }
                }
                // The monitor is a convenience: without it messages still flow.
                Some(Err(_)) | None => return Poll::Pending,
            }
        }
    }
}

/// What tmq says when a signal has come in between is no failure: the socket is polled again at once.
fn again_if_interrupted<T>(
    polled: Poll<Option<tmq::Result<T>>>,
    context: &Context<'_>,
) -> Poll<Option<tmq::Result<T>>> {
    match polled {
        Poll::Ready(Some(Err(TmqError::Zmq(zmq::Error::EINTR)))) => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
        other => other,
    }
}

impl Drop for SubSocket {
    fn drop(&mut self) {
        unmonitor(self.subscribe.get_socket());
    }
}

impl<'a> Frames<'a> {
    fn len(self) -> usize {
        match self {
            Self::Pair(topic, body) => topic.len() + body.len(),
            Self::Odd(first, _) => first.len(),
        }
    }

    fn of(parts: &'a Multipart) -> Option<Self> {
        let first = parts.iter().next()?;
        Some(match (parts.len(), parts.iter().nth(1)) {
            (2, Some(second)) => Self::Pair(first, second),
            (count, _) => Self::Odd(first, count),
        })
    }
}

/// Where libzmq puts a message, frame by frame: the same place for all messages of a batch.
struct Inbox {
    first: zmq::Message,
    second: zmq::Message,
}

impl Inbox {
    fn new() -> Self {
        Self {
            first: zmq::Message::new(),
            second: zmq::Message::new(),
        }
    }

    /// Reads one message, whole; `None` when there is none.
    fn receive(&mut self, socket: &zmq::Socket) -> Result<Option<Frames<'_>>, zmq::Error> {
        match receive_frame(socket, &mut self.first) {
            Ok(()) => {}
            Err(zmq::Error::EAGAIN) => return Ok(None),
            Err(error) => return Err(error),
        }
        if !self.first.get_more() {
            return Ok(Some(Frames::Odd(&self.first, 1)));
        }
        // libzmq delivers messages whole, so the rest is there.
        receive_frame(socket, &mut self.second)?;
        let mut count = 2;
        while self.second.get_more() {
            receive_frame(socket, &mut self.second)?;
            count += 1;
        }
        Ok(Some(if count == 2 {
            Frames::Pair(&self.first, &self.second)
        } else {
            Frames::Odd(&self.first, count)
        }))
    }
}

fn receive_frame(socket: &zmq::Socket, frame: &mut zmq::Message) -> Result<(), zmq::Error> {
    loop {
        match socket.recv(frame, zmq::DONTWAIT) {
            Err(zmq::Error::EINTR) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_signal_in_between_is_no_failure_and_the_socket_is_polled_again() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let context = Context::from_waker(&waker);
        let failed = |error| Poll::Ready(Some(tmq::Result::<()>::Err(error)));
        let other = again_if_interrupted(failed(zmq::Error::ETERM.into()), &context);
        assert!(matches!(other, Poll::Ready(Some(Err(_)))));
        assert!(!woken.0.load(Ordering::Relaxed));
        let interrupted = again_if_interrupted(failed(zmq::Error::EINTR.into()), &context);
        assert!(interrupted.is_pending());
        assert!(woken.0.load(Ordering::Relaxed));
    }
}
