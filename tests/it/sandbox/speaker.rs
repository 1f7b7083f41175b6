//! A publisher of our library, with calls that block.

use std::thread;
use std::time::{Duration, Instant};

use fedmsg::json::Value;
use fedmsg::{Audience, Bus, Config, Message, Published, Publisher, Topic};
use tokio::runtime::{Builder, Runtime};

use super::{PATIENCE, PROBE, Settings, loopback};

/// A publisher, bound or connected to a relay as its configuration says.
pub(crate) struct Speaker {
    // Declared before the runtime: it leaves the event loop before that ends.
    publisher: Publisher,
    runtime: Runtime,
}

impl Speaker {
    /// Opens the publisher that `settings` describe.
    pub(crate) fn open(settings: &Settings) -> Self {
        let config = Config::from_toml(&settings.to_string()).expect("a configuration");
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("an event loop");
        let publisher = runtime.block_on(Bus::open(config).publisher());
        let publisher = publisher.expect("a publisher");
        Self { publisher, runtime }
    }

    /// Opens one bound to `port`. Its messages wait for nothing; dropping it neither.
    pub(crate) fn bound(port: u16) -> Self {
        let settings = Settings::new().endpoint("svc.host", port);
        Self::open(
            &settings.with(
                "name = 'svc.host'\npost_init_sleep = 0\nhigh_water_mark = 0\nzmq_linger = 0",
            ),
        )
    }

    /// Opens one that connects to the relay at `port`, for which its messages wait; dropping it
    /// does not.
    pub(crate) fn active(port: u16) -> Self {
        let active = format!(
            "active = true\ntimeout = {}\nrelay_inbound = '{}'\nzmq_linger = 0",
            PATIENCE.as_secs(),
            loopback(port)
        );
        Self::open(&Settings::new().with(&active))
    }

    /// Waits until somebody has subscribed to `topic`.
    pub(crate) fn wait_for(&self, topic: &str) {
        let wanted = full(topic);
        let subscribed = self.publisher.wait_for_subscriber(&wanted, PATIENCE);
        let audience = self.runtime.block_on(subscribed);
        assert_eq!(audience, Audience::Somebody, "nobody wants {topic}");
    }

    /// Returns whether somebody subscribes to `topic`.
    pub(crate) fn hears(&self, topic: &str) -> bool {
        self.publisher.audience(&full(topic)) == Audience::Somebody
    }

    /// Waits until nobody subscribes to `topic` any more.
    pub(crate) fn wait_until_unheard(&self, topic: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.hears(topic) {
            assert!(Instant::now() < deadline, "{topic} is still subscribed to");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Sends `body` with `topic` until nobody subscribes to it any more.
    pub(crate) fn forward_while_heard(&self, topic: &str, body: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.hears(topic) {
            assert!(Instant::now() < deadline, "{topic} is still subscribed to");
            self.forward(topic, body);
        }
    }

    /// Publishes `msg` as `<topic_prefix>.<environment>.<modname>.<topic>`.
    pub(crate) fn publish(&self, modname: &str, topic: &str, msg: impl Into<Value>) -> Published {
        let message = Message::new(topic, msg).with_modname(modname);
        let published = self.runtime.block_on(self.publisher.publish(message));
        published.expect("a message that can be published")
    }

    /// Sends frames as they are given.
    pub(crate) fn forward(&self, topic: &str, body: impl AsRef<[u8]>) {
        let sent = self.publisher.forward(&full(topic), body.as_ref());
        sent.expect("an open socket");
    }

    /// Sends a topic that nobody could publish, such as one with control characters.
    pub(crate) fn forward_received(&self, topic: &str, body: impl AsRef<[u8]>) {
        let topic = Topic::received(topic.to_owned().into()).expect("UTF-8");
        let sent = self.publisher.forward(&topic, body.as_ref());
        sent.expect("an open socket");
    }

    /// Sends probes with `topic` until `heard`, which waits as long as it is told, has heard
    /// something: then whoever it asks has subscribed.
    pub(crate) fn probe<T>(&self, topic: &str, mut heard: impl FnMut(Duration) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.forward(topic, format!(r#"{{"topic":"{topic}","msg":"{topic}"}}"#));
            if let Some(found) = heard(PROBE) {
                return found;
            }
            assert!(Instant::now() < deadline, "no probe is heard");
        }
    }
}

fn full(topic: &str) -> Topic {
    topic.parse().expect("a topic")
}
