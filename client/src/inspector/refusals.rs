//! What has been refused: how many messages, by the endpoint that sent them and the reason.
//!
//! Written by [`super::Inspector`], read by whoever reports on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fedmsg_config::EndpointName;
use serde::Serialize;

use crate::log_limit::LogLimit;

/// At most one line about what an endpoint sends that is refused for the same reason, in this time.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// Running totals of refused messages, for each endpoint and reason. Both are few: endpoints come
/// from the configuration, reasons from [`fedmsg_message::Refusal::code`].
///
/// A message says who sent it only once it is believed; what is certain of one that is refused is
/// where it came from.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<(EndpointName, &'static str), Refused>>);

/// What is known of an endpoint and a reason.
#[derive(Debug)]
struct Refused {
    messages: u64,
    /// One for each: a flood of one kind does not hide the others.
    log: LogLimit,
}

/// How many messages of an endpoint were refused for a reason, since the start.
///
/// # Examples
///
/// ```
/// use fedmsg::RefusalCount;
///
/// /// Who sends most of what is refused.
/// fn worst(counts: &[RefusalCount]) -> Option<&RefusalCount> {
///     counts.iter().max_by_key(|count| count.messages)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
        let count = |((endpoint, reason), refused): (&(EndpointName, &'static str), &Refused)| {
            RefusalCount {
                endpoint: endpoint.clone(),
                reason,
                messages: refused.messages,
            }
        };
        counts.iter().map(count).collect()
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.values().map(|refused| refused.messages).sum()
    }

    /// Counts a message. Returns whether it may be logged, as [`LogLimit::admit`] does.
    pub(super) fn add(&self, endpoint: &EndpointName, reason: &'static str) -> Option<u64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = counts
            .entry((endpoint.clone(), reason))
            .or_insert_with(|| Refused {
                messages: 0,
                log: LogLimit::new(LOG_PERIOD),
            });
        refused.messages += 1;
        refused.log.admit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_does_not_hide_the_others() {
        let refusals = Refusals::default();
        let add = |endpoint: &str, reason| refusals.add(&endpoint.into(), reason);
        assert_eq!(add("a", "unsigned"), Some(0));
        assert_eq!(add("a", "unsigned"), None);
        assert_eq!(add("a", "bad-signature"), Some(0));
        assert_eq!(add("b", "unsigned"), Some(0));
        assert_eq!(add("a", "unsigned"), None);
        assert_eq!(refusals.total(), 5);
    }
}
