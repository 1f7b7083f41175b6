//! Who listens to a publisher: the subscriptions that its peers have sent.
//!
//! [`crate::Publisher`] feeds it the notices of its XPUB socket, [`crate::Forwarder`] what each of its
//! subscribers says; both ask it before each message.

use std::collections::{BTreeMap, HashSet};

/// At most this many distinct subscriptions are kept. A peer that sends more (nobody has so many
/// patterns) is taken to want everything, so that memory stays bounded.
const MAX_SUBSCRIPTIONS: usize = 10_000;

/// Whether anybody listens to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// At least one subscription that has reached this publisher matches.
    Somebody,
    /// No subscription matches: nobody receives the message.
    Nobody,
}

/// The set of prefixes that peers subscribe to.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    prefixes: HashSet<Box<[u8]>>,
    /// How many prefixes there are of each length: no other length needs to be looked up.
    lengths: BTreeMap<usize, usize>,
    overflowed: bool,
}

impl Subscriptions {
    /// Takes in a notice of libzmq: byte 1 or 0 (a first subscriber, or none left), then the prefix.
    pub(crate) fn apply(&mut self, notice: &[u8]) {
        match notice.split_first() {
            Some((1, prefix)) => self.add(prefix),
            Some((0, prefix)) => self.remove(prefix),
            _ => {}
        }
    }

    /// Adds a prefix; one that is there already is not added again.
    pub(crate) fn add(&mut self, prefix: &[u8]) {
        if self.prefixes.len() >= MAX_SUBSCRIPTIONS {
            self.overflowed = true;
        } else if self.prefixes.insert(prefix.into()) {
            *self.lengths.entry(prefix.len()).or_default() += 1;
        }
    }

    /// Takes a prefix away.
    pub(crate) fn remove(&mut self, prefix: &[u8]) {
        if !self.prefixes.remove(prefix) {
            return;
        }
        if let Some(count) = self.lengths.get_mut(&prefix.len()) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&prefix.len());
            }
        }
        self.overflowed &= !self.prefixes.is_empty();
    }

    /// Says whether a message with this topic reaches anybody.
    #[inline]
    pub(crate) fn audience(&self, topic: &[u8]) -> Audience {
        let heard = self.overflowed
            || self
                .lengths
                .keys()
                .map_while(|length| topic.get(..*length))
                .any(|prefix| prefix.is_empty() || self.prefixes.contains(prefix));
        if heard {
            Audience::Somebody
        } else {
            Audience::Nobody
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(notices: &[&[u8]], topic: &str, expected: Audience) {
        let mut subscriptions = Subscriptions::default();
        notices
            .iter()
            .for_each(|notice| subscriptions.apply(notice));
        assert_eq!(
            subscriptions.audience(topic.as_bytes()),
            expected,
            "{notices:?} {topic}"
        );
    }

    #[test]
    fn a_prefix_of_the_topic_is_an_audience() {
        check(&[], "org.a", Audience::Nobody);
        check(&[b"\x01"], "org.a", Audience::Somebody);
        check(&[b"\x01org."], "org.a", Audience::Somebody);
        check(&[b"\x01org.a.b"], "org.a", Audience::Nobody);
        check(&[b"\x01org.a"], "org.a", Audience::Somebody);
        check(&[b"\x01com"], "org.a", Audience::Nobody);
    }

    #[test]
    fn a_cancelled_subscription_is_none() {
        check(&[b"\x01org", b"\x00org"], "org.a", Audience::Nobody);
        check(
            &[b"\x01org", b"\x01", b"\x00org"],
            "org.a",
            Audience::Somebody,
        );
    }

    #[test]
    fn garbage_is_ignored() {
        check(&[b"", b"\x02org"], "org.a", Audience::Nobody);
    }

    #[test]
    fn too_many_subscriptions_count_as_everything() {
        let mut subscriptions = Subscriptions::default();
        for n in 0..=MAX_SUBSCRIPTIONS {
            subscriptions.apply(format!("\x01com.{n}").as_bytes());
        }
        assert_eq!(subscriptions.prefixes.len(), MAX_SUBSCRIPTIONS);
        assert_eq!(subscriptions.audience(b"org.a"), Audience::Somebody);
    }
}
