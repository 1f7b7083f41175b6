//! An application that publishes, and knows whether anybody listens.
//!
//! There is no broker: the application binds an address of its own, which the shared configuration
//! lists under its name, and whoever wants its messages connects to it. So a message that nobody has
//! subscribed to goes nowhere; `published.audience` tells.
//!
//! Run it: `cargo run --example publish`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Duration;

use fedmsg::json::Value;
use fedmsg::{Audience, Bus, Config, Message};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In real life: `Config::load(&Sources::from_process(None, Default::default()))?.config`, which
    // reads /etc/fedmsg, ./fedmsg.toml and FEDMSG_*.
    let config = Config::from_toml(
        r#"
        topic_prefix = "org.example"
        environment = "prod"
        name = "shop"
        post_init_sleep = 0
        endpoints = { shop = "inproc://shop", relay_outbound = [] }
        "#,
    )?;
    let bus = Bus::open(config);
    let publisher = bus.publisher().await?;

    let sale = || Message::new("sale", Value::from("tea")).with_modname("shop");
    let published = publisher.publish(sale()).await?;
    println!("{} as {}", published.topic, published.msg_id);
    assert_eq!(published.audience, Audience::Nobody);

    // Somebody else, who listens. (One who reads in the background: that is what subscribes.)
    let mut subscriber = bus.subscribe([])?;
    let received = tokio::spawn(async move { subscriber.next_batch().await });
    publisher
        .wait_for_subscriber(&published.topic, Duration::from_secs(10))
        .await;

    let published = publisher.publish(sale()).await?;
    assert_eq!(published.audience, Audience::Somebody);
    for delivery in received.await?.unwrap_or_default() {
        assert_eq!(delivery.msg_id(), Some(published.msg_id.as_str()));
    }

    let counts = publisher.counts();
    println!(
        "{} published, {} of them unheard",
        counts.messages, counts.unheard
    );
    Ok(())
}
