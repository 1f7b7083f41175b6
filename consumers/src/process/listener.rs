//! `Listener`: hears what a program says on its standard output and standard error.
//!
//! [`super::program`] runs one for each program. Answers go to the [`Ledger`], messages to the bus, lines
//! to the log. It reads no faster than it can pass on, and nothing waits anywhere but in the pipe.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fedmsg_actors::{ConsumerContext, ProgramLog, RateLimit};
use tokio::io::{AsyncRead, AsyncReadExt};
use tracing::Level;

use super::ledger::{Ending, Ledger};
use super::line::{LogLevel, Said, parse};

/// The longest line that a program may write.
const MAX_LINE: usize = 1 << 20;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// What a consumer counts of its programs, for the status of the hub.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) starts: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) published: AtomicU64,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Hears one program.
#[derive(Clone)]
pub(super) struct Listener {
    ledger: Arc<Ledger>,
    counts: Arc<Counts>,
    context: ConsumerContext,
    publishing: RateLimit,
    log: ProgramLog,
}

impl Listener {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        counts: Arc<Counts>,
        context: ConsumerContext,
        publishing: RateLimit,
        log: ProgramLog,
    ) -> Self {
        Self {
            ledger,
            counts,
            context,
            publishing,
            log,
        }
    }

    /// Hears the standard output to its end.
    ///
    /// # Errors
    ///
    /// Why the program has to be ended, in words that follow its name.
    pub(super) async fn hear(&self, mut output: impl AsyncRead + Unpin) -> Result<(), String> {
        let mut buffer = Vec::with_capacity(CHUNK);
        loop {
            buffer.reserve(CHUNK);
            let seen = buffer.len();
            match output.read_buf(&mut buffer).await {
                Ok(0) | Err(_) if buffer.is_empty() => return Ok(()),
                Ok(0) | Err(_) => return Err("it ended within a line".to_owned()),
                Ok(_) => {}
            }
            let new = buffer.get(seen..).unwrap_or_default();
            let Some(end) = new.iter().rposition(|byte| *byte == b'\n') else {
                if buffer.len() > MAX_LINE {
                    return Err(format!("it wrote a line of more than {MAX_LINE} bytes"));
                }
                continue;
            };
            let rest = buffer.split_off(seen + end + 1);
            let lines = buffer.split(|byte| *byte == b'\n');
            for line in lines.filter(|line| !line.is_empty()) {
                self.take(line).await?;
            }
            buffer = rest;
        }
    }

    async fn take(&self, line: &[u8]) -> Result<(), String> {
        let said = parse(line).map_err(|error| error.to_string())?;
        if self.ledger.ready().is_none() && !matches!(said, Said::Hello { .. } | Said::Log { .. }) {
            return Err("it has not said hello first".to_owned());
        }
        match said {
            Said::Hello { window } => {
                if !self.ledger.greet(window) {
                    return Err("it has said hello twice".to_owned());
                }
            }
            Said::Answer(ids, answer) => {
                let noted = self.ledger.answer(ids, &answer);
                noted.map_err(|error| error.to_string())?;
            }
            Said::Publish { topic, msg } => {
                self.ledger.begin_to_publish();
                self.publishing.ready().await;
                let published = self.context.publish(&topic, msg).await;
                self.ledger.published();
                published.map_err(|error| format!("what it publishes is refused: {error}"))?;
                count(&self.counts.published);
            }
            Said::Log { level, text } => self.log.line(level.into(), &text),
            Said::Halt { reason } => self.ledger.end(Ending::Halted(reason)),
        }
        Ok(())
    }

    /// Logs the lines of standard error to its end.
    pub(super) async fn note(&self, errors: impl AsyncRead + Unpin) {
        self.log.note(Level::WARN, errors).await;
    }
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}
