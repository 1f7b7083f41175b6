//! What came from one address: how much, and when last.
//!
//! Each [`super::intake`] writes its own; [`super::SubscriberCounters`] keeps them all for those who report.

use std::sync::atomic::{AtomicU64, Ordering};

use fedmsg_config::{Endpoint, EndpointName};
use serde::Serialize;

use crate::clock::now_ms;

/// Running totals of one address.
#[derive(Debug)]
pub(super) struct EndpointCounters {
    name: EndpointName,
    address: Endpoint,
    messages: AtomicU64,
    connected: AtomicU64,
    connections_lost: AtomicU64,
    last_message_ms: AtomicU64,
}

/// What has come from one address: one reading. All are totals since the start, but for `connected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointCounts {
    /// What `endpoints` calls it; several names for one address have one entry.
    pub name: String,
    /// The address, as it is written there, or as it was bound.
    pub address: String,
    /// Messages handed on.
    pub messages: u64,
    /// Connections that are up now: 1 or 0 to a publisher, any number where publishers connect. Always 0
    /// within the process.
    pub connected: u64,
    /// Connections that ended.
    pub connections_lost: u64,
    /// When the last message came, milliseconds since the epoch; 0 before the first.
    pub last_message_ms: u64,
}

impl EndpointCounters {
    pub(super) fn new(name: EndpointName, address: Endpoint) -> Self {
        Self {
            name,
            address,
            messages: AtomicU64::new(0),
            connected: AtomicU64::new(0),
            connections_lost: AtomicU64::new(0),
            last_message_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn counts(&self) -> EndpointCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EndpointCounts {
            name: self.name.to_string(),
            address: self.address.to_string(),
            messages: read(&self.messages),
            connected: read(&self.connected),
            connections_lost: read(&self.connections_lost),
            last_message_ms: read(&self.last_message_ms),
        }
    }

    pub(super) fn received(&self, messages: u64) {
        if messages > 0 {
            self.messages.fetch_add(messages, Ordering::Relaxed);
            self.last_message_ms.store(now_ms(), Ordering::Relaxed);
        }
    }

    pub(super) fn up(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn down(&self) {
        self.connected.fetch_sub(1, Ordering::Relaxed);
        self.connections_lost.fetch_add(1, Ordering::Relaxed);
    }
}
