//! `--timeout`, for the commands in which it is a setting of the configuration.

use clap::Args;
use toml::Table;

/// The option.
#[derive(Debug, Args)]
pub(crate) struct TimeoutArgs {
    /// How long an operation may block, such as waiting for the relay [timeout]
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        help_heading = "Configuration"
    )]
    timeout: Option<f64>,
}

impl TimeoutArgs {
    /// Adds it to the settings that the command line makes, if it was given.
    pub(crate) fn add_to(&self, flags: &mut Table) {
        if let Some(timeout) = self.timeout {
            flags.insert("timeout".to_owned(), timeout.into());
        }
    }

    /// Whether it was given.
    pub(crate) fn is_given(&self) -> bool {
        self.timeout.is_some()
    }
}
