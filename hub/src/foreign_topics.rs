//! Patterns of consumers that match nothing which is published under the configuration that has them.
//!
//! `fedmsg-config check` tells of them, and each hub as it starts. Others on the bus may publish under another
//! prefix, and topics have any words, so that this is never certain.

use fedmsg_config::Config;
use fedmsg_message::TopicPattern;

/// Every such pattern, with the name of its consumer and its place in `topics`.
pub(crate) fn foreign_topics(
    config: &Config,
) -> impl Iterator<Item = (&str, usize, &TopicPattern)> {
    let start = topics_begin_with(config);
    let patterns = config.consumers.iter().flat_map(|(name, consumer)| {
        let topics = consumer.topics.iter().flatten().enumerate();
        topics.map(move |(index, pattern)| (name.as_str(), index, pattern))
    });
    patterns.filter(move |(_, _, pattern)| !can_match(pattern.as_str(), &start))
}

/// The words before those of a module.
pub(crate) fn topics_begin_with(config: &Config) -> String {
    format!("{}.{}", config.topic_prefix, config.environment)
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
