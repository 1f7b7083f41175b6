//! A consumer with settings: typed, checked when the hub starts, different for each instance.
//!
//! The table `[consumers.NAME.params]` becomes your `Params`. Unknown keys and wrong types end the
//! hub at its start with file, line and "did you mean": not at three in the morning.
//!
//! Run it: `cargo run --example print_consumer`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use fedmsg_hub::json::{Value, to_spaced};
use fedmsg_hub::schemars::JsonSchema;
use fedmsg_hub::serde::Deserialize;
use fedmsg_hub::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, TestBus};

/// Prints one line for each message.
struct Print {
    params: PrintParams,
}

/// What `params` may say for kind `print`; `fedmsg-hub --list-kinds` shows these comments.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "fedmsg_hub::serde", deny_unknown_fields)]
#[schemars(crate = "fedmsg_hub::schemars")]
struct PrintParams {
    /// What the line begins with. Required.
    prefix: String,
    /// The member of the payload to print; the whole payload unless this is set.
    field: Option<String>,
}

impl Consumer for Print {
    const KIND: &'static str = "print";
    const ABOUT: &'static str = "Prints one line for each message";
    type Params = PrintParams;

    async fn from_params(params: PrintParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        if params.prefix.is_empty() {
            return Err("prefix is empty".into()); // the hub does not start, and says so
        }
        Ok(Self { params })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        cx: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        // The body is parsed at the first look into it, once for all consumers.
        let payload = delivery.msg();
        let found = match &self.params.field {
            Some(field) => payload.get(field),
            None => Some(payload),
        };
        let Some(found) = found else {
            return Err(ConsumeError::drop("no such field")); // counted, logged; the next, please
        };
        println!("{}{}: {}", self.params.prefix, cx.name(), to_spaced(found)?);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The inside of the table [consumers.items]. `TestBus` runs a real hub; see test_kit.
    let settings = r##"
        topics = "com.example.shop.#"
        params = { prefix = "# ", field = "item" }
    "##;
    let sale = Value::parse(br#"{"item": "tea", "price": 3.5}"#)?;
    TestBus::new()
        .consumer::<Print>("items", settings)
        .run(async |bus| {
            bus.publish("com.example.shop.sale", sale).await;
            bus.settle().await;
        });
    Ok(())
}
