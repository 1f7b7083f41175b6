//! `Printer`: an output, such as standard output, on a thread of its own: whoever does not read it may
//! hold that up.
//!
//! Used by [`super::Collectd`] and the task that it has.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{error, warn};

/// How long the last text may take.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Takes a text at a time, and the next one while it writes. Clones print to the same thread.
#[derive(Debug, Clone)]
pub(super) struct Printer {
    jobs: Sender<Job>,
    error: Arc<OnceLock<io::Error>>,
}

/// What the thread is asked to do.
#[derive(Debug)]
enum Job {
    /// To write and flush this.
    Write(String),
    /// To say that everything before this has been written.
    Report(oneshot::Sender<()>),
}

/// The output cannot be written any more.
#[derive(Debug)]
pub(super) struct Closed;

impl Printer {
    /// Starts the thread; it ends when no printer is left, or at the first error.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(1);
        let error = Arc::new(OnceLock::new());
        let failed = error.clone();
        thread::Builder::new()
            .name("collectd".to_owned())
            .spawn(move || write(out, waiting, &failed))?;
        Ok(Self { jobs, error })
    }

    /// Prints what `text` makes, if there is room for it; otherwise it is not asked.
    pub(super) fn print(&self, text: impl FnOnce() -> String) -> Result<(), Closed> {
        match self.jobs.try_reserve() {
            Ok(room) => room.send(Job::Write(text())),
            Err(TrySendError::Full(())) => {
                warn!("standard output is not read: counting on");
            }
            Err(TrySendError::Closed(())) => return Err(Closed),
        }
        Ok(())
    }

    /// Why it could not write.
    pub(super) fn error(&self) -> Option<&io::Error> {
        self.error.get()
    }

    /// Waits until it cannot write any more.
    pub(super) async fn closed(&self) {
        self.jobs.closed().await;
    }

    /// Prints what `text` makes when there is room for it, if anything, and waits until everything has been
    /// written, but not for long.
    pub(super) async fn finish(&self, text: impl FnOnce() -> Option<String>) {
        self.finish_within(LAST_WORDS, text).await;
    }

    async fn finish_within(&self, patience: Duration, text: impl FnOnce() -> Option<String>) {
        let (report, written) = oneshot::channel();
        let finish = async {
            if let Ok(room) = self.jobs.reserve().await
                && let Some(text) = text()
            {
                room.send(Job::Write(text));
            }
            if self.jobs.send(Job::Report(report)).await.is_ok() {
                let _ = written.await;
            }
        };
        if timeout(patience, finish).await.is_err() {
            warn!("standard output has not taken the last lines");
        }
    }
}

fn write(mut out: impl Write, mut jobs: Receiver<Job>, failed: &OnceLock<io::Error>) {
    while let Some(job) = jobs.blocking_recv() {
        let text = match job {
            Job::Write(text) => text,
            Job::Report(report) => {
                let _ = report.send(());
                continue;
            }
        };
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(cause) = written {
            if cause.kind() != io::ErrorKind::BrokenPipe {
                error!(error = %cause, "standard output cannot be written");
            }
            let _ = failed.set(cause);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// An output that writes when it is let, and how that goes.
    struct Gate {
        permits: Receiver<io::Result<()>>,
        written: Arc<Mutex<String>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits.recv().unwrap_or(Ok(()))?;
            let text = std::str::from_utf8(bytes).unwrap();
            self.written.lock().unwrap().push_str(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_is_not_read_keeps_nobody_waiting_and_is_not_asked_for() {
        let (permit, permits) = channel();
        let written = Arc::new(Mutex::new(String::new()));
        let gate = Gate {
            permits,
            written: written.clone(),
        };
        let printer = Printer::start(gate).unwrap();
        // One in work and one that waits, or two of the same if the thread is late.
        let mut asked = 0;
        for _ in 0..5 {
            let text = || {
                asked += 1;
                "x".to_owned()
            };
            printer.print(text).unwrap();
        }
        assert!((1..=2).contains(&asked), "{asked}");
        (0..=asked).for_each(|_| permit.send(Ok(())).unwrap());
        let patience = Duration::from_secs(60); // the machine may be busy
        printer
            .finish_within(patience, || Some("y".to_owned()))
            .await;
        assert_eq!(*written.lock().unwrap(), "x".repeat(asked) + "y");
        assert!(printer.error().is_none());
    }

    #[tokio::test]
    async fn an_error_closes_the_printer_and_is_kept() {
        let (permit, permits) = channel();
        let gate = Gate {
            permits,
            written: Arc::default(),
        };
        let printer = Printer::start(gate).unwrap();
        permit.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        printer.print(|| "x".to_owned()).unwrap();
        printer.finish(|| None).await;
        let kind = printer.error().map(io::Error::kind);
        assert_eq!(kind, Some(io::ErrorKind::BrokenPipe));
        printer.closed().await;
        assert!(printer.print(|| "y".to_owned()).is_err());
    }
}
