//! Patterns that match nothing which is published under the configuration that has them.
//!
//! [`super::findings`] calls it. Others on the bus may publish under another prefix, and topics have any
//! words, so that this is never certain.

use fedmsg_config::{KeyPath, Loaded};

use super::finding::Finding;

/// Looks at the topics of all consumers.
pub(super) fn check(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    let start = format!("{}.{}", config.topic_prefix, config.environment);
    for (name, consumer) in &config.consumers {
        for (index, pattern) in consumer.topics.iter().flatten().enumerate() {
            if !can_match(pattern.as_str(), &start) {
                let topics = KeyPath::from(["consumers", &**name, "topics"]);
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
        }
    }
    for topic in config.routing_policy.keys() {
        let key = KeyPath::from(["routing_policy", &**topic]);
        if topic.split('.').any(str::is_empty) {
            let message = "no topic is like this: it has a word without letters";
            findings.push(Finding::warning(loaded, key, message));
        }
    }
}

/// Whether a pattern may match a topic that begins with the words of `start` and goes on.
fn can_match(pattern: &str, start: &str) -> bool {
    let mut pattern = pattern.split('.').peekable();
    let mut start = start.split('.');
    loop {
        let (Some(word), Some(fixed)) = (pattern.next(), start.next()) else {
            return true;
        };
        let is_last = pattern.peek().is_none();
        match word {
            "#" => return true,
            // The last one stands for all that follows.
            "*" if is_last => return true,
            "*" => {}
            word if word == fixed => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_can_match_unless_one_of_its_first_words_is_another() {
        let check = |pattern: &str, expected: bool| {
            assert_eq!(can_match(pattern, "org.example.dev"), expected, "{pattern}");
        };
        for pattern in [
            "#",
            "*",
            "org",
            "org.example",
            "org.example.dev",
            "org.example.dev.shop.#",
            "org.*.dev.shop",
            "*.*.dev.shop",
            "#.shop",
            "org.#.shop",
            "org.example.*",
        ] {
            check(pattern, true);
        }
        for pattern in [
            "com",
            "org.examples",
            "org.example.prod.#",
            "*.example.prod.shop",
            "shop.#",
        ] {
            check(pattern, false);
        }
    }
}
