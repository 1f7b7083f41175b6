//! Who gets what, and what becomes of the rest.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fedmsg::Envelope;
use fedmsg_config::{ByteSize, ConsumerConfig, MailboxConfig, Source, WhenFull};
use fedmsg_message::Signer;
use fedmsg_message::json::Object;
use futures::FutureExt;

use super::*;
use crate::consumer_cell::ConsumerState;
use crate::counters::read;

fn delivery(topic: &str) -> Delivery {
    let topic = Bytes::copy_from_slice(topic.as_bytes());
    Delivery::new(
        Envelope::from_frames(topic, Bytes::from_static(b"{}")).unwrap(),
        "test".into(),
    )
}

fn cell(topics: &[&str], messages: usize, when_full: WhenFull) -> Arc<ConsumerCell> {
    let topics = topics.iter().map(|topic| topic.parse().unwrap()).collect();
    let mailbox = MailboxConfig {
        messages,
        bytes: ByteSize::new(1 << 20),
        when_full,
    };
    let config = ConsumerConfig {
        mailbox,
        ..ConsumerConfig::new("test")
    };
    ConsumerCell::new(
        "test",
        "test",
        topics,
        Source::Endpoints,
        false,
        config,
        None,
    )
}

/// A consumer that wants signatures checked.
fn validating(topics: &[&str]) -> Arc<ConsumerCell> {
    let topics = topics.iter().map(|topic| topic.parse().unwrap()).collect();
    let config = ConsumerConfig::new("test");
    ConsumerCell::new(
        "test",
        "test",
        topics,
        Source::Endpoints,
        true,
        config,
        None,
    )
}

/// The folder with the keys of the original's test certificates.
fn pki() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors/pki")
}

fn signed(topic: &str) -> Delivery {
    let read = |name: &str| fs::read(pki().join(name)).unwrap();
    let signer = Signer::from_pem(&read("bodhi-app01.test.crt"), &read("bodhi-app01.test.key"));
    let envelope = signer
        .unwrap()
        .sign(topic.parse().unwrap(), Object::new())
        .unwrap();
    Delivery::new(envelope, "test".into())
}

fn routes(cells: &[&Arc<ConsumerCell>]) -> Routes {
    let cells: Vec<_> = cells.iter().map(|cell| Arc::clone(cell)).collect();
    Routes::new(&cells, None, Arc::default(), Progress::default())
}

/// Routes with somebody who checks signatures.
fn checked_routes(cells: &[&Arc<ConsumerCell>]) -> (Routes, Arc<Inspector>) {
    let cells: Vec<_> = cells.iter().map(|cell| Arc::clone(cell)).collect();
    let toml = format!("ca_cert_location = {:?}", pki().join("ca.crt"));
    let config = fedmsg::Config::from_toml(&toml).unwrap();
    let inspector = Arc::new(Inspector::open(&config).unwrap());
    let with = Some(Arc::clone(&inspector));
    let routes = Routes::new(&cells, with, Arc::default(), Progress::default());
    (routes, inspector)
}

impl Routes {
    /// What the actor does with a batch.
    async fn route(&self, batch: Vec<Delivery>) {
        let count = batch.len();
        let batch = self.inspect(batch).await;
        self.hand_out(batch, count).await;
    }
}

fn received(cell: &ConsumerCell) -> Vec<String> {
    cell.mailbox
        .abandon()
        .iter()
        .map(|delivery| delivery.topic().to_string())
        .collect()
}

fn batch(topics: &[&str]) -> Vec<Delivery> {
    topics.iter().map(|topic| delivery(topic)).collect()
}

#[tokio::test]
async fn each_consumer_gets_what_it_wants_once_and_in_order() {
    let all = cell(&["*", "org.#"], 100, WhenFull::Block);
    let some = cell(&["org.a", "org.a.*", "com.#"], 100, WhenFull::Block);
    let none = cell(&["net"], 100, WhenFull::Block);
    let routes = routes(&[&all, &some, &none]);
    routes
        .route(batch(&["org.a", "org.b", "com", "org.a.x"]))
        .await;
    assert_eq!(received(&all), ["org.a", "org.b", "com", "org.a.x"]);
    assert_eq!(received(&some), ["org.a", "com", "org.a.x"]);
    assert_eq!(received(&none), [""; 0]);
    assert_eq!(read(&routes.routed), 4);
}

#[tokio::test]
async fn a_full_mailbox_that_drops_counts_what_it_refuses() {
    let small = cell(&["*"], 2, WhenFull::DropNewest);
    let routes = routes(&[&small]);
    routes.route(batch(&["a", "b", "c", "d"])).await;
    assert_eq!(read(&small.counters.accepted), 2);
    assert_eq!(read(&small.counters.overflowed), 2);
    assert_eq!(received(&small), ["a", "b"]);
}

#[tokio::test]
async fn a_full_mailbox_that_blocks_holds_up_reception_but_not_the_others() {
    let slow = cell(&["*"], 1, WhenFull::Block);
    let fast = cell(&["*"], 100, WhenFull::Block);
    let routes = routes(&[&slow, &fast]);
    let mut route = Box::pin(routes.route(batch(&["a", "b"])));
    assert!(route.as_mut().now_or_never().is_none());
    assert_eq!(
        received(&fast),
        ["a", "b"],
        "the other has everything already"
    );
    let mut lease = slow.mailbox.take().await.unwrap();
    assert!(route.as_mut().now_or_never().is_none());
    lease.finish();
    lease.release();
    route.await;
    assert_eq!(read(&slow.counters.waits), 1);
    assert_eq!(received(&slow), ["b"]);
}

#[tokio::test]
async fn a_consumer_that_is_over_holds_nobody_up() {
    let over = cell(&["*"], 1, WhenFull::Block);
    let routes = routes(&[&over]);
    let mut route = Box::pin(routes.route(batch(&["a", "b", "c"])));
    assert!(route.as_mut().now_or_never().is_none());
    over.end(ConsumerState::GivenUp("tired".to_owned()));
    assert_eq!(read(&over.counters.abandoned), 1);
    route.await;
    assert_eq!(read(&over.counters.late), 2);
}

#[tokio::test]
async fn what_comes_after_a_mailbox_has_closed_is_late_and_holds_nobody_up() {
    let closed = cell(&["*"], 10, WhenFull::Block);
    let routes = routes(&[&closed]);
    closed.mailbox.close(); // the hub is stopping; the consumer works off what it has
    routes.route(batch(&["a", "b"])).await;
    assert_eq!(read(&closed.counters.late), 2);
    assert_eq!(read(&closed.counters.overflowed), 0);
    assert_eq!(closed.state(), ConsumerState::Starting, "it goes on");
}

#[tokio::test]
async fn one_that_validates_gets_what_is_signed_and_the_others_get_all() {
    let (trusting, careful) = (cell(&["*"], 100, WhenFull::Block), validating(&["*"]));
    let (routes, inspector) = checked_routes(&[&trusting, &careful]);
    let mixed = vec![delivery("a"), signed("b"), delivery("c"), signed("d")];
    routes.route(mixed).await;
    assert_eq!(received(&trusting), ["a", "b", "c", "d"]);
    assert_eq!(received(&careful), ["b", "d"]);
    assert_eq!(inspector.refusals().total(), 2);
}

#[tokio::test]
async fn the_only_one_gets_nothing_that_is_refused() {
    let careful = validating(&["*"]);
    let (routes, _) = checked_routes(&[&careful]);
    routes.route(vec![delivery("a"), signed("b")]).await;
    assert_eq!(received(&careful), ["b"]);
}

#[tokio::test]
async fn a_message_is_checked_once_and_only_if_somebody_wants_it_who_validates() {
    let all = cell(&["*"], 100, WhenFull::Block);
    let (one, other) = (validating(&["org.#"]), validating(&["org.a"]));
    let (routes, inspector) = checked_routes(&[&all, &one, &other]);
    let topics = ["com.a", "org.a", "com.b", "org.b"];
    routes.route(batch(&topics)).await;
    assert_eq!(received(&all), topics, "in the order of arrival");
    assert_eq!((received(&one), received(&other)), (vec![], vec![]));
    assert_eq!(inspector.refusals().total(), 2);
}

#[test]
fn batches_that_are_checked_at_the_same_time_are_handed_out_in_order() {
    let (all, careful) = (cell(&["*"], 1000, WhenFull::Block), validating(&["*"]));
    crate::block_on(async {
        let (routes, _) = checked_routes(&[&all, &careful]);
        let routes = Arc::new(routes);
        let router = Router {
            routes,
            before: None,
        }
        .start();
        // The first takes longer: it has something to check.
        let batches = [
            vec![signed("a"); 100],
            batch(&["b"]),
            vec![signed("c"); 10],
            batch(&["d"]),
        ];
        let sent = batches.map(|batch| router.send(Incoming(batch)));
        for sent in futures::future::join_all(sent).await {
            sent.unwrap();
        }
    })
    .unwrap();
    let topics = received(&all);
    assert!(topics.is_sorted(), "{topics:?}");
    assert_eq!((topics.len(), received(&careful).len()), (112, 110));
}
