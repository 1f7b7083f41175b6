//! The bounded queue in front of a consumer.
//!
//! [`crate::router`] pushes whole batches, the workers of `consumer_actor` take whole batches. The
//! queue belongs to neither: an actor that dies leaves its mailbox, and what it had taken but not
//! finished goes back to the front.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fedmsg::Delivery;
use fedmsg_config::{MailboxConfig, WhenFull};
use tokio::sync::Notify;

use crate::doorbell::{Doorbell, Rings};

/// A worker takes at most this many messages at a time.
const LEASE_MESSAGES: usize = 256;
/// Where there are several workers, each takes at most one of so many parts of its share, so that
/// none of them has a row of messages waiting behind a slow one while the others are idle.
const PARTS_OF_A_SHARE: usize = 2;
/// A worker reports finished messages after so many, or at the end of its lease.
const RELEASE_EVERY: usize = 32;

/// A queue of deliveries, bounded in messages and bytes. What a worker has taken counts until it is
/// finished.
pub(crate) struct Mailbox {
    state: Mutex<State>,
    /// There is something to take, or the mailbox has closed.
    filled: Notify,
    /// There is room again, or the mailbox has closed.
    drained: Notify,
    max_messages: usize,
    max_bytes: usize,
    when_full: WhenFull,
    workers: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Delivery>,
    /// Messages and bytes queued or taken and not finished.
    messages: usize,
    bytes: usize,
    /// How many wait for room.
    waiting: usize,
    closed: bool,
    /// That of the thread on which its only worker runs.
    doorbell: Option<Arc<Doorbell>>,
    /// It is on the list of its doorbell.
    is_listed: bool,
}

/// What a mailbox holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Messages queued or in work.
    pub(crate) messages: usize,
    /// Their bytes.
    pub(crate) bytes: usize,
}

impl Mailbox {
    /// Makes a mailbox with the bounds and the policy of `config`, for so many workers.
    pub(crate) fn new(config: &MailboxConfig, workers: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            max_messages: config.messages.max(1),
            max_bytes: config.bytes.as_usize(),
            when_full: config.when_full,
            workers: workers.max(1),
        })
    }

    /// Puts in what fits of `batch`, in order, and returns the rest. A message larger than the byte
    /// bound fits when nothing else is there. Nothing fits once the mailbox is closed. A worker is woken; one
    /// that shares its thread with others when `rings` ring.
    pub(crate) fn offer(
        self: &Arc<Self>,
        mut batch: Vec<Delivery>,
        rings: &mut Rings,
    ) -> Vec<Delivery> {
        let bytes: usize = batch.iter().map(Delivery::size).sum();
        let mut state = self.state();
        let all = !state.closed
            && state.messages + batch.len() <= self.max_messages
            && state.bytes + bytes <= self.max_bytes;
        let rest = if all {
            state.messages += batch.len();
            state.bytes += bytes;
            if state.queue.is_empty() {
                state.queue = batch.into();
            } else {
                state.queue.extend(batch);
            }
            Vec::new()
        } else {
            let fitting = batch.iter().take_while(|delivery| {
                let fits = state.fits(self, delivery);
                if fits {
                    state.messages += 1;
                    state.bytes += delivery.size();
                }
                fits
            });
            let count = fitting.count();
            state.queue.extend(batch.drain(..count));
            batch
        };
        if state.queue.is_empty() {
            return rest;
        }
        let doorbell = state.doorbell.as_ref().filter(|it| it.is_shared()).cloned();
        let was_listed = doorbell.is_some() && std::mem::replace(&mut state.is_listed, true);
        drop(state);
        match doorbell {
            Some(doorbell) if !was_listed => rings.add(&doorbell, self),
            Some(_) => {}
            None => self.filled.notify_one(),
        }
        rest
    }

    /// Its worker, if it has only one, goes by this doorbell from here on; call it before [`Mailbox::take`].
    pub(crate) fn has_doorbell(&self, doorbell: Arc<Doorbell>) {
        if self.workers == 1 {
            let mut state = self.state();
            state.doorbell = Some(doorbell);
            state.is_listed = false; // by this one
        }
    }

    /// Its doorbell has rung: it is taken from the list, and its worker woken.
    pub(crate) fn answer(&self) {
        self.state().is_listed = false;
        self.filled.notify_one();
    }

    /// Waits until `delivery` fits, or the mailbox is closed.
    pub(crate) async fn room_for(&self, delivery: &Delivery) {
        let _waiting = Waiting::new(self);
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable(); // before looking, so that room made in between is not missed
            {
                let state = self.state();
                if state.closed || state.fits(self, delivery) {
                    return;
                }
            }
            drained.await;
        }
    }

    /// Whether somebody waits for room, and so does everything behind it.
    pub(crate) fn holds_up(&self) -> bool {
        self.state().waiting > 0
    }

    /// Whether nothing goes in any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// How many messages it holds at most.
    pub(crate) fn max_messages(&self) -> usize {
        self.max_messages
    }

    /// Whether it waits for room when it is full, rather than refusing what comes.
    pub(crate) fn blocks(&self) -> bool {
        self.when_full == WhenFull::Block
    }

    /// Waits for messages and takes them; `None` once the mailbox is closed and empty.
    pub(crate) async fn take(self: &Arc<Self>) -> Option<Lease> {
        loop {
            let filled = self.filled.notified();
            {
                let mut state = self.state();
                if !state.queue.is_empty() {
                    let count = self.share_of(state.queue.len());
                    let items = if count == state.queue.len() {
                        std::mem::take(&mut state.queue)
                    } else {
                        state.queue.drain(..count).collect()
                    };
                    if !state.queue.is_empty() {
                        self.filled.notify_one(); // there is work for another worker too
                    }
                    return Some(Lease {
                        mailbox: Arc::clone(self),
                        items,
                        finished: 0,
                        bytes: 0,
                        alone: 0,
                    });
                }
                if state.closed {
                    self.filled.notify_one(); // the next worker shall see it as well
                    return None;
                }
            }
            filled.await;
        }
    }

    /// Lets nothing more in. What is queued can still be taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
        self.drained.notify_waiters();
    }

    /// Closes it and takes everything that is still queued: it will not be consumed.
    pub(crate) fn abandon(&self) -> Vec<Delivery> {
        self.close();
        let mut state = self.state();
        let left: Vec<_> = std::mem::take(&mut state.queue).into();
        state.messages -= left.len();
        state.bytes -= left.iter().map(Delivery::size).sum::<usize>();
        left
    }

    /// What it holds now, with what its workers have not finished.
    pub(crate) fn depth(&self) -> Depth {
        let state = self.state();
        Depth {
            messages: state.messages,
            bytes: state.bytes,
        }
    }

    /// How many of `queued` messages one worker takes.
    fn share_of(&self, queued: usize) -> usize {
        let share = match self.workers {
            1 => queued,
            workers => queued / (workers * PARTS_OF_A_SHARE),
        };
        share.clamp(1, LEASE_MESSAGES)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and what the lock guards is valid in any case.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fits(&self, mailbox: &Mailbox, delivery: &Delivery) -> bool {
        !self.closed
            && (self.messages == 0
                || (self.messages < mailbox.max_messages
                    && self.bytes + delivery.size() <= mailbox.max_bytes))
    }
}

/// Somebody waits for room; no longer when dropped.
struct Waiting<'a>(&'a Mailbox);

impl<'a> Waiting<'a> {
    fn new(mailbox: &'a Mailbox) -> Self {
        mailbox.state().waiting += 1;
        Self(mailbox)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// Messages that a worker has taken. What is not marked finished when the lease is dropped goes back
/// to the front of the mailbox.
pub(crate) struct Lease {
    mailbox: Arc<Mailbox>,
    items: VecDeque<Delivery>,
    finished: usize,
    bytes: usize,
    /// So many at the front are given one by one: one of them has cost a batch.
    alone: usize,
}

impl Lease {
    /// The message to work on.
    #[inline]
    pub(crate) fn current(&self) -> Option<&Delivery> {
        self.items.front()
    }

    /// The message to work on and those after it, at most `most` in all.
    pub(crate) fn batch(&self, most: usize) -> Vec<Delivery> {
        let most = if self.alone > 0 { 1 } else { most };
        self.items.iter().take(most).cloned().collect()
    }

    /// Gives the next `count` messages one by one, so that the one of them which cannot be handled is
    /// found, and costs no other.
    pub(crate) fn separate(&mut self, count: usize) {
        self.alone = count;
    }

    /// Marks the current message as dealt with, however it ended.
    #[inline]
    pub(crate) fn finish(&mut self) {
        if let Some(delivery) = self.items.pop_front() {
            self.finished += 1;
            self.bytes += delivery.size();
            self.alone = self.alone.saturating_sub(1);
            if self.finished >= RELEASE_EVERY {
                self.release();
            }
        }
    }

    /// Makes room in the mailbox for what has been finished.
    pub(crate) fn release(&mut self) {
        if self.finished == 0 {
            return;
        }
        let mut state = self.mailbox.state();
        state.messages -= self.finished;
        state.bytes -= self.bytes;
        drop(state);
        (self.finished, self.bytes) = (0, 0);
        self.mailbox.drained.notify_waiters();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release();
        if !self.items.is_empty() {
            let mut state = self.mailbox.state();
            for delivery in self.items.drain(..).rev() {
                state.queue.push_front(delivery);
            }
            drop(state);
            self.mailbox.filled.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
