//! What a producer is: the trait that plugin authors implement for what speaks on a schedule.
//!
//! [`crate::Registry`] builds values of it from the configuration; `producer_actor` calls them.

use std::future::{Future, ready};

use fedmsg_config::Config;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::consumer::BoxError;
use crate::context::ProducerContext;

/// An emitter of messages on a schedule; hosted by a hub.
///
/// The schedule comes from the configuration (`every` or `cron`). Ticks of one producer never overlap.
/// An error or a panic costs that tick: it is counted and logged, and the next tick comes at its time, or
/// as `on_error` says. A tick that takes longer than `time_limit` is cancelled: its future is dropped
/// where it waits, so what must not be cut in two belongs between two `.await`s.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::{BoxError, NoParams, Producer, ProducerContext, TestBus};
///
/// struct Clock { ticks: u64 }
///
/// impl Producer for Clock {
///     const KIND: &'static str = "clock";
///     type Params = NoParams;
///
///     async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> {
///         Ok(Self { ticks: 0 })
///     }
///
///     async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
///         self.ticks += 1;
///         cx.publish("tick", self.ticks).await?;
///         Ok(())
///     }
/// }
///
/// TestBus::new().producer::<Clock>("clock", "every = '1h'").run(async |bus| {
///     for tick in 1..=3 {
///         bus.advance(Duration::from_secs(3600)).await; // hours pass at once
///         assert_eq!(bus.next_published().await.msg().as_i64(), Some(tick));
///     }
/// });
/// ```
pub trait Producer: Sized + Send + 'static {
    /// The name of this kind in the configuration (`kind = "…"`).
    const KIND: &'static str;

    /// What it does, in a line, for lists of kinds: "Says that this hub is still here". By default nothing
    /// is said.
    const ABOUT: &'static str = "";

    /// The typed form of `[producers.NAME.params]`; [`crate::NoParams`] when there are none. Its JSON Schema,
    /// with the doc comments of its fields, is what lists of kinds and editors show.
    type Params: DeserializeOwned + JsonSchema + Send + 'static;

    /// Builds the producer: at the start of the hub, and again after a panic.
    ///
    /// # Errors
    ///
    /// Anything: at the start it ends the hub, later it costs the ticks until it succeeds.
    fn from_params(
        params: Self::Params,
        context: &ProducerContext,
    ) -> impl Future<Output = Result<Self, BoxError>> + Send;

    /// Looks for what would keep it from starting and can be known without starting anything: a program or a
    /// file that is not there, a setting elsewhere that it needs. `fedmsg-config check` asks; a hub does not,
    /// for [`Producer::from_params`] finds the same. It opens no socket and changes nothing. By default
    /// nothing is wrong.
    ///
    /// # Errors
    ///
    /// Anything; a [`crate::ParamsError`] or a [`crate::SettingError`] says which setting is at fault.
    fn preflight(params: &Self::Params, config: &Config) -> Result<(), BoxError> {
        let _ = (params, config);
        Ok(())
    }

    /// Called when the schedule says so. Whatever a tick leaves behind when it is cancelled, the next one
    /// finds in `self`.
    ///
    /// # Errors
    ///
    /// Anything: it is counted and logged with the producer's name.
    fn tick(
        &mut self,
        context: &ProducerContext,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Called once the whole hub runs, before the first tick: all consumers and producers are built. Called
    /// again for a value that is built after a panic. What may fail belongs in [`Producer::from_params`].
    fn started(&mut self, context: &ProducerContext) -> impl Future<Output = ()> + Send {
        let _ = context;
        ready(())
    }

    /// Called once when the hub stops, after the last tick.
    fn stop(&mut self, context: &ProducerContext) -> impl Future<Output = ()> + Send {
        let _ = context;
        ready(())
    }
}
