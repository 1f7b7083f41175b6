//! The producer that says "still here": for tests of a bus, and for those who watch for silence.

use fedmsg::json::{Object, Value};
use fedmsg::{Message, host_name};
use fedmsg_actors::{BoxError, Producer, ProducerContext};
use schemars::JsonSchema;
use serde::Deserialize;

/// What `[producers.NAME.params]` may say for kind `heartbeat`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeartbeatParams {
    /// The last part of the topic, after `<topic_prefix>.<environment>.hub.`; default "heartbeat".
    pub topic: String,
}

impl Default for HeartbeatParams {
    fn default() -> Self {
        Self {
            topic: "heartbeat".to_owned(),
        }
    }
}

/// Publishes `{"beat": n, "host": …, "name": …}` at every tick, `n` from 1.
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::TestBus;
/// use fedmsg_producers::Heartbeat;
///
/// TestBus::new().producer::<Heartbeat>("pulse", "every = '5s'").run(async |bus| {
///     bus.advance(Duration::from_secs(5)).await;
///     let beat = bus.next_published().await;
///     assert_eq!(beat.topic().as_str(), "com.example.dev.hub.heartbeat");
///     assert_eq!(beat.msg().get("name").and_then(|name| name.as_str()), Some("pulse"));
/// });
/// ```
#[derive(Debug)]
pub struct Heartbeat {
    topic: String,
    beats: u64,
}

impl Producer for Heartbeat {
    const KIND: &'static str = "heartbeat";
    const ABOUT: &'static str = "Says that this hub is still here";
    type Params = HeartbeatParams;

    async fn from_params(
        params: HeartbeatParams,
        context: &ProducerContext,
    ) -> Result<Self, BoxError> {
        context.publisher().await?;
        Ok(Self {
            topic: params.topic,
            beats: 0,
        })
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        self.beats += 1;
        let mut msg = Object::new();
        msg.insert("beat", self.beats);
        msg.insert("host", host_name());
        msg.insert("name", context.name());
        let message = Message::new(self.topic.as_str(), Value::Object(msg)).with_modname("hub");
        context.publish_message(message).await?;
        Ok(())
    }
}
