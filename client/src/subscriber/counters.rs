//! What a subscriber has seen: totals that only grow, and gauges of its connections.
//!
//! Written by [`super::intake`], read by whoever reports on a subscriber.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fedmsg_config::{Endpoint, EndpointName};
use fedmsg_message::DecodeError;
use serde::Serialize;

use super::endpoint_counters::{EndpointCounters, EndpointCounts};

/// Running totals of a [`crate::Subscriber`]; read them with [`SubscriberCounters::counts`].
#[derive(Debug, Default)]
pub struct SubscriberCounters {
    messages: AtomicU64,
    bytes: AtomicU64,
    bad_frames: AtomicU64,
    bad_text: AtomicU64,
    connected: AtomicU64,
    connections_lost: AtomicU64,
    refused: AtomicU64,
    resolve_failures: AtomicU64,
    endpoints: Mutex<Vec<Arc<EndpointCounters>>>,
}

/// One reading of [`SubscriberCounters`]. All are totals since the start, but for `connected`.
///
/// ```
/// let counts = fedmsg::SubscriberCounts::default();
/// assert_eq!(counts.malformed(), counts.bad_frames + counts.bad_text);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SubscriberCounts {
    /// Messages handed on.
    pub messages: u64,
    /// Bytes of both frames of those messages.
    pub bytes: u64,
    /// Messages skipped for their number of frames.
    pub bad_frames: u64,
    /// Messages skipped because a frame was not UTF-8.
    pub bad_text: u64,
    /// Connections that are up now.
    pub connected: u64,
    /// Connections that ended; what their peers published until they were back was missed.
    pub connections_lost: u64,
    /// Peers that did not speak ZMTP as expected.
    pub refused: u64,
    /// Failed look-ups of host names.
    pub resolve_failures: u64,
}

impl SubscriberCounts {
    /// Messages skipped for what they are made of.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.bad_frames + self.bad_text
    }
}

impl SubscriberCounters {
    /// Reads all counters.
    #[must_use]
    pub fn counts(&self) -> SubscriberCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SubscriberCounts {
            messages: read(&self.messages),
            bytes: read(&self.bytes),
            bad_frames: read(&self.bad_frames),
            bad_text: read(&self.bad_text),
            connected: read(&self.connected),
            connections_lost: read(&self.connections_lost),
            refused: read(&self.refused),
            resolve_failures: read(&self.resolve_failures),
        }
    }

    /// Reads the counters of each address, in the order in which they were opened.
    #[must_use]
    pub fn endpoints(&self) -> Vec<EndpointCounts> {
        let endpoints = self.endpoints.lock();
        let endpoints = endpoints.unwrap_or_else(PoisonError::into_inner);
        endpoints.iter().map(|endpoint| endpoint.counts()).collect()
    }

    /// Adds an address, whose counters are the answer.
    pub(super) fn endpoint(
        &self,
        name: &EndpointName,
        address: &Endpoint,
    ) -> Arc<EndpointCounters> {
        let counters = Arc::new(EndpointCounters::new(name.clone(), address.clone()));
        let endpoints = self.endpoints.lock();
        let mut endpoints = endpoints.unwrap_or_else(PoisonError::into_inner);
        endpoints.push(Arc::clone(&counters));
        counters
    }

    pub(super) fn received(&self, messages: u64, bytes: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn malformed(&self, error: &DecodeError) {
        let counter = match error {
            DecodeError::Frames { .. } => &self.bad_frames,
            _ => &self.bad_text,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn up(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn down(&self) {
        self.connections_lost.fetch_add(1, Ordering::Relaxed);
        self.connected.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unresolved(&self) {
        self.resolve_failures.fetch_add(1, Ordering::Relaxed);
    }
}
