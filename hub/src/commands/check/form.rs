//! How a judgement is written for those who are no people: Nagios and Prometheus.
//!
//! Written for [`super`]. Names come from a hub that may say anything: what a form gives a meaning to is
//! replaced or escaped.

use std::fmt::Write as _;

use super::emission::{Emission, Entry};
use super::judge::{Judgement, Level};

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

/// The line that a monitoring plugin prints: state, words, `|`, numbers (Monitoring Plugins Development
/// Guidelines, "Plugin Output").
pub(super) fn nagios(level: Level, words: &str, judgement: Option<&Judgement>) -> String {
    let mut line = format!("FEDMSG {}: {}", level.name(), plain(words));
    let measures = judgement.map_or(&[][..], |judgement| &judgement.measures);
    for (position, measure) in measures.iter().enumerate() {
        let separator = if position == 0 { " |" } else { "" };
        let name = plain(&measure.name).replace(['\'', '='], "_");
        let (value, unit) = (measure.value, measure.unit);
        let _ = write!(line, "{separator} '{name}'={value}{unit}");
        if let Some(limit) = measure.threshold {
            let _ = write!(line, ";{};{};0", limit.warning, limit.critical);
        }
    }
    line
}

/// Text without what would end a line, or the words in it.
fn plain(text: &str) -> String {
    text.replace(|c: char| c == '|' || c.is_control(), " ")
}

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
        let values = consumers
            .iter()
            .map(|it| (labels(it, true), value(it).map(to_text)));
        metrics.family(&name, "gauge", &help, values);
    }
    let producers = &emission.producers;
    let ran = producers.iter().map(|it| {
        let last_ran = it.last_ran.map(|time| format!("{time:.3}"));
        (labels(it, false), last_ran)
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
        .map(|it| (labels(it, false), Some(to_text(it.exceptions))));
    let name = "moksha_monitor_exporter_producers_exceptions";
    metrics.family(name, "gauge", "Failures of a producer in a row.", failed);
    for (key, word) in COUNTERS {
        let name = format!("fedmsg_consumer_{word}_total");
        let help = format!("{key} of a consumer since the hub started.");
        let values = consumers
            .iter()
            .map(|it| (labels(it, false), it.total(key).map(to_text)));
        metrics.family(&name, "counter", &help, values);
    }
    let stuck = consumers.iter().chain(producers);
    let stuck = stuck.map(|it| (labels(it, false), it.total("stuck_ms").map(to_text)));
    let help =
        "For how long a consumer or producer has been in one call; 0 when that is not too long.";
    metrics.family("fedmsg_stuck_milliseconds", "gauge", help, stuck);
    let lost = emission
        .hub
        .as_ref()
        .and_then(|hub| hub.get("lost")?.as_u64());
    let help = "Messages that reached the hub and were not handled.";
    let lost = [(String::new(), lost.map(to_text))];
    metrics.family("fedmsg_lost_total", "counter", help, lost);
    metrics.0
}

fn to_text(count: u64) -> String {
    count.to_string()
}

fn labels(entry: &Entry, with_topic: bool) -> String {
    let mut labels = format!(
        "{{name=\"{}\",module=\"{}\"",
        escaped(&entry.name),
        escaped(&entry.module)
    );
    if with_topic {
        let _ = write!(labels, ",topic=\"{}\"", escaped(&entry.topic));
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
    use super::super::judge::Measure;
    use super::*;

    #[test]
    fn a_line_for_nagios_has_numbers_behind_a_bar_and_no_other_bar() {
        let judgement = Judgement {
            measures: vec![
                Measure {
                    name: "a|b's backlog".to_owned(),
                    unit: "",
                    value: 3.0,
                    threshold: "10:50".parse().ok(),
                },
                Measure {
                    name: "c age".to_owned(),
                    unit: "s",
                    value: 1.5,
                    threshold: None,
                },
            ],
            ..Judgement::default()
        };
        assert_eq!(
            nagios(Level::Warning, "a|b\nis late", Some(&judgement)),
            "FEDMSG WARNING: a b is late | 'a b_s backlog'=3;10;50;0 'c age'=1.5s"
        );
        assert_eq!(nagios(Level::Unknown, "?", None), "FEDMSG UNKNOWN: ?");
    }

    #[test]
    fn metrics_are_those_of_the_exporter_and_ours() {
        let text = r#"{"consumers": [{"name": "a\"b\\", "module": "m", "topic": ["x", "y"], "backlog": 7,
            "headcount_in": 1, "totals": {"consumed": 5}}],
            "producers": [{"name": "p", "module": "q", "last_ran": 12.5}], "hub": {"lost": 0}}"#;
        let text = prometheus(Emission::parse(text.as_bytes()).ok().as_ref());
        for line in [
            "fedmsg_monitoring_up 1",
            r#"moksha_monitor_exporter_consumers_backlog{name="a\"b\\",module="m",topic="x,y"} 7"#,
            r#"moksha_monitor_exporter_producers_last_ran{name="p",module="q"} 12.500"#,
            r#"fedmsg_consumer_consumed_total{name="a\"b\\",module="m"} 5"#,
            "fedmsg_lost_total 0",
        ] {
            assert!(text.lines().any(|it| it == line), "no {line} in {text}");
        }
        assert!(!text.contains("headcount_out"), "{text}");
        assert!(prometheus(None).ends_with("fedmsg_monitoring_up 0\n"));
    }
}
