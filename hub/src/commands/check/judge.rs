//! What is to be thought of an emission: who is missing, who is not well, what is beyond a threshold.
//!
//! [`super`] asks, with the thresholds of the command line.

use std::str::FromStr;

use fedmsg::json::Object;
use fedmsg_config::duration;

use super::emission::{Emission, Entry};

/// How bad it is, best first, as monitoring plugins rank it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Ok,
    Unknown,
    Warning,
    Critical,
}

impl Level {
    /// What Nagios calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }
}

/// Two limits, `WARN:CRIT`, or one for both. What is greater than a limit is beyond it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Threshold {
    pub(super) warning: f64,
    pub(super) critical: f64,
}

impl Threshold {
    fn level(self, value: f64) -> Level {
        if value > self.critical {
            Level::Critical
        } else if value > self.warning {
            Level::Warning
        } else {
            Level::Ok
        }
    }

    fn read(text: &str, limit: impl Fn(&str) -> Option<f64>) -> Option<Self> {
        let (warning, critical) = text.split_once(':').unwrap_or((text, text));
        let (warning, critical) = (limit(warning)?, limit(critical)?);
        (warning <= critical).then_some(Self { warning, critical })
    }
}

impl FromStr for Threshold {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse::<u32>().ok().map(f64::from);
        Self::read(text, number)
            .ok_or("expected two whole numbers, such as 10:50, the second not smaller")
    }
}

/// Two ages, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Age(pub(super) Threshold);

impl FromStr for Age {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let age = |text: &str| {
            let seconds = text.parse::<u32>().ok().map(f64::from);
            seconds.or_else(|| duration::parse(text).ok().map(|time| time.as_secs_f64()))
        };
        let threshold = Threshold::read(text, age);
        threshold
            .map(Self)
            .ok_or("expected two times, such as 60:300 (seconds) or 1m:5m, the second not shorter")
    }
}

/// What a relay or gateway counts that one of its subscribers has not got.
const MISSED: [&str; 2] = ["missed", "cut_off"];

/// What to look at.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) consumers: &'a [String],
    pub(super) producers: &'a [String],
    pub(super) backlog: Option<Threshold>,
    pub(super) exceptions: Option<Threshold>,
    pub(super) message_age: Option<Age>,
    pub(super) run_age: Option<Age>,
    pub(super) missed: Option<Threshold>,
    /// The time, in seconds since the epoch, for a hub that does not say its own.
    pub(super) now: f64,
}

/// Something that was looked at and has a number.
#[derive(Debug, PartialEq)]
pub(super) struct Measure {
    pub(super) name: String,
    /// `s` for times, else nothing.
    pub(super) unit: &'static str,
    pub(super) value: f64,
    pub(super) threshold: Option<Threshold>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// Names that were asked for and are not there.
    pub(super) missing: Vec<String>,
    /// Names that were asked for and are there, but not initialized.
    pub(super) uninitialized: Vec<String>,
    /// What is wrong beyond that, with how bad it is.
    pub(super) problems: Vec<(Level, String)>,
    pub(super) measures: Vec<Measure>,
}

impl Judgement {
    /// Looks at `emission`.
    pub(super) fn of(emission: &Emission, wanted: &Wanted<'_>) -> Self {
        let mut judgement = Self::default();
        let everything = wanted.consumers.is_empty() && wanted.producers.is_empty();
        let consumers = judgement.select(&emission.consumers, wanted.consumers, everything);
        let producers = judgement.select(&emission.producers, wanted.producers, everything);
        let clock = Clock::of(emission.hub.as_ref(), wanted.now);
        for consumer in consumers {
            judgement.look_at_consumer(consumer, wanted, clock);
        }
        for producer in producers {
            judgement.look_at_producer(producer, wanted, clock);
        }
        judgement
    }

    /// How bad the worst of it is.
    pub(super) fn level(&self) -> Level {
        if !self.missing.is_empty() || !self.uninitialized.is_empty() {
            return Level::Critical;
        }
        let levels = self.problems.iter().map(|(level, _)| *level);
        levels.max().unwrap_or(Level::Ok)
    }

    /// All that is wrong, in words, the worst first.
    pub(super) fn complaints(&self) -> Vec<String> {
        let missing = self
            .missing
            .iter()
            .map(|name| format!("{name} is not active"));
        let not = self.uninitialized.iter();
        let not = not.map(|name| format!("{name} is not initialized"));
        let mut problems: Vec<_> = self.problems.iter().collect();
        problems.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        let problems = problems.into_iter().map(|(_, text)| text.clone());
        missing.chain(not).chain(problems).collect()
    }

    /// Finds those who are asked for, and notes the others.
    fn select<'a>(
        &mut self,
        entries: &'a [Entry],
        names: &[String],
        everything: bool,
    ) -> Vec<&'a Entry> {
        let mut selected = Vec::new();
        if everything {
            selected.extend(entries);
        }
        for name in names {
            match entries.iter().find(|entry| entry.is_called(name)) {
                None => self.missing.push(name.clone()),
                Some(entry) if !entry.is_initialized => self.uninitialized.push(name.clone()),
                Some(entry) => selected.push(entry),
            }
        }
        selected
    }

    fn look_at_consumer(&mut self, consumer: &Entry, wanted: &Wanted<'_>, clock: Clock) {
        let name = &consumer.name;
        self.look_at_state(consumer);
        self.measure(
            name,
            "backlog",
            "",
            consumer.backlog.map(number),
            wanted.backlog,
        );
        let exceptions = Some(number(consumer.exceptions));
        self.measure(name, "exceptions", "", exceptions, wanted.exceptions);
        let last = consumer.total("last_consumed_ms").map(seconds);
        let age = clock.age(last);
        let limit = wanted.message_age.map(|Age(limit)| limit);
        self.measure(name, "age of the last message", "s", age, limit);
        // Those of other kinds have no subscribers.
        let missed = consumer.figures().filter(|(name, _)| MISSED.contains(name));
        if let Some(missed) = missed.map(|(_, count)| count).reduce(u64::saturating_add) {
            self.measure(
                name,
                "missed messages",
                "",
                Some(number(missed)),
                wanted.missed,
            );
        }
    }

    fn look_at_producer(&mut self, producer: &Entry, wanted: &Wanted<'_>, clock: Clock) {
        let name = &producer.name;
        self.look_at_state(producer);
        let exceptions = Some(number(producer.exceptions));
        self.measure(name, "exceptions", "", exceptions, wanted.exceptions);
        // A hub of ours says when it has not run yet; its age is then that of the hub.
        let last = producer
            .last_ran
            .or(producer.total("last_tick_ms").map(seconds));
        let limit = wanted.run_age.map(|Age(limit)| limit);
        self.measure(name, "age of the last run", "s", clock.age(last), limit);
    }

    /// What a hub of ours says beyond the original.
    fn look_at_state(&mut self, entry: &Entry) {
        if let Some(stuck_ms) = entry.total("stuck_ms").filter(|time| *time > 0) {
            let text = format!("{} has been stuck for {} s", entry.name, stuck_ms / 1000);
            self.problems.push((Level::Critical, text));
        }
        if let Some(state @ ("given_up" | "halted")) = entry.total_text("state") {
            let reason = entry.total_text("reason").unwrap_or("no reason given");
            let state = state.replace('_', " ");
            let text = format!("{} has {state}: {reason}", entry.name);
            self.problems.push((Level::Critical, text));
        }
    }

    fn measure(
        &mut self,
        name: &str,
        what: &str,
        unit: &'static str,
        value: Option<f64>,
        threshold: Option<Threshold>,
    ) {
        match (value, threshold) {
            (None, None) => {}
            (None, Some(_)) => {
                let text = format!("{name}: its hub does not say the {what}");
                self.problems.push((Level::Unknown, text));
            }
            (Some(value), _) => {
                if let Some(limit) = threshold {
                    let level = limit.level(value);
                    let limit = match level {
                        Level::Critical => limit.critical,
                        _ => limit.warning,
                    };
                    if level > Level::Ok {
                        let value = rounded(value);
                        let text = format!("{name}: {what} is {value}{unit}, over {limit}{unit}");
                        self.problems.push((level, text));
                    }
                }
                self.measures.push(Measure {
                    name: format!("{name} {what}"),
                    unit,
                    value: rounded(value),
                    threshold,
                });
            }
        }
    }
}

/// What time it is for the hub, and since when it runs.
#[derive(Debug, Clone, Copy)]
struct Clock {
    now: f64,
    started: Option<f64>,
}

impl Clock {
    fn of(hub: Option<&Object>, now: f64) -> Self {
        let said = |key| hub?.get(key)?.as_u64().map(seconds);
        Self {
            now: said("read_ms").unwrap_or(now),
            started: said("started_ms"),
        }
    }

    /// How long ago something was; what has never been, as long ago as the start of the hub.
    fn age(self, moment: Option<f64>) -> Option<f64> {
        let moment = match moment {
            Some(moment) if moment > 0.0 => moment,
            Some(_) => self.started?,
            None => return None,
        };
        Some((self.now - moment).max(0.0))
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
fn number(count: u64) -> f64 {
    count as f64
}

fn seconds(ms: u64) -> f64 {
    number(ms) / 1000.0
}

/// To a tenth, which is enough for a person and a graph.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;
