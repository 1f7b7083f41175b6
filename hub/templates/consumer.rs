//! The consumer `{{name}}`.

use fedmsg_hub::schemars::JsonSchema;
use fedmsg_hub::serde::Deserialize;
use fedmsg_hub::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery};

/// Publishes a greeting for each message.
pub struct {{type}}Consumer {
    params: Params,
}

/// What `[consumers.NAME.params]` may say for kind `{{name}}`.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "fedmsg_hub::serde", deny_unknown_fields)]
#[schemars(crate = "fedmsg_hub::schemars")]
pub struct Params {
    /// What it says before the name. Default "Hello".
    #[serde(default = "hello")]
    pub greeting: String,
}

fn hello() -> String {
    "Hello".to_owned()
}

impl Consumer for {{type}}Consumer {
    const KIND: &'static str = "{{name}}";
    const ABOUT: &'static str = "Publishes a greeting for each message";
    type Params = Params;

    async fn from_params(params: Params, cx: &ConsumerContext) -> Result<Self, BoxError> {
        cx.publisher().await?; // fails here, at the start, rather than at the first message
        Ok(Self { params })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        cx: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let Some(name) = delivery.msg().as_str() else {
            return Err(ConsumeError::drop("no name")); // no later attempt would find one
        };
        let greeting = &self.params.greeting;
        cx.publish("greeted", format!("{greeting}, {name}!"))
            .await?; // an error means: try again later
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fedmsg_hub::{Conformance, DeliveryBuilder, Requirement, TestBus, World};

    use super::*;

    #[test]
    fn it_greets_whom_a_message_names_and_drops_what_names_nobody() {
        let settings = "topics = 'com.example.arrivals.#'\nparams.greeting = 'Welcome'";
        let report = TestBus::new()
            .consumer::<{{type}}Consumer>("it", settings)
            .run(async |bus| {
                bus.publish("com.example.arrivals.guest", 42).await;
                bus.publish("com.example.arrivals.guest", "Ada").await;
                let greeted = bus.next_published().await;
                assert_eq!(greeted.topic().as_str(), "com.example.dev.it.greeted");
                assert_eq!(greeted.msg().as_str(), Some("Welcome, Ada!"));
                bus.settle().await;
            });
        let it = report.status.consumer("it").expect("it was there");
        assert_eq!((it.consumed, it.dropped), (1, 1));
    }

    #[test]
    fn it_keeps_the_rules_of_a_hub() {
        // One that changes something outside shows that here: `World`. This one is judged by what it publishes.
        let world = || World::new("", || ());
        let greet = |n: usize| {
            let name = DeliveryBuilder::new("com.example.arrivals.guest", format!("guest {n}"));
            name.from_publisher(["north", "south"][n % 2])
        };
        Conformance::of::<{{type}}Consumer>(world)
            .messages((0..6).map(greet))
            .flood(100)
            .excuse(
                Requirement::IsIdempotent,
                "to be greeted twice does no harm",
            )
            .check();
    }
}
