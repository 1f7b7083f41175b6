//! Golden vectors of the original's composition, and what may be received but not sent.

use super::*;
use crate::fixture::{cases, text};

#[test]
fn every_composition_vector_holds() {
    for case in cases("topics/compose.json", "cases") {
        // Python's None and the empty text both mean "no topic given".
        let topic = case
            .get("topic")
            .and_then(|topic| topic.as_str())
            .unwrap_or_default();
        let part = |key| text(&case, key);
        let (prefix, environment) = (part("topic_prefix"), part("environment"));
        let composed = Topic::compose(prefix, environment, part("modname"), topic).unwrap();
        assert_eq!(composed.as_str(), part("topic_frame"));
        assert_eq!(composed.as_str(), part("topic_field"));
    }
}

#[test]
fn what_is_received_need_not_be_fit_to_send() {
    #[track_caller]
    fn check(
        bytes: &'static [u8],
        received: Result<&str, usize>,
        sendable: Result<(), TopicError>,
    ) {
        let topic = Topic::received(Bytes::from_static(bytes));
        let expected = received.map_err(|offset| DecodeError::TopicNotUtf8 { offset });
        assert_eq!(
            topic.as_ref().map(Topic::as_str),
            expected.as_ref().copied()
        );
        if let Ok(topic) = topic {
            assert_eq!(topic.check_sendable(), sendable);
            assert_eq!(
                topic.as_str().parse::<Topic>(),
                sendable.map(|()| topic.clone())
            );
            assert_eq!(topic.as_bytes(), bytes);
        }
    }
    let control = |character, position| {
        Err(TopicError::ControlCharacter {
            character,
            position,
        })
    };
    check(b"org.a", Ok("org.a"), Ok(()));
    check("café.😀 x".as_bytes(), Ok("café.😀 x"), Ok(()));
    check(b"*", Ok("*"), Ok(()));
    check(b"", Ok(""), Err(TopicError::Empty));
    check(b"a\0b", Ok("a\0b"), control('\0', 1));
    check("é\n".as_bytes(), Ok("é\n"), control('\n', 2));
    check(b"\x7f", Ok("\x7f"), control('\x7f', 0));
    check("a\u{85}".as_bytes(), Ok("a\u{85}"), control('\u{85}', 1));
    check(b"ab\xff", Err(2), Ok(()));
}

#[test]
fn no_part_smuggles_in_a_control_character() {
    for (position, parts) in [
        (0, ["\0", "e", "m", "t"]),
        (2, ["p", "\n", "m", "t"]),
        (4, ["p", "e", "\r", "t"]),
        (6, ["p", "e", "m", "\t"]),
    ] {
        let [prefix, environment, modname, topic] = parts;
        let error = Topic::compose(prefix, environment, modname, topic).unwrap_err();
        let character = parts
            .concat()
            .chars()
            .find(|character| character.is_control())
            .unwrap();
        assert_eq!(
            error,
            TopicError::ControlCharacter {
                character,
                position
            }
        );
    }
}

#[test]
fn segments_are_split_at_every_dot() {
    #[track_caller]
    fn check(topic: &'static str, expected: &[&str]) {
        let topic = Topic::received(Bytes::from_static(topic.as_bytes())).unwrap();
        assert_eq!(topic.segments().collect::<Vec<_>>(), expected);
    }
    check("org.a.b", &["org", "a", "b"]);
    check(".a..", &["", "a", "", ""]);
    check("", &[""]);
}

#[test]
fn serde_reads_topics_to_send_only() {
    let topic: Topic = serde_json::from_str("\"org.a\"").unwrap();
    assert_eq!(serde_json::to_string(&topic).unwrap(), "\"org.a\"");
    assert!(serde_json::from_str::<Topic>("\"\"").is_err());
    assert!(serde_json::from_str::<Topic>("\"a\\u0000\"").is_err());
    assert!(serde_json::from_str::<Topic>("1").is_err());
}

#[test]
fn topics_are_found_in_maps_by_their_text() {
    let topic: Topic = "org.a".parse().unwrap();
    let hashed = std::collections::HashMap::from([(topic.clone(), 1)]);
    assert_eq!(hashed.get("org.a"), Some(&1));
    let ordered = std::collections::BTreeMap::from([(topic.clone(), 1)]);
    assert_eq!(ordered.get("org.a"), Some(&1));
    assert!(
        topic == "org.a" && topic == *"org.a" && format!("{topic} {topic:?}") == "org.a \"org.a\""
    );
}
