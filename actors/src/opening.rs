//! Whether the whole hub has started: every consumer and producer built, every socket open.
//!
//! The supervisor says so; the hosts wait for it before the first message or tick.

use tokio::sync::watch;

/// Tells every host of a hub when all of it has started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opening(watch::Sender<Phase>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Starting,
    Open,
    Failed,
}

impl Opening {
    /// All of it has started.
    pub(crate) fn open(&self) {
        self.0.send_replace(Phase::Open);
    }

    /// Something did not start, and so nothing will run.
    pub(crate) fn fail(&self) {
        self.0.send_replace(Phase::Failed);
    }

    /// Waits until it has started; whether it has.
    pub(crate) async fn wait(&self) -> bool {
        let mut phases = self.0.subscribe();
        let phase = phases.wait_for(|phase| *phase != Phase::Starting).await;
        phase.is_ok_and(|phase| *phase == Phase::Open)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use fedmsg::Delivery;

    use crate::consumer::{BoxError, ConsumeError, Consumer};
    use crate::context::{ConsumerContext, NoParams, ProducerContext};
    use crate::producer::Producer;
    use crate::test_bus::TestBus;

    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

    fn see(name: &str, what: &str) -> usize {
        let mut seen = SEEN.lock().unwrap();
        seen.push(format!("{name} {what}"));
        seen.iter()
            .filter(|it| **it == format!("{name} {what}"))
            .count()
    }

    struct Witness;

    impl Consumer for Witness {
        const KIND: &'static str = "witness";
        type Params = NoParams;

        async fn from_params(_: NoParams, cx: &ConsumerContext) -> Result<Self, BoxError> {
            see(cx.name(), "built");
            Ok(Self)
        }

        async fn started(&mut self, cx: &ConsumerContext) {
            let time = see(cx.name(), "started");
            assert!(time > 1 || cx.name() != "shaky", "not yet");
        }

        async fn consume(&mut self, _: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
            see(cx.name(), "message");
            Ok(())
        }
    }

    impl Producer for Witness {
        const KIND: &'static str = "witness";
        type Params = NoParams;

        async fn from_params(_: NoParams, cx: &ProducerContext) -> Result<Self, BoxError> {
            see(cx.name(), "built");
            Ok(Self)
        }

        async fn started(&mut self, cx: &ProducerContext) {
            see(cx.name(), "started");
        }

        async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
            see(cx.name(), "tick");
            Ok(())
        }
    }

    #[test]
    fn everybody_is_told_of_the_start_after_all_are_built_and_before_the_first_work() {
        let bus = TestBus::new()
            .consumer::<Witness>("one", "")
            .consumer::<Witness>("shaky", "restart.first_delay = '1ms'")
            .producer::<Witness>("last", "every = '1h'\nnow = true");
        let report = bus.run(async |bus| {
            bus.publish("com.example.a", 1).await;
            bus.settle().await;
            bus.advance(Duration::from_secs(3600)).await;
        });
        assert_eq!(report.status.consumer("shaky").unwrap().panics, 1);
        let seen = SEEN.lock().unwrap();
        let built = ["one built", "shaky built", "last built"];
        assert_eq!(seen[..3], built, "{seen:?}");
        let of = |name: &str| {
            let mine = seen.iter().filter_map(|it| it.strip_prefix(name));
            mine.collect::<Vec<_>>().join("")
        };
        assert_eq!(of("one"), " built started message");
        assert_eq!(of("shaky"), " built started built started message");
        assert_eq!(of("last"), " built started tick tick");
    }
}
