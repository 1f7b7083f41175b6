//! An application that listens: a stream of messages, filtered by topic, with a typed payload.
//!
//! A subscriber connects to every address that the configuration lists, and stays connected: hosts
//! that are away are tried again, malformed messages are skipped and counted, and the stream goes on.
//!
//! Run it: `cargo run --example tail`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use fedmsg::json::Value;
use fedmsg::{Bus, Config, Message, Publisher, TopicFilter};
use futures::StreamExt;
use serde::Deserialize;

/// What a sale looks like, as far as we care: other members are ignored.
#[derive(Deserialize)]
struct Sale {
    item: String,
    cents: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_toml(
        r#"
        name = "shop"
        post_init_sleep = 0
        endpoints = { shop = "inproc://shop", relay_outbound = [] }
        "#,
    )?;
    let bus = Bus::open(config);
    let shop = bus.publisher().await?;

    // `*` is one word of a topic, `#` any number. No filter at all means everything.
    let sales: TopicFilter = "com.example.*.shop.sale".parse()?;
    let messages = bus.subscribe([sales])?;
    tokio::spawn(sell(shop));

    let mut total = 0;
    let mut messages = messages.take(3);
    while let Some(delivery) = messages.next().await {
        match delivery.envelope().msg_as::<Sale>() {
            Ok(Sale { item, cents }) => {
                println!("{item} for {cents} cents");
                total += cents;
            }
            // Anybody may publish anything: what does not fit is not a reason to end.
            Err(error) => println!("no sale: {error}"),
        }
    }
    println!("{total} cents in all");
    Ok(())
}

/// The shop, which would be another program. It waits until we listen.
async fn sell(shop: Publisher) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let topic = "com.example.dev.shop.sale".parse()?;
    let patience = std::time::Duration::from_secs(10);
    shop.wait_for_subscriber(&topic, patience).await;
    for (topic, sale) in [
        ("sale", r#"{"item": "tea", "cents": 350, "to": "Ada"}"#),
        ("refund", r#"{"item": "tea", "cents": 350}"#), // not asked for
        ("sale", r#"{"item": "cup"}"#),                 // not as agreed
        ("sale", r#"{"item": "pot", "cents": 1200}"#),
    ] {
        let message = Message::new(topic, Value::parse(sale.as_bytes())?);
        shop.publish(message.with_modname("shop")).await?;
    }
    Ok(())
}
