//! What the original says about each message of its vectors, and what is said about any JSON at all.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::python::to_text;
use super::*;
use crate::fixture::{any_value, cases, text};
use crate::json::Object;

/// The processors under the configuration of a case, which has the expression that the original derives
/// from the prefix, or one of its own.
pub(super) fn processors(case: &Value) -> Processors {
    let config = case.get("config").unwrap();
    let expression = text(config, "topic_prefix_re");
    let derived = Processors::for_prefix(text(config, "topic_prefix")).unwrap();
    if derived.prefix_expression == expression {
        derived
    } else {
        Processors::for_expression(expression).unwrap()
    }
}

/// What one of the original's functions gives; what is no text in the form in which its `msg2repr` has
/// it. Where it raises an error we give an empty text.
fn expected(case: &Value, function: &str) -> String {
    let expected = case.pointer(&format!("/expected/{function}")).unwrap();
    match expected.get("value") {
        Some(value) => to_text(value),
        None => {
            assert!(expected.get("raises").is_some(), "{expected:?}");
            String::new()
        }
    }
}

fn optional(text: Option<String>) -> String {
    text.unwrap_or_else(|| "None".to_owned())
}

/// Texts as the vectors have a set.
fn list(texts: BTreeSet<String>) -> String {
    to_text(&texts.into_iter().collect())
}

fn object(texts: BTreeMap<String, String>) -> String {
    to_text(&Value::Object(texts.into_iter().collect::<Object>()))
}

#[test]
fn the_vectors_of_the_original_are_met() {
    for case in cases("meta/builtin.json", "cases") {
        let processors = processors(&case);
        let reading = processors.read(case.get("message").unwrap());
        let name = reading.processor().about().name;
        assert_eq!(name, text(case.get("expected").unwrap(), "processor"));
        for (function, value) in [
            ("msg2repr", reading.repr()),
            ("msg2title", reading.title()),
            ("msg2subtitle", reading.subtitle()),
            ("msg2long_form", reading.long_form()),
            ("msg2link", optional(reading.link())),
            ("msg2icon", optional(reading.icon())),
            ("msg2secondary_icon", optional(reading.secondary_icon())),
            ("msg2usernames", list(reading.usernames())),
            ("msg2agent", optional(reading.agent())),
            ("msg2packages", list(reading.packages())),
            ("msg2objects", list(reading.objects())),
            ("msg2emails", object(reading.emails())),
            ("msg2avatars", object(reading.avatars())),
            ("msg2lexer", optional(reading.lexer())),
        ] {
            assert_eq!(value, expected(&case, function), "{function} of {case:?}");
        }
        for subject in ["ralph", "lmacken", ""] {
            assert_eq!(
                reading.subjective(Some(subject)),
                expected(&case, &format!("msg2subjective/{subject}")),
                "to {subject} of {case:?}"
            );
        }
    }
}

#[test]
fn what_is_no_text_is_said_as_the_original_says_it() {
    #[track_caller]
    fn check(event: &str, members: &str, expected: &str) {
        let topic = format!("org.example.dev.{event}");
        let message = format!(r#"{{"topic": "{topic}", {members}}}"#);
        let message = Value::parse_str(&message).unwrap();
        let processors = Processors::for_prefix("org.example").unwrap();
        assert_eq!(processors.read(&message).repr(), expected);
    }
    // What fedmsg 1.1.7 says, asked for each.
    let log = "logger.log";
    check(
        log,
        r#""username": ["a", null], "msg": {"log": "x"}"#,
        "logger.log -- x (['a', None]) ",
    );
    check(
        log,
        r#""username": NaN, "msg": {}"#,
        "logger.log -- <custom JSON message> (nan) ",
    );
    check(log, r#""username": "ada", "msg": {"log": null}"#, "");
    check(log, r#""username": "ada", "msg": null"#, "");
    let odd = "logger.log -- <custom JSON message> (ada) ";
    check(log, r#""username": "ada", "msg": "text""#, odd);
    for link in ["null", "false", "0", "[]", "{}", "\"\""] {
        let payload = format!(r#""msg": {{"message": null, "link": {link}}}"#);
        check("announce.x", &payload, "announce.x -- None ");
    }
    let payload = r#""msg": {"message": {"it's": 1.50}, "link": true}"#;
    check("announce.x", payload, "announce.x -- {\"it's\": 1.5} True");
}

/// Looks at everything that there is to say.
fn read_all(processors: &Processors, message: &Value) {
    let reading = processors.read(message);
    let texts = [
        reading.repr(),
        reading.title(),
        reading.subtitle(),
        reading.long_form(),
        reading.subjective(None),
        reading.subjective(Some("ada")),
    ];
    let sets = [reading.usernames(), reading.packages(), reading.objects()];
    let maps = [reading.emails(), reading.avatars()];
    let optional = [
        reading.link(),
        reading.icon(),
        reading.secondary_icon(),
        reading.lexer(),
    ];
    drop((texts, maps, optional));
    assert!(reading.agent().is_none_or(|agent| sets[0].contains(&agent)));
    let told = processors.conglomerate(std::slice::from_ref(message), Some("ada"), 0.0);
    assert_eq!(told.len(), 1);
}

/// Messages whose members are of any kind, under topics that somebody knows.
fn any_message() -> impl Strategy<Value = Value> {
    let topic = prop_oneof![
        Just(Value::from("org.example.dev.logger.log")),
        Just(Value::from("org.example.dev.announce.announcement")),
        Just(Value::from("org.example.dev.logger")),
        any_value(),
    ];
    let name = prop::sample::select(vec!["log", "message", "link", "username", "x"]);
    let payload = prop::collection::vec((name, any_value()), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Object>()));
    let payload = prop_oneof![payload, any_value()];
    let user = prop_oneof![Just(Value::from("ada")), any_value()];
    let members = (topic, payload, user, any_value(), 0..16u8);
    members.prop_map(|(topic, msg, user, other, absent)| {
        let members = [
            ("topic", topic),
            ("msg", msg),
            ("username", user),
            ("timestamp", other.clone()),
            ("msg_id", other),
        ];
        let members = members.into_iter().enumerate();
        let present = members.filter(|(index, _)| absent >> index & 1 == 0);
        Value::Object(present.map(|(_, member)| member).collect::<Object>())
    })
}

proptest! {
    #[test]
    fn any_message_and_any_json_has_a_reading(message in any_message(), value in any_value()) {
        static PROCESSORS: LazyLock<Processors> =
            LazyLock::new(|| Processors::for_prefix("org.example").unwrap());
        read_all(&PROCESSORS, &message);
        read_all(&PROCESSORS, &value);
    }
}

/// Knows everything under one topic, if it is let.
struct Plugin(About<'static>);

impl Processor for Plugin {
    fn about(&self) -> About<'_> {
        self.0
    }
}

const COMPLETE: About<'static> = About {
    name: "Shop",
    description: "sales",
    link: "l",
    docs: "d",
    obj: "o",
    icon: Some("picture"),
    topic_prefix_re: None,
};

#[test]
fn a_plugin_is_asked_before_unhandled_is() {
    let mut processors = Processors::for_prefix("org.example").unwrap();
    processors.add(Plugin(COMPLETE)).unwrap();
    let names: Vec<_> = processors.iter().map(|it| it.about().name).collect();
    assert_eq!(names, ["announce", "logger", "Shop", "unhandled"]);
    let (processor, rest) = processors.handle("org.example.dev.shop.tea.sold");
    assert_eq!((processor.about().name, rest), ("Shop", "tea.sold"));
    assert_eq!(processor.icon(&Value::Null).as_deref(), Some("picture"));
    let (processor, rest) = processors.handle("org.u");
    assert_eq!((processor.about().name, rest), ("unhandled", "org.u"));
}

#[test]
fn a_plugin_may_have_a_prefix_of_its_own() {
    let mut processors = Processors::for_prefix("org.example").unwrap();
    let about = About {
        topic_prefix_re: Some("(com|net)"),
        ..COMPLETE
    };
    processors.add(Plugin(about)).unwrap();
    assert_eq!(processors.handle("net.shop.x").1, "x");
    let (processor, _) = processors.handle("org.example.dev.shop.x");
    assert_eq!(processor.about().name, "unhandled");
}

#[test]
fn a_plugin_says_who_it_is() {
    #[track_caller]
    fn check(about: About<'static>, attribute: &'static str) {
        let mut processors = Processors::for_prefix("org").unwrap();
        let error = processors.add(Plugin(about)).unwrap_err();
        let processor = about.name.to_owned();
        assert_eq!(
            error,
            ProcessorError::Blank {
                processor,
                attribute
            }
        );
        assert_eq!(processors.iter().count(), 3);
    }
    check(
        About {
            name: "",
            ..COMPLETE
        },
        "name",
    );
    check(
        About {
            description: "",
            ..COMPLETE
        },
        "description",
    );
    check(
        About {
            link: "",
            ..COMPLETE
        },
        "link",
    );
    check(
        About {
            docs: "",
            ..COMPLETE
        },
        "docs",
    );
    check(
        About {
            obj: "",
            ..COMPLETE
        },
        "obj",
    );
}
