//! Tests of a forwarder with subscribers of libzmq, and with some of our own making.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::{Bus, Delivery, Subscriber};
use futures::StreamExt;

const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "relay_outbound";

fn topic(text: &str) -> Topic {
    text.parse().unwrap()
}

fn config(address: &str, toml: &str) -> Config {
    Config::from_toml(&format!("{toml}\n[endpoints]\n{NAME} = '{address}'")).unwrap()
}

async fn forwarder(toml: &str) -> Forwarder {
    let bus = Bus::open(config("tcp://127.0.0.1:0", toml));
    bus.forwarder(&EndpointName::from(NAME)).await.unwrap()
}

/// A subscriber of ours, which is libzmq's, to `filter` of what `forwarder` sends.
fn subscribe(forwarder: &Forwarder, filter: &str) -> Subscriber {
    let bus = Bus::open(config(forwarder.addresses()[0].as_str(), ""));
    bus.subscribe([filter.parse().unwrap()]).unwrap()
}

async fn next(subscriber: &mut Subscriber) -> Delivery {
    timeout(PATIENCE, subscriber.next()).await.unwrap().unwrap()
}

/// Forwards a probe until somebody hears it, and everybody of `subscribers` has got one.
async fn probe(forwarder: &Forwarder, subscribers: &mut [&mut Subscriber]) {
    for subscriber in subscribers {
        let heard = async {
            loop {
                forwarder.forward(&topic("probe"), b"{}").unwrap();
                let some = timeout(Duration::from_millis(20), subscriber.next()).await;
                if let Ok(Some(_)) = some {
                    return;
                }
            }
        };
        timeout(PATIENCE, heard).await.unwrap();
    }
}

async fn next_about(subscriber: &mut Subscriber, topic: &str) -> Delivery {
    loop {
        let delivery = next(subscriber).await;
        if delivery.topic().as_str() == topic {
            return delivery;
        }
    }
}

/// A connection of our own making.
struct Raw(TcpStream);

impl Raw {
    async fn connect(forwarder: &Forwarder) -> Self {
        let address = forwarder.addresses()[0].as_str();
        let address: SocketAddr = address.strip_prefix("tcp://").unwrap().parse().unwrap();
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn subscriber(forwarder: &Forwarder) -> Self {
        let mut raw = Self::connect(forwarder).await;
        raw.say(&GREETING).await;
        raw.say(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB")
            .await;
        raw.say(b"\x04\x0a\x09SUBSCRIBE").await;
        raw.hear(64 + 27).await;
        raw
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    async fn hear(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let read = timeout(PATIENCE, self.0.read_exact(&mut bytes));
        read.await.unwrap().unwrap();
        bytes
    }

    /// What is heard until the other side hangs up.
    async fn hear_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut bytes));
        let _ = read.await.unwrap(); // a reset is an end as well
        bytes
    }
}

const GREETING: [u8; 64] = {
    let mut bytes = [0; 64];
    (bytes[0], bytes[9], bytes[10], bytes[11]) = (0xff, 0x7f, 3, 1);
    (bytes[12], bytes[13], bytes[14], bytes[15]) = (b'N', b'U', b'L', b'L');
    bytes
};

async fn until(forwarder: &Forwarder, what: impl Fn(ForwarderCounts) -> bool) -> ForwarderCounts {
    let start = Instant::now();
    while !what(forwarder.counts()) {
        assert!(start.elapsed() < PATIENCE, "{:?}", forwarder.counts());
        tokio::task::yield_now().await;
    }
    forwarder.counts()
}

#[tokio::test]
async fn subscribers_of_libzmq_get_what_they_want() {
    let forwarder = forwarder("").await;
    let mut all = subscribe(&forwarder, "");
    let mut some = subscribe(&forwarder, "probe");
    probe(&forwarder, &mut [&mut all, &mut some]).await;
    let large = format!(r#"{{"topic": "t", "msg": "{}"}}"#, "x".repeat(1_000_000));
    forwarder.forward(&topic("t"), large.as_bytes()).unwrap();
    forwarder.forward(&topic("probe"), b"{}").unwrap();
    let delivery = next_about(&mut all, "t").await;
    assert_eq!(delivery.envelope().bytes(), large.as_bytes());
    assert_eq!(next(&mut some).await.topic().as_str(), "probe");
    let counts = forwarder.counts();
    assert_eq!(
        (counts.subscribers, counts.missed, counts.cut_off),
        (2, 0, 0)
    );
    drop(some);
    until(&forwarder, |counts| counts.subscribers == 1).await;
}

#[tokio::test]
async fn a_subscriber_over_a_unix_domain_socket_is_served_and_its_file_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.sock");
    let address = format!("ipc://{}", path.display());
    // A file that a killed process has left behind is in nobody's way.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let bus = Bus::open(config(&address, ""));
    let forwarder = bus.forwarder(&EndpointName::from(NAME)).await.unwrap();
    let mut subscriber = subscribe(&forwarder, "");
    probe(&forwarder, &mut [&mut subscriber]).await;
    let who = forwarder.subscribers();
    assert_eq!(who[0].address, format!("pid {}", std::process::id()));
    let other = bus.forwarder(&EndpointName::from(NAME)).await.unwrap_err();
    assert!(other.to_string().contains("already in use"), "{other}");
    drop(subscriber);
    forwarder.close(PATIENCE).await;
    let start = Instant::now();
    while path.exists() {
        assert!(start.elapsed() < PATIENCE);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_subscriber_of_libzmq_3_is_served() {
    let forwarder = forwarder("").await;
    let mut raw = Raw::connect(&forwarder).await;
    raw.say(&GREETING[..10]).await;
    raw.say(&[1, 2, 0, 0]).await; // ZMTP 2.0, SUB, no identity
    raw.say(b"\x00\x04\x01org").await;
    assert_eq!(raw.hear(14).await[10..], [3, 1, 0, 0]);
    let heard = async {
        while forwarder.forward(&topic("org.x"), b"{}").unwrap() == Audience::Nobody {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, heard).await.unwrap();
    assert_eq!(raw.hear(11).await, b"\x01\x05org.x\x00\x02{}");
}

#[tokio::test]
async fn a_ping_is_answered() {
    let forwarder = forwarder("").await;
    let mut raw = Raw::subscriber(&forwarder).await;
    raw.say(b"\x04\x09\x04PING\0\x0ahi").await;
    assert_eq!(raw.hear(9).await, b"\x04\x07\x04PONGhi");
}

#[tokio::test]
async fn what_is_no_subscriber_is_counted_and_hung_up_on() {
    let forwarder = forwarder("").await;
    let mut web = Raw::connect(&forwarder).await;
    web.say(b"GET / HTTP/1.1\r\nHost: bus\r\n\r\n").await;
    web.hear_all().await;
    let mut publisher = Raw::connect(&forwarder).await;
    publisher.say(&GREETING).await;
    publisher
        .say(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB")
        .await;
    publisher.hear_all().await;
    let counts = until(&forwarder, |counts| counts.refused == 2).await;
    assert_eq!(counts.joined, 0);
    // One that turns out to be none later is let go.
    let mut late = Raw::subscriber(&forwarder).await;
    until(&forwarder, |counts| counts.joined == 1).await;
    late.say(&[0xff; 100]).await;
    late.hear_all().await;
    until(&forwarder, |counts| counts.subscribers == 0).await;
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_misses_what_is_counted_and_others_miss_nothing() {
    const LIMIT: u64 = 100;
    const MESSAGES: u64 = 20_000;
    let forwarder = forwarder(&format!("high_water_mark = {LIMIT}")).await;
    let mut slow = Raw::subscriber(&forwarder).await;
    let mut fast = subscribe(&forwarder, "");
    probe(&forwarder, &mut [&mut fast]).await;
    until(&forwarder, |counts| counts.subscribers == 2).await;
    let body = [b' '; 2_000];
    for _ in 0..MESSAGES {
        forwarder.forward(&topic("t"), &body).unwrap();
        next_about(&mut fast, "t").await;
    }
    let status = forwarder.subscribers();
    let of_slow = status.iter().find(|one| one.missed > 0).unwrap().clone();
    let of_fast = status.iter().find(|one| one.missed == 0).unwrap();
    assert!(of_fast.sent >= MESSAGES);
    assert!(of_slow.queued <= LIMIT, "{of_slow:?}");
    // It is read out: what comes is all but what it has missed.
    let counts = tokio::join!(forwarder.close(PATIENCE), slow.hear_all()).0;
    assert_eq!(counts.cut_off, 0, "{counts:?}");
    assert_eq!(counts.missed, of_slow.missed);
    assert_eq!(
        of_slow.sent + of_slow.queued + of_slow.missed,
        counts.messages
    );
}

#[tokio::test]
async fn a_close_waits_for_a_slow_subscriber_and_counts_exactly_what_it_did_not_take() {
    let forwarder = forwarder("high_water_mark = 0").await;
    let mut stuck = Raw::subscriber(&forwarder).await;
    until(&forwarder, |counts| counts.subscribers == 1).await;
    while forwarder.forward(&topic("t"), b"{}").unwrap() == Audience::Nobody {
        tokio::task::yield_now().await;
    }
    for _ in 0..20_000 {
        forwarder.forward(&topic("t"), &[b' '; 2_000]).unwrap();
    }
    let counts = forwarder.close(Duration::from_millis(200)).await;
    assert!(matches!(
        forwarder.forward(&topic("t"), b"{}"),
        Err(PublishError::Closed)
    ));
    // What the system has taken of it still arrives: a message of 7 bytes, whole ones of 2012, part of one.
    let heard = stuck.hear_all().await.len() as u64;
    let sent = 1 + (heard - 7) / 2012;
    assert!(sent > 1 && counts.cut_off > 0, "{counts:?}");
    assert_eq!(
        sent + counts.cut_off + counts.unheard,
        counts.messages,
        "{counts:?}"
    );
}

#[tokio::test]
async fn what_nobody_may_send_is_refused() {
    let forwarder = forwarder("zmq_max_message_size = '1 KiB'").await;
    let error = forwarder.forward(&topic("t"), &[b' '; 1025]).unwrap_err();
    assert!(
        matches!(error, PublishError::TooLarge { size: 1025, .. }),
        "{error}"
    );
    assert_eq!(forwarder.counts().too_large, 1);
}

#[tokio::test]
async fn an_address_within_the_process_is_none() {
    let bus = Bus::open(config("inproc://out", ""));
    let error = bus.forwarder(&EndpointName::from(NAME)).await.unwrap_err();
    assert!(error.to_string().contains("use tcp or ipc"), "{error}");
    let error = bus
        .forwarder(&EndpointName::from("nobody"))
        .await
        .unwrap_err();
    assert!(matches!(error, PublishError::UnknownName { .. }), "{error}");
}
