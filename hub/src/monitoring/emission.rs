//! What a monitoring socket says: one JSON object, with the keys of the original in its order.
//!
//! | key | is |
//! |---|---|
//! | `consumers` | for each `name`, `module`, `topic`, `initialized`, `exceptions`, `jsonify`, `backlog`, `headcount_out`, `headcount_in`, `times`, and of ours `totals`: a [`ConsumerStatus`] |
//! | `producers` | for each `name`, `module`, `initialized`, `exceptions`, `frequency`, `now`, `last_ran`, and of ours `totals`: a [`ProducerStatus`]; the last is the one that the original has for this socket, without `totals` |
//! | `hub` | of ours: the rest of the [`HubStatus`] |
//!
//! `exceptions`, `headcount_out` and `headcount_in` of consumers count from one emission to the next,
//! `times` are those of the newest 1024 messages in between, in seconds; what was handed over together
//! shares its time evenly. `exceptions` of producers are failures in a row. What goes by the calendar has
//! no `frequency`. Made for [`super::Monitoring`].

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use fedmsg::{PublisherCounts, RefusalCount};
use fedmsg_actors::{
    ConsumerState, ConsumerStatus, HubStatus, ProducerState, ProducerStatus, SourceStatus,
};
use serde::Serialize;
use serde_json::{Number, Value, json};

use super::PERIOD;

/// Kinds of ours with the class that does the same in the original, and its module. Checks ask for that
/// name: an instance that is called like its kind goes by it.
const COUNTERPARTS: [(&str, &str, &str); 5] = [
    ("relay", "RelayConsumer", "fedmsg.consumers.relay"),
    (
        "signing-relay",
        "SigningRelayConsumer",
        "fedmsg.consumers.relay",
    ),
    ("gateway", "GatewayConsumer", "fedmsg.consumers.gateway"),
    ("dummy", "DummyConsumer", "fedmsg.consumers.dummy"),
    ("collectd", "CollectdConsumer", "fedmsg.commands.collectd"),
];

/// Makes one emission after the other.
#[derive(Debug, Default)]
pub(super) struct Emissions {
    /// What the last one went by.
    before: BTreeMap<String, Heads>,
}

/// What counts from one emission to the next.
#[derive(Debug, Default, Clone, Copy)]
struct Heads {
    taken_in: u64,
    taken_out: u64,
    failed: u64,
}

#[derive(Serialize)]
struct Emission<'a> {
    consumers: Vec<Consumer<'a>>,
    producers: Vec<Producer<'a>>,
    hub: Rest<'a>,
}

#[derive(Serialize)]
struct Consumer<'a> {
    name: &'a str,
    module: &'a str,
    topic: Value,
    initialized: bool,
    exceptions: u64,
    jsonify: bool,
    backlog: usize,
    headcount_out: u64,
    headcount_in: u64,
    times: &'a [f64],
    totals: &'a ConsumerStatus,
}

#[derive(Serialize)]
struct Producer<'a> {
    name: &'a str,
    module: &'a str,
    initialized: bool,
    exceptions: u64,
    frequency: Option<Number>,
    now: bool,
    last_ran: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<&'a ProducerStatus>,
}

#[derive(Serialize)]
struct Rest<'a> {
    version: &'static str,
    started_ms: u64,
    read_ms: u64,
    lost: u64,
    stuck: Vec<String>,
    sources: &'a [SourceStatus],
    publisher: &'a Option<PublisherCounts>,
    refusals: &'a [RefusalCount],
}

impl Emissions {
    /// The next one, about `status`, with the times of the newest messages of each consumer.
    pub(super) fn next(
        &mut self,
        status: &HubStatus,
        times: &BTreeMap<String, Vec<f64>>,
    ) -> String {
        let consumers = status.consumers.iter().map(|consumer| {
            let heads = Heads::of(consumer);
            let before = self.before.insert(consumer.name.clone(), heads);
            let times = times.get(&consumer.name).map(Vec::as_slice);
            let since = heads.since(before.unwrap_or_default());
            entry(status, consumer, since, times.unwrap_or_default())
        });
        let emission = Emission {
            consumers: consumers.collect(),
            producers: status
                .producers
                .iter()
                .map(Producer::of)
                .chain([Producer::of_this_socket()])
                .collect(),
            hub: Rest {
                version: env!("CARGO_PKG_VERSION"),
                started_ms: status.started_ms,
                read_ms: status.read_ms,
                lost: status.lost(),
                stuck: status.stuck(),
                sources: &status.sources,
                publisher: &status.publisher,
                refusals: &status.refusals,
            },
        };
        // Nothing in it is a map whose keys are no text, or refuses to be written.
        serde_json::to_string(&emission).unwrap_or_default()
    }
}

impl Heads {
    fn of(consumer: &ConsumerStatus) -> Self {
        Self {
            taken_in: consumer.accepted,
            taken_out: consumer.accepted.saturating_sub(consumer.backlog as u64),
            failed: consumer.errors + consumer.panics,
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            taken_in: self.taken_in.saturating_sub(before.taken_in),
            // A backlog that was read a moment before the count makes it seem to go back.
            taken_out: self.taken_out.saturating_sub(before.taken_out),
            failed: self.failed.saturating_sub(before.failed),
        }
    }
}

fn entry<'a>(
    status: &HubStatus,
    consumer: &'a ConsumerStatus,
    since: Heads,
    times: &'a [f64],
) -> Consumer<'a> {
    let (name, module) = names(status, consumer);
    Consumer {
        name,
        module,
        topic: match consumer.topics.as_slice() {
            [topic] => json!(topic),
            topics => json!(topics),
        },
        initialized: consumer.state != ConsumerState::Starting && !consumer.is_over(),
        exceptions: since.failed,
        jsonify: true,
        backlog: consumer.backlog,
        headcount_out: since.taken_out,
        headcount_in: since.taken_in,
        times,
        totals: consumer,
    }
}

/// What a consumer goes by: the class of the original if it has the name of its kind, unless another
/// consumer is called so.
fn names<'a>(status: &HubStatus, consumer: &'a ConsumerStatus) -> (&'a str, &'a str) {
    let counterpart = COUNTERPARTS
        .iter()
        .find(|(kind, ..)| *kind == consumer.kind);
    match counterpart {
        None => (&consumer.name, consumer.kind),
        Some((kind, class, module)) => {
            let is_plain = consumer.name == *kind && status.consumer(class).is_none();
            (if is_plain { class } else { &consumer.name }, module)
        }
    }
}

impl<'a> Producer<'a> {
    fn of(producer: &'a ProducerStatus) -> Self {
        Self {
            name: &producer.name,
            module: producer.kind,
            initialized: !matches!(
                producer.state,
                ProducerState::Starting | ProducerState::Stopped
            ),
            exceptions: producer.consecutive_failures,
            frequency: producer.every_ms.and_then(seconds),
            now: producer.now,
            last_ran: (producer.last_tick_ms > 0).then(|| in_seconds(producer.last_tick_ms)),
            totals: Some(producer),
        }
    }

    /// The one that speaks here, which the original counts among them.
    fn of_this_socket() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            name: "MonitoringProducer",
            module: "moksha.hub.monitoring",
            initialized: true,
            exceptions: 0,
            frequency: Some(Number::from(PERIOD.as_secs())),
            now: false,
            last_ran: Some(since_epoch.unwrap_or_default().as_secs_f64()),
            totals: None,
        }
    }
}

/// Milliseconds as a number of seconds, whole where it is.
fn seconds(ms: u64) -> Option<Number> {
    match ms % 1000 {
        0 => Some(Number::from(ms / 1000)),
        _ => Number::from_f64(in_seconds(ms)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for some thousand years")]
fn in_seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests;
