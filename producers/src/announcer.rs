//! `Announcer`: what all kinds of producers do with a payload: find its topic, count it, publish it.
//!
//! Each kind that publishes by template has one; [`crate::TopicTemplate`] is its parameter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fedmsg::json::Value;
use fedmsg::{Message, PublishError, host_name, program_name, user_name};
use fedmsg_actors::{BoxError, ProducerContext};
use fedmsg_message::text::Variables;
use thiserror::Error;

use crate::topic_template::{TopicTemplate, TopicTemplateError};

/// The number that says how many messages have been published.
const PUBLISHED: &str = "published";

/// What every template of a producer may name.
pub(crate) const VARIABLES: [&str; 10] = [
    "count",
    "environment",
    "host",
    "iso",
    "name",
    "now",
    "now_ms",
    "pid",
    "process",
    "user",
];

/// Why a payload was not published.
#[derive(Debug, Error)]
pub(crate) enum AnnounceError {
    // Whose text begins with the name of the parameter.
    #[error("params.{0}")]
    Topic(#[from] TopicTemplateError),
    #[error(transparent)]
    Publish(#[from] Arc<PublishError>),
}

impl AnnounceError {
    /// Whether this payload will never be published, however often that is tried.
    fn is_hopeless(&self) -> bool {
        use PublishError::{Encode, TooLarge, Topic};
        match self {
            Self::Topic(_) => true,
            Self::Publish(error) => matches!(**error, TooLarge { .. } | Encode(_) | Topic(_)),
        }
    }
}

/// Some of many messages could not be published, and never will.
#[derive(Debug, Error)]
#[error("{count} passed over, which can never be published; the first: {first}")]
pub(crate) struct PassedOver {
    count: u64,
    first: BoxError,
}

/// Publishes payloads under the topics of one producer.
pub(crate) struct Announcer {
    topic: Option<TopicTemplate>,
    /// The topic without a template: `<name>.<event>`.
    event: &'static str,
    /// What does not change from message to message.
    facts: Variables,
    passed_over: Option<PassedOver>,
    figures: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

impl Announcer {
    /// Opens the publisher of the hub, and shows what is counted.
    pub(crate) async fn open(
        topic: Option<TopicTemplate>,
        event: &'static str,
        context: &ProducerContext,
    ) -> Result<Self, BoxError> {
        context.publisher().await?;
        let figures = Arc::new(Mutex::new(BTreeMap::from([(PUBLISHED, 0)])));
        let facts = Variables::new()
            .with("environment", context.config().environment.as_str())
            .with("host", host_name())
            .with("name", context.name())
            .with("pid", std::process::id())
            .with("process", program_name())
            .with("user", user_name());
        let announcer = Self {
            topic,
            event,
            facts,
            passed_over: None,
            figures,
        };
        announcer.show_with(context, Vec::new);
        Ok(announcer)
    }

    /// Shows what is counted here, and what somebody else counts.
    pub(crate) fn show_with(
        &self,
        context: &ProducerContext,
        more: impl Fn() -> Vec<(&'static str, u64)> + Send + 'static,
    ) {
        let shown = Arc::clone(&self.figures);
        context.show_figures(move || {
            let figures = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let figures = figures.iter().map(|(name, count)| (*name, *count));
            figures.chain(more()).collect()
        });
    }

    /// What a template can name for the next message.
    pub(crate) fn variables(&self, context: &ProducerContext) -> Variables {
        let now = context.now();
        self.facts
            .clone()
            .with("count", self.published() + 1)
            .with("now", now.as_second())
            .with("now_ms", now.as_millisecond())
            .with("iso", now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    /// Publishes a payload.
    pub(crate) async fn announce(
        &mut self,
        msg: Value,
        context: &ProducerContext,
    ) -> Result<(), AnnounceError> {
        let topic = match &self.topic {
            None => format!("{}.{}", context.name(), self.event),
            Some(topic) => topic.render(&self.variables(context).with_json("msg", &msg))?,
        };
        let (modname, topic) = topic.split_once('.').unwrap_or((&topic, ""));
        let message = Message::new(topic, msg).with_modname(modname);
        context.publish_message(message).await?;
        self.count(PUBLISHED, 1);
        Ok(())
    }

    /// Publishes one payload of many: one that can never be published is passed over, for it must not hold
    /// up those behind it. An error is worth another attempt.
    pub(crate) async fn announce_one(
        &mut self,
        msg: Value,
        context: &ProducerContext,
    ) -> Result<(), AnnounceError> {
        match self.announce(msg, context).await {
            Err(error) if error.is_hopeless() => {
                self.pass_over(error);
                Ok(())
            }
            other => other,
        }
    }

    /// Notes that something is left out for good.
    pub(crate) fn pass_over(&mut self, reason: impl Into<BoxError>) {
        self.count("passed_over", 1);
        let before = self.passed_over.take();
        let count = before.as_ref().map_or(0, |before| before.count) + 1;
        let first = before.map_or_else(|| reason.into(), |before| before.first);
        self.passed_over = Some(PassedOver { count, first });
    }

    /// Says what has been passed over since this was asked last.
    pub(crate) fn finish(&mut self) -> Result<(), PassedOver> {
        self.passed_over.take().map_or(Ok(()), Err)
    }

    /// Adds to a number of the status of the hub.
    pub(crate) fn count(&self, name: &'static str, more: u64) {
        *self.figures().entry(name).or_default() += more;
    }

    fn published(&self) -> u64 {
        self.figures().get(PUBLISHED).copied().unwrap_or_default()
    }

    fn figures(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
