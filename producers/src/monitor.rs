//! The producer that says how its own hub is: every counter and state, as a message.
//!
//! The engine hands the state over ([`ProducerContext::hub_status`]); who reads the bus can watch hubs.

use fedmsg::json::to_value;
use fedmsg_actors::{BoxError, Producer, ProducerContext};
use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;

use crate::announcer::Announcer;
use crate::topic_template::TopicTemplate;

/// What `[producers.NAME.params]` may say for kind `monitor`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MonitorParams {
    /// The topic after `<topic_prefix>.<environment>.`: a template of at least two words. Default
    /// "{{ name }}.status".
    pub topic: Option<TopicTemplate>,
}

/// There is nothing to say how it is.
#[derive(Debug, Error)]
#[error("the hub does not say how it is while it starts or stops")]
struct NoStatus;

/// Publishes the state of its hub: `HubStatus` as JSON, with this producer in it.
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::TestBus;
/// use fedmsg_producers::MonitorProducer;
///
/// TestBus::new().producer::<MonitorProducer>("watch", "every = '30s'").run(async |bus| {
///     bus.advance(Duration::from_secs(30)).await;
///     let status = bus.next_published().await;
///     assert_eq!(status.topic().as_str(), "com.example.dev.watch.status");
///     let name = status.msg().pointer("/producers/0/name");
///     assert_eq!(name.and_then(|name| name.as_str()), Some("watch"));
/// });
/// ```
pub struct MonitorProducer {
    announcer: Announcer,
}

impl Producer for MonitorProducer {
    const KIND: &'static str = "monitor";
    const ABOUT: &'static str = "Says how this hub is: every counter and state of it";
    type Params = MonitorParams;

    async fn from_params(
        params: MonitorParams,
        context: &ProducerContext,
    ) -> Result<Self, BoxError> {
        let announcer = Announcer::open(params.topic, "status", context).await?;
        Ok(Self { announcer })
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        let status = context.hub_status().await.ok_or(NoStatus)?;
        self.announcer.announce(to_value(&status)?, context).await?;
        Ok(())
    }
}
