//! `ProgramLog`: where the lines go that a program writes for people, within bounds.
//!
//! [`super::Command`] has one for the programs of the kinds `exec`, the consumer `process` one for its own. A
//! program may write as fast as it can and the log is somebody's disk, so most of a flood is only counted.

use std::fmt;
use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::{Errno, read};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::yield_now;
use tracing::{Level, debug, error, info, warn};

use crate::rate_limit::{Rate, RateLimit};

/// How many bytes of a line are logged, and read at a time.
const MAX_LOGGED: usize = 4096;

/// How many lines are logged in a second, and at once.
const LOGGED: Rate = Rate::per_second(NonZeroU32::MIN.saturating_add(99));

/// As much as a pipe holds (pipe(7)): so much may be left in it by a program that has ended.
const PIPE: usize = 64 * 1024;

/// Logs the lines of a program: 100 a second, of each the first 4096 bytes, and counts all. The span that
/// it is called in says whose they are. Clones share the limit and the counts.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{Command, ProgramLog};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), fedmsg_actors::CommandError> {
/// let log = ProgramLog::new();
/// let cook = Command::new("sh").args(["-c", "echo tea; echo hot >&2"]).logged(log.clone());
/// cook.attempt(b"", &[]).await?;
/// assert_eq!(log.figures(), [("lines_logged", 2), ("lines_not_logged", 0)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ProgramLog {
    limit: RateLimit,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    logged: AtomicU64,
    not_logged: AtomicU64,
}

impl ProgramLog {
    /// Returns a log that has nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            limit: RateLimit::new(LOGGED, LOGGED.in_a_second()),
            counts: Arc::default(),
        }
    }

    /// How many lines are in the log, and how many were left out, under their names in the status of a hub.
    #[must_use]
    pub fn figures(&self) -> [(&'static str, u64); 2] {
        let Counts { logged, not_logged } = &*self.counts;
        [
            ("lines_logged", logged.load(Ordering::Relaxed)),
            ("lines_not_logged", not_logged.load(Ordering::Relaxed)),
        ]
    }

    /// Logs one line, or its start where it is long.
    pub fn line(&self, level: Level, text: &str) {
        if self.limit.check().is_err() {
            self.counts.not_logged.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.counts.logged.fetch_add(1, Ordering::Relaxed);
        let text = text
            .get(..text.floor_char_boundary(MAX_LOGGED))
            .unwrap_or(text);
        match level {
            Level::ERROR => error!(text, "program"),
            Level::WARN => warn!(text, "program"),
            Level::INFO => info!(text, "program"),
            _ => debug!(text, "program"),
        }
    }

    /// Logs the lines of a stream to its end. The last one may lack the end of a line.
    pub async fn note(&self, level: Level, stream: impl AsyncRead + Unpin) {
        let mut noted = self.noted(level, stream);
        noted.hear().await;
        noted.end();
    }

    pub(super) fn noted<R>(&self, level: Level, stream: R) -> Noted<R> {
        Noted {
            log: self.clone(),
            level,
            stream,
            piece: Vec::with_capacity(MAX_LOGGED),
            line: Vec::new(),
        }
    }
}

impl Default for ProgramLog {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ProgramLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.figures()).finish()
    }
}

/// A stream whose lines are logged.
pub(super) struct Noted<R> {
    log: ProgramLog,
    level: Level,
    stream: R,
    piece: Vec<u8>,
    /// What has come of a line that is not at its end.
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Noted<R> {
    /// Logs what comes, to the end. Nothing is lost if this is given up.
    pub(super) async fn hear(&mut self) {
        loop {
            self.piece.clear();
            // A pipe that cannot be read has nothing to say.
            let Ok(1..) = self.stream.read_buf(&mut self.piece).await else {
                return;
            };
            self.take();
            // The lines of a flood take a while, and there is always more of it.
            yield_now().await;
        }
    }
}

impl<R: AsFd> Noted<R> {
    /// Logs what is in the pipe already: for a program that has ended, of which something may hold it.
    pub(super) fn rest(mut self) {
        let mut piece = [0; MAX_LOGGED];
        for _ in 0..PIPE / MAX_LOGGED {
            match read(&self.stream, &mut piece) {
                Ok(length @ 1..) => {
                    self.piece.clear();
                    self.piece.extend(piece.iter().take(length));
                    self.take();
                }
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => break,
            }
        }
        self.end();
    }
}

impl<R> Noted<R> {
    fn take(&mut self) {
        for part in self.piece.split_inclusive(|byte| *byte == b'\n') {
            let room = (MAX_LOGGED + 1).saturating_sub(self.line.len());
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            self.line.extend(text.iter().take(room));
            if part.ends_with(b"\n") {
                self.log
                    .line(self.level, &String::from_utf8_lossy(&self.line));
                self.line.clear();
            }
        }
    }

    fn end(self) {
        if !self.line.is_empty() {
            self.log
                .line(self.level, &String::from_utf8_lossy(&self.line));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn every_line_counts_and_a_flood_is_cut() {
        let check = async |written: &[u8], expected: u64| {
            let start = Instant::now();
            let log = ProgramLog::new();
            log.note(Level::WARN, written).await;
            let due = 100 * (start.elapsed().as_secs() + 2);
            let [(_, logged), (_, not_logged)] = log.figures();
            assert_eq!(logged + not_logged, expected, "{}", written.len());
            // Some more may be due while it takes.
            assert!((expected.min(100)..=expected.min(due)).contains(&logged));
        };
        check(b"", 0).await;
        check(b"a\n\nb", 3).await;
        check(&[b'x'; 100_000], 1).await;
        check(&b"y\n".repeat(50_000), 50_000).await;
    }
}
