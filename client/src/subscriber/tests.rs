//! What a subscriber hears, from whom, how often, and what becomes of it when somebody goes.

use std::time::Duration;

use fedmsg_config::Config;
use fedmsg_message::Message;
use futures::{FutureExt, StreamExt};
use tokio::time::timeout;

use super::*;
use crate::{Audience, Bus, Publisher, SubscriberCounts};

const PATIENCE: Duration = Duration::from_secs(30);

fn bus(toml: &str) -> Bus {
    let settings = "topic_prefix = 'org'\nenvironment = 'dev'\npost_init_sleep = 0\n\
                    zmq_linger = 0\nendpoints.relay_outbound = []";
    Bus::open(Config::from_toml(&format!("{settings}\n{toml}")).unwrap())
}

/// Reads one message, with a deadline.
async fn next(subscriber: &mut Subscriber) -> Delivery {
    let next = timeout(PATIENCE, subscriber.next()).await;
    next.expect("a message in time").expect("no end")
}

/// Publishes `n` under `topic` once somebody has subscribed; the subscriber is read meanwhile, which
/// must give nothing.
async fn publish(publisher: &Publisher, subscriber: &mut Subscriber, topic: &str, n: u64) {
    let wanted = format!("org.dev.m.{topic}").parse().unwrap();
    tokio::select! {
        audience = publisher.wait_for_subscriber(&wanted, PATIENCE) => {
            assert_eq!(audience, Audience::Somebody);
        }
        delivery = subscriber.next() => panic!("{delivery:?}"),
    }
    let message = Message::new(topic, n).with_modname("m");
    publisher.publish(message).await.unwrap();
}

#[test]
fn nothing_to_listen_to_is_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    for toml in [
        "",
        "endpoints.a = []",
        "endpoints.relay_inbound = 'tcp://127.0.0.1:1'",
    ] {
        let error = bus(toml).subscribe([]).err().unwrap();
        assert!(matches!(error, SubscribeError::NoEndpoint), "{toml}");
    }
}

#[tokio::test]
async fn an_address_that_is_listed_twice_is_heard_once() {
    let bus = bus("endpoints.a = 'inproc://x'\nendpoints.b = ['inproc://x', 'inproc://x']");
    let publisher = bus.publisher_named(&"a".into()).await.unwrap();
    let mut subscriber = bus.subscribe([]).unwrap();
    publish(&publisher, &mut subscriber, "t", 1).await;
    publish(&publisher, &mut subscriber, "t", 2).await;
    for n in 1..=2 {
        assert_eq!(next(&mut subscriber).await.msg().as_i64(), Some(n));
    }
    assert!(subscriber.next().now_or_never().is_none());
    let counters = subscriber.counters();
    assert_eq!(counters.counts().messages, 2);
    let endpoints = counters.endpoints();
    assert_eq!(endpoints.len(), 1);
    assert_eq!(
        (endpoints[0].name.as_str(), endpoints[0].messages),
        ("a", 2)
    );
    assert!(endpoints[0].last_message_ms > 1_700_000_000_000);
}

#[tokio::test]
async fn a_delivery_bears_the_name_of_its_endpoint() {
    let bus = bus("endpoints.left = 'inproc://l'\nendpoints.right = 'inproc://r'");
    let mut subscriber = bus.subscribe([]).unwrap();
    for name in ["left", "right"] {
        let publisher = bus.publisher_named(&name.into()).await.unwrap();
        publish(&publisher, &mut subscriber, "t", 1).await;
        assert_eq!(next(&mut subscriber).await.endpoint().as_str(), name);
    }
}

#[tokio::test]
async fn only_what_a_filter_lets_through_arrives() {
    let bus = bus("endpoints.a = 'inproc://a'");
    let publisher = bus.publisher_named(&"a".into()).await.unwrap();
    let filters = ["org.dev.m.*.end", "org.dev.m.pre"].map(|it| it.parse().unwrap());
    let mut subscriber = bus.subscribe(filters).unwrap();
    publish(&publisher, &mut subscriber, "prefix", 0).await;
    for (topic, n) in [("x.end", 1), ("x.y.end", 2), ("other", 3), ("y.end", 4)] {
        let message = Message::new(topic, n).with_modname("m");
        publisher.publish(message).await.unwrap();
    }
    for expected in [0, 1, 4] {
        assert_eq!(next(&mut subscriber).await.msg().as_i64(), Some(expected));
    }
}

#[tokio::test]
async fn a_read_that_is_given_up_loses_nothing() {
    let bus = bus("endpoints.a = 'inproc://a'");
    let publisher = bus.publisher_named(&"a".into()).await.unwrap();
    let mut subscriber = bus.subscribe([]).unwrap();
    publish(&publisher, &mut subscriber, "t", 0).await;
    for n in 1..1000_u64 {
        let message = Message::new("t", n).with_modname("m");
        publisher.publish(message).await.unwrap();
    }
    let mut received = Vec::new();
    while received.len() < 1000 {
        // Now one by one, now a batch, now given up: whatever comes first.
        if let Some(delivery) = subscriber.next().now_or_never().flatten() {
            received.push(delivery);
        }
        if received.len() % 7 == 0
            && let Some(batch) = subscriber.next_batch().now_or_never().flatten()
        {
            received.extend(batch);
        }
        tokio::task::yield_now().await;
    }
    let numbers: Vec<_> = received.iter().filter_map(|it| it.msg().as_i64()).collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_publisher_that_goes_and_comes_back_is_heard_again_and_the_loss_is_counted() {
    let first = bus("endpoints.a = 'tcp://127.0.0.1:0'");
    let publisher = first.publisher_named(&"a".into()).await.unwrap();
    let address = publisher.addresses()[0].clone();
    let listening = bus(&format!("endpoints.a = '{address}'"));
    let mut subscriber = listening.subscribe([]).unwrap();
    publish(&publisher, &mut subscriber, "t", 1).await;
    assert_eq!(next(&mut subscriber).await.msg().as_i64(), Some(1));
    let counters = subscriber.counters();
    let connections = |counts: SubscriberCounts| (counts.connected, counts.connections_lost);
    assert_eq!(connections(counters.counts()), (1, 0));

    drop((publisher, first));
    let gone = async {
        while connections(counters.counts()) != (0, 1) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        gone = timeout(PATIENCE, gone) => gone.expect("it is noticed"),
        delivery = subscriber.next() => panic!("{delivery:?}"),
    }

    let again = bus(&format!("endpoints.a = '{address}'"));
    let publisher = again.publisher_named(&"a".into()).await.unwrap();
    publish(&publisher, &mut subscriber, "t", 2).await;
    assert_eq!(next(&mut subscriber).await.msg().as_i64(), Some(2));
    assert_eq!(connections(counters.counts()), (1, 1));
}

#[tokio::test]
async fn an_empty_list_of_addresses_cannot_be_listened_on() {
    let error = bus("").listen(&"relay_inbound".into(), &[], []).await.err();
    let Some(SubscribeError::NoAddress { name }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(name.as_str(), "relay_inbound");
}

#[tokio::test]
async fn a_bound_address_that_fails_ends_the_stream() {
    let context = SocketContext::new(1);
    let (options, name) = (SocketOptions::default(), "relay_inbound".into());
    let addresses = ["tcp://127.0.0.1:0", "inproc://second"].map(|it| it.parse().unwrap());
    let bound = Subscriber::bind(&context, &options, &name, &addresses, Vec::new());
    let (mut subscriber, _) = bound.await.unwrap();
    assert!(subscriber.next().now_or_never().is_none());
    // This makes sockets fail, and ends when they are closed.
    let end = tokio::task::spawn_blocking(|| context.terminate());
    let ended = timeout(PATIENCE, subscriber.next_batch()).await;
    assert!(ended.expect("the end in time").is_none());
    timeout(PATIENCE, end)
        .await
        .expect("all are closed")
        .unwrap();
    assert!(subscriber.next_batch().await.is_none());
}

#[tokio::test]
async fn a_socket_that_fails_takes_its_connections_along() {
    let publishing = bus("endpoints.a = 'tcp://127.0.0.1:0'");
    let publisher = publishing.publisher_named(&"a".into()).await.unwrap();
    let address = publisher.addresses()[0].clone();
    let context = SocketContext::new(1);
    let endpoints = [("a".into(), address)];
    let connected = Subscriber::connect(&context, &SocketOptions::default(), endpoints, Vec::new());
    let mut subscriber = connected.unwrap();
    publish(&publisher, &mut subscriber, "t", 1).await;
    assert_eq!(next(&mut subscriber).await.msg().as_i64(), Some(1));
    let counters = subscriber.counters();
    assert_eq!(counters.counts().connected, 1);
    let end = tokio::task::spawn_blocking(|| context.terminate());
    let gone = async {
        while counters.counts().connected > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        gone = timeout(PATIENCE, gone) => gone.expect("it is noticed"),
        delivery = subscriber.next() => panic!("{delivery:?}"),
    }
    assert_eq!(counters.counts().connections_lost, 1);
    assert_eq!(counters.endpoints()[0].connected, 0);
    drop(subscriber);
    timeout(PATIENCE, end)
        .await
        .expect("all are closed")
        .unwrap();
}

fn check_prefixes(filters: &[&str], expected: &[&str]) {
    let filters: Vec<TopicFilter> = filters
        .iter()
        .map(|filter| filter.parse().unwrap())
        .collect();
    let expected: Vec<Bytes> = expected
        .iter()
        .map(|prefix| Bytes::copy_from_slice(prefix.as_bytes()))
        .collect();
    assert_eq!(prefixes(&filters), expected);
}

#[test]
fn covered_prefixes_are_left_out() {
    check_prefixes(&[], &[""]);
    check_prefixes(&["org.a", "org.a.b", "org"], &["org"]);
    check_prefixes(&["org.a.*", "org.b.#", "org.b"], &["org.a.", "org.b"]);
    check_prefixes(&["*", "org"], &[""]);
}
