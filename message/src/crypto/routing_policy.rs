//! `RoutingPolicy`: who may send to which topic.

use std::collections::HashMap;
use std::sync::Arc;

use crate::verdict::Refusal;

/// For each topic, the common names of those who may send to it (fedmsg wire specification §3.7).
///
/// Topics are compared whole: no prefixes, no wildcards.
///
/// | the topic | the signer | is |
/// |---|---|---|
/// | is listed | with it | authorised |
/// | is listed | not with it | refused |
/// | is not listed | | authorised, unless the policy is nitpicky |
///
/// ```
/// use fedmsg_message::RoutingPolicy;
///
/// let policy = RoutingPolicy::new([("org.example.prod.bodhi.update", ["bodhi-app01"])]);
/// assert!(policy.contains("org.example.prod.bodhi.update"));
/// assert!(!policy.contains("org.example.prod.bodhi"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutingPolicy {
    signers: HashMap<Box<str>, Vec<Box<str>>>,
    is_nitpicky: bool,
}

impl RoutingPolicy {
    /// Makes a policy of topics and who may send to each.
    pub fn new<T, S>(entries: impl IntoIterator<Item = (T, S)>) -> RoutingPolicy
    where
        T: Into<Box<str>>,
        S: IntoIterator<Item: Into<Box<str>>>,
    {
        let list = |signers: S| signers.into_iter().map(Into::into).collect();
        let entries = entries.into_iter();
        RoutingPolicy {
            signers: entries
                .map(|(topic, signers)| (topic.into(), list(signers)))
                .collect(),
            is_nitpicky: false,
        }
    }

    /// Returns the policy as one that refuses all topics that are not listed.
    #[must_use]
    pub fn nitpicky(mut self) -> RoutingPolicy {
        self.is_nitpicky = true;
        self
    }

    /// Returns whether the topic is listed.
    pub fn contains(&self, topic: &str) -> bool {
        self.signers.contains_key(topic)
    }

    /// Judges whether the signer may send to the topic.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotAuthorised`], [`Refusal::TopicWithoutPolicy`].
    pub(super) fn check(&self, topic: &str, signer: &Arc<str>) -> Result<(), Refusal> {
        match self.signers.get(topic) {
            Some(listed) if listed.iter().any(|name| **name == **signer) => Ok(()),
            Some(_) => Err(Refusal::NotAuthorised {
                signer: signer.clone(),
            }),
            None if self.is_nitpicky => Err(Refusal::TopicWithoutPolicy {
                signer: signer.clone(),
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_topic_is_for_those_listed_with_it() {
        #[track_caller]
        fn check(topic: &str, signer: &str, plain: Option<&str>, nitpicky: Option<&str>) {
            let policy = RoutingPolicy::new([("t.a", vec!["one", "two"]), ("t.none", vec![])]);
            let refusal = |policy: &RoutingPolicy| {
                let checked = policy.check(topic, &signer.into());
                checked.err().map(|refusal| refusal.code())
            };
            assert_eq!(refusal(&policy), plain, "{topic} {signer}");
            assert_eq!(refusal(&policy.nitpicky()), nitpicky, "{topic} {signer}");
        }
        let refused = Some("not-authorised");
        check("t.a", "one", None, None);
        check("t.a", "two", None, None);
        check("t.a", "on", refused, refused);
        check("t.a", "", refused, refused);
        check("t.a", "One", refused, refused);
        check("t.none", "one", refused, refused);
        check("t", "one", None, Some("topic-without-policy"));
        check("t.a.b", "one", None, Some("topic-without-policy"));
        check("t.*", "one", None, Some("topic-without-policy"));
    }
}
