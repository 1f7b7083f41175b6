//! Actors that die: noticed, replaced, and nothing of theirs is lost.

use std::sync::Mutex;
use std::time::Duration;

use actix_rt::Arbiter;

use super::*;
use crate::consumer::{BoxError, ConsumeError, Consumer};
use crate::context::{ConsumerContext, NoParams, ProducerContext};
use crate::producer::Producer;
use crate::test_bus::TestBus;
use crate::{ConsumerState, Delivery};

const TOPIC: &str = "com.example.test.work";
const QUICK: &str = "restart = { attempts = 2, first_delay = '1ms' }";

/// A consumer that ends its own event loop when a message says "die", "die once" only the first
/// time that it comes; what else comes it publishes.
struct Mortal;

static DIED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Ends the event loop of this thread, and with it whatever runs there, at the next await.
async fn die() {
    Arbiter::current().stop();
    std::future::pending::<()>().await;
}

impl Consumer for Mortal {
    const KIND: &'static str = "mortal";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        cx: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let text = delivery.msg().as_str().unwrap_or_default();
        let first = {
            let mut died = DIED.lock().unwrap();
            let first = !died.iter().any(|name| name == cx.name());
            died.push(cx.name().to_owned());
            first
        };
        if text == "die" || text == "die once" && first {
            die().await;
        }
        cx.publish("lives", text).await?;
        Ok(())
    }
}

#[test]
fn a_dead_consumer_actor_is_replaced_and_its_mailbox_kept() {
    let report = TestBus::new()
        .consumer::<Mortal>("lazarus", QUICK)
        .run(async |bus| {
            bus.publish(TOPIC, "die once").await;
            for n in 0..10 {
                bus.publish(TOPIC, n.to_string()).await;
            }
            assert_eq!(bus.next_published().await.msg().as_str(), Some("die once"));
            for n in 0..10 {
                let lives = bus.next_published().await;
                assert_eq!(lives.msg().as_str(), Some(n.to_string().as_str()));
            }
            bus.settle().await;
        });
    let lazarus = report.status.consumer("lazarus").unwrap();
    assert_eq!((lazarus.accepted, lazarus.consumed), (11, 11));
    assert_eq!(lazarus.state, ConsumerState::Stopped);
    assert!(report.is_clean());
}

#[test]
fn a_consumer_whose_actors_keep_dying_is_given_up_and_holds_nobody_up() {
    let report = TestBus::new()
        .consumer::<Mortal>("doomed", &format!("{QUICK}\nmailbox.messages = 1"))
        .run(async |bus| {
            bus.publish(TOPIC, "die").await;
            bus.publish(TOPIC, "too late").await;
            bus.publish(TOPIC, "too late").await;
            let status = bus.until(HubStatus::is_idle).await;
            let state = &status.consumer("doomed").unwrap().state;
            assert_eq!(state.to_string(), "given up: its actor died too often");
            bus.settle().await;
        });
    let doomed = report.status.consumer("doomed").unwrap();
    assert_eq!((doomed.consumed, doomed.undelivered), (0, 3));
}

/// A consumer that can be built once in each hub.
struct Unique;

static BUILT: Mutex<u32> = Mutex::new(0);

impl Consumer for Unique {
    const KIND: &'static str = "unique";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        let mut built = BUILT.lock().unwrap();
        *built += 1;
        if *built > 1 {
            return Err("there can be only one".into());
        }
        Ok(Self)
    }

    async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
        die().await;
        Ok(())
    }
}

#[test]
fn a_dead_consumer_that_cannot_be_built_anew_is_tried_again_and_then_given_up() {
    let report = TestBus::new()
        .consumer::<Unique>("unique", &format!("{QUICK}\nmailbox.messages = 1"))
        .run(async |bus| {
            for _ in 0..3 {
                bus.publish(TOPIC, "die").await;
            }
            let status = bus.until(HubStatus::is_idle).await;
            let state = &status.consumer("unique").unwrap().state;
            assert_eq!(state.to_string(), "given up: there can be only one");
            bus.settle().await; // the router does not wait for room that never comes
        });
    assert_eq!(
        *BUILT.lock().unwrap(),
        1 + 1 + 2,
        "first, in place of the dead, restarts"
    );
    assert_eq!(report.status.lost(), 3);
}

/// A producer that dies of its first tick.
struct Firefly {
    ticks: u32,
}

static FIREFLIES: Mutex<u32> = Mutex::new(0);

impl Producer for Firefly {
    const KIND: &'static str = "firefly";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> {
        *FIREFLIES.lock().unwrap() += 1;
        Ok(Self { ticks: 0 })
    }

    async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
        self.ticks += 1;
        let first = *FIREFLIES.lock().unwrap() == 1;
        if first {
            die().await;
        }
        cx.publish("glow", u64::from(self.ticks)).await?;
        Ok(())
    }
}

#[test]
fn a_dead_producer_actor_is_replaced_and_ticks_at_its_next_moment() {
    let report = TestBus::new()
        .producer::<Firefly>("firefly", "every = '1h'")
        .run(async |bus| {
            bus.advance(Duration::from_secs(3600)).await;
            bus.advance(Duration::from_secs(3600)).await;
            assert_eq!(bus.next_published().await.msg().as_i64(), Some(1));
        });
    assert_eq!(*FIREFLIES.lock().unwrap(), 2);
    assert_eq!(report.status.producer("firefly").unwrap().ticks, 1);
}

/// Ends the threads of all sources.
struct Deafen;

impl actix::Message for Deafen {
    type Result = ();
}

impl Handler<Deafen> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Deafen, _: &mut Self::Context) {
        self.arbiters.stop();
    }
}

#[test]
fn a_hub_that_has_gone_deaf_says_so() {
    let run = crate::block_on(async {
        let toml =
            "endpoints = { a = 'inproc://a', relay_outbound = [] }\nconsumers.m.kind = 'mortal'";
        let bus = Bus::open(fedmsg::Config::from_toml(toml).unwrap());
        let mut registry = Registry::default();
        registry.consumer::<Mortal>();
        let never = std::future::pending::<std::convert::Infallible>();
        let pulses = Default::default();
        let launched = Supervisor::launch(bus, &registry, Clock::system(), pulses, never);
        let supervisor = match launched.await.unwrap() {
            Launched::Running(supervisor, _) => supervisor,
            Launched::CalledOff(never, _) => match never {},
        };
        assert!(!supervisor.send(GetStatus).await.unwrap().is_idle());
        supervisor.send(Deafen).await.unwrap();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !supervisor.send(GetStatus).await.unwrap().is_idle() {
            assert!(tokio::time::Instant::now() < deadline, "nobody noticed");
            tokio::task::yield_now().await;
        }
    });
    run.unwrap();
}
