//! The task of one subscriber: shakes hands, takes subscriptions, sends what is queued.
//!
//! [`super::listener`] spawns it for each connection; [`super::queues`] has what it sends.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::Shared;
use super::queues::{Piece, Sent};
use super::stream::Stream;
use crate::zmtp::{
    GREETING_END, GREETING_START, Handshake, Inbound, Inbox, InboxError, READY, Refusal, Revision,
    V2_GREETING_END, pong, whole_messages,
};

/// How long a handshake may take (`ZMQ_HANDSHAKE_IVL` of libzmq is 30 s by default).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// So many writes in a row, and other tasks of the thread have their turn.
const WRITES: usize = 32;
/// So many slices are given to a system call.
const SLICES: usize = 32;

/// Why a connection did not become that of a subscriber.
#[derive(Debug, Error)]
enum HandshakeError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it has not introduced itself within {HANDSHAKE_TIMEOUT:?}")]
    Slow,
}

/// Why a subscriber is not served any more.
#[derive(Debug, Error)]
enum ConnectionError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Frames(#[from] InboxError),
}

/// Serves whoever is at the other end of `stream` until it leaves, or everything is sent at the end.
pub(super) async fn serve(stream: Stream, address: String, shared: Arc<Shared>) {
    let mut inbox = Inbox::default();
    let greeted = timeout(HANDSHAKE_TIMEOUT, shake_hands(&stream, &mut inbox));
    if let Err(error) = greeted.await.unwrap_or(Err(HandshakeError::Slow)) {
        shared.queues().refuse();
        if let Some(held_back) = shared.refusals.admit() {
            warn!(name = %shared.name, peer = address, %error, held_back, "connection refused");
        }
        return;
    }
    let seat = Seat::take(&shared, &address);
    debug!(name = %shared.name, subscriber = address, "subscriber connected");
    let mut connection = Connection {
        stream,
        inbox,
        seat,
        outbox: Outbox::default(),
    };
    if let Err(error) = connection.run().await {
        debug!(name = %shared.name, subscriber = address, %error, "connection ended");
    }
}

async fn shake_hands(stream: &Stream, inbox: &mut Inbox) -> Result<(), HandshakeError> {
    stream.write_all(&GREETING_START).await?;
    let mut handshake = Handshake::Revision;
    loop {
        while handshake.step(inbox)? {
            match handshake {
                Handshake::Greeting(Revision::V3) => stream.write_all(&GREETING_END).await?,
                Handshake::Greeting(Revision::V2) => stream.write_all(&V2_GREETING_END).await?,
                Handshake::Ready(Revision::V3) => stream.write_all(&READY).await?,
                Handshake::Done => return Ok(()),
                _ => {}
            }
        }
        stream.readable().await?;
        stream.read(inbox.bytes())?;
    }
}

/// A subscriber's place among the queues; given up when dropped.
struct Seat {
    shared: Arc<Shared>,
    id: u64,
    wake: Arc<Notify>,
    /// What was written since the queues were last told.
    sent: Sent,
}

impl Seat {
    fn take(shared: &Arc<Shared>, address: &str) -> Self {
        let (id, wake) = shared.queues().join(address);
        let shared = Arc::clone(shared);
        Self {
            shared,
            id,
            wake,
            sent: Sent::default(),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut queues = self.shared.queues();
        let left = queues.leave(self.id, self.sent);
        let is_overdue = queues.has_given_up();
        drop(queues);
        self.shared.left.notify_waiters();
        let Some(left) = left.filter(|left| left.queued > 0 || left.missed > 0) else {
            return;
        };
        if is_overdue {
            self.shared.overdue(&left);
            return;
        }
        info!(
            name = %self.shared.name, subscriber = left.address, sent = left.sent,
            missed = left.missed, cut_off = left.queued,
            "a subscriber has left that did not get everything"
        );
    }
}

/// What is being written.
#[derive(Default)]
struct Outbox {
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that are written.
    written: usize,
    /// A PONG that is among the pieces: there is never more than one.
    has_pong: bool,
}

impl Outbox {
    /// Writes until all is written (`true`) or there is no room; adds to `sent` what is written.
    fn write(&mut self, stream: &Stream, sent: &mut Sent) -> io::Result<bool> {
        while !self.pieces.is_empty() {
            let mut start = self.written;
            let rests = self.pieces.iter().map(|piece| {
                let start = std::mem::take(&mut start);
                IoSlice::new(piece.bytes.get(start..).unwrap_or_default())
            });
            let slices: Vec<_> = rests.take(SLICES).collect();
            let written = stream.write(&slices)?;
            if written == 0 {
                return Ok(false);
            }
            self.advance(written, sent);
        }
        Ok(true)
    }

    /// Takes away what has been written.
    fn advance(&mut self, mut written: usize, sent: &mut Sent) {
        while let Some(first) = self.pieces.front() {
            let step = written.min(first.bytes.len() - self.written);
            self.written += step;
            written -= step;
            if first.messages > 0 {
                sent.bytes += step as u64;
            }
            if self.written < first.bytes.len() {
                return;
            }
            sent.messages += first.messages;
            self.has_pong &= first.messages > 0;
            self.written = 0;
            self.pieces.pop_front();
        }
    }

    /// Whole messages of the first piece that are written; those of a piece count as sent when all are.
    fn written_in_part(&self) -> u64 {
        let first = self.pieces.front();
        let written = first.and_then(|first| first.bytes.get(..self.written));
        written.map_or(0, whole_messages)
    }

    fn answer(&mut self, context: &Bytes) {
        if !self.has_pong {
            self.has_pong = true;
            let bytes = pong(context);
            self.pieces.push_back(Piece { bytes, messages: 0 });
        }
    }
}

struct Connection {
    stream: Stream,
    inbox: Inbox,
    seat: Seat,
    outbox: Outbox,
}

impl Drop for Connection {
    /// The seat goes next, and says what was sent.
    fn drop(&mut self) {
        self.seat.sent.messages += self.outbox.written_in_part();
    }
}

impl Connection {
    async fn run(&mut self) -> Result<(), ConnectionError> {
        self.listen()?; // the first subscriptions may have come with the handshake
        let mut writes = 0;
        loop {
            if self.outbox.write(&self.stream, &mut self.seat.sent)? {
                let taken = self.refill();
                if !self.outbox.pieces.is_empty() {
                    writes += 1;
                    if writes % WRITES == 0 {
                        tokio::task::yield_now().await;
                    }
                    continue;
                }
                if taken.is_none_or(|is_over| is_over) {
                    return Ok(());
                }
            }
            let is_full = !self.outbox.pieces.is_empty();
            tokio::select! {
                readable = self.stream.readable() => {
                    readable?;
                    if self.stream.read(self.inbox.bytes())? {
                        self.listen()?;
                    }
                }
                writable = self.stream.writable(), if is_full => writable?,
                () = self.seat.wake.notified(), if !is_full => {}
            }
        }
    }

    /// Takes what is queued; says whether nothing will come any more, or `None` without a seat.
    fn refill(&mut self) -> Option<bool> {
        let shared = &self.seat.shared;
        let sent = std::mem::take(&mut self.seat.sent);
        let taken = shared
            .queues()
            .take(self.seat.id, sent, &mut self.outbox.pieces)?;
        if let Some(missed) = taken.caught_up {
            info!(name = %shared.name, missed, "a subscriber that was too slow has caught up");
        }
        Some(taken.is_over)
    }

    /// Takes in what the subscriber has said.
    fn listen(&mut self) -> Result<(), InboxError> {
        while let Some(inbound) = self.inbox.next()? {
            if let Inbound::Ping(context) = &inbound {
                self.outbox.answer(context);
                continue;
            }
            let mut queues = self.seat.shared.queues();
            let Some(subscriptions) = queues.subscriptions(self.seat.id) else {
                return Ok(());
            };
            match inbound {
                Inbound::Subscribe(prefix) => subscriptions.add(&prefix),
                Inbound::Cancel(prefix) => subscriptions.remove(&prefix),
                Inbound::Ping(_) | Inbound::Other => {}
            }
        }
        Ok(())
    }
}
