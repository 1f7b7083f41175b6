//! How to test a consumer or producer: a real hub, within the test, on a clock that the test holds.
//!
//! `TestBus` needs no ports, no files and no waiting: what is published arrives over `inproc`, and
//! hours pass when you say so. Put this into a `#[test]`; here it is a `main` so that it can be run.
//!
//! Run it: `cargo run --example test_kit`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Duration;

use fedmsg_hub::{
    BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, Producer,
    ProducerContext, TestBus,
};

/// Answers every question.
struct Oracle;

impl Consumer for Oracle {
    const KIND: &'static str = "oracle";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(&mut self, _: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
        cx.publish("answer", 42).await?;
        Ok(())
    }
}

/// Announces opening hours.
struct Herald;

impl Producer for Herald {
    const KIND: &'static str = "herald";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
        cx.publish("open", true).await?;
        Ok(())
    }
}

fn main() {
    let report = TestBus::new()
        .consumer::<Oracle>("delphi", "topics = 'com.example.question.#'")
        .producer::<Herald>("herald", "cron = '0 9 * * *'")
        .run(async |bus| {
            // Published to the hub, under a full topic, once the hub listens.
            bus.publish("com.example.question.life", "what is it all about?")
                .await;
            // The next message that the hub publishes.
            let answer = bus.next_published().await;
            assert_eq!(answer.topic().as_str(), "com.example.dev.delphi.answer");
            assert_eq!(answer.msg().as_i64(), Some(42));

            // The test's clock starts at midnight. Eight hours pass at once, and nothing happens…
            bus.advance(Duration::from_secs(8 * 3600)).await;
            assert_eq!(
                bus.status().await.producer("herald").map(|it| it.ticks),
                Some(0)
            );
            // …and at nine the herald speaks.
            bus.advance(Duration::from_secs(3600)).await;
            let open = bus.next_published().await;
            assert_eq!(open.topic().as_str(), "com.example.dev.herald.open");

            bus.settle().await; // every message has been dealt with
        });
    // The hub has stopped in order. Did it handle everything that reached it?
    assert!(report.is_clean());
    println!("all tests passed");
}
