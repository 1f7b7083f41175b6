//! What a hub says of itself in its log: its state when somebody asks (SIGUSR1), and how it ended.
//!
//! Written for [`crate::hub`], which has the status of everything.

use std::collections::BTreeMap;

use fedmsg_actors::{HubStatus, StopReport};
use tracing::{error, info, warn};

use crate::telemetry::{STATUS, unwritten_lines};

/// Logs the state of a hub, whatever the level of the log: one line for each source, consumer and producer,
/// and one for its publisher.
pub(crate) fn log_status(status: &HubStatus) {
    for source in &status.sources {
        let received = source.received;
        info!(
            target: STATUS,
            source = source.source.key(),
            received = received.messages,
            routed = source.routed,
            malformed = received.malformed(),
            connected = received.connected,
            connections_lost = received.connections_lost,
            refused_connections = received.refused,
            last_message_ms = source.last_message_ms(),
            stuck_ms = source.stuck_ms,
            ended = source.ended,
            "status of a source"
        );
    }
    for consumer in &status.consumers {
        info!(
            target: STATUS,
            consumer = %consumer.name, kind = consumer.kind, state = %consumer.state,
            backlog = consumer.backlog, backlog_bytes = consumer.backlog_bytes,
            accepted = consumer.accepted, consumed = consumer.consumed, errors = consumer.errors,
            panics = consumer.panics, dropped = consumer.dropped, overflowed = consumer.overflowed,
            undelivered = consumer.undelivered, waits = consumer.waits,
            last_consumed_ms = consumer.last_consumed_ms, stuck_ms = consumer.stuck_ms,
            figures = shown(&consumer.figures), "status of a consumer"
        );
    }
    for producer in &status.producers {
        info!(
            target: STATUS,
            producer = %producer.name, kind = producer.kind, state = %producer.state,
            ticks = producer.ticks, failures = producer.failures,
            consecutive_failures = producer.consecutive_failures, skipped = producer.skipped,
            last_tick_ms = producer.last_tick_ms, stuck_ms = producer.stuck_ms,
            figures = shown(&producer.figures), "status of a producer"
        );
    }
    if let Some(publisher) = &status.publisher {
        info!(
            target: STATUS,
            messages = publisher.messages,
            bytes = publisher.bytes,
            unheard = publisher.unheard,
            overflowed = publisher.overflowed,
            too_large = publisher.too_large,
            deserted = publisher.deserted,
            "status of the publisher"
        );
    }
    warn_of_unwritten_lines();
}

/// Says how much of the log is missing, if some of it is.
fn warn_of_unwritten_lines() {
    let lines = unwritten_lines();
    if lines > 0 {
        warn!(lines, "lines of the log could not be written");
    }
}

/// What a plugin counts by itself, if it does.
fn shown(figures: &BTreeMap<&'static str, u64>) -> Option<String> {
    let figures = figures
        .iter()
        .map(|(name, figure)| format!("{name}={figure}"));
    let figures = figures.collect::<Vec<_>>().join(" ");
    (!figures.is_empty()).then_some(figures)
}

/// Logs how a hub ended: what each part has done, and what was lost.
pub(crate) fn summarise(report: &StopReport) {
    for consumer in &report.status.consumers {
        info!(
            consumer = %consumer.name, state = %consumer.state, accepted = consumer.accepted,
            consumed = consumer.consumed, dropped = consumer.dropped,
            overflowed = consumer.overflowed, undelivered = consumer.undelivered,
            "consumer at the end"
        );
    }
    for producer in &report.status.producers {
        info!(
            producer = %producer.name, ticks = producer.ticks, failures = producer.failures,
            skipped = producer.skipped, "producer at the end"
        );
    }
    for source in &report.status.sources {
        let (malformed, refused) = (source.received.malformed(), source.received.refused);
        // Connections that were lost are no warning: publishers come and go. The intake has told them.
        if malformed > 0 || refused > 0 {
            warn!(
                source = source.source.key(),
                malformed,
                refused_connections = refused,
                "malformed messages were skipped, or peers did not speak ZMTP"
            );
        }
    }
    for refused in &report.status.refusals {
        warn!(
            endpoint = %refused.endpoint, reason = refused.reason, messages = refused.messages,
            "messages refused: their signatures were checked"
        );
    }
    if let Some(publisher) = &report.status.publisher
        && publisher.unheard > 0
    {
        warn!(
            unheard = publisher.unheard,
            of = publisher.messages,
            "published, but nobody listened"
        );
    }
    warn_of_unwritten_lines();
    match report.status.lost() {
        0 => info!("hub stopped"),
        lost => error!(
            lost,
            "hub stopped; messages that reached it were not handled (see above)"
        ),
    }
}
