//! The producer `{{name}}`.

use fedmsg_hub::schemars::JsonSchema;
use fedmsg_hub::serde::Deserialize;
use fedmsg_hub::{BoxError, Producer, ProducerContext};

/// Publishes how often it has been called.
pub struct {{type}}Producer {
    params: Params,
    count: u64,
}

/// What `[producers.NAME.params]` may say for kind `{{name}}`.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "fedmsg_hub::serde", deny_unknown_fields)]
#[schemars(crate = "fedmsg_hub::schemars")]
pub struct Params {
    /// The last part of the topic, after the name of the instance. Default "count".
    #[serde(default = "count")]
    pub topic: String,
}

fn count() -> String {
    "count".to_owned()
}

impl Producer for {{type}}Producer {
    const KIND: &'static str = "{{name}}";
    const ABOUT: &'static str = "Publishes how often it has been called";
    type Params = Params;

    async fn from_params(params: Params, cx: &ProducerContext) -> Result<Self, BoxError> {
        cx.publisher().await?; // fails here, at the start, rather than at the first tick
        Ok(Self { params, count: 0 })
    }

    async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
        self.count += 1;
        cx.publish(&self.params.topic, self.count).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fedmsg_hub::{ProducerConformance, Requirement, TestBus, World};

    use super::*;

    #[test]
    fn it_counts_its_ticks() {
        let bus = TestBus::new().producer::<{{type}}Producer>("it", "every = '1h'");
        bus.run(async |bus| {
            for expected in 1..=3 {
                bus.advance(Duration::from_secs(3600)).await; // the hours pass at once
                let counted = bus.next_published().await;
                assert_eq!(counted.topic().as_str(), "com.example.dev.it.count");
                assert_eq!(counted.msg().as_i64(), Some(expected));
            }
        });
    }

    #[test]
    fn it_keeps_the_rules_of_a_hub() {
        // One that looks at something outside says where news come from: `World::source`.
        let world = || World::for_producer("");
        ProducerConformance::of::<{{type}}Producer>(world)
            .flood(100)
            .excuse_all(
                [
                    Requirement::SurvivesRestarts,
                    Requirement::SurvivesCancellation,
                    Requirement::SurvivesCrashes,
                    Requirement::SurvivesOutages,
                ],
                "it tells no news that could be lost",
            )
            .check();
    }
}
