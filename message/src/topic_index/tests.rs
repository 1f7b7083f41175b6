//! The index against trying each pattern, and against topics made to exhaust it.

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> TopicPattern {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn index(patterns: &[(&str, u32)]) -> TopicIndex {
    let mut index = TopicIndex::new();
    for (text, key) in patterns {
        index.insert(&pattern(text), *key);
    }
    index
}

fn found(index: &TopicIndex, topic: &str) -> Vec<u32> {
    let mut keys = Vec::new();
    index.lookup(topic, &mut keys);
    keys
}

#[test]
fn keys_are_found_once_and_ascending() {
    let index = index(&[
        ("org.t", 9),
        ("org.*.x", 4),
        ("org.#.x", 4),
        ("#.x.#", 7),
        ("*", 5),
        ("", 5),
        ("org.t.*", 1),
        ("org.t.x.y", 2),
    ]);
    #[track_caller]
    fn check(index: &TopicIndex, topic: &str, expected: &[u32]) {
        assert_eq!(found(index, topic), expected, "{topic}");
    }
    check(&index, "org.t.x", &[1, 4, 5, 7, 9]);
    check(&index, "org.t", &[5, 9]);
    check(&index, "org.x", &[4, 5, 7]);
    check(&index, "org.a.b.x", &[4, 5, 7]);
    check(&index, "org.t.x.y.z", &[1, 2, 5, 7, 9]);
    check(&index, "org.tt", &[5]);
    check(&index, "", &[5]);
}

#[test]
fn what_was_in_the_list_stays() {
    let index = index(&[("#.b", 2), ("a", 1), ("a.*", 3), ("a.b", 2)]);
    let mut keys = vec![8, 2, 2];
    index.lookup("a.b", &mut keys);
    assert_eq!(keys, [8, 2, 2, 1, 2, 3]);
    index.lookup("nothing", &mut keys);
    assert_eq!(keys, [8, 2, 2, 1, 2, 3]);
}

#[test]
fn a_removed_key_leaves_nothing_behind() {
    let mut index = index(&[
        ("a.b", 1),
        ("#.b.#.c", 1),
        ("*", 1),
        ("#.b.#.d", 2),
        ("a", 3),
    ]);
    assert_eq!(found(&index, "a.b.c"), [1, 3]);
    index.remove(1);
    index.remove(77);
    assert_eq!(found(&index, "a.b.c"), [3]);
    assert_eq!(found(&index, "a.b.d"), [2, 3]);
    index.remove(2);
    index.remove(3);
    assert!(index.is_empty());
    assert_eq!(index.floating, 0);
    assert_eq!(found(&index, "a.b.c"), [0; 0]);
}

#[test]
fn many_open_ends_and_a_long_topic_cost_little() {
    // Naively each `#` doubles the places the topic can be at, with each of 20,000 segments.
    let mut index = TopicIndex::new();
    for key in 0..30 {
        index.insert(&pattern(&format!("{}{key}", "#.a.".repeat(30))), key);
        index.insert(
            &pattern(&format!("{}#", "#.a.".repeat(key as usize + 1))),
            100 + key,
        );
    }
    let topic = "a.".repeat(20_000);
    assert_eq!(found(&index, &topic), (100..130).collect::<Vec<_>>());
    assert_eq!(
        found(&index, &format!("{topic}7")),
        [&[7], &*(100..130).collect::<Vec<_>>()].concat()
    );
}

#[test]
fn thousands_of_patterns_that_all_match_are_found() {
    let mut index = TopicIndex::new();
    for key in 0..1_000 {
        // Each has a `#` of its own behind a shared one.
        index.insert(&pattern(&format!("#.s{key}.#.end")), key);
    }
    let topic: Vec<String> = (0..1_000).map(|key| format!("s{key}")).collect();
    let topic = format!("{}.end", topic.join("."));
    assert_eq!(found(&index, &topic), (0..1_000).collect::<Vec<_>>());
}

fn any_pattern() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "c", "", "*", "*", "#", "#"]);
    prop::collection::vec(segment, 1..7).prop_map(|segments| segments.join("."))
}

fn any_topic() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "a", "b", "c", "d", ""]);
    prop::collection::vec(segment, 1..9).prop_map(|segments| segments.join("."))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_index_agrees_with_trying_each_pattern(
        patterns in prop::collection::vec((any_pattern(), 0..20u32), 0..40),
        topics in prop::collection::vec(any_topic(), 1..6),
        removed in prop::collection::vec(0..20u32, 0..4),
    ) {
        let mut patterns: Vec<_> =
            patterns.into_iter().map(|(text, key)| (pattern(&text), key)).collect();
        let mut index = TopicIndex::new();
        for (pattern, key) in &patterns {
            index.insert(pattern, *key);
        }
        // First with every key, then with one key after the other gone.
        for removed in std::iter::once(None).chain(removed.into_iter().map(Some)) {
            if let Some(removed) = removed {
                index.remove(removed);
                patterns.retain(|(_, key)| *key != removed);
            }
            for topic in &topics {
                let matching = patterns.iter().filter(|(pattern, _)| pattern.matches(topic));
                let mut expected: Vec<u32> = matching.map(|(_, key)| *key).collect();
                expected.sort_unstable();
                expected.dedup();
                prop_assert_eq!(found(&index, topic), expected, "{} {:?}", topic, patterns);
            }
            prop_assert_eq!(index.is_empty(), patterns.is_empty());
        }
    }
}
