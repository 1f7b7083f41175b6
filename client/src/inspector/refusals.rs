//! What has been refused: how many messages, by the endpoint that sent them and the reason.
//!
//! Written by [`super::Inspector`], read by whoever reports on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use fedmsg_config::EndpointName;

/// Running totals of refused messages, for each endpoint and reason. Both are few: endpoints come
/// from the configuration, reasons from [`fedmsg_message::Refusal::code`].
///
/// A message says who sent it only once it is believed; what is certain of one that is refused is
/// where it came from.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<(EndpointName, &'static str), u64>>);

/// How many messages of an endpoint were refused for a reason, since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalCount {
    /// Where they came from: a name in the table of endpoints.
    pub endpoint: EndpointName,
    /// Why: [`fedmsg_message::Refusal::code`], such as `bad-signature`.
    pub reason: &'static str,
    /// How many.
    pub messages: u64,
}

impl Refusals {
    /// Reads all counters, by endpoint and reason.
    #[must_use]
    pub fn counts(&self) -> Vec<RefusalCount> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count =
            |((endpoint, reason), messages): (&(EndpointName, &'static str), &u64)| RefusalCount {
                endpoint: endpoint.clone(),
                reason,
                messages: *messages,
            };
        counts.iter().map(count).collect()
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.values().sum()
    }

    pub(super) fn add(&self, endpoint: &EndpointName, reason: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((endpoint.clone(), reason)).or_default() += 1;
    }
}
