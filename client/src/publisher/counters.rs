//! What a publisher has sent: totals that only grow.
//!
//! Written by [`super::Publisher`], read by whoever reports on it.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::audience::Audience;

/// Running totals of a [`crate::Publisher`].
#[derive(Debug, Default)]
pub struct PublisherCounters {
    /// The last number given to the envelope field `i`.
    number: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
    unheard: AtomicU64,
    pub(super) overflowed: AtomicU64,
    pub(super) too_large: AtomicU64,
    pub(super) deserted: AtomicU64,
}

/// One reading of [`PublisherCounters`]; totals since the publisher opened.
///
/// ```
/// let counts = fedmsg::PublisherCounts::default();
/// assert!(counts.unheard <= counts.messages);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PublisherCounts {
    /// Messages sent, published or forwarded.
    pub messages: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Messages that no known subscription matched: nobody has received them.
    pub unheard: u64,
    /// Times that a subscriber's queue was full and it began to miss messages.
    pub overflowed: u64,
    /// Messages that were not sent because a frame was larger than `zmq_max_message_size`: whoever
    /// has that limit would have cut the connection.
    pub too_large: u64,
    /// Times that the last relay went away, for a connected publisher: what was sent just before may not
    /// have reached it.
    pub deserted: u64,
}

impl PublisherCounters {
    /// The next value of the envelope field `i`; starts at 1.
    pub(super) fn next_number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn sent(&self, bytes: usize, audience: Audience) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if audience == Audience::Nobody {
            self.unheard.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads all counters.
    #[must_use]
    pub fn counts(&self) -> PublisherCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PublisherCounts {
            messages: read(&self.messages),
            bytes: read(&self.bytes),
            unheard: read(&self.unheard),
            overflowed: read(&self.overflowed),
            too_large: read(&self.too_large),
            deserted: read(&self.deserted),
        }
    }
}
