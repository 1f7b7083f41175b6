//! Who gets which message, how often, and in what order.

use fedmsg_hub::{Message, Publisher, TestBus, TestHub};

use super::{Probe, Scripted};

const TOPIC: &str = "com.example.test.work";

#[test]
fn two_instances_of_a_kind_have_their_own_settings_and_messages() {
    let probe = Probe::new();
    let settings =
        |mark, topics| probe.settings(&format!("params.mark = '{mark}'\ntopics = {topics}"));
    TestBus::new()
        .consumer::<Scripted>("left", &settings("!", "'com.example.*.work'"))
        .consumer::<Scripted>("right", &settings("?", "['com.example.test.#', 'org']"))
        .run(async |bus| {
            bus.publish(TOPIC, "1").await;
            bus.publish("com.example.other.work", "2").await;
            bus.publish("com.example.test.play", "3").await;
            bus.settle().await;
        });
    assert_eq!(probe.of("left"), ["build ok", "1!", "2!", "stop"]);
    assert_eq!(probe.of("right"), ["build ok", "1?", "3?", "stop"]);
}

#[test]
fn a_message_that_matches_several_patterns_comes_once() {
    let probe = Probe::new();
    let topics = "topics = ['#', '*', 'com.example', 'com.#.work', 'com.example.test.work']";
    let report = TestBus::new()
        .settings("endpoints.again = 'inproc://test'") // and so does one that is listed twice
        .consumer::<Scripted>("keen", &probe.settings(topics))
        .run(async |bus| {
            bus.publish(TOPIC, "1").await;
            bus.publish(TOPIC, "2").await;
            bus.settle().await;
        });
    assert_eq!(probe.of("keen"), ["build ok", "1", "2", "stop"]);
    assert_eq!(report.status.consumer("keen").unwrap().accepted, 2);
}

#[test]
fn the_hub_of_a_test_listens_to_nobody_else() {
    let probe = Probe::new();
    TestBus::new()
        .settings("endpoints.other = 'inproc://other'")
        .consumer::<Scripted>("lonely", &probe.settings(""))
        .run(async |bus| {
            let addresses = bus.bus().config().endpoints.addresses();
            let addresses: Vec<_> = addresses.map(|(_, it)| it.to_string()).collect();
            assert_eq!(addresses, ["inproc://other", "inproc://test"]);
        });
}

#[test]
fn a_consumer_can_publish() {
    let probe = Probe::new();
    let report = TestBus::new()
        .settings("topic_prefix = 'org.example'\nenvironment = 'prod'")
        .consumer::<Scripted>("parrot", &probe.settings(""))
        .run(async |bus| {
            bus.publish(TOPIC, "polly publish").await;
            let echo = bus.next_published().await;
            assert_eq!(echo.topic().as_str(), "org.example.prod.parrot.echo");
            assert_eq!(echo.msg().as_str(), Some("polly"));
            bus.settle().await;
        });
    let publisher = report.status.publisher.unwrap();
    assert_eq!(
        (publisher.messages, publisher.unheard),
        (2, 0),
        "the echo and the goodbye"
    );
}

#[test]
fn messages_of_each_publisher_come_in_the_order_in_which_it_sent_them() {
    const COUNT: usize = 500;
    let names = ["a", "b", "c"];
    let endpoints: String = names
        .iter()
        .map(|name| format!("endpoints.{name} = 'inproc://{name}'\n"))
        .collect();
    let probe = Probe::new();
    let report = TestBus::new()
        .settings(&endpoints)
        .consumer::<Scripted>("clerk", &probe.settings("mailbox.messages = 50"))
        .run(async |bus| {
            let mut publishers = Vec::new();
            for name in names {
                publishers.push((name, heard_publisher(bus, name).await));
            }
            for n in 0..COUNT {
                for (name, publisher) in &publishers {
                    let message = Message::new("work", format!("{name}{n}"));
                    publisher.publish(message).await.unwrap();
                }
            }
            let consumed = COUNT * names.len();
            bus.until(|status| status.consumers[0].consumed == consumed as u64)
                .await;
        });
    let consumed = probe.of("clerk");
    for name in names {
        let numbers = consumed
            .iter()
            .filter_map(|it| it.strip_prefix(name)?.parse().ok());
        assert_eq!(
            numbers.collect::<Vec<usize>>(),
            (0..COUNT).collect::<Vec<_>>()
        );
    }
    assert!(report.is_clean());
}

/// Opens the publisher of the endpoint `name` and waits until the hub listens to it.
async fn heard_publisher(bus: &TestHub, name: &str) -> Publisher {
    let publisher = bus.bus().publisher_named(&name.into()).await.unwrap();
    let topic = TOPIC.parse().unwrap();
    let patience = std::time::Duration::from_secs(30);
    publisher.wait_for_subscriber(&topic, patience).await;
    publisher
}
