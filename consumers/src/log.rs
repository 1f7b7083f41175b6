//! The consumer that writes a line to the log for each message.

use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery};
use fedmsg_message::json::{Value, to_spaced};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::field::display;
use tracing::{debug, error, info, trace, warn};

/// What `[consumers.NAME.params]` may say for kind `log`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogParams {
    /// The level of the line: "error", "warn", "info" (the default), "debug" or "trace".
    pub level: Level,
    /// How many bytes of the payload, as JSON, the line has at most; the rest is cut off and marked.
    /// 0 leaves the payload out, and then it is not even parsed. Default 200.
    pub payload: usize,
}

/// A level of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// An operator must act.
    Error,
    /// Something was survived.
    Warn,
    /// Worth knowing.
    Info,
    /// For somebody who looks for a fault.
    Debug,
    /// Everything.
    Trace,
}

impl Default for LogParams {
    fn default() -> Self {
        Self {
            level: Level::Info,
            payload: 200,
        }
    }
}

/// Writes topic, identifier and the start of the payload of each message to the log.
///
/// ```
/// use fedmsg_actors::TestBus;
/// use fedmsg_consumers::Log;
///
/// let settings = r#"params = { level = "debug", payload = 80 }"#;
/// let report = TestBus::new().consumer::<Log>("audit", settings).run(async |bus| {
///     bus.publish("org.example.dev.shop.sale", "tea").await;
///     bus.settle().await;
/// });
/// assert!(report.is_clean());
/// ```
#[derive(Debug)]
pub struct Log {
    params: LogParams,
}

impl Consumer for Log {
    const KIND: &'static str = "log";
    const ABOUT: &'static str = "Writes a line to the log for each message";
    type Params = LogParams;

    async fn from_params(params: LogParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self { params })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let (topic, endpoint) = (delivery.topic(), delivery.endpoint());
        let (msg_id, payload) = match self.params.payload {
            0 => (None, None),
            limit => (delivery.msg_id(), Some(payload(delivery.msg(), limit))),
        };
        let payload = payload.as_deref().map(display);
        match self.params.level {
            Level::Error => error!(%topic, %endpoint, msg_id, payload, "message"),
            Level::Warn => warn!(%topic, %endpoint, msg_id, payload, "message"),
            Level::Info => info!(%topic, %endpoint, msg_id, payload, "message"),
            Level::Debug => debug!(%topic, %endpoint, msg_id, payload, "message"),
            Level::Trace => trace!(%topic, %endpoint, msg_id, payload, "message"),
        }
        Ok(())
    }
}

fn payload(msg: &Value, limit: usize) -> String {
    // Only a value nested deeper than any that could be received has no text.
    shortened(to_spaced(msg).unwrap_or_default(), limit)
}

/// Cuts `text` (ASCII, as JSON is written here) to `limit` bytes and marks the cut.
fn shortened(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_payloads_are_cut_and_marked() {
        assert_eq!(shortened("{\"a\":1}".to_owned(), 7), "{\"a\":1}");
        assert_eq!(shortened("{\"a\":1}".to_owned(), 3), "{\"a…");
        assert_eq!(shortened("é".to_owned(), 1), "…");
    }
}
