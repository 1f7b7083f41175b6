//! The fall-back of the original, and conglomerators of our own.

use serde_json::json;

use super::super::tests::processors;
use super::super::{About, Processor, SerialComma, list_to_series};
use super::*;
use crate::fixture::cases;
use crate::json::to_value;

#[test]
fn the_vectors_of_the_original_are_met() {
    for case in cases("meta/conglomerate.json", "cases") {
        let messages = case.get("messages").and_then(Value::as_array).unwrap();
        let subject = case.get("subject").and_then(Value::as_str);
        let told = processors(&case).conglomerate(messages, subject, 0.0);
        let expected = case.get("expected").and_then(Value::as_array).unwrap();
        assert_eq!(told.len(), expected.len());
        for (told, expected) in told.iter().zip(expected) {
            let told = to_value(told).unwrap();
            for (key, expected) in expected.as_object().unwrap() {
                let key = key.as_str().unwrap();
                let told = told.get(key).unwrap();
                match expected.as_f64() {
                    // The original leaves a time that is whole as it came.
                    Some(number) => assert_eq!(told.as_f64(), Some(number), "{key}"),
                    None => assert_eq!(told, expected, "{key} of {case:?}"),
                }
            }
        }
    }
}

/// Makes one of all logged by one user.
struct SameUser;

impl Conglomerator for SameUser {
    fn can_handle(&self, message: &Value) -> bool {
        message.pointer("/msg/log").is_some()
    }

    fn matches(&self, one: &Value, other: &Value) -> bool {
        one.get("username") == other.get("username")
    }

    fn merge(
        &self,
        messages: &[&Value],
        merged: Conglomerate,
        subject: Option<&str>,
    ) -> Conglomerate {
        let logs = messages.iter().filter_map(|it| it.pointer("/msg/log"));
        let logs: Vec<_> = logs.filter_map(Value::as_str).collect();
        let users = list_to_series(merged.usernames.iter(), 3, SerialComma::Oxford);
        Conglomerate {
            subtitle: format!("{users}: {}", logs.join("+")),
            subjective: subject.unwrap_or("nobody").to_owned(),
            ..merged
        }
    }
}

/// Knows the diary, and who can merge it.
struct Diary(Vec<Box<dyn Conglomerator>>);

impl Processor for Diary {
    fn about(&self) -> About<'_> {
        About {
            name: "diary",
            description: "d",
            link: "l",
            docs: "d",
            obj: "o",
            ..About::default()
        }
    }

    fn usernames(&self, message: &Value) -> BTreeSet<String> {
        crate::text::sender(message)
    }

    fn conglomerators(&self) -> &[Box<dyn Conglomerator>] {
        &self.0
    }
}

#[test]
fn what_matches_the_first_is_merged_in_its_place() {
    let message = |user: &str, log: Option<&str>, time: i64| {
        let msg = log.map_or(json!({}), |log| json!({"log": log}));
        Value::from(json!({
            "topic": "org.example.dev.diary.entry", "username": user, "msg": msg,
            "timestamp": time, "msg_id": format!("{user}-{time}"),
        }))
    };
    let messages = [
        message("eve", None, 1),
        message("ada", Some("1"), 10),
        message("bob", Some("2"), 20),
        message("ada", Some("3"), 40),
        message("ada", None, 50),
        message("ada", Some("4"), 40),
        message("bob", Some("5"), 30),
        message("cay", Some("6"), 60),
    ];
    let mut processors = Processors::for_prefix("org.example").unwrap();
    let diary = Diary(vec![Box::new(SameUser), Box::new(SameUser)]);
    processors.add(diary).unwrap();
    let told = processors.conglomerate(&messages, Some("eve"), 3_630.0);
    let subtitles: Vec<_> = told.iter().map(|it| &*it.subtitle).collect();
    assert_eq!(subtitles, ["", "ada: 1+3+4", "bob: 2+5", "", ""]);
    let ada = &told[1];
    assert_eq!(
        (ada.start_time, ada.end_time, ada.timestamp),
        (10.0, 40.0, 30.0)
    );
    assert_eq!((&*ada.human_time, &*ada.subjective), ("an hour ago", "eve"));
    // Two at the same time have the same identifier here.
    assert_eq!(ada.msg_ids.keys().collect::<Vec<_>>(), ["ada-10", "ada-40"]);
    assert_eq!(Vec::from_iter(&ada.categories), ["diary"]);
}

#[test]
fn short_topics_and_missing_times_do_no_harm() {
    let processors = Processors::for_prefix("org.example").unwrap();
    let messages = [Value::Null, Value::from(json!({"topic": "a.b"}))];
    let told = processors.conglomerate(&messages, None, 0.0);
    assert_eq!(told.len(), 2);
    assert!(
        told.iter()
            .all(|it| it.categories.is_empty() && it.timestamp == 0.0)
    );
}
