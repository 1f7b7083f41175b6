//! A hub as the author of a plug-in builds it, with one consumer that takes everything.
//!
//! The consumer counts, and says when everything has come.

use std::hint::black_box;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use fedmsg_hub::{BoxError, Config, ConsumeError, Consumer, ConsumerContext, Delivery, Hub};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{dismissal, now, written};
use crate::peer::say;
use crate::pki::validating;

/// What the consumer does with each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reaction {
    /// Nothing.
    Noop,
    /// It has the body parsed.
    Parse,
    /// It looks at the clock.
    Clock,
}

/// Counts messages.
struct Counter {
    params: Params,
    received: u64,
    times: Vec<u64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    expected: u64,
    reaction: Reaction,
}

impl Consumer for Counter {
    const KIND: &'static str = "counter";
    type Params = Params;

    async fn from_params(params: Params, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self {
            params,
            received: 0,
            times: Vec::new(),
        })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        match self.params.reaction {
            Reaction::Noop => {}
            Reaction::Parse => drop(black_box(delivery.msg())),
            Reaction::Clock => self.times.push(now()),
        }
        self.received += 1;
        if self.received == self.params.expected {
            say("done", &written(&self.times))?;
        }
        Ok(())
    }
}

/// Runs the hub until it is dismissed; fails unless it has consumed as much as was expected.
pub(super) fn play(address: &str, expected: u64, reaction: Reaction, validate: bool) -> Result<()> {
    let name = reaction.to_possible_value();
    let name = name.as_ref().map_or("", |value| value.get_name());
    let trust = if validate {
        validating()
    } else {
        String::new()
    };
    let config = Config::from_toml(&format!(
        "{trust}\n[endpoints]\nrelay_outbound = []\nbench = '{address}'\n\
         [consumers.bench]\nkind = 'counter'\nparams.expected = {expected}\nparams.reaction = '{name}'"
    ))?;
    let hub = Hub::builder(config).consumer::<Counter>();
    let report = hub.run_until(dismissal())?;
    ensure!(report.is_clean(), "the hub has lost messages: {report:?}");
    let consumed: u64 = report.status.consumers.iter().map(|one| one.consumed).sum();
    ensure!(consumed == expected, "{consumed} of {expected} consumed");
    Ok(())
}
