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

    use fedmsg::{Bus, Config, Delivery, Message};
    use tokio::sync::Notify;

    use crate::consumer::{BoxError, ConsumeError, Consumer};
    use crate::context::{ConsumerContext, NoParams, ProducerContext};
    use crate::producer::Producer;
    use crate::registry::Registry;
    use crate::running::RunningHub;
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

        async fn stop(&mut self, cx: &ConsumerContext) {
            see(cx.name(), "stopped");
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

        async fn stop(&mut self, cx: &ProducerContext) {
            see(cx.name(), "stopped");
        }
    }

    /// Does not start before somebody has heard it, and then not at all.
    struct Failing;

    impl Producer for Failing {
        const KIND: &'static str = "failing";
        type Params = NoParams;

        async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> {
            MAY_FAIL.notified().await;
            Err("no longer".into())
        }

        async fn tick(&mut self, _: &ProducerContext) -> Result<(), BoxError> {
            Ok(())
        }
    }

    static MAY_FAIL: Notify = Notify::const_new();

    #[test]
    fn who_is_not_told_of_the_start_is_given_nothing_but_its_end() {
        let toml = "endpoints = { test = 'inproc://test', relay_outbound = [] }
                    relay_inbound = 'inproc://published'
                    active = true
                    post_init_sleep = 0
                    producers.zzz = { kind = 'failing', every = '1h' }
                    producers.early = { kind = 'witness', every = '1h', now = true }
                    consumers.idle = { kind = 'witness' }";
        let mut registry = Registry::default();
        registry.consumer::<Witness>();
        registry.producer::<Witness>().producer::<Failing>();
        let run = crate::block_on(async {
            let bus = Bus::open(Config::from_toml(toml).unwrap());
            let publisher = bus.publisher_named(&"test".into()).await.unwrap();
            let publish = async {
                let topic = "com.example.dev.test.a".parse().unwrap();
                let patience = Duration::from_secs(60);
                publisher.wait_for_subscriber(&topic, patience).await;
                let message = Message::new("a", 1).with_modname("test");
                publisher.publish(message).await.unwrap();
                MAY_FAIL.notify_one();
            };
            let (started, ()) = tokio::join!(RunningHub::start(bus, &registry), publish);
            assert!(started.is_err());
        });
        run.unwrap();
        let seen = SEEN.lock().unwrap();
        let of = |name: &str| {
            let mine = seen.iter().filter_map(|it| it.strip_prefix(name));
            mine.collect::<Vec<_>>().join("")
        };
        assert_eq!(of("idle"), " built stopped");
        assert_eq!(of("early"), " built stopped");
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
        // Another test may be seen, too.
        let mut mine = seen
            .iter()
            .filter(|it| !it.starts_with("idle") && !it.starts_with("early"));
        assert!(mine.by_ref().take(3).eq(built), "{seen:?}");
        let of = |name: &str| {
            let mine = seen.iter().filter_map(|it| it.strip_prefix(name));
            mine.collect::<Vec<_>>().join("")
        };
        assert_eq!(of("one"), " built started message stopped");
        assert_eq!(of("shaky"), " built started built started message stopped");
        assert_eq!(of("last"), " built started tick tick stopped");
    }
}
