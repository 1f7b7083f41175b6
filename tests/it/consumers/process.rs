//! Consumers in other languages: the examples, as their configuration has them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use fedmsg_consumers::Process;
use fedmsg_hub::{TestBus, TestHub};
use toml::Table;

/// The settings of a consumer of the example; nothing if its interpreter is absent, which is said.
fn example(name: &str, interpreter: &str) -> Option<String> {
    let found = Command::new(interpreter)
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !found.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no {interpreter}");
        return None;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = fs::read_to_string(folder.join("examples/process/hub.toml")).unwrap();
    let config: Table = config.parse().unwrap();
    let mut settings = config["consumers"][name].as_table().unwrap().clone();
    assert_eq!(settings.remove("kind").unwrap().as_str(), Some("process"));
    Some(
        settings
            .to_string()
            .replace("[params", &format!("[consumers.{name}.params")),
    )
}

/// Runs the example with these messages, by topic, and returns what it publishes, and what it dropped.
fn run(name: &str, interpreter: &str, messages: &[(&str, &str)], expected: &[&str], dropped: u64) {
    let Some(settings) = example(name, interpreter) else {
        return;
    };
    let bus = TestBus::new().consumer::<Process>(name, &settings);
    let report = bus.run(async |hub: &TestHub| {
        for (topic, msg) in messages {
            let msg = fedmsg_message::json::Value::parse(msg.as_bytes()).unwrap();
            hub.publish(topic, msg).await;
        }
        for expected in expected {
            let published = hub.next_published().await;
            let msg = fedmsg_message::json::to_spaced(published.msg()).unwrap();
            assert_eq!(msg, *expected);
        }
        hub.settle().await;
    });
    let status = report.status.consumer(name).unwrap();
    assert_eq!((status.dropped, status.figures["failures"]), (dropped, 0));
    assert_eq!(report.is_clean(), dropped == 0);
}

#[test]
fn the_example_in_python_greets() {
    let arrivals = [
        ("org.example.dev.shop.arrival", r#"{"name": "Ada"}"#),
        (
            "org.example.dev.shop.arrival",
            r#"{"name": "Zo\u00eb \"\n"}"#,
        ),
    ];
    let expected = [r#""Hello, Ada!""#, r#""Hello, Zo\u00eb \"\n!""#];
    run("python", "python3", &arrivals, &expected, 0);
}

#[test]
fn the_example_in_bash_says_the_topics() {
    let messages = [
        (
            "org.example.dev.shop.a",
            r#"{"id": 7, "topic": "$(touch /tmp/x) `id`"}"#,
        ),
        ("org.example.dev.shop.b\"c", "1"),
    ];
    let expected = [
        r#""org.example.dev.shop.a""#,
        r#""org.example.dev.shop.b\"c""#,
    ];
    run("bash", "bash", &messages, &expected, 0);
}

#[test]
fn the_example_in_javascript_adds_up_and_drops_what_has_no_price() {
    let sale = "org.example.dev.shop.sale";
    let messages = [
        (sale, r#"{"price": 3}"#),
        (sale, r#"{"price": "much"}"#),
        (sale, r#"{"price": 0.5}"#),
    ];
    run("node", "node", &messages, &["3", "3.5"], 1);
}

#[test]
fn the_examples_are_short() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/process");
    for name in ["consumer.py", "consumer.sh", "consumer.mjs"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.lines().count() <= 20, "{name}");
    }
}
