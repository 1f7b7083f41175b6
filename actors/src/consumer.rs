//! What a consumer is: the trait that plugin authors implement, and what it may answer.
//!
//! [`crate::Registry`] builds values of it from the configuration; `consumer_actor` feeds them.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, pending, ready};
use std::time::Duration;

use fedmsg::Delivery;
use fedmsg_config::{Config, Source};
use fedmsg_message::TopicPattern;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::context::ConsumerContext;

/// Any error, as consumers and producers may give it.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::BoxError;
///
/// fn age(text: &str) -> Result<u8, BoxError> {
///     if text.is_empty() {
///         return Err("nobody has said how old".into());
///     }
///     Ok(text.parse()?)
/// }
/// assert_eq!(age("7").unwrap(), 7);
/// assert_eq!(age("").unwrap_err().to_string(), "nobody has said how old");
/// assert!(age("x").is_err());
/// ```
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A subscriber to topic patterns that reacts to messages; hosted by a hub.
///
/// The host hands over one message at a time, in the order of arrival for each publisher (unless the
/// configuration asks for `workers` > 1), and waits until `consume` is done. An error or a panic costs
/// that attempt; the message is tried again as `retry` in the configuration says. After a panic the
/// value is dropped and built anew, the mailbox stays.
///
/// A consumer must not block its thread for long: what takes more than a millisecond belongs on
/// `tokio::task::spawn_blocking`.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, TestBus};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// /// Greets whom a message names.
/// struct Greeter { greeting: String }
///
/// /// What `[consumers.NAME.params]` may say.
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Params {
///     /// What it says before the name. Required.
///     greeting: String,
/// }
///
/// impl Consumer for Greeter {
///     const KIND: &'static str = "greeter";
///     const ABOUT: &'static str = "Greets whom a message names";
///     type Params = Params;
///
///     async fn from_params(params: Params, _: &ConsumerContext) -> Result<Self, BoxError> {
///         Ok(Self { greeting: params.greeting })
///     }
///
///     async fn consume(&mut self, delivery: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
///         let name = delivery.msg().as_str().unwrap_or("world");
///         cx.publish("greeted", format!("{}, {name}!", self.greeting)).await?;
///         Ok(())
///     }
/// }
///
/// TestBus::new()
///     .consumer::<Greeter>("greeter", r#"topics = "com.example.test.#"
///                                        params.greeting = "Hello""#)
///     .run(async |bus| {
///         bus.publish("com.example.test.arrival", "Ada").await;
///         let greeted = bus.next_published().await;
///         assert_eq!(greeted.msg().as_str(), Some("Hello, Ada!"));
///     });
/// ```
pub trait Consumer: Sized + Send + 'static {
    /// The name of this kind in the configuration (`kind = "…"`).
    const KIND: &'static str;

    /// What it does, in a line, for lists of kinds: "Writes a line to the log for each message". By
    /// default nothing is said.
    const ABOUT: &'static str = "";

    /// Where its messages come from unless the configuration says otherwise: every endpoint.
    const SOURCE: Source = Source::Endpoints;

    /// Whether it gets only messages whose signature is good, unless the configuration says otherwise
    /// for the instance. `None`: as `validate_signatures` says for the whole hub.
    const VALIDATE_SIGNATURES: Option<bool> = None;

    /// The typed form of `[consumers.NAME.params]`; [`crate::NoParams`] when there are none. Its JSON Schema,
    /// with the doc comments of its fields, is what lists of kinds and editors show.
    type Params: DeserializeOwned + JsonSchema + Send + 'static;

    /// The patterns that it subscribes to unless the configuration names some: everything.
    #[must_use]
    fn default_topics() -> Vec<TopicPattern> {
        vec![TopicPattern::everything()]
    }

    /// Builds the consumer: at the start of the hub, and again after a panic. What it opens (files,
    /// sockets, connections) belongs here, so that a failure stops the hub at once and with a reason.
    ///
    /// # Errors
    ///
    /// Anything: at the start it ends the hub, later it is tried again as `restart` says.
    fn from_params(
        params: Self::Params,
        context: &ConsumerContext,
    ) -> impl Future<Output = Result<Self, BoxError>> + Send;

    /// Looks for what would keep it from starting and can be known without starting anything: a program or a
    /// file that is not there, a setting elsewhere that it needs. `fedmsg-config check` asks; a hub does not,
    /// for [`Consumer::from_params`] finds the same. It opens no socket and changes nothing. By default
    /// nothing is wrong.
    ///
    /// # Errors
    ///
    /// Anything; a [`crate::ParamsError`] or a [`crate::SettingError`] says which setting is at fault.
    fn preflight(params: &Self::Params, config: &Config) -> Result<(), BoxError> {
        let _ = (params, config);
        Ok(())
    }

    /// Handles one message.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] says what becomes of the message; `?` on any other error means "retry".
    fn consume(
        &mut self,
        delivery: Delivery,
        context: &ConsumerContext,
    ) -> impl Future<Output = Result<(), ConsumeError>> + Send;

    /// The most messages that [`Consumer::consume_batch`] takes at a time, 1 to 256; with 1 it is never
    /// called.
    const BATCH: usize = 1;

    /// Handles several messages, at least one, in order: what is there, up to [`Consumer::BATCH`]. Nobody
    /// waits for a batch to fill. For those to whom many cost less than each of them; by default they
    /// are handled one by one.
    ///
    /// # Errors
    ///
    /// How many at the front have been handled, which are not offered again, and what becomes of the next,
    /// as [`ConsumeError`] says. Those behind it are offered again. After a panic all of them are offered
    /// again, one by one, so that the one to blame is found; those that were done are done twice then.
    fn consume_batch(
        &mut self,
        batch: Vec<Delivery>,
        context: &ConsumerContext,
    ) -> impl Future<Output = Result<(), BatchError>> + Send {
        async move {
            for (done, delivery) in batch.into_iter().enumerate() {
                let consumed = self.consume(delivery, context).await;
                consumed.map_err(|error| BatchError { done, error })?;
            }
            Ok(())
        }
    }

    /// Called once the whole hub runs, before the first message: all consumers and producers are built, and
    /// what they listen to is connected. Called again for a value that is built after a panic. What may
    /// fail belongs in [`Consumer::from_params`].
    fn started(&mut self, context: &ConsumerContext) -> impl Future<Output = ()> + Send {
        let _ = context;
        ready(())
    }

    /// Waits until nothing that follows can succeed, such as when an output is gone: then the consumer halts
    /// as with [`ConsumeError::Halt`], without a message having to come. It is asked only while there is no
    /// message, and again after each; it must be cancel-safe. By default it waits for ever.
    fn until_broken(&mut self) -> impl Future<Output = BoxError> + Send {
        pending()
    }

    /// Called once when the hub stops, after the last message: flush, close, say goodbye.
    fn stop(&mut self, context: &ConsumerContext) -> impl Future<Output = ()> + Send {
        let _ = context;
        ready(())
    }
}

/// What a consumer answers when it could not handle a message.
///
/// Any error converts into [`ConsumeError::Retry`], so `?` works in `consume`.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::ConsumeError;
///
/// fn parse(text: &str) -> Result<u32, ConsumeError> {
///     Ok(text.parse::<u32>()?)
/// }
/// assert!(matches!(parse("x"), Err(ConsumeError::Retry(_))));
/// assert_eq!(ConsumeError::drop("not for us").to_string(), "not for us");
/// ```
#[derive(Debug)]
pub enum ConsumeError {
    /// Try this message again later; what follows waits. After `retry.attempts` it is dropped.
    Retry(BoxError),
    /// The same, after a pause that somebody else has asked for, such as a server that is busy. It takes
    /// the place of the one that `retry` in the configuration has for this attempt.
    RetryAfter(Duration, BoxError),
    /// The same, after the longer of the two pauses.
    RetryNoSooner(Duration, BoxError),
    /// This message is hopeless: count it, log it, go on with the next.
    Drop(BoxError),
    /// Stop this consumer: nothing that follows can succeed either. The message stays unhandled.
    Halt(BoxError),
}

/// How far a consumer has come with a batch of messages.
///
/// ```
/// use fedmsg_actors::{BatchError, ConsumeError};
///
/// let error = BatchError { done: 2, error: ConsumeError::drop("not for us") };
/// assert_eq!(error.error.to_string(), "not for us");
/// ```
#[derive(Debug)]
pub struct BatchError {
    /// How many at its front have been handled: fewer than the batch has, for one has failed. The hub believes it:
    /// those count as consumed and never come again. What is too large is taken for all but the last, and
    /// logged as a warning.
    pub done: usize,
    /// What becomes of the one after those.
    pub error: ConsumeError,
}

impl ConsumeError {
    /// The message may succeed later.
    pub fn retry(reason: impl Into<BoxError>) -> Self {
        Self::Retry(reason.into())
    }

    /// The message may succeed after `pause`; it is tried no sooner, and no more often than otherwise.
    pub fn retry_after(pause: Duration, reason: impl Into<BoxError>) -> Self {
        Self::RetryAfter(pause, reason.into())
    }

    /// The message may succeed after `pause`, or after the pause that `retry` in the configuration has for this
    /// attempt if that is longer.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use fedmsg_actors::ConsumeError;
    ///
    /// let asked = Duration::from_secs(30); // the server has said when to come back
    /// let error = ConsumeError::retry_no_sooner(asked, "the server is busy");
    /// assert!(matches!(error, ConsumeError::RetryNoSooner(pause, _) if pause == asked));
    /// ```
    pub fn retry_no_sooner(pause: Duration, reason: impl Into<BoxError>) -> Self {
        Self::RetryNoSooner(pause, reason.into())
    }

    /// The message will never succeed.
    pub fn drop(reason: impl Into<BoxError>) -> Self {
        Self::Drop(reason.into())
    }

    /// No message will succeed until somebody has intervened.
    pub fn halt(reason: impl Into<BoxError>) -> Self {
        Self::Halt(reason.into())
    }

    fn reason(&self) -> &BoxError {
        match self {
            Self::Retry(reason)
            | Self::RetryAfter(_, reason)
            | Self::RetryNoSooner(_, reason)
            | Self::Drop(reason)
            | Self::Halt(reason) => reason,
        }
    }
}

impl fmt::Display for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.reason(), f)
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for ConsumeError {
    fn from(error: E) -> Self {
        Self::Retry(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::consumer_cell::ConsumerState;
    use crate::context::NoParams;
    use crate::status::HubStatus;
    use crate::test_bus::TestBus;

    /// A consumer that always wants another attempt at once.
    struct Impatient;

    impl Consumer for Impatient {
        const KIND: &'static str = "impatient";
        type Params = NoParams;

        async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
            Ok(Self)
        }

        async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
            Err(ConsumeError::retry_after(Duration::ZERO, "again"))
        }
    }

    /// A consumer that sums up batches, and refuses a batch at its first odd number.
    struct Sums(u64);

    impl Consumer for Sums {
        const KIND: &'static str = "sums";
        const BATCH: usize = 8;
        type Params = NoParams;

        async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
            Ok(Self(0))
        }

        async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
            Err(ConsumeError::halt("not one by one"))
        }

        async fn consume_batch(
            &mut self,
            batch: Vec<Delivery>,
            context: &ConsumerContext,
        ) -> Result<(), BatchError> {
            assert!((1..=Self::BATCH).contains(&batch.len()));
            for (done, delivery) in batch.iter().enumerate() {
                let number = delivery.msg().as_u64().unwrap_or_default();
                if number % 2 == 1 {
                    let error = ConsumeError::drop("odd");
                    return Err(BatchError { done, error });
                }
                self.0 += number;
            }
            let published = context.publish("sum", self.0).await;
            let error = |error: std::sync::Arc<_>| BatchError {
                done: 0,
                error: ConsumeError::halt(error),
            };
            published.map(drop).map_err(error)
        }
    }

    /// A consumer that breaks, or panics, before anything has come.
    struct Broken(bool);

    impl Consumer for Broken {
        const KIND: &'static str = "broken";
        type Params = BTreeMap<String, bool>;

        async fn from_params(params: Self::Params, _: &ConsumerContext) -> Result<Self, BoxError> {
            Ok(Self(params.contains_key("panics")))
        }

        async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
            Ok(())
        }

        async fn until_broken(&mut self) -> BoxError {
            assert!(!self.0, "the pump has burst");
            "the pump has no water".into()
        }
    }

    #[test]
    fn what_is_broken_halts_without_a_message() {
        let check = |settings: &str, expected: &str| {
            let hub = TestBus::new().consumer::<Broken>("x", settings);
            let report = hub.run(async |bus| {
                let is_halted =
                    |it: &HubStatus| matches!(it.consumers[0].state, ConsumerState::Halted(_));
                bus.until(is_halted).await;
            });
            let state = report.status.consumer("x").unwrap().state.to_string();
            assert!(state.contains(expected), "{state}");
        };
        check("", "no water");
        check("params.panics = true", "the pump has burst");
    }

    #[test]
    fn of_a_batch_nothing_is_handled_twice_and_only_the_refused_is_dropped() {
        let hub = TestBus::new().consumer::<Sums>("sums", "topics = 'com.example.#'");
        let report = hub.run(async |bus| {
            for number in 0..40_u64 {
                bus.publish("com.example.a", number).await;
            }
            bus.publish("com.example.a", 0_u64).await;
            bus.settle().await;
            while bus.next_published().await.msg().as_u64() != Some(380) {}
        });
        let status = report.status.consumer("sums").unwrap();
        assert_eq!(
            (status.consumed, status.dropped, status.panics),
            (21, 20, 0)
        );
    }

    /// A consumer of batches that panics at every 13.
    struct Superstitious;

    impl Consumer for Superstitious {
        const KIND: &'static str = "superstitious";
        const BATCH: usize = 8;
        type Params = NoParams;

        async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
            Ok(Self)
        }

        async fn consume(
            &mut self,
            delivery: Delivery,
            _: &ConsumerContext,
        ) -> Result<(), ConsumeError> {
            assert_ne!(delivery.msg().as_u64(), Some(13), "never");
            Ok(())
        }
    }

    #[test]
    fn a_message_that_makes_a_batch_panic_is_found_and_costs_no_other() {
        let settings = "retry.first_delay = '1ms'\nrestart.first_delay = '1ms'";
        let hub = TestBus::new().consumer::<Superstitious>("x", settings);
        let report = hub.run(async |bus| {
            for number in 0..40_u64 {
                bus.publish("com.example.a", number).await;
            }
            bus.settle().await;
        });
        let status = report.status.consumer("x").unwrap();
        assert_eq!((status.consumed, status.dropped), (39, 1));
    }

    #[test]
    fn a_pause_that_is_asked_for_takes_the_place_of_the_configured_one_but_attempts_count() {
        let settings = "retry = { attempts = 4, first_delay = '1h', max_delay = '1h' }";
        let hub = TestBus::new().consumer::<Impatient>("x", settings);
        let report = hub.run(async |bus| {
            bus.publish("com.example.a", "b").await;
            bus.settle().await;
        });
        let status = report.status.consumer("x").unwrap();
        assert_eq!((status.errors, status.dropped), (4, 1));
    }
}
