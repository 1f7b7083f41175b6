//! Topics that nobody will publish, of consumers and of the routing policy.
//!
//! [`super::findings`] calls it; [`crate::foreign_topics`] knows those of consumers.

use fedmsg_config::{KeyPath, Loaded};

use super::finding::Finding;
use crate::foreign_topics::{foreign_topics, topics_begin_with};

/// Looks at the topics of all consumers.
pub(super) fn check(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    let start = topics_begin_with(config);
    for (name, index, pattern) in foreign_topics(config) {
        let topics = KeyPath::from(["consumers", name, "topics"]);
        let listed = topics.child(index);
        let key = match loaded.origins.written_at(&listed) {
            Some(_) => listed,
            None => topics,
        };
        let message = format!(
            "\"{}\" matches nothing that is published under this configuration: its topics \
             begin with {start}",
            pattern.as_str()
        );
        findings.push(Finding::warning(loaded, key, message));
    }
    for topic in config.routing_policy.keys() {
        let key = KeyPath::from(["routing_policy", &**topic]);
        if topic.split('.').any(str::is_empty) {
            let message = "no topic is like this: it has a word without letters";
            findings.push(Finding::warning(loaded, key, message));
        }
    }
}
