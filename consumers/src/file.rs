//! The consumer that appends each message to a file.
//!
//! [`Journal`] is the file: it is never left with half a line, and changed for a new one in time.

mod journal;
mod params;
mod syncing;
mod tail;

use std::fmt;

use fedmsg_actors::{BatchError, BoxError, ConsumeError, Consumer, ConsumerContext, Delivery};
use fedmsg_config::{Config, ParamsError};
use thiserror::Error;
use tokio::task::{JoinError, spawn_blocking};

use self::journal::{Journal, JournalError};
pub use self::params::{FileParams, Sync};
use self::syncing::Syncing;
use crate::message_template::{MessageWriter, RenderError};

/// Why a message was not written.
#[derive(Debug, Error)]
enum FileError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("writing was given up: {0}")]
    GivenUp(#[from] JoinError),
}

/// Appends each message to a file, as a line.
///
/// A message is consumed when its line has been written, and with `sync = "always"` when it is on the
/// disk. Messages that wait are written, and synchronised, together. When the disk is full, or writing
/// fails otherwise, half a line is taken back, and the message that it was for is tried again as `retry`
/// says. A line that a crash has left unfinished is taken back at the start, too; a file that ends in anything
/// else without a line end is not ours, and the hub does not start. A file that is moved
/// away, as logrotate does, is made anew with the next message. One hub at a time writes to a file: a
/// second one does not start.
///
/// ```
/// use fedmsg_actors::TestBus;
/// use fedmsg_consumers::File;
///
/// let folder = std::env::temp_dir().join(format!("fedmsg-file-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let settings = format!("params.path = {:?}", folder.join("bus.jsonl"));
/// TestBus::new().consumer::<File>("archive", &settings).run(async |bus| {
///     bus.publish("org.example.dev.shop.sale", "tea").await;
///     bus.settle().await;
/// });
/// let written = std::fs::read_to_string(folder.join("bus.jsonl"))?;
/// assert!(written.contains("\"msg\":\"tea\"") && written.ends_with("}\n"));
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct File {
    /// Absent while it is being written, and after a panic over that.
    journal: Option<Journal>,
    params: FileParams,
    syncing: Syncing,
    writer: MessageWriter,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

impl Consumer for File {
    const KIND: &'static str = "file";
    const ABOUT: &'static str = "Appends each message to a file, with rotation";
    const BATCH: usize = 256;
    type Params = FileParams;

    async fn from_params(params: FileParams, context: &ConsumerContext) -> Result<Self, BoxError> {
        let writer = MessageWriter::new("format", params.format.clone(), context.config())?;
        let opened = params.clone();
        let journal = spawn_blocking(move || Journal::open(opened)).await?;
        let journal = journal.map_err(|error| match error {
            JournalError::Foreign { .. } => ParamsError::invalid("path", error).into(),
            error => BoxError::from(error),
        })?;
        Ok(Self {
            journal: Some(journal),
            params,
            syncing: Syncing::default(),
            writer,
        })
    }

    fn preflight(params: &FileParams, config: &Config) -> Result<(), BoxError> {
        let files = config.consumers.values();
        let files = files.filter(|it| it.enabled && it.kind == Self::KIND);
        let same = files.filter(|it| {
            let params_of = it.params.parse::<FileParams>();
            params_of.is_ok_and(|it| it.path == params.path)
        });
        if same.map(|it| it.workers).sum::<usize>() > 1 {
            let reason =
                "more than one consumer, or worker of one, writes to it: give each its own";
            return Err(ParamsError::invalid("path", reason).into());
        }
        Journal::check(params).map_err(|error| ParamsError::invalid("path", error))?;
        Ok(())
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        context: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let taken = self.consume_batch(vec![delivery], context).await;
        taken.map_err(|failed| failed.error)
    }

    async fn consume_batch(
        &mut self,
        batch: Vec<Delivery>,
        _: &ConsumerContext,
    ) -> Result<(), BatchError> {
        let mut lines = Vec::with_capacity(batch.len());
        let mut hopeless = None;
        for delivery in &batch {
            match self.line(delivery) {
                Ok(line) => lines.push(line),
                Err(error) => {
                    hopeless = Some(ConsumeError::drop(error));
                    break;
                }
            }
        }
        let count = lines.len();
        self.write(lines)
            .await
            .map_err(|(done, error)| BatchError {
                done,
                error: ConsumeError::retry(error),
            })?;
        match hopeless {
            Some(error) => Err(BatchError { done: count, error }),
            None => Ok(()),
        }
    }

    async fn stop(&mut self, _: &ConsumerContext) {
        if let Some(journal) = self.journal.take() {
            // What it says of errors it has logged.
            let _ = spawn_blocking(move || journal.close()).await;
        }
    }
}

impl File {
    fn line(&self, delivery: &Delivery) -> Result<Vec<u8>, FileError> {
        let mut line = self.writer.write(delivery.envelope())?;
        // A peer must not forge lines.
        for byte in &mut line {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        Ok(line)
    }

    /// Writes lines on a thread for work that blocks; says how many are written where one is not.
    async fn write(&mut self, lines: Vec<Vec<u8>>) -> Result<(), (usize, FileError)> {
        if lines.is_empty() {
            return Ok(());
        }
        let (journal, params) = (self.journal.take(), self.params.clone());
        let write = move || {
            let mut journal = match journal {
                Some(journal) => journal,
                None => Journal::open(params).map_err(|error| (0, error.into()))?,
            };
            let written = journal.append(&lines);
            let written = written.map_err(|(done, error)| (done, FileError::from(error)));
            Ok((journal, written))
        };
        let written = spawn_blocking(write).await;
        let (journal, written) = written.map_err(|error| (0, FileError::from(error)))??;
        if let Sync::After(time) = self.params.sync {
            let handle = journal.handle();
            self.syncing.later(time, move || handle?.sync_data());
        }
        self.journal = Some(journal);
        written
    }
}

#[cfg(test)]
mod tests;
