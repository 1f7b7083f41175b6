//! Who listens to a publisher: the subscriptions that its peers have sent.
//!
//! [`crate::Publisher`] feeds it the notices of its XPUB socket, [`crate::Forwarder`] what each of its
//! subscribers says; both ask it before each message.

use std::collections::{BTreeMap, HashSet};

/// At most so many bytes of distinct subscriptions are kept, with [`OVERHEAD`] for each: thousands of
/// patterns. A peer that sends more (nobody has so many) is taken to want everything, so that memory
/// stays bounded.
const MAX_BYTES: usize = 256 * 1024;
/// What a subscription takes beside its bytes, roughly.
const OVERHEAD: usize = 64;

/// Whether anybody listens to a topic.
///
/// ```
/// use fedmsg::{Audience, Published};
///
/// fn is_news(published: &Published) -> bool {
///     published.audience == Audience::Somebody
/// }
/// ```
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
    /// What they take.
    bytes: usize,
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
        let bytes = prefix.len() + OVERHEAD;
        if self.bytes + bytes > MAX_BYTES {
            self.overflowed = true;
        } else if self.prefixes.insert(prefix.into()) {
            self.bytes += bytes;
            *self.lengths.entry(prefix.len()).or_default() += 1;
        }
    }

    /// Takes a prefix away.
    pub(crate) fn remove(&mut self, prefix: &[u8]) {
        if !self.prefixes.remove(prefix) {
            return;
        }
        self.bytes -= prefix.len() + OVERHEAD;
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
    fn too_many_subscriptions_count_as_everything_and_take_no_more_memory() {
        let mut subscriptions = Subscriptions::default();
        for n in 0..100_000 {
            subscriptions.apply(format!("\x01com.{n}").as_bytes());
        }
        let kept: usize = subscriptions
            .prefixes
            .iter()
            .map(|prefix| prefix.len())
            .sum();
        assert!(kept < MAX_BYTES, "{kept}");
        assert!(subscriptions.prefixes.len() > 1_000);
        assert_eq!(subscriptions.audience(b"org.a"), Audience::Somebody);
        let mut large = Subscriptions::default();
        large.add(&vec![b'x'; MAX_BYTES]);
        assert!(large.prefixes.is_empty());
        assert_eq!(large.audience(b"org.a"), Audience::Somebody);
    }
}
