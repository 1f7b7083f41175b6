//! What a consumer may say when it cannot handle a message: later, never, or stop.
//!
//! Whatever it says, and even if it panics, its other messages wait in its mailbox, other consumers
//! do not notice, and the hub counts and names every message that was not handled.
//!
//! Run it: `cargo run --example retry`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use fedmsg_hub::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, TestBus};

/// Carries letters to a mailbox that is sometimes shut.
struct Postman {
    attempts: u32,
}

impl Consumer for Postman {
    const KIND: &'static str = "postman";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self { attempts: 0 })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        self.attempts += 1;
        let letter = delivery.msg().as_str().unwrap_or_default();
        println!("attempt {}: {letter}", self.attempts);
        match letter {
            // Tried again after a pause that doubles each time (`retry` in the configuration). What
            // follows waits, so that the order is kept. `?` on any error means the same.
            "to a house in the fog" if self.attempts < 3 => {
                Err(ConsumeError::retry("no house seen"))
            }
            // Hopeless: given up at once. Counted, logged with topic and msg_id, and on to the next.
            "without an address" => Err(ConsumeError::drop("no address")),
            // Nothing will work any more: this consumer takes no further message. Its state says so,
            // and a hub of which every consumer has halted ends with status 70.
            "that bites" => Err(ConsumeError::halt("the dog is loose")),
            _ => Ok(()),
        }
    }
}

fn main() {
    let settings = "retry = { attempts = 3, first_delay = '10ms' }";
    let report = TestBus::new()
        .consumer::<Postman>("postman", settings)
        .run(async |bus| {
            for letter in [
                "to a house in the fog",
                "without an address",
                "that bites",
                "to Ada",
            ] {
                bus.publish("com.example.post.letter", letter).await;
            }
            bus.settle().await;
        });
    for postman in &report.status.consumers {
        println!("{}", postman.state);
        println!(
            "{} delivered, {} dropped, {} not delivered",
            postman.consumed, postman.dropped, postman.undelivered
        );
    }
}
