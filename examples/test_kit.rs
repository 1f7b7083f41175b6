//! How to test a consumer or producer: a real hub, within the test, on a clock that the test holds.
//!
//! `TestBus` needs no ports, no files and no waiting: what is published arrives over `inproc`, hours
//! pass when you say so, and so do accidents. Put this into a `#[test]`; here it is a `main` so that it
//! can be run. `conformance` is the example of a test that finds what you have not thought of.
//!
//! Run it: `cargo run --example test_kit`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Duration;

use fedmsg_hub::{
    BoxError, CallOutcome, ConsumeError, Consumer, ConsumerContext, Delivery, DeliveryBuilder,
    Faults, NoParams, Producer, ProducerContext, TestBus,
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
    let bus = TestBus::new()
        .impatient() // retries and restarts come at once
        .consumer::<Oracle>("delphi", "topics = 'com.example.question.#'")
        .producer::<Herald>("herald", "cron = '0 9 * * *'");
    let report = bus.run(async |bus| {
        // Sent to the hub, under a full topic, once the hub listens; the next that the hub publishes.
        bus.publish("com.example.question.life", "why?").await;
        assert_eq!(bus.next_published().await.msg().as_i64(), Some(42));

        // The test's clock starts at midnight. Nine hours pass at once, and the herald speaks.
        bus.advance(Duration::from_secs(9 * 3600)).await;
        let open = bus.next_published().await;
        assert_eq!(open.topic().as_str(), "com.example.dev.herald.open");

        // The oracle crashes after its answer, before the hub knows: it is asked again.
        let question = DeliveryBuilder::new("com.example.question.love", "who?").msg_id("2026-7");
        bus.send_with(&Faults::new().crash(1.0), [question]).await;
        bus.settle().await; // every message has been dealt with
    });
    // The hub has stopped in order. Did it handle everything that reached it?
    assert!(report.is_clean());
    let outcomes: Vec<_> = report.calls.iter().map(|call| &call.outcome).collect();
    let [consumed, crashed] = [CallOutcome::Consumed, CallOutcome::Crashed];
    assert_eq!(outcomes, [&consumed, &crashed, &consumed]);
    assert_eq!(report.published.len(), 4);
    println!("all tests passed");
}
