//! `Notes`: what one run of a program writes for the log.
//!
//! [`super::Command`] hears it while the program runs, and looks for the rest when that has ended.

use std::convert::Infallible;
use std::future::pending;

use tokio::process::{Child, ChildStderr, ChildStdout};
use tracing::Level;

use super::program_log::{Noted, ProgramLog};

/// The streams of a program that nobody else reads.
pub(super) struct Notes {
    output: Option<Noted<ChildStdout>>,
    errors: Option<Noted<ChildStderr>>,
}

impl Notes {
    /// Takes them, if there is a log.
    pub(super) fn of(child: &mut Child, log: Option<&ProgramLog>) -> Self {
        let output = log.and_then(|log| Some(log.noted(Level::INFO, child.stdout.take()?)));
        let errors = log.and_then(|log| Some(log.noted(Level::WARN, child.stderr.take()?)));
        Self { output, errors }
    }

    /// Logs what comes. Nothing is lost if this is given up.
    pub(super) async fn hear(&mut self) -> Infallible {
        let Self { output, errors } = self;
        tokio::join!(
            async {
                if let Some(output) = output {
                    output.hear().await;
                }
            },
            async {
                if let Some(errors) = errors {
                    errors.hear().await;
                }
            }
        );
        pending().await
    }

    /// Logs what is left.
    pub(super) fn rest(self) {
        if let Some(output) = self.output {
            output.rest();
        }
        if let Some(errors) = self.errors {
            errors.rest();
        }
    }
}
