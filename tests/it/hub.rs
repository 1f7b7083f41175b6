//! What a hub promises to its consumers and producers, and to those who operate it.
//!
//! Most tests run the real engine in this process ([`TestBus`](fedmsg_hub::TestBus)) with plugins
//! that do what each message tells them to ([`Probe`]); where a whole process is the point, the
//! binaries of the project are started.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod failures;
mod mailboxes;
mod probe;
mod processes;
mod producers;
mod routing;
mod scale;
mod stopping;

use fedmsg_actors::{RunningHub, block_on};
use fedmsg_hub::{Bus, Config, Publisher, Registry};
use tokio::time::timeout;

use self::probe::{Probe, Scripted, ScriptedProducer};
use crate::sandbox::PATIENCE;

/// Runs `test` with a hub under `toml`, on the system's clock, and a publisher that it listens to.
/// What the hub publishes goes to a subscriber that nobody reads.
fn live<T>(toml: &str, test: impl AsyncFnOnce(RunningHub, Publisher) -> T) -> T {
    let settings = "active = true\nrelay_inbound = 'inproc://published'\npost_init_sleep = 0
                    endpoints = { test = 'inproc://test', relay_outbound = [] }";
    let config = Config::from_toml(&format!("{settings}\n{toml}")).expect("settings");
    let mut registry = Registry::default();
    registry
        .consumer::<Scripted>()
        .producer::<ScriptedProducer>();
    let run = block_on(async {
        let bus = Bus::open(config);
        let addresses = &bus.config().relay_inbound;
        let (mut published, _) = bus
            .listen(&"published".into(), addresses, [])
            .await
            .unwrap();
        tokio::spawn(async move { while published.next_batch().await.is_some() {} });
        let publisher = bus.publisher_named(&"test".into()).await.unwrap();
        let hub = RunningHub::start(bus, &registry).await.unwrap();
        timeout(PATIENCE, test(hub, publisher)).await
    });
    run.expect("an event loop").expect("a test that ends")
}
