//! A hub with a consumer of your own, in twenty lines.
//!
//! A *hub* hosts *consumers*, which react to messages, and *producers*, which make some on a
//! schedule. You write the consumer; which instances of it run, and what they listen to, is for the
//! operator to say, in TOML.
//!
//! Run it: `cargo run --example hello_hub`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use fedmsg_hub::{
    BoxError, Config, ConsumeError, Consumer, ConsumerContext, Delivery, Hub, HubError, NoParams,
};
use tokio::sync::Notify;

/// Says hello to every message.
struct Hello;

impl Consumer for Hello {
    const KIND: &'static str = "hello"; // its name in the configuration
    type Params = NoParams; // it has no settings of its own

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        println!("hello, {}!", delivery.topic());
        GREETED.notify_one();
        Ok(())
    }
}

/// What the operator writes. `inproc` addresses exist within this process only; in real life they
/// are `tcp://` and the heartbeat comes from another machine.
const CONFIG: &str = r#"
    name = "greeter"

    [endpoints]
    greeter = "inproc://greeter"
    relay_outbound = []          # not listened to

    [consumers.hello]
    kind = "hello"
    topics = "com.example.#"

    [producers.pulse]
    kind = "heartbeat"           # built in
    every = "20ms"
"#;

/// Only for an example: it ends after the first greeting. A real hub calls `run`, and ends when it
/// is told to (SIGTERM, Ctrl-C).
static GREETED: Notify = Notify::const_new();

fn main() -> Result<(), HubError> {
    let config = Config::from_toml(CONFIG)?;
    Hub::builder(config)
        .consumer::<Hello>()
        .run_until(GREETED.notified())?;
    println!("the hub has stopped");
    Ok(())
}
