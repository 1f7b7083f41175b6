//! Consumers and producers that block or wait for ever: named, and not those whom they hold up.

use std::sync::{Condvar, Mutex, PoisonError};

use super::*;
use crate::consumer::{BoxError, ConsumeError, Consumer};
use crate::context::{ConsumerContext, NoParams, ProducerContext};
use crate::producer::Producer;
use crate::test_bus::TestBus;
use crate::{Delivery, HubStatus};

const TOPIC: &str = "com.example.test.work";
const SOON: &str = "stuck_after = '50ms'";

/// Opened by a test when what blocks may go on.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    const fn new() -> Self {
        Self(Mutex::new(false), Condvar::new())
    }

    fn open(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.1.notify_all();
    }

    /// Blocks this thread.
    fn wait(&self) {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.1.wait_while(open, |open| !*open));
    }
}

static GATE: Gate = Gate::new();

/// A consumer that takes what a message asks for.
struct Slow;

impl Consumer for Slow {
    const KIND: &'static str = "slow";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        match delivery.msg().as_str() {
            Some("block") => GATE.wait(),
            Some("wait") => std::future::pending().await,
            Some("a while") => tokio::time::sleep(Duration::from_millis(60)).await,
            Some("fail") => return Err(ConsumeError::Retry("not yet".into())),
            _ => {}
        }
        Ok(())
    }
}

/// A consumer that leaves something running on its thread that blocks it.
struct Careless;

static LEFT_RUNNING: Gate = Gate::new();

impl Consumer for Careless {
    const KIND: &'static str = "careless";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
        actix_rt::spawn(async { LEFT_RUNNING.wait() });
        Ok(())
    }
}

/// A producer whose tick does not end.
struct Endless;

impl Producer for Endless {
    const KIND: &'static str = "endless";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn tick(&mut self, _: &ProducerContext) -> Result<(), BoxError> {
        std::future::pending().await
    }
}

fn is_stuck(status: &HubStatus) -> bool {
    !status.stuck().is_empty()
}

#[test]
fn a_consumer_that_blocks_its_thread_is_named_until_it_goes_on() {
    let settings = format!("{SOON}\nmailbox.messages = 1");
    TestBus::new()
        .consumer::<Slow>("held", &settings)
        .run(async |bus| {
            let idle = bus.status().await;
            assert!(!is_stuck(&idle), "nothing to do is no reason");
            // The second waits in the mailbox, the third holds up the intake, which is not blamed.
            for text in ["block", "1", "2"] {
                bus.publish(TOPIC, text).await;
            }
            let status = bus.until(is_stuck).await;
            assert_eq!(status.stuck(), ["consumer held"]);
            assert!(status.consumer("held").unwrap().stuck_ms >= 50);
            GATE.open();
            bus.until(|status| !is_stuck(status)).await;
            let status = bus.settle().await;
            assert_eq!(status.consumer("held").unwrap().consumed, 3);
        });
}

#[test]
fn a_consumer_that_waits_for_ever_is_stuck_and_one_that_works_or_pauses_is_not() {
    // Longer than a machine that is busy keeps a call from its end.
    let pauses = "stuck_after = '500ms'\nretry = { attempts = 2, first_delay = '2s' }";
    TestBus::new()
        .settings("stop_timeout = '10ms'")
        .consumer::<Slow>("waits", SOON)
        .consumer::<Slow>(
            "works",
            &format!("stuck_after = '1500ms'\ntopics = '{TOPIC}.works'"),
        )
        .consumer::<Slow>("pauses", &format!("{pauses}\ntopics = '{TOPIC}.pauses'"))
        .consumer::<Slow>(
            "may",
            &format!("stuck_after = '0s'\ntopics = '{TOPIC}.may'"),
        )
        .run(async |bus| {
            // Together they take longer than is allowed for one.
            for _ in 0..30 {
                bus.publish(&format!("{TOPIC}.works"), "a while").await;
            }
            bus.publish(&format!("{TOPIC}.pauses"), "fail").await;
            bus.publish(&format!("{TOPIC}.may"), "wait").await;
            let others = |status: &HubStatus| {
                let seen = status.stuck();
                let wrong = ["consumer works", "consumer pauses", "consumer may"];
                assert!(
                    !seen.iter().any(|it| wrong.contains(&it.as_str())),
                    "{seen:?}"
                );
                seen.iter().any(|it| it == "consumer waits")
            };
            bus.until(others).await;
            bus.until(|status| {
                others(status);
                status.consumer("pauses").unwrap().dropped == 1
                    && status.consumer("works").unwrap().backlog == 0
            })
            .await;
        });
}

#[test]
fn a_consumer_whose_thread_is_blocked_between_calls_is_stuck_once_it_has_work() {
    TestBus::new()
        .consumer::<Careless>("careless", SOON)
        .run(async |bus| {
            bus.publish(TOPIC, 1).await;
            bus.until(|status| status.consumer("careless").unwrap().consumed == 1)
                .await;
            bus.publish(TOPIC, 2).await;
            let status = bus.until(is_stuck).await;
            assert_eq!(status.stuck(), ["consumer careless"]);
            LEFT_RUNNING.open();
            bus.until(|status| !is_stuck(status)).await;
        });
}

#[test]
fn a_producer_whose_tick_does_not_end_is_stuck() {
    let settings = format!("{SOON}\nevery = '1h'\nnow = true");
    TestBus::new()
        .settings("stop_timeout = '10ms'")
        .producer::<Endless>("endless", &settings)
        .run(async |bus| {
            let status = bus.until(is_stuck).await;
            assert_eq!(status.stuck(), ["producer endless"]);
            let endless = status.producer("endless").unwrap();
            assert_eq!((endless.every_ms, endless.now), (Some(3_600_000), true));
        });
}

#[test]
fn times_are_taken_where_somebody_wants_to_know() {
    let run = |settings: &str| {
        let mut taken = None;
        let report = TestBus::new()
            .settings(settings)
            .consumer::<Slow>("slow", "")
            .run(async |bus| {
                for _ in 0..3 {
                    bus.publish(TOPIC, "a while").await;
                }
                // A message is off the mailbox a moment before its time is noted.
                let is_noted = |status: &HubStatus| status.consumers[0].busy_us >= 180_000;
                bus.until(is_noted).await;
                taken = Some(bus.take_timings().await);
                assert!(bus.take_timings().await.values().all(Vec::is_empty));
            });
        assert!(report.status.consumer("slow").unwrap().busy_us >= 180_000);
        taken.unwrap()
    };
    let taken = run("'moksha.monitoring.socket' = 'tcp://127.0.0.1:1'");
    let times = &taken["slow"];
    assert_eq!(times.len(), 3);
    assert!(times.iter().all(|seconds| *seconds >= 0.06), "{times:?}");
    assert!(run("").is_empty());
}

#[test]
fn a_status_reads_as_json() {
    let report = TestBus::new()
        .consumer::<Slow>("slow", "")
        .run(async |bus| {
            bus.publish(TOPIC, "x").await;
            bus.settle().await;
            let status = serde_json::to_value(bus.status().await).unwrap();
            assert!(status["read_ms"].as_u64() >= status["started_ms"].as_u64());
            let slow = &status["consumers"][0];
            assert_eq!(slow["name"], "slow");
            assert_eq!(slow["state"], "running");
            assert_eq!(slow["consumed"], 1);
            let source = &status["sources"][0];
            assert_eq!(source["source"], "endpoints");
            assert_eq!(source["endpoints"][0]["name"], "test");
            assert_eq!(source["endpoints"][0]["messages"], 1);
        });
    let mut status = report.status;
    status.consumers[0].state = crate::ConsumerState::Halted("full".to_owned());
    let status = serde_json::to_value(status).unwrap();
    assert_eq!(status["consumers"][0]["state"], "halted");
    assert_eq!(status["consumers"][0]["reason"], "full");
}
