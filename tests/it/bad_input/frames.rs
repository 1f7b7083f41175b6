//! Messages of every shape but the right one (fedmsg wire specification, section 1.2).

use fedmsg::{Bus, Config, Delivery, SubscriberCounts};
use futures::StreamExt as _;
use tokio::runtime::Builder;

use super::Rig;
use crate::peers::free_tcp_port;
use crate::raw::RawSocket;
use crate::sandbox::Settings;

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It arrives, with this topic and a body that is JSON.
    Whole(&'static str),
    /// It arrives with this topic, but its body is no JSON.
    Wrapped(&'static str),
    /// It has no topic and body: `bad_frames`.
    NoPair,
    /// One of the two is no UTF-8: `bad_text`.
    NoText,
}

use Fate::{NoPair, NoText, Whole, Wrapped};

const SHAPES: &[(&[&[u8]], Fate)] = &[
    (&[b"t.two", b"{}"], Whole("t.two")),
    (&[b"t.nul\0{}"], Whole("t.nul")),
    (&[b"t.first\0{}\0{}"], Wrapped("t.first")),
    (&[b"\0"], Wrapped("")),
    (&[b""], NoPair),
    (&[b"t.one"], NoPair),
    (&[b"t.three", b"{}", b"{}"], NoPair),
    (&[b"t.three\0{}", b"x", b"y"], Whole("t.three")),
    (&[b"", b"", b"", b"", b""], NoPair),
    (&[b"", b""], Wrapped("")),
    (&[b"", b"{}"], Whole("")),
    (&[b"t.empty", b""], Wrapped("t.empty")),
    (&[b"t.a\0b", b"{}"], Whole("t.a\0b")),
    (&[b"t.\x01\x1b[31m\r\n", b"{}"], Whole("t.\x01\x1b[31m\r\n")),
    (&[b"\xff\xfe", b"{}"], NoText),
    (&[b"t.\xc3\x28", b"{}"], NoText),
    (&[b"t.bom", b"\xef\xbb\xbf{}"], Wrapped("t.bom")),
    (&[b"t.latin", b"{\"msg\": \"caf\xe9\"}"], NoText),
    (&[b"t.surrogate", b"\"\xed\xa0\x80\""], NoText),
    (&[b"t.one\0\xff"], NoText),
    (&[b"\xff\0{}"], NoText),
];

#[test]
fn a_subscriber_skips_and_counts_what_is_no_message_and_hands_on_the_rest() {
    let port = free_tcp_port();
    let publisher = RawSocket::publisher_on(port);
    let settings = Settings::new().endpoint("evil", port);
    let config = Config::from_toml(&settings.to_string()).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (received, counts) = runtime.block_on(async {
        let mut subscriber = Bus::open(config).subscribe([]).unwrap();
        let send = async {
            tokio::task::spawn_blocking(move || {
                publisher.subscription();
                for (frames, _) in SHAPES {
                    publisher.send(frames);
                }
                publisher.publish("t.last", "last");
                publisher // stays open until everything has arrived
            })
            .await
            .unwrap()
        };
        let counters = subscriber.counters();
        let receive = async {
            let mut received: Vec<Delivery> = Vec::new();
            loop {
                let delivery = subscriber.next().await.unwrap();
                if delivery.topic().as_str() == "t.last" {
                    return received;
                }
                received.push(delivery);
            }
        };
        let (_publisher, received) = tokio::join!(send, receive);
        (received, counters.counts())
    });
    let topics: Vec<_> = received.iter().map(|it| it.topic().as_str()).collect();
    let expected = SHAPES.iter().filter_map(|(_, fate)| match fate {
        Whole(topic) | Wrapped(topic) => Some(*topic),
        NoPair | NoText => None,
    });
    assert_eq!(topics, expected.collect::<Vec<_>>());
    let count = |fate| SHAPES.iter().filter(|(_, it)| *it == fate).count() as u64;
    let SubscriberCounts {
        messages,
        bad_frames,
        bad_text,
        connected,
        connections_lost,
        ..
    } = counts;
    assert_eq!((bad_frames, bad_text), (count(NoPair), count(NoText)));
    assert_eq!(messages, topics.len() as u64 + 1);
    assert_eq!(
        (connected, connections_lost),
        (1, 0),
        "nobody is cut off for it"
    );
}

#[test]
fn hub_and_tail_go_on_after_messages_of_every_shape() {
    let mut rig = Rig::new();
    for (frames, _) in SHAPES {
        rig.evil().send(frames);
        rig.still_works();
    }
    rig.stop();
}

#[test]
fn a_topic_forges_no_line_of_the_log_and_plays_no_tricks_on_a_terminal() {
    let mut rig = Rig::new();
    let topic = "t.\x1b[31m\r\n2026-01-01 ERROR forged";
    rig.evil().send(&[topic, "{}"]);
    rig.evil().send(&[topic.as_bytes(), b"\xff"]);
    for _ in 0..2 {
        let line = rig.hub.line_with("forged");
        assert!(
            line.contains(r"t.\u{1b}[31m\r\n2026-01-01 ERROR forged"),
            "{line}"
        );
    }
    let line = rig.tail.line_with("forged");
    assert!(line.starts_with('{') && !line.contains('\x1b'), "{line}");
    rig.still_works();
    rig.stop();
}
