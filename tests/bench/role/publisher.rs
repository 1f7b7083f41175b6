//! A publisher of the bus: what an application does that publishes in a loop.
//!
//! Everything is as [`fedmsg_hub::Bus::publisher`] gives it, its queue of 100,000 messages for each
//! subscriber included; a message that did not fit in would be an error.

use std::io::{self, BufRead as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use fedmsg_hub::{Bus, Config, Message, Publisher};
use tokio::runtime::Builder;

use super::Order;
use crate::body::{ENVIRONMENT, EVENT, MODNAME, TOPIC_PREFIX, payload, topic};
use crate::peer::say;
use crate::pki::signing;

/// How long the subscriber may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Publishes what it is told to.
pub(super) fn play(signed: bool) -> Result<()> {
    let key_pair = if signed { signing() } else { String::new() };
    let config = Config::from_toml(&format!(
        "{key_pair}\nname = 'bench'\ntopic_prefix = '{TOPIC_PREFIX}'\nenvironment = '{ENVIRONMENT}'\n\
         post_init_sleep = 0\nendpoints.bench = 'tcp://127.0.0.1:0'"
    ))?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let publisher = Bus::open(config).publisher().await?;
        let address = publisher.addresses().first().context("an address")?;
        say("bound", address.as_str())?;
        publisher.wait_for_subscriber(&topic()?, PATIENCE).await;
        say("subscribed", "")?;
        for line in io::stdin().lock().lines() {
            match Order::read(&line?)? {
                Order::Burst { messages, bytes } => burst(&publisher, messages, bytes).await?,
                other => bail!("{other:?} is nothing for an application"),
            }
        }
        Ok(())
    })
}

async fn burst(publisher: &Publisher, messages: u64, bytes: usize) -> Result<()> {
    let payload = payload(bytes)?;
    for _ in 0..messages {
        let message = Message::new(EVENT, payload.clone()).with_modname(MODNAME);
        publisher.publish(message).await?;
    }
    let overflowed = publisher.counts().overflowed;
    ensure!(overflowed == 0, "{overflowed} messages overflowed");
    Ok(say("sent", "")?)
}
