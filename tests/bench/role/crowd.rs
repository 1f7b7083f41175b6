//! A hub with many consumers, each with ten patterns. They do nothing.
//!
//! They count together, and say when everything has come.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use fedmsg_hub::{BoxError, Config, ConsumeError, Consumer, ConsumerContext, Delivery, Hub};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::{Table, Value};

use super::dismissal;
use crate::body::{ENVIRONMENT, EVENT, MODNAME, TOPIC_PREFIX};
use crate::peer::say;

/// How much all of them have received.
static RECEIVED: AtomicU64 = AtomicU64::new(0);

/// Counts messages.
struct Member {
    expected: u64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    expected: u64,
}

impl Consumer for Member {
    const KIND: &'static str = "member";
    type Params = Params;

    async fn from_params(params: Params, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self {
            expected: params.expected,
        })
    }

    async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
        if RECEIVED.fetch_add(1, Ordering::Relaxed) + 1 == self.expected {
            say("done", "")?;
        }
        Ok(())
    }
}

/// Runs the hub until it is dismissed; fails unless it has consumed as much as was expected.
pub(super) fn play(address: &str, expected: u64, consumers: usize) -> Result<()> {
    let members = (0..consumers).map(|number| {
        let member = toml::toml! { kind = "member" };
        let topics = patterns(number).map(Value::from);
        let params = Table::from_iter([("expected".to_owned(), expected.to_string().parse()?)]);
        let member = member.into_iter().chain([
            ("topics".to_owned(), topics.to_vec().into()),
            ("params".to_owned(), params.into()),
        ]);
        Ok((
            format!("member-{number}"),
            Value::Table(member.collect::<Table>()),
        ))
    });
    let members: Table = members.collect::<Result<_>>()?;
    let members = Table::from_iter([("consumers".to_owned(), members.into())]);
    let config = Config::from_toml(&format!(
        "[endpoints]\nrelay_outbound = []\nbench = '{address}'\n{members}"
    ))?;
    let report = Hub::builder(config)
        .consumer::<Member>()
        .run_until(dismissal())?;
    ensure!(report.is_clean(), "the hub has lost messages: {report:?}");
    let consumed: u64 = report.status.consumers.iter().map(|one| one.consumed).sum();
    ensure!(consumed == expected, "{consumed} of {expected} consumed");
    Ok(())
}

/// What one of them listens to: two of the patterns match what its service says, of any of its others.
fn patterns(service: usize) -> [String; 10] {
    let of = |environment: &str, event: &str| {
        format!("{TOPIC_PREFIX}.{environment}.{MODNAME}{service}.{event}")
    };
    [
        of("*", EVENT),
        of(ENVIRONMENT, "#"),
        of("stg", "#"),
        of("*", "build.*"),
        of("*", "build.*.failed"),
        of(ENVIRONMENT, "stack.save"),
        of(ENVIRONMENT, "stack.delete"),
        of("dev", "*.request.*"),
        format!("#.{MODNAME}{service}.alarm"),
        format!("{TOPIC_PREFIX}.{ENVIRONMENT}.*.for.{MODNAME}{service}"),
    ]
}
