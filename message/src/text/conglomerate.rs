//! `Conglomerate`: one message in the place of several.
//!
//! [`Processors::conglomerate`] makes them for what shows many messages to people: "ada and 2 others
//! logged 5 lines". Which messages belong together is for the [`Conglomerator`]s of processors to say.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Processors, Reading, human_time};
use crate::json::Value;

/// What several messages say together, or a single one by itself. Serialized it has the members of the
/// original's (fedmsg wire specification §6.5).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conglomerate {
    /// The earliest timestamp, in seconds since the epoch; 0 if no message has one.
    pub start_time: f64,
    /// The latest.
    pub end_time: f64,
    /// The mean.
    pub timestamp: f64,
    /// The mean in words, such as "2 hours ago".
    pub human_time: String,
    /// The users of all messages.
    pub usernames: BTreeSet<String>,
    /// The packages of all messages.
    pub packages: BTreeSet<String>,
    /// The topics of all messages.
    pub topics: BTreeSet<String>,
    /// The fourth component of each topic that has one. (The original fails on shorter topics.)
    pub categories: BTreeSet<String>,
    /// The icon of the first message.
    pub icon: Option<String>,
    /// The secondary icon of the first message.
    pub secondary_icon: Option<String>,
    /// What has happened, in a line.
    pub subtitle: String,
    /// What has happened, told to the subject.
    pub subjective: String,
    /// Where to read more.
    pub link: Option<String>,
    /// The messages themselves, by `msg_id`; of several without one the last is left.
    pub msg_ids: BTreeMap<String, Part>,
}

/// What there is to say about one of the messages of a [`Conglomerate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each is the method of `Reading` with that name"
)]
pub struct Part {
    pub title: String,
    pub subtitle: String,
    pub subjective: String,
    pub link: Option<String>,
    pub icon: Option<String>,
    /// The icon once more, under the name that the original has for it.
    pub __icon__: Option<String>,
    pub secondary_icon: Option<String>,
    pub usernames: BTreeSet<String>,
    pub packages: BTreeSet<String>,
    pub objects: BTreeSet<String>,
    pub long_form: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lexer: Option<String>,
}

/// Says which messages of a processor belong together, and what they say then.
pub trait Conglomerator: Send + Sync {
    /// Whether the message is one that it can make one of several from.
    fn can_handle(&self, message: &Value) -> bool;

    /// Whether two messages that it can handle belong together; `one` came first.
    fn matches(&self, one: &Value, other: &Value) -> bool;

    /// Says what `messages`, two or more in their order, say together. `merged` has everything that
    /// follows from the messages one by one, with the subtitle and link of the first.
    fn merge(
        &self,
        messages: &[&Value],
        merged: Conglomerate,
        subject: Option<&str>,
    ) -> Conglomerate;
}

impl Processors {
    /// Makes one of those messages that belong together, in the place of the first of them. `subject` is
    /// the user to whom they are told, `now` the time in seconds since the epoch.
    ///
    /// Each conglomerator is asked in turn, in the order of the processors: the first message that it can
    /// handle and that has not been merged takes all later ones that match it (not each other). What
    /// nobody merges becomes a conglomerate of its own. The time this takes grows with the square of the
    /// number of messages.
    ///
    /// ```
    /// use fedmsg_message::Value;
    /// use fedmsg_message::text::Processors;
    ///
    /// let processors = Processors::for_prefix("org.example")?;
    /// let message = Value::parse(br#"{"topic": "org.example.dev.git.push", "timestamp": 1}"#)?;
    /// let told = processors.conglomerate(&[message], None, 62.0);
    /// assert_eq!(told[0].human_time, "a minute ago");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn conglomerate(
        &self,
        messages: &[Value],
        subject: Option<&str>,
        now: f64,
    ) -> Vec<Conglomerate> {
        let told = Told { subject, now };
        let mut groups: Vec<Group<'_>> = messages.iter().map(Group::Alone).collect();
        for processor in self.iter() {
            for conglomerator in processor.conglomerators() {
                self.merge_by(&**conglomerator, &mut groups, told);
            }
        }
        let groups = groups.into_iter().map(|group| match group {
            Group::Alone(message) => self.together(&[message], told),
            Group::Merged(merged) => *merged,
        });
        groups.collect()
    }

    fn merge_by(&self, by: &dyn Conglomerator, groups: &mut Vec<Group<'_>>, told: Told<'_>) {
        let mut left = std::mem::take(groups);
        left.reverse();
        while let Some(group) = left.pop() {
            let Group::Alone(first) = group else {
                groups.push(group);
                continue;
            };
            let mut matching = vec![first];
            if by.can_handle(first) {
                // From the end to the start is from the first to the last message.
                for index in (0..left.len()).rev() {
                    if let Some(Group::Alone(message)) = left.get(index)
                        && by.can_handle(message)
                        && by.matches(first, message)
                    {
                        matching.push(*message);
                        left.remove(index);
                    }
                }
            }
            groups.push(match &*matching {
                [_] => Group::Alone(first),
                matching => {
                    let together = self.together(matching, told);
                    Group::Merged(Box::new(by.merge(matching, together, told.subject)))
                }
            });
        }
    }

    /// What can be said of several messages without knowing what they have to do with each other.
    fn together(&self, messages: &[&Value], told: Told<'_>) -> Conglomerate {
        let readings: Vec<_> = messages.iter().map(|message| self.read(message)).collect();

        let times: Vec<f64> = messages
            .iter()
            .filter_map(|message| time_of(message))
            .collect();
        let (start_time, end_time, timestamp) = span(&times);
        let first = readings.first();
        let topics = || messages.iter().filter_map(|it| it.get("topic")?.as_str());
        let category = |topic: &str| Some(topic.split('.').nth(3)?.to_owned());
        let parts = messages.iter().zip(&readings).map(|(message, reading)| {
            let msg_id = message.get("msg_id").and_then(Value::as_str);
            (
                msg_id.unwrap_or_default().to_owned(),
                Part::new(reading, told.subject),
            )
        });
        Conglomerate {
            start_time,
            end_time,
            timestamp,
            human_time: human_time(timestamp, told.now),
            usernames: readings.iter().flat_map(Reading::usernames).collect(),
            packages: readings.iter().flat_map(Reading::packages).collect(),
            topics: topics().map(str::to_owned).collect(),
            categories: topics().filter_map(category).collect(),
            icon: first.and_then(Reading::icon),
            secondary_icon: first.and_then(Reading::secondary_icon),
            subtitle: first.map(Reading::subtitle).unwrap_or_default(),
            subjective: first
                .map(|first| first.subjective(told.subject))
                .unwrap_or_default(),
            link: first.and_then(Reading::link),
            msg_ids: parts.collect(),
        }
    }
}

/// To whom messages are told, and when.
#[derive(Clone, Copy)]
struct Told<'a> {
    subject: Option<&'a str>,
    now: f64,
}

/// A message that nobody has merged so far, or what became of several.
enum Group<'a> {
    Alone(&'a Value),
    Merged(Box<Conglomerate>),
}

impl Part {
    fn new(reading: &Reading<'_>, subject: Option<&str>) -> Part {
        let icon = reading.icon();
        Part {
            title: reading.title(),
            subtitle: reading.subtitle(),
            subjective: reading.subjective(subject),
            link: reading.link(),
            __icon__: icon.clone(),
            icon,
            secondary_icon: reading.secondary_icon(),
            usernames: reading.usernames(),
            packages: reading.packages(),
            objects: reading.objects(),
            long_form: reading.long_form(),
            lexer: reading.lexer(),
        }
    }
}

fn time_of(message: &Value) -> Option<f64> {
    message.get("timestamp")?.as_f64()
}

/// The least, the greatest and the mean of some times; 0 of none.
#[expect(
    clippy::cast_precision_loss,
    reason = "there are fewer messages than 2^53"
)]
fn span(times: &[f64]) -> (f64, f64, f64) {
    if times.is_empty() {
        return (0.0, 0.0, 0.0);
    }
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = times.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    (least, greatest, mean)
}

#[cfg(test)]
mod tests;
