//! What a publisher's lock guards: the socket, and who listens to it.
//!
//! [`super::Publisher`] sends through it; its listener task and whoever waits for a subscriber keep
//! the subscriptions up to date.

use std::task::{Context, Poll, ready};

use fedmsg_message::Topic;
use tokio::sync::watch;

use crate::audience::{Audience, Subscriptions};
use crate::socket::{PubSocket, Sent, SocketError};

/// A publishing socket and the subscriptions that have arrived on it.
pub(super) struct Wire {
    socket: PubSocket,
    subscriptions: Subscriptions,
    announce: watch::Sender<u64>,
}

impl Wire {
    /// Each change of the subscriptions is counted on `announce`.
    pub(super) fn new(socket: PubSocket, announce: watch::Sender<u64>) -> Self {
        Self {
            socket,
            subscriptions: Subscriptions::default(),
            announce,
        }
    }

    /// Who listens to `topic`, by the notices taken in so far; nobody while there is no connection.
    pub(super) fn audience(&mut self, topic: &Topic) -> Audience {
        if !self.socket.is_connected() {
            return Audience::Nobody;
        }
        self.subscriptions.audience(topic.as_str().as_bytes())
    }

    /// Sends two frames to whoever subscribes. Never waits.
    pub(super) fn send(&mut self, topic: &[u8], body: &[u8]) -> Result<Sent, SocketError> {
        self.socket.send(topic, body)
    }

    /// Times that the last relay went away since this was last asked.
    pub(super) fn take_deserted(&mut self) -> u64 {
        self.socket.take_losses()
    }

    /// Takes in the changes of the subscriptions that have arrived.
    pub(super) fn read_notices(&mut self) {
        let mut changed = false;
        while let Ok(Some(notice)) = self.socket.try_notice() {
            self.subscriptions.apply(&notice);
            changed = true;
        }
        if changed {
            self.announce.send_modify(|changes| *changes += 1);
        }
    }

    /// Waits for libzmq's signal and takes in what has arrived; `false` when the socket is gone.
    /// One task at a time may wait.
    pub(super) fn poll_notices(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let signalled = ready!(self.socket.poll_ready(context));
        self.read_notices();
        Poll::Ready(signalled.is_ok())
    }
}
