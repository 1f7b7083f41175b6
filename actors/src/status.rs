//! What a hub is doing: one reading of every counter and state, as totals.
//!
//! Made by the supervisor on request; read by reports, monitoring and tests.

use std::collections::BTreeMap;

use fedmsg::{EndpointCounts, PublisherCounts, RefusalCount, SubscriberCounts};
use fedmsg_config::{Schedule, Source};
use serde::Serialize;

use crate::consumer_cell::{ConsumerCell, ConsumerState};
use crate::counters::{in_ms, read};
use crate::figures::Figures;
use crate::producer_cell::{ProducerCell, ProducerState};

/// The state of a whole hub. All that reports on it (log, monitoring socket, service manager) has this.
///
/// As JSON it has the fields that it has here, by their names, enumerations in snake case; a consumer
/// that has given up or halted has a field `reason` beside `state`.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, TestBus};
/// # struct Sink;
/// # impl Consumer for Sink {
/// #     const KIND: &'static str = "sink";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Sink) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
///
/// let report = TestBus::new().consumer::<Sink>("sink", "").run(async |bus| {
///     bus.publish("com.example.test.a", 1).await;
///     let status = bus.settle().await;
///     assert_eq!(status.consumer("sink").map(|sink| sink.consumed), Some(1));
///     assert!(status.stuck().is_empty());
/// });
/// assert_eq!(report.status.lost(), 0);
/// ```
#[derive(Debug, Clone, Default, Serialize)]
pub struct HubStatus {
    /// When it started, milliseconds since the epoch.
    pub started_ms: u64,
    /// When this was read, milliseconds since the epoch; 0 once it has stopped and nothing can be read.
    pub read_ms: u64,
    /// Each source of messages that a consumer listens to.
    pub sources: Vec<SourceStatus>,
    /// The consumers, by name.
    pub consumers: Vec<ConsumerStatus>,
    /// The producers, by name.
    pub producers: Vec<ProducerStatus>,
    /// The hub's own publisher, if anything has asked for it.
    pub publisher: Option<PublisherCounts>,
    /// Messages that no consumer got which wants signatures checked, by endpoint and reason. They are
    /// not lost: they must not be believed.
    pub refusals: Vec<RefusalCount>,
}

impl HubStatus {
    /// The consumer of this name.
    #[must_use]
    pub fn consumer(&self, name: &str) -> Option<&ConsumerStatus> {
        self.consumers.iter().find(|consumer| consumer.name == name)
    }

    /// The producer of this name.
    #[must_use]
    pub fn producer(&self, name: &str) -> Option<&ProducerStatus> {
        self.producers.iter().find(|producer| producer.name == name)
    }

    /// Messages from `source` that have reached every mailbox that wants them.
    #[must_use]
    pub fn routed(&self, source: Source) -> u64 {
        self.sources
            .iter()
            .find(|status| status.source == source)
            .map_or(0, |status| status.routed)
    }

    /// What has work and does not go on, such as `consumer relay`.
    #[must_use]
    pub fn stuck(&self) -> Vec<String> {
        let sources = self.sources.iter().filter(|it| it.stuck_ms > 0);
        let consumers = self.consumers.iter().filter(|it| it.stuck_ms > 0);
        let producers = self.producers.iter().filter(|it| it.stuck_ms > 0);
        sources
            .map(|it| format!("intake {}", it.source.key()))
            .chain(consumers.map(|it| format!("consumer {}", it.name)))
            .chain(producers.map(|it| format!("producer {}", it.name)))
            .collect()
    }

    /// Whether nothing more can come of this hub: every consumer has given up or halted and so has every
    /// producer, or a source of messages has ended by itself.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let is_over = self.producers.iter().all(ProducerStatus::is_over)
            && self.consumers.iter().all(ConsumerStatus::is_over);
        is_over || self.sources.iter().any(|source| source.ended)
    }

    /// Messages that reached this hub and that a consumer which wanted them has not handled, or that
    /// were on their way to the mailboxes when it stopped.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let lost = |consumer: &ConsumerStatus| {
            consumer.dropped + consumer.overflowed + consumer.undelivered
        };
        let cut_off = |source: &SourceStatus| source.cut_off;
        let by_consumers: u64 = self.consumers.iter().map(lost).sum();
        by_consumers + self.sources.iter().map(cut_off).sum::<u64>()
    }
}

/// The state of a source of messages.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, TestBus};
/// # struct Sink;
/// # impl Consumer for Sink {
/// #     const KIND: &'static str = "sink";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Sink) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
/// use fedmsg_actors::Source;
///
/// TestBus::new().consumer::<Sink>("sink", "").run(async |bus| {
///     bus.publish("com.example.test.a", 1).await;
///     let status = bus.settle().await;
///     assert_eq!(status.sources[0].source, Source::Endpoints);
///     assert_eq!(status.sources[0].received.messages, 1);
///     assert_eq!(status.sources[0].routed, 1);
/// });
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct SourceStatus {
    /// Which one.
    pub source: Source,
    /// What its sockets have received, skipped and lost.
    pub received: SubscriberCounts,
    /// Messages that have reached every mailbox that wants them.
    pub routed: u64,
    /// Messages received that had not reached every mailbox that wants them when the hub stopped; 0
    /// before. Some mailboxes may have got some of them.
    pub cut_off: u64,
    /// Whether it has ended by itself: nothing is received from it any more.
    pub ended: bool,
    /// For how long it has had messages to route, or its thread has not turned, without anybody holding
    /// it up, in milliseconds; 0 unless that is longer than a minute.
    pub stuck_ms: u64,
    /// Each address that it reads: how much came from there, and when last.
    pub endpoints: Vec<EndpointCounts>,
}

impl SourceStatus {
    /// When the last message came from any of its addresses, milliseconds since the epoch; 0 before the
    /// first.
    #[must_use]
    pub fn last_message_ms(&self) -> u64 {
        let last = self.endpoints.iter().map(|it| it.last_message_ms);
        last.max().unwrap_or_default()
    }
}

/// The state of a consumer. Counters are totals since the start of the hub.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, TestBus};
/// # struct Sink;
/// # impl Consumer for Sink {
/// #     const KIND: &'static str = "sink";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Sink) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
///
/// let settings = "topics = 'com.example.#'";
/// TestBus::new().consumer::<Sink>("sink", settings).run(async |bus| {
///     bus.publish("com.example.test.a", 1).await;
///     let status = bus.settle().await;
///     let sink = status.consumer("sink").unwrap();
///     assert_eq!((sink.accepted, sink.consumed, sink.dropped, sink.backlog), (1, 1, 0, 0));
/// });
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct ConsumerStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// The patterns that it listens to.
    pub topics: Vec<String>,
    /// Whether it gets only messages whose signature is good.
    pub validates: bool,
    /// Where it is in its life.
    #[serde(flatten)]
    pub state: ConsumerState,
    /// Messages queued or in work.
    pub backlog: usize,
    /// Their bytes.
    pub backlog_bytes: usize,
    /// Messages that went into its mailbox.
    pub accepted: u64,
    /// Messages consumed with success.
    pub consumed: u64,
    /// Attempts that ended in an error.
    pub errors: u64,
    /// Attempts that ended in a panic.
    pub panics: u64,
    /// Messages given up: the consumer said so, or all attempts failed.
    pub dropped: u64,
    /// Messages refused because its mailbox was full (`when_full = "drop-newest"`).
    pub overflowed: u64,
    /// Messages that it had not handled, or that came, when it stopped for good.
    pub undelivered: u64,
    /// Times that reception waited for room in its mailbox (`when_full = "block"`).
    pub waits: u64,
    /// Time spent in its code, in microseconds; those of several workers add up.
    pub busy_us: u64,
    /// When it last consumed a message, milliseconds since the epoch; 0 before the first.
    pub last_consumed_ms: u64,
    /// For how long it has been in one call, in milliseconds; 0 unless that is longer than `stuck_after`.
    pub stuck_ms: u64,
    /// What it counts by itself: for a relay or gateway, for instance, the subscribers and what they miss.
    pub figures: BTreeMap<&'static str, u64>,
}

impl ConsumerStatus {
    /// Whether it will never take a message again.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.is_over()
    }

    pub(crate) fn of(cell: &ConsumerCell) -> Self {
        let (depth, counters) = (cell.mailbox.depth(), &cell.counters);
        Self {
            name: cell.name.clone(),
            kind: cell.kind,
            topics: cell.topics.iter().map(ToString::to_string).collect(),
            validates: cell.validates,
            state: cell.state(),
            backlog: depth.messages,
            backlog_bytes: depth.bytes,
            accepted: read(&counters.accepted),
            consumed: read(&counters.consumed),
            errors: read(&counters.errors),
            panics: read(&counters.panics),
            dropped: read(&counters.dropped),
            overflowed: read(&counters.overflowed),
            undelivered: read(&counters.late) + read(&counters.abandoned),
            waits: read(&counters.waits),
            busy_us: read(&counters.busy_us),
            last_consumed_ms: read(&counters.last_consumed_ms),
            stuck_ms: read(&cell.stuck_ms),
            figures: Figures::sum(&cell.figures),
        }
    }
}

/// The state of a producer. Counters are totals since the start of the hub.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, NoParams, Producer, ProducerContext, TestBus};
/// # struct Bell;
/// # impl Producer for Bell {
/// #     const KIND: &'static str = "bell";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> { Ok(Bell) }
/// #     async fn tick(&mut self, _: &ProducerContext) -> Result<(), BoxError> { Ok(()) }
/// # }
/// use std::time::Duration;
///
/// TestBus::new().producer::<Bell>("bell", "every = '1h'").run(async |bus| {
///     bus.advance(Duration::from_secs(2 * 3600)).await;
///     let status = bus.until(|status| status.producer("bell").unwrap().ticks == 2).await;
///     assert_eq!(status.producer("bell").unwrap().failures, 0);
/// });
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct ProducerStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// How long between two ticks, in milliseconds; `None` where it goes by the calendar.
    pub every_ms: Option<u64>,
    /// Whether it also ticked as soon as the hub had started.
    pub now: bool,
    /// Where it is in its life.
    pub state: ProducerState,
    /// Ticks that ended well.
    pub ticks: u64,
    /// Ticks that ended in an error or a panic, or took longer than `time_limit`.
    pub failures: u64,
    /// Failures since the last tick that ended well.
    pub consecutive_failures: u64,
    /// Ticks left out because one took too long.
    pub skipped: u64,
    /// Ticks left out after failures (`on_error`).
    pub left_out: u64,
    /// Time spent in its code, in microseconds.
    pub busy_us: u64,
    /// When the last tick began, milliseconds since the epoch; 0 before the first.
    pub last_tick_ms: u64,
    /// For how long it has been in one tick, in milliseconds; 0 unless that is longer than `stuck_after`.
    pub stuck_ms: u64,
    /// What it counts by itself.
    pub figures: BTreeMap<&'static str, u64>,
}

impl ProducerStatus {
    /// Whether it will never tick again.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, ProducerState::GivenUp | ProducerState::Stopped)
    }

    pub(crate) fn of(cell: &ProducerCell) -> Self {
        let counters = &cell.counters;
        Self {
            name: cell.name.clone(),
            kind: cell.kind,
            every_ms: match cell.schedule {
                Schedule::Every(every) => Some(in_ms(every)),
                _ => None,
            },
            now: cell.config.now,
            state: cell.state(),
            ticks: read(&counters.ticks),
            failures: read(&counters.failures),
            consecutive_failures: read(&counters.consecutive_failures),
            skipped: read(&counters.skipped),
            left_out: read(&counters.left_out),
            busy_us: read(&counters.busy_us),
            last_tick_ms: read(&counters.last_tick_ms),
            stuck_ms: read(&cell.stuck_ms),
            figures: Figures::sum(std::slice::from_ref(&cell.figures)),
        }
    }
}
