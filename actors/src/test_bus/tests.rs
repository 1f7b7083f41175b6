//! The kit itself: faults happen as asked, everything is told, and what is wrong is said.

use std::panic::catch_unwind;
use std::sync::Mutex;

use super::*;
use crate::consumer::{BoxError, ConsumeError};
use crate::context::{ConsumerContext, NoParams, ProducerContext};
use crate::{ConsumerState, Delivery};

/// Publishes what it hears.
struct Echo;

impl Consumer for Echo {
    const KIND: &'static str = "echo";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        cx: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        cx.publish("echo", delivery.msg().clone()).await?;
        Ok(())
    }
}

fn numbers(deliveries: &[Delivery]) -> Vec<i64> {
    let number = |it: &Delivery| it.msg().as_i64().unwrap();
    deliveries.iter().map(number).collect()
}

fn message(n: usize) -> DeliveryBuilder {
    DeliveryBuilder::new("com.example.test.n", n).from_publisher(["a", "b"][n % 2])
}

fn echo() -> TestBus {
    let bus = TestBus::new().publisher("a").publisher("b").impatient();
    bus.consumer::<Echo>("echo", "")
}

#[test]
fn messages_of_several_publishers_arrive_in_the_order_in_which_they_are_sent() {
    let report = echo().run(async |bus| {
        bus.send((0..200).map(message)).await;
        bus.settle().await;
        assert!(numbers(&bus.published().await).into_iter().eq(0..200));
    });
    assert!(numbers(&report.published).into_iter().eq(0..200));
    assert_eq!((report.calls.len(), report.more_calls), (200, 0));
    let endpoints = report
        .calls
        .iter()
        .map(|call| call.delivery.endpoint().as_str());
    assert!(endpoints.eq(["a", "b"].into_iter().cycle().take(200)));
}

#[test]
fn a_crash_comes_after_the_work_and_before_the_hub_knows() {
    let faults = Faults::seeded(5).crash(1.0);
    let report = echo().run(async |bus| {
        bus.send_with(&faults, (0..3).map(message)).await;
        bus.settle().await;
    });
    assert_eq!(numbers(&report.published), [0, 0, 1, 1, 2, 2]);
    let outcomes = report.calls.iter().map(|call| &call.outcome);
    assert!(
        outcomes.eq([CallOutcome::Crashed, CallOutcome::Consumed]
            .iter()
            .cycle()
            .take(6))
    );
    let echo = report.status.consumer("echo").unwrap();
    assert_eq!((echo.consumed, echo.panics, echo.dropped), (3, 3, 0));
    assert!(report.is_clean());
}

#[test]
fn a_hub_stops_where_it_is_told_and_works_off_what_it_has() {
    let faults = Faults::seeded(1).duplicate(1.0).stop_after(5);
    let report = echo().run(async |bus| {
        bus.send_with(&faults, (0..100).map(message)).await;
        assert_eq!(
            bus.status().await.consumer("echo").unwrap().state,
            ConsumerState::Stopped
        );
        bus.settle().await;
    });
    assert_eq!(numbers(&report.published), [0, 0, 1, 1, 2]);
}

#[test]
fn a_test_that_fails_names_the_seeds_of_its_faults() {
    let failed = catch_unwind(|| {
        echo().run(async |bus| {
            let faults = Faults::seeded(4711).drop(0.5);
            bus.send_with(&faults, (0..10).map(message)).await;
            panic!("an assertion");
        })
    });
    let text = panic_text(&*failed.unwrap_err());
    assert!(text.starts_with("an assertion\n"), "{text}");
    assert!(text.contains("4711"), "{text}");
}

#[test]
fn what_is_not_on_the_bus_is_named() {
    let failed =
        catch_unwind(|| echo().run(async |bus| bus.send([message(0).from_publisher("c")]).await));
    let text = panic_text(&*failed.unwrap_err());
    assert!(text.contains("TestBus::publisher(\"c\")"), "{text}");
}

#[test]
fn a_recording_is_played_byte_for_byte() {
    let body = r#"{"topic": "com.example.test.n",  "msg": 1.50, "x": "\u00e9"}"#;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{body}\n")).unwrap();
    let report = echo().run(async |bus| {
        bus.play(file.path()).await;
        bus.settle().await;
    });
    assert_eq!(report.calls[0].delivery.envelope().bytes(), body);

    std::fs::write(file.path(), "{}\n").unwrap();
    let failed = catch_unwind(|| echo().run(async |bus| bus.play(file.path()).await));
    let text = panic_text(&*failed.unwrap_err());
    assert!(text.contains("line 1: body has no topic"), "{text}");
}

/// Notes its ticks.
struct Bell;

static RUNG: Mutex<u32> = Mutex::new(0);

impl Producer for Bell {
    const KIND: &'static str = "bell";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn tick(&mut self, _: &ProducerContext) -> Result<(), BoxError> {
        *RUNG.lock().unwrap() += 1;
        Ok(())
    }
}

#[test]
fn a_delay_lets_the_clock_of_schedules_run_from_the_time_that_the_test_chose() {
    let bus = echo().producer::<Bell>("bell", "cron = '0 12 * * *'");
    bus.starts_at("2026-03-29T11:00:00Z").run(async |bus| {
        let faults = Faults::seeded(1).delay(1.0, Duration::from_secs(1800));
        bus.send_with(&faults, [message(0)]).await;
        assert_eq!(*RUNG.lock().unwrap(), 0);
        bus.send_with(&faults, [message(1)]).await;
        bus.until(|status| status.producer("bell").unwrap().ticks == 1)
            .await;
        assert_eq!(bus.clock_now().to_string(), "2026-03-29T12:00:00Z");
    });
}
