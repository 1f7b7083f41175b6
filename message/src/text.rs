//! `Processors`: who knows what to say about a message, in words for people.
//!
//! It is the original's `fedmsg.meta` (fedmsg wire specification §6). `fedmsg-tail` shows messages
//! and filters them by it; the consumer `collectd` counts by it. For each message it chooses a
//! [`Processor`] and hands out a [`Reading`].

mod processor;
mod reading;
mod topic_rule;

mod announce;
mod logger;
mod unhandled;

mod python;

mod conglomerate;
mod human_time;
mod series;

mod template;

use std::collections::BTreeSet;

use self::announce::Announce;
use self::logger::Logger;
use self::topic_rule::TopicRule;
use self::unhandled::Unhandled;
use crate::json::Value;

pub use self::conglomerate::{Conglomerate, Conglomerator, Part};
pub use self::human_time::human_time;
pub use self::processor::{About, Missing, Processor};
pub use self::reading::Reading;
pub use self::series::{SerialComma, list_to_series};
pub use self::template::{Dialect, MESSAGE_VARIABLES, Template, TemplateError, Variables};

/// The processors, in the order in which they are asked: the built-in `announce` and `logger`, then
/// those that were added, and `unhandled` for what nobody knows.
///
/// ```
/// use fedmsg_message::Value;
/// use fedmsg_message::text::Processors;
///
/// let processors = Processors::for_prefix("org.example")?;
/// let message = Value::parse(
///     br#"{"topic": "org.example.dev.logger.log", "msg": {"log": "hello"}, "username": "ada"}"#,
/// )?;
/// let reading = processors.read(&message);
/// assert_eq!(reading.repr(), "logger.log -- hello (ada) ");
/// assert!(reading.usernames().contains("ada"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Processors {
    /// What the topics begin with of every processor that does not say otherwise.
    prefix_expression: String,
    known: Vec<(TopicRule, Box<dyn Processor>)>,
}

/// Why a processor cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessorError {
    /// One of the texts that describe it is empty.
    #[error("processor {processor:?}: its {attribute} is empty")]
    Blank {
        /// The name of the processor.
        processor: String,
        /// What is empty: `name`, `description`, `link`, `docs` or `obj`.
        attribute: &'static str,
    },
    /// Its topics cannot be told from others.
    #[error("processor {processor:?}: {expression:?} is no regular expression: {reason}")]
    Expression {
        /// The name of the processor.
        processor: String,
        /// What its topics should begin with.
        expression: String,
        /// What is wrong with that, with the position.
        reason: String,
    },
}

impl Processors {
    /// Returns the built-in processors for a bus whose topics begin with `topic_prefix` and an
    /// environment, which is one or more letters: `org.example.dev`.
    ///
    /// # Errors
    ///
    /// [`ProcessorError::Expression`] for a prefix of many thousand characters.
    pub fn for_prefix(topic_prefix: &str) -> Result<Processors, ProcessorError> {
        let prefix = fancy_regex::escape(topic_prefix);
        Processors::for_expression(&format!(r"{prefix}\.[^\W\d_]+"))
    }

    /// Returns the built-in processors for a bus whose topics begin with what the regular expression
    /// matches, the environment included: `topic_prefix_re` of the original, `^org\.example\.(dev|prod)`.
    ///
    /// # Errors
    ///
    /// [`ProcessorError::Expression`].
    pub fn for_expression(expression: &str) -> Result<Processors, ProcessorError> {
        let mut processors = Processors {
            prefix_expression: expression.to_owned(),
            known: Vec::new(),
        };
        processors.add(Announce)?;
        processors.add(Logger)?;
        Ok(processors)
    }

    /// Adds a processor, which is asked after those that are there already.
    ///
    /// # Errors
    ///
    /// Either kind; nothing is added then.
    pub fn add(&mut self, processor: impl Processor + 'static) -> Result<(), ProcessorError> {
        let about = processor.about();
        let blank = [
            ("name", about.name),
            ("description", about.description),
            ("link", about.link),
            ("docs", about.docs),
            ("obj", about.obj),
        ];
        if let Some((attribute, _)) = blank.into_iter().find(|(_, text)| text.is_empty()) {
            return Err(ProcessorError::Blank {
                processor: about.name.to_owned(),
                attribute,
            });
        }
        let prefix = about.topic_prefix_re.unwrap_or(&self.prefix_expression);
        let rule = TopicRule::new(prefix, about.name)?;
        self.known.push((rule, Box::new(processor)));
        Ok(())
    }

    /// Returns all of them in the order in which they are asked, `unhandled` last.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Processor> {
        let known = self.known.iter().map(|(_, processor)| &**processor);
        known.chain([&Unhandled as &dyn Processor])
    }

    /// Returns the processor for `topic`, and the part of the topic after its name: `log` of
    /// `org.example.dev.logger.log`. For `unhandled` that is the whole topic.
    pub fn handle<'a>(&'a self, topic: &'a str) -> (&'a dyn Processor, &'a str) {
        let asked = self.known.iter().find_map(|(rule, processor)| {
            let rest = processor.handle(topic, rule.rest(topic));
            rest.map(|rest| (&**processor, rest))
        });
        asked.unwrap_or((&Unhandled, topic))
    }

    /// Returns what there is to say about a message, the body of an envelope. Every JSON value has a
    /// reading; of one without a `topic` there is just nothing to say.
    pub fn read<'a>(&'a self, message: &'a Value) -> Reading<'a> {
        let topic = message.get("topic").and_then(Value::as_str);
        let (processor, _) = topic.map_or((&Unhandled as &dyn Processor, ""), |it| self.handle(it));
        Reading::new(processor, message)
    }
}

/// The user of the operating system who has sent the message, whom the built-in processors name.
fn sender(message: &Value) -> BTreeSet<String> {
    let user = message.get("username").and_then(Value::as_str);
    user.map(str::to_owned).into_iter().collect()
}

/// The title that a processor gives unless it knows better: the topic from its fourth component on. A
/// topic of STOMP, which begins with `/topic/`, is left whole.
fn title_of(message: &Value) -> Result<String, Missing> {
    let topic = message.get("topic").and_then(Value::as_str);
    let topic = topic.ok_or(Missing)?;
    if topic.starts_with("/topic/") {
        return Ok(topic.to_owned());
    }
    Ok(topic.splitn(4, '.').nth(3).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests;
