//! What a publisher puts on the wire, when it waits, and what it says when it cannot.

use fedmsg_message::json::Value;

use super::*;
use crate::{Bus, Subscriber};

const PATIENCE: Duration = Duration::from_secs(30);

fn bus(toml: &str) -> Bus {
    let settings = "post_init_sleep = 0\nzmq_linger = 0\nendpoints.relay_outbound = []";
    Bus::open(Config::from_toml(&format!("{settings}\n{toml}")).unwrap())
}

/// A bus with one publisher, and a subscriber that it knows of.
async fn heard(toml: &str) -> (Publisher, Subscriber) {
    let bus = bus(&format!(
        "name = 'me'\nendpoints.me = 'inproc://me'\n{toml}"
    ));
    let publisher = bus.publisher().await.unwrap();
    let mut subscriber = bus.subscribe([]).unwrap();
    let topic: Topic = "anything".parse().unwrap();
    tokio::select! {
        audience = publisher.wait_for_subscriber(&topic, PATIENCE) => {
            assert_eq!(audience, Audience::Somebody);
        }
        batch = subscriber.next_batch() => panic!("{batch:?}"),
    }
    (publisher, subscriber)
}

#[tokio::test]
async fn a_message_is_stamped_with_everything_that_the_original_sends() {
    let (publisher, mut subscriber) = heard("topic_prefix = 'org.x'\nenvironment = 'prod'").await;
    for i in 1..=3 {
        let message = Message::new("sale", "tea").with_modname("shop");
        let published = publisher.publish(message).await.unwrap();
        assert_eq!(published.audience, Audience::Somebody);
        let batch = subscriber.next_batch().await.unwrap();
        let envelope = batch[0].envelope();
        assert_eq!(envelope.topic().as_str(), "org.x.prod.shop.sale");
        assert_eq!(
            envelope.get("topic"),
            Some(&Value::from("org.x.prod.shop.sale"))
        );
        assert_eq!(envelope.msg(), &Value::from("tea"));
        assert_eq!(envelope.i(), Some(i));
        assert_eq!(envelope.msg_id(), Some(published.msg_id.as_str()));
        assert_eq!(envelope.username(), Some(user_name().as_str()));
        let age = unix_time() - envelope.timestamp().unwrap() as i64;
        assert!((0..30).contains(&age), "{age} s");
    }
    assert_eq!(publisher.counts().messages, 3);
    assert_eq!(publisher.counts().unheard, 0);
}

#[test]
fn a_message_id_is_a_year_and_a_random_uuid() {
    let (year, uuid) = (msg_id()[..4].to_owned(), msg_id()[5..].to_owned());
    assert!(year.parse::<u32>().unwrap() >= 2026);
    assert_eq!(uuid.parse::<uuid::Uuid>().unwrap().get_version_num(), 4);
    assert_eq!(msg_id().len(), 41);
    assert_ne!(msg_id(), msg_id());
}

#[tokio::test]
async fn a_message_that_nobody_has_subscribed_to_is_said_to_be_unheard() {
    let bus = bus("name = 'me'\nendpoints.me = 'inproc://me'");
    let publisher = bus.publisher().await.unwrap();
    let published = publisher.publish(Message::new("x", 1)).await.unwrap();
    assert_eq!(published.audience, Audience::Nobody);
    let counts = publisher.counts();
    assert_eq!(
        (counts.messages, counts.unheard, counts.overflowed),
        (1, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_message_of_a_bound_publisher_waits_and_the_next_ones_do_not() {
    let bus = bus("name = 'me'\nendpoints.me = 'inproc://me'");
    let config = Config {
        post_init_sleep: Duration::from_secs(5),
        ..(**bus.config()).clone()
    };
    let start = Instant::now();
    let publisher = Bus::open(config).publisher().await.unwrap();
    // What is given up meanwhile has not been sent.
    let given_up = timeout(
        Duration::from_secs(3),
        publisher.publish(Message::new("x", 1)),
    );
    assert!(given_up.await.is_err());
    assert_eq!(publisher.counts().messages, 0);
    publisher.publish(Message::new("x", 2)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(5));
    let settled = Instant::now();
    publisher.publish(Message::new("x", 3)).await.unwrap();
    assert_eq!(settled.elapsed(), Duration::ZERO);
    assert_eq!(publisher.counts().messages, 2);
}

#[tokio::test(start_paused = true)]
async fn a_connected_publisher_without_a_relay_fails_after_its_timeout() {
    let bus = bus("active = true\ntimeout = 3\nrelay_inbound = 'inproc://nobody'");
    let publisher = bus.publisher().await.unwrap();
    let start = Instant::now();
    let error = publisher.publish(Message::new("x", 1)).await.unwrap_err();
    assert!(start.elapsed() >= Duration::from_secs(3));
    let PublishError::NoSubscriber { topic, relays, .. } = error else {
        panic!("{error}");
    };
    assert!(topic.as_str().ends_with(".x"));
    assert_eq!(relays, bus.config().relay_inbound);
    assert_eq!(publisher.counts().messages, 0, "nothing was sent");
}

#[tokio::test]
async fn a_connected_publisher_waits_until_a_relay_is_there() {
    let bus = bus("active = true\ntimeout = 30\nrelay_inbound = 'inproc://relay'");
    let publisher = bus.publisher().await.unwrap();
    let publish = publisher.publish(Message::new("x", 1));
    let relay = async {
        let addresses = &bus.config().relay_inbound;
        let (mut relay, _) = bus.listen(&"relay".into(), addresses, []).await.unwrap();
        relay.next_batch().await.unwrap()
    };
    let (published, received) = tokio::join!(publish, relay);
    assert_eq!(published.unwrap().audience, Audience::Somebody);
    assert_eq!(received.len(), 1);
}

#[tokio::test]
async fn the_first_free_address_is_bound_and_the_last_one_taken_is_an_error() {
    let bus = bus("endpoints.me = ['inproc://a', 'tcp://no-host.invalid:1', 'inproc://b']");
    let name = EndpointName::from("me");
    let first = bus.publisher_named(&name).await.unwrap();
    let second = bus.publisher_named(&name).await.unwrap();
    let address = |publisher: &Publisher| publisher.addresses()[0].to_string();
    assert_eq!(
        (address(&first), address(&second)),
        ("inproc://a".into(), "inproc://b".into())
    );
    let error = bus.publisher_named(&name).await.unwrap_err();
    let PublishError::NoFreeEndpoint { tried, .. } = error else {
        panic!("{error}");
    };
    let tried: Vec<_> = tried.iter().map(|(address, _)| address.as_str()).collect();
    assert_eq!(
        tried,
        ["inproc://a", "tcp://no-host.invalid:1", "inproc://b"]
    );
}

#[tokio::test]
async fn a_name_without_an_address_is_an_error() {
    for toml in ["name = 'me'", "name = 'me'\nendpoints.me = []"] {
        let error = bus(toml).publisher().await.unwrap_err();
        assert!(matches!(error, PublishError::UnknownName { name } if name.as_str() == "me"));
    }
    let error = bus("active = true\nrelay_inbound = []")
        .publisher()
        .await
        .unwrap_err();
    assert!(matches!(error, PublishError::NoRelay));
    let nowhere = "active = true\nrelay_inbound = 'tcp://no-host.invalid:1'";
    let error = bus(nowhere).publisher().await.unwrap_err();
    assert!(matches!(error, PublishError::Resolve(_)));
}

#[tokio::test]
async fn of_several_relays_the_first_that_answers_gets_each_message_once() {
    let listener = bus("");
    let listen = [
        "tcp://127.0.0.1:0".parse().unwrap(),
        "tcp://127.0.0.1:0".parse().unwrap(),
    ];
    let (mut relay, bound) = listener.listen(&"relay".into(), &listen, []).await.unwrap();
    // Nobody is at the first one.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap();
    let toml = format!(
        "active = true\ntimeout = 30\nrelay_inbound = ['tcp://{silent}', '{}', '{}']",
        bound[0], bound[1]
    );
    let bus = Bus::open(Config::from_toml(&toml.replace("timeout = 30", "timeout = 3")).unwrap());
    let receive = async {
        let mut numbers = Vec::new();
        while numbers.last() != Some(&Some(3)) {
            let batch = relay.next_batch().await.unwrap();
            numbers.extend(batch.iter().map(|delivery| delivery.msg().as_i64()));
        }
        numbers
    };
    let publish = async {
        let publisher = bus.publisher().await.unwrap();
        for number in 1..=3 {
            publisher.publish(Message::new("x", number)).await.unwrap();
        }
        publisher
    };
    let (publisher, numbers) = tokio::join!(publish, receive);
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
    assert_eq!(publisher.addresses(), [bound[0].clone()]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_and_counts_for_nothing() {
    let (publisher, mut subscriber) = heard("").await;
    let refused = [Message::new("x", f64::NAN), Message::new("x\n", 1)];
    for message in refused {
        let error = publisher.publish(message).await.unwrap_err();
        assert!(
            matches!(error, PublishError::Encode(_) | PublishError::Topic(_)),
            "{error}"
        );
    }
    assert_eq!(publisher.counts().messages, 0);
    publisher.publish(Message::new("x", 1)).await.unwrap();
    let batch = subscriber.next_batch().await.unwrap();
    assert_eq!(batch[0].msg().as_i64(), Some(1));
}

#[tokio::test]
async fn what_is_larger_than_anybody_takes_is_refused_and_counted() {
    let (publisher, mut subscriber) = heard("zmq_max_message_size = '1 KiB'").await;
    let error = publisher
        .publish(Message::new("x", "y".repeat(1024)))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, PublishError::TooLarge { size, .. } if *size > 1024),
        "{error}"
    );
    let topic: Topic = "x".parse().unwrap();
    assert!(publisher.forward(&topic, &[b' '; 1025]).is_err());
    publisher.forward(&topic, &[b' '; 1024]).unwrap();
    assert_eq!(subscriber.next_batch().await.unwrap().len(), 1);
    let counts = publisher.counts();
    assert_eq!((counts.messages, counts.too_large), (1, 2));
}

#[tokio::test]
async fn a_relay_that_has_gone_is_no_audience_any_more_and_is_counted() {
    let relays = bus("");
    let listen = async || {
        let free = ["tcp://127.0.0.1:0".parse().unwrap()];
        relays.listen(&"relay".into(), &free, []).await.unwrap()
    };
    let (mut relay, addresses) = listen().await;
    let active = format!(
        "active = true\ntimeout = 0.2\nrelay_inbound = '{}'",
        addresses[0]
    );
    let publisher = bus(&active).publisher().await.unwrap();
    let topic: Topic = "anything".parse().unwrap();
    tokio::select! {
        audience = publisher.wait_for_subscriber(&topic, PATIENCE) => {
            assert_eq!(audience, Audience::Somebody);
        }
        batch = relay.next_batch() => panic!("{batch:?}"),
    }
    publisher.publish(Message::new("x", 1)).await.unwrap();
    relay.next_batch().await.unwrap();
    drop(relay);
    let gone = async {
        while publisher.audience(&topic) == Audience::Somebody {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("nobody is there");
    let error = publisher.publish(Message::new("x", 2)).await.unwrap_err();
    assert!(
        matches!(error, PublishError::NoSubscriber { .. }),
        "{error}"
    );
    assert_eq!(publisher.flush().deserted, 1);
}
