//! What a hub says, as metrics for Prometheus.
//!
//! Written for [`super`]. Names come from a hub that may say anything: in labels they are escaped.

use std::fmt::Write as _;

use fedmsg::json::{Object, Value};

use super::emission::{Emission, Entry};

/// Totals of a consumer that become counters, with the word for each.
const COUNTERS: [(&str, &str); 9] = [
    ("accepted", "accepted"),
    ("consumed", "consumed"),
    ("errors", "errors"),
    ("panics", "panics"),
    ("dropped", "dropped"),
    ("overflowed", "overflowed"),
    ("undelivered", "undelivered"),
    ("waits", "waits"),
    ("busy_us", "busy_microseconds"),
];

/// What is said of the publisher of a hub.
const PUBLISHED: [&str; 5] = ["messages", "unheard", "overflowed", "too_large", "deserted"];

/// What is said of what a source has received.
const RECEIVED: [&str; 5] = [
    "messages",
    "bad_frames",
    "bad_text",
    "connections_lost",
    "refused",
];

/// Everything as metrics (Prometheus, "Text-based format"): those of moksha-monitor-exporter, and what a
/// hub of ours has besides. Without an emission it says no more than that.
pub(super) fn prometheus(emission: Option<&Emission>) -> String {
    let mut metrics = Metrics(String::new());
    let up = emission.is_some();
    metrics.head(
        "fedmsg_monitoring_up",
        "gauge",
        "Whether the monitoring socket was heard.",
    );
    let _ = writeln!(metrics.0, "fedmsg_monitoring_up {}", u8::from(up));
    let Some(emission) = emission else {
        return metrics.0;
    };
    let consumers = &emission.consumers;
    for (field, value) in [
        (
            "headcount_in",
            (|it| it.headcount_in) as fn(&Entry) -> Option<u64>,
        ),
        ("headcount_out", |it| it.headcount_out),
        ("exceptions", |it| Some(it.exceptions)),
        ("backlog", |it| it.backlog),
    ] {
        let name = format!("moksha_monitor_exporter_consumers_{field}");
        let since = match field {
            "backlog" => "what waits now",
            _ => "counted since the emission before",
        };
        let help = format!("{field} of a consumer, as emitted: {since}.");
        let values = consumers.iter().map(|it| {
            (
                labels(it, Some(("topic", &it.topic))),
                value(it).map(to_text),
            )
        });
        metrics.family(&name, "gauge", &help, values);
    }
    let producers = &emission.producers;
    let ran = producers.iter().map(|it| {
        let last_ran = it.last_ran.map(|time| format!("{time:.3}"));
        (labels(it, None), last_ran)
    });
    let name = "moksha_monitor_exporter_producers_last_ran";
    metrics.family(
        name,
        "gauge",
        "When a producer began to run last, UNIX time.",
        ran,
    );
    let failed = producers
        .iter()
        .map(|it| (labels(it, None), Some(to_text(it.exceptions))));
    let name = "moksha_monitor_exporter_producers_exceptions";
    metrics.family(name, "gauge", "Failures of a producer in a row.", failed);
    for (key, word) in COUNTERS {
        let name = format!("fedmsg_consumer_{word}_total");
        let help = format!("{key} of a consumer since the hub started.");
        let values = consumers
            .iter()
            .map(|it| (labels(it, None), it.total(key).map(to_text)));
        metrics.family(&name, "counter", &help, values);
    }
    let stuck = consumers.iter().chain(producers);
    let stuck = stuck.map(|it| (labels(it, None), it.total("stuck_ms").map(to_text)));
    let help =
        "For how long a consumer or producer has been in one call; 0 when that is not too long.";
    metrics.family("fedmsg_stuck_milliseconds", "gauge", help, stuck);
    let last = consumers.iter().map(|it| {
        let last = it.total("last_consumed_ms").filter(|time| *time > 0);
        let last = last.map(|ms| format!("{}.{:03}", ms / 1000, ms % 1000));
        (labels(it, None), last)
    });
    let help = "When a consumer consumed its last message, UNIX time.";
    let name = "fedmsg_consumer_last_consumed_timestamp_seconds";
    metrics.family(name, "gauge", help, last);
    let everybody = consumers.iter().chain(producers);
    let figures = everybody.flat_map(|it| {
        let figures = it.figures();
        figures.map(|(name, count)| {
            let labels = labels(it, Some(("figure", name)));
            (labels, Some(to_text(count)))
        })
    });
    let help = "What a consumer or producer counts by itself: what a relay's subscribers have missed, and the like.";
    metrics.family("fedmsg_figure", "gauge", help, figures);
    if let Some(hub) = &emission.hub {
        metrics.hub(hub);
    }
    metrics.0
}

fn to_text(count: u64) -> String {
    count.to_string()
}

/// Those of a consumer or producer, with one more perhaps.
fn labels(entry: &Entry, more: Option<(&str, &str)>) -> String {
    let mut labels = format!(
        "{{name=\"{}\",module=\"{}\"",
        escaped(&entry.name),
        escaped(&entry.module)
    );
    if let Some((name, value)) = more {
        let _ = write!(labels, ",{name}=\"{}\"", escaped(value));
    }
    labels.push('}');
    labels
}

/// The value of a label: backslash, quote and line feed are escaped, other control characters replaced.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', r"\\").replace('"', "\\\"");
    let text = text.replace('\n', r"\n");
    text.replace(char::is_control, " ")
}

struct Metrics(String);

impl Metrics {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Writes what a hub of ours says of itself.
    fn hub(&mut self, hub: &Object) {
        let count = |object: Option<&Object>, key| Some(to_text(object?.get(key)?.as_u64()?));
        let lost = [(String::new(), count(Some(hub), "lost"))];
        let help = "Messages that reached the hub and were not handled.";
        self.family("fedmsg_lost_total", "counter", help, lost);
        let publisher = hub.get("publisher").and_then(Value::as_object);
        for key in PUBLISHED {
            let name = format!("fedmsg_publisher_{key}_total");
            let help = format!("{key} of the hub's publisher since it started.");
            self.family(
                &name,
                "counter",
                &help,
                [(String::new(), count(publisher, key))],
            );
        }
        let list = |key| hub.get(key).and_then(Value::as_array).unwrap_or_default();
        let label = |object: Option<&Object>, key| {
            let text = object.and_then(|object| object.get(key)?.as_str());
            format!("{key}=\"{}\"", escaped(text.unwrap_or_default()))
        };
        for key in RECEIVED {
            let sources = list("sources").iter().map(|source| {
                let source = source.as_object();
                let received = source.and_then(|it| it.get("received")?.as_object());
                let labels = format!("{{{}}}", label(source, "source"));
                (labels, count(received, key))
            });
            let name = format!("fedmsg_source_{key}_total");
            let help = format!("{key} of a source since the hub started.");
            self.family(&name, "counter", &help, sources);
        }
        let refusals = list("refusals").iter().map(|refusal| {
            let refusal = refusal.as_object();
            let (endpoint, reason) = (label(refusal, "endpoint"), label(refusal, "reason"));
            (
                format!("{{{endpoint},{reason}}}"),
                count(refusal, "messages"),
            )
        });
        let help = "Messages refused, since their signatures were checked.";
        self.family("fedmsg_refusals_total", "counter", help, refusals);
    }

    /// Writes a metric with those of its values that there are, or nothing.
    fn family(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        values: impl IntoIterator<Item = (String, Option<String>)>,
    ) {
        let known = values
            .into_iter()
            .filter_map(|(labels, value)| Some((labels, value?)));
        let known: Vec<_> = known.collect();
        if known.is_empty() {
            return;
        }
        self.head(name, kind, help);
        for (labels, value) in known {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_those_of_the_exporter_and_ours() {
        let text = r#"{"consumers": [{"name": "a\"b\\", "module": "m", "topic": ["x", "y"], "backlog": 7,
            "headcount_in": 1, "totals": {"consumed": 5, "last_consumed_ms": 12005, "figures": {"missed": 9}}}],
            "producers": [{"name": "p", "module": "q", "last_ran": 12.5}], "hub": {"lost": 0,
            "publisher": {"unheard": 2}, "sources": [{"source": "endpoints", "received": {"messages": 3}}],
            "refusals": [{"endpoint": "e", "reason": "revoked", "messages": 4}]}}"#;
        let text = prometheus(Emission::parse(text.as_bytes()).ok().as_ref());
        for line in [
            "fedmsg_monitoring_up 1",
            r#"moksha_monitor_exporter_consumers_backlog{name="a\"b\\",module="m",topic="x,y"} 7"#,
            r#"moksha_monitor_exporter_producers_last_ran{name="p",module="q"} 12.500"#,
            r#"fedmsg_consumer_consumed_total{name="a\"b\\",module="m"} 5"#,
            "fedmsg_lost_total 0",
            r#"fedmsg_consumer_last_consumed_timestamp_seconds{name="a\"b\\",module="m"} 12.005"#,
            r#"fedmsg_figure{name="a\"b\\",module="m",figure="missed"} 9"#,
            "fedmsg_publisher_unheard_total 2",
            r#"fedmsg_source_messages_total{source="endpoints"} 3"#,
            r#"fedmsg_refusals_total{endpoint="e",reason="revoked"} 4"#,
        ] {
            assert!(text.lines().any(|it| it == line), "no {line} in {text}");
        }
        assert!(!text.contains("headcount_out"), "{text}");
        assert!(prometheus(None).ends_with("fedmsg_monitoring_up 0\n"));
    }
}
