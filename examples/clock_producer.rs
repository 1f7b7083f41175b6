//! A producer: something that speaks on a schedule.
//!
//! You write what happens at a tick; when ticks come is for the operator to say: `every = "5s"` or
//! `cron = "0 12 * * *"`. Ticks of one producer never overlap, and one that fails (or panics) costs
//! that tick only.
//!
//! Run it: `cargo run --example clock_producer`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use fedmsg_hub::{BoxError, Config, Hub, HubError, NoParams, Producer, ProducerContext};
use tokio::sync::Notify;

/// Counts its ticks, aloud.
struct Clock {
    ticks: u64,
}

impl Producer for Clock {
    const KIND: &'static str = "clock";
    type Params = NoParams;

    async fn from_params(_: NoParams, cx: &ProducerContext) -> Result<Self, BoxError> {
        cx.publisher().await?; // a hub that cannot publish shall not even start
        Ok(Self { ticks: 0 })
    }

    async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
        self.ticks += 1;
        // The topic becomes <topic_prefix>.<environment>.<name of the instance>.tick.
        let published = cx.publish("tick", self.ticks).await?;
        println!("{} {}", published.topic, self.ticks);
        if self.ticks == 3 {
            ENOUGH.notify_one();
        }
        Ok(())
    }

    async fn stop(&mut self, _: &ProducerContext) {
        println!("stopped after tick {}", self.ticks.min(3));
    }
}

const CONFIG: &str = r#"
    topic_prefix = "org.example"
    name = "tower"               # publishes at the address listed under this name
    post_init_sleep = 0          # nobody listens here, so there is nobody to wait for
    endpoints.tower = "tcp://127.0.0.1:0"

    [producers.tower-clock]
    kind = "clock"
    every = "50ms"
    now = true
"#;

static ENOUGH: Notify = Notify::const_new();

fn main() -> Result<(), HubError> {
    Hub::builder(Config::from_toml(CONFIG)?)
        .producer::<Clock>()
        .run_until(ENOUGH.notified())?;
    Ok(())
}
