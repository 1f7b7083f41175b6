//! A command like `fedmsg-hub` that also knows kinds of your own.
//!
//! This is the `main.rs` of a plugin author: it has every flag of `fedmsg-hub` (`--config`,
//! `--print-config`, `--log` …), reads the same files and variables, stops on the same signals and
//! ends with the same exit statuses. `own_command.toml` beside it is what an operator would put into
//! `/etc/fedmsg/fedmsg.toml`.
//!
//! Run it: `cargo run --example own_command -- --config examples/own_command.toml --log warn`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::process::ExitCode;

use fedmsg_hub::{
    BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, Hub, NoParams, Topic,
};
use tokio::sync::Notify;

/// Remembers the last topic that it has seen.
struct Last {
    topic: Option<Topic>,
}

impl Consumer for Last {
    const KIND: &'static str = "last";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self { topic: None })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        self.topic = Some(delivery.topic().clone());
        SEEN.notify_one();
        Ok(())
    }

    // Called once, after the last message: the place to flush and to close.
    async fn stop(&mut self, cx: &ConsumerContext) {
        if let Some(topic) = &self.topic {
            println!("{}: {topic} was the last", cx.name());
        }
    }
}

/// Only for an example: it ends after the first message.
static SEEN: Notify = Notify::const_new();

fn main() -> ExitCode {
    Hub::command().consumer::<Last>().run_until(SEEN.notified()) // a real one: .run()
}
