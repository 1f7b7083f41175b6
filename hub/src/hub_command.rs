//! The hub as a command with kinds of your own: what `fedmsg-hub` does, for plugin authors.
//!
//! Made by [`crate::Hub::command`]; it parses the command line like [`crate::cli`] and hands over to
//! `commands::hub`.

use std::process::ExitCode;

use fedmsg_actors::{Consumer, Producer, Registry};
use fedmsg_config::DEFAULT_HUB;

use crate::cli;
use crate::commands::hub::{self, Fallback};

/// A command like `fedmsg-hub` before it runs; made by [`crate::Hub::command`].
///
/// It has the flags, the log, the signals and the exit statuses of `fedmsg-hub`, reads the same
/// files and variables, and knows the built-in kinds beside those that are added.
///
/// # Examples
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use fedmsg_hub::Hub;
/// # use fedmsg_hub::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
/// # struct Print;
/// # impl Consumer for Print {
/// #     const KIND: &'static str = "print";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Print) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> { Ok(()) }
/// # }
///
/// fn main() -> ExitCode {
///     Hub::command().consumer::<Print>().run()
/// }
/// ```
pub struct HubCommand {
    registry: Registry,
    fallback: Fallback,
}

impl HubCommand {
    pub(crate) fn new(registry: Registry) -> Self {
        let fallback = Fallback::Demonstration(DEFAULT_HUB);
        Self { registry, fallback }
    }

    /// Makes the kind of consumer `C` known; the configuration says which instances there are.
    #[must_use]
    pub fn consumer<C: Consumer>(mut self) -> Self {
        self.registry.consumer::<C>();
        self
    }

    /// Makes the kind of producer `P` known; the configuration says which instances there are.
    #[must_use]
    pub fn producer<P: Producer>(mut self) -> Self {
        self.registry.producer::<P>();
        self
    }

    /// Takes `toml` as the configuration where there is no file, in place of the demonstration
    /// that `fedmsg-hub` runs then.
    #[must_use]
    pub fn default_config(mut self, toml: &'static str) -> Self {
        self.fallback = Fallback::OfTheProgram(toml);
        self
    }

    /// Does what the command line of this process says, and returns the exit status for `main`.
    #[must_use]
    pub fn run(self) -> ExitCode {
        self.run_until(std::future::pending())
    }

    /// As [`HubCommand::run`], and also stops the hub when `end` resolves.
    #[must_use]
    pub fn run_until(self, end: impl Future<Output = ()>) -> ExitCode {
        match cli::hub_args() {
            Ok(args) => hub::run(args, self.registry, self.fallback, end).into(),
            Err(error) => cli::refuse(&error).into(),
        }
    }
}
