//! What every subscriber of a forwarder still has to get.
//!
//! [`super::Forwarder`] puts messages in, the tasks of [`super::connection`] take them out. A message is
//! encoded once, into a run that all subscribers share; each has slices of it. All of this is behind one
//! lock, held for as long as it takes to copy a message.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fedmsg_message::Topic;
use tokio::sync::Notify;

use super::{ForwarderCounts, SubscriberStatus};
use crate::audience::{Audience, Subscriptions};
use crate::zmtp;

/// A run is cut when it has so many bytes: what one system call takes well.
const RUN_BYTES: usize = 64 * 1024;
/// A subscriber that wants so many separate parts of a run gets a copy of them in one piece.
const MAX_PARTS: usize = 4;
/// A slice keeps its whole run in memory; one that is smaller than this part of it is copied instead.
const KEPT_PART: usize = 4;
/// A queue has at most so many bytes for each message that it may have, and never less than
/// [`LEAST_BYTES`]: most messages have one or two kilobytes.
const BYTES_A_MESSAGE: u64 = 16 * 1024;
/// See [`BYTES_A_MESSAGE`].
const LEAST_BYTES: u64 = 64 * 1024 * 1024;
/// A connection takes at most so many pieces at a time.
const TAKEN_PIECES: usize = 32;

/// Whole messages, encoded.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) messages: u64,
}

/// What a connection has written of the pieces that it took: whole messages, and bytes of messages.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) audience: Audience,
    /// The address of a subscriber that misses it, if there is one that has not missed the one before.
    pub(super) missed_by: Option<Arc<str>>,
}

/// The queues of all subscribers.
pub(super) struct Queues {
    /// Messages that wait for one subscriber, at most.
    limit: u64,
    /// Bytes of them, at most; one message may exceed it.
    byte_limit: u64,
    /// Messages encoded and not cut into pieces yet.
    run: BytesMut,
    subscribers: Vec<Subscriber>,
    next_id: u64,
    closing: bool,
    given_up: bool,
    counts: ForwarderCounts,
}

struct Subscriber {
    id: u64,
    address: Arc<str>,
    subscriptions: Subscriptions,
    pieces: VecDeque<Piece>,
    /// The parts of the run that it wants, with how many messages each has.
    parts: Vec<(Range<usize>, u64)>,
    /// Messages in its parts and pieces, and in the hands of its connection.
    queued: u64,
    /// Their bytes.
    queued_bytes: u64,
    sent: u64,
    missed: u64,
    /// Messages missed since it last kept up.
    missed_in_a_row: u64,
    wake: Arc<Notify>,
    is_woken: bool,
}

/// What a connection finds when it comes for more.
pub(super) struct Taken {
    /// Messages that this subscriber has missed, if it has just caught up.
    pub(super) caught_up: Option<u64>,
    /// Nothing will come any more.
    pub(super) is_over: bool,
}

impl Queues {
    /// Empty queues of at most `limit` messages for each subscriber; 0 means no limit.
    pub(super) fn new(limit: u32) -> Self {
        let (limit, byte_limit) = match u64::from(limit) {
            0 => (u64::MAX, u64::MAX),
            limit => (limit, (limit * BYTES_A_MESSAGE).max(LEAST_BYTES)),
        };
        Self {
            limit,
            byte_limit,
            run: BytesMut::with_capacity(RUN_BYTES),
            subscribers: Vec::new(),
            next_id: 0,
            closing: false,
            given_up: false,
            counts: ForwarderCounts::default(),
        }
    }

    /// Queues a message for every subscriber that wants it and has room.
    #[inline]
    pub(super) fn push(&mut self, topic: &Topic, body: &[u8]) -> Pushed {
        let topic = topic.as_str().as_bytes();
        self.push_encoded(topic, body, |run| zmtp::data(run, topic, body))
    }

    /// Queues a message of one frame.
    pub(super) fn push_single(&mut self, frame: &[u8]) -> Pushed {
        self.push_encoded(frame, frame, |run| zmtp::single(run, frame))
    }

    #[inline]
    fn push_encoded(
        &mut self,
        topic: &[u8],
        body: &[u8],
        encode: impl Fn(&mut BytesMut),
    ) -> Pushed {
        let start = self.run.len();
        let mut pushed = Pushed {
            audience: Audience::Nobody,
            missed_by: None,
        };
        let mut is_written = false;
        let mut end = start;
        for subscriber in &mut self.subscribers {
            if subscriber.subscriptions.audience(topic) == Audience::Nobody {
                continue;
            }
            pushed.audience = Audience::Somebody;
            if subscriber.queued >= self.limit || subscriber.queued_bytes >= self.byte_limit {
                if subscriber.missed_in_a_row == 0 {
                    pushed.missed_by = Some(Arc::clone(&subscriber.address));
                }
                subscriber.missed += 1;
                subscriber.missed_in_a_row += 1;
                self.counts.missed += 1;
                continue;
            }
            if !is_written {
                is_written = true;
                encode(&mut self.run);
                end = self.run.len();
            }
            subscriber.want(start..end);
        }
        self.counts.messages += 1;
        self.counts.bytes += body.len() as u64;
        self.counts.unheard += u64::from(pushed.audience == Audience::Nobody);
        if self.run.len() >= RUN_BYTES {
            self.cut();
        }
        pushed
    }

    /// Makes pieces of the run, for every subscriber that wants some of it.
    fn cut(&mut self) {
        let length = self.run.len();
        let is_small = length < RUN_BYTES / KEPT_PART;
        let run = if is_small {
            let copy = Bytes::copy_from_slice(&self.run);
            self.run.clear();
            copy
        } else {
            let next = BytesMut::with_capacity(RUN_BYTES);
            std::mem::replace(&mut self.run, next).freeze()
        };
        for subscriber in &mut self.subscribers {
            subscriber.cut(&run);
        }
    }

    /// A subscriber has connected: returns its number, and what wakes its connection.
    pub(super) fn join(&mut self, address: &str) -> (u64, Arc<Notify>) {
        let id = self.next_id;
        self.next_id += 1;
        self.counts.joined += 1;
        let wake = Arc::new(Notify::new());
        self.subscribers.push(Subscriber {
            id,
            address: address.into(),
            subscriptions: Subscriptions::default(),
            pieces: VecDeque::new(),
            parts: Vec::new(),
            queued: 0,
            queued_bytes: 0,
            sent: 0,
            missed: 0,
            missed_in_a_row: 0,
            wake: Arc::clone(&wake),
            is_woken: false,
        });
        (id, wake)
    }

    /// Its connection has ended, after it has sent another `sent`; what was queued for it is not sent to
    /// it any more.
    pub(super) fn leave(&mut self, id: u64, sent: Sent) -> Option<SubscriberStatus> {
        let index = self.subscribers.iter().position(|one| one.id == id)?;
        let mut subscriber = self.subscribers.swap_remove(index);
        subscriber.sent += sent.messages;
        subscriber.queued -= sent.messages;
        let status = subscriber.status();
        self.counts.cut_off += status.queued;
        Some(status)
    }

    /// Everybody's connection is ended, whatever it has sent since it last said so.
    pub(super) fn leave_all(&mut self) -> Vec<SubscriberStatus> {
        let ids: Vec<_> = self.subscribers.iter().map(|one| one.id).collect();
        ids.into_iter()
            .filter_map(|id| self.leave(id, Sent::default()))
            .collect()
    }

    /// Changes what a subscriber wants, from the next message on.
    pub(super) fn subscriptions(&mut self, id: u64) -> Option<&mut Subscriptions> {
        self.subscriber(id).map(|one| &mut one.subscriptions)
    }

    /// Notes what has gone out to a subscriber, and moves what is queued for it to the end of `pieces`.
    /// `None` when nobody knows the subscriber any more.
    pub(super) fn take(
        &mut self,
        id: u64,
        sent: Sent,
        pieces: &mut VecDeque<Piece>,
    ) -> Option<Taken> {
        if !self.run.is_empty() {
            self.cut();
        }
        let (limit, closing) = (self.limit, self.closing);
        let subscriber = self.subscriber(id)?;
        subscriber.is_woken = false;
        subscriber.sent += sent.messages;
        subscriber.queued -= sent.messages;
        subscriber.queued_bytes -= sent.bytes;
        let count = subscriber.pieces.len().min(TAKEN_PIECES);
        pieces.extend(subscriber.pieces.drain(..count));
        let has_caught_up = subscriber.missed_in_a_row > 0 && subscriber.queued <= limit / 2;
        Some(Taken {
            caught_up: has_caught_up.then(|| std::mem::take(&mut subscriber.missed_in_a_row)),
            is_over: closing && subscriber.queued == 0,
        })
    }

    /// Nothing is put in any more: connections end when they have sent what is queued.
    pub(super) fn close(&mut self) {
        self.closing = true;
        for subscriber in &self.subscribers {
            subscriber.wake.notify_one();
        }
    }

    /// Whether nothing may be put in any more.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Nothing is waited for any more: connections are being ended with what is still queued.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Whether connections are being ended with what is still queued.
    pub(super) fn has_given_up(&self) -> bool {
        self.given_up
    }

    /// A connection was refused before it became a subscriber.
    pub(super) fn refuse(&mut self) {
        self.counts.refused += 1;
    }

    /// A message was too large to be sent.
    pub(super) fn too_large(&mut self) {
        self.counts.too_large += 1;
    }

    /// Totals.
    pub(super) fn counts(&self) -> ForwarderCounts {
        ForwarderCounts {
            subscribers: self.subscribers.len(),
            ..self.counts
        }
    }

    /// Each subscriber that is connected.
    pub(super) fn status(&self) -> Vec<SubscriberStatus> {
        self.subscribers.iter().map(Subscriber::status).collect()
    }

    fn subscriber(&mut self, id: u64) -> Option<&mut Subscriber> {
        self.subscribers.iter_mut().find(|one| one.id == id)
    }
}

impl Subscriber {
    /// Takes a message that is in this part of the run.
    fn want(&mut self, part: Range<usize>) {
        self.queued_bytes += part.len() as u64;
        match self.parts.last_mut() {
            Some((last, messages)) if last.end == part.start => {
                last.end = part.end;
                *messages += 1;
            }
            _ => self.parts.push((part, 1)),
        }
        self.queued += 1;
        if !self.is_woken {
            self.is_woken = true;
            self.wake.notify_one();
        }
    }

    /// Makes pieces of what it wants of `run`.
    fn cut(&mut self, run: &Bytes) {
        let wanted: usize = self.parts.iter().map(|(part, _)| part.len()).sum();
        let copies = self.parts.len() > MAX_PARTS || wanted < run.len() / KEPT_PART;
        if copies && wanted > 0 {
            let mut bytes = BytesMut::with_capacity(wanted);
            let mut messages = 0;
            for (part, count) in self.parts.drain(..) {
                bytes.extend_from_slice(run.get(part).unwrap_or_default());
                messages += count;
            }
            let bytes = bytes.freeze();
            self.pieces.push_back(Piece { bytes, messages });
        } else {
            let pieces = self.parts.drain(..).map(|(part, messages)| Piece {
                bytes: run.slice(part),
                messages,
            });
            self.pieces.extend(pieces);
        }
    }

    fn status(&self) -> SubscriberStatus {
        SubscriberStatus {
            address: self.address.to_string(),
            queued: self.queued,
            sent: self.sent,
            missed: self.missed,
        }
    }
}

#[cfg(test)]
mod tests;
