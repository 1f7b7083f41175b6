//! One file that trust is built on: a CA certificate or a CRL, on this machine or on a web server.
//!
//! [`super::files`] reads it at the start, asks it for news from then on, and says what became of them.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use fedmsg_config::Location;
use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::download::{DownloadError, Fetch};
use crate::clock::unix_time;

/// The largest file that is read: a CRL with a million entries has 40 MB.
pub(super) const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// The pause after a download that failed, and the longest one; it doubles, with some chance so that
/// not all machines come back at once.
const PAUSES: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

/// A file without which nobody can be believed, and that cannot be read.
#[derive(Debug, Error)]
#[error("cannot read `{key}` {}: {source}", path.display())]
pub struct TrustFileError {
    /// The setting that names it.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// A CA certificate or a CRL, as it was last read.
pub(super) struct TrustFile {
    key: &'static str,
    location: Location,
    /// Keeps what was downloaded last and was of use.
    cache: Option<PathBuf>,
    /// How long a download is good; zero means for ever.
    expiry: Duration,
    fetch: Fetch,
    content: Option<Bytes>,
    standing: Standing,
    /// Whether messages are judged by something that was read here.
    is_in_force: bool,
    /// Whether `content` has been downloaded, and neither kept nor given a time for the next one yet.
    is_fresh: bool,
    /// When a new one should be there, in seconds since the epoch, as the one in force says.
    renew_at: Option<i64>,
    /// What the file was like when it was last looked at.
    seen: Option<Version>,
    is_failing: bool,
    /// When the next download is due; never when `None`.
    due: Option<Instant>,
    pauses: ExponentialBackoff,
}

/// What is known about the content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing yet; perhaps the other file is missing.
    Unjudged,
    /// It is part of the trust store in force.
    Good,
    /// No trust store can be made of it, and of what the other file says.
    Unusable,
}

/// What tells one version of a file from the next: inode, length, and the time of the last change.
type Version = (u64, u64, i64, i64);

impl TrustFile {
    /// Reads nothing yet. `key` is the setting that says where it is.
    pub(super) fn new(
        key: &'static str,
        location: &Location,
        cache: Option<&Path>,
        expiry: Duration,
        fetch: Fetch,
    ) -> Self {
        let due = matches!(location, Location::Https(_)).then(Instant::now);
        Self {
            key,
            location: location.clone(),
            cache: cache.map(Path::to_owned),
            expiry,
            fetch,
            content: None,
            standing: Standing::Unjudged,
            is_in_force: false,
            is_fresh: false,
            renew_at: None,
            seen: None,
            is_failing: false,
            due,
            pauses: pauses(),
        }
    }

    /// Where it is.
    pub(super) fn location(&self) -> &Location {
        &self.location
    }

    /// Whether a web server has it, so that what there is at the start was kept of a download.
    pub(super) fn is_download(&self) -> bool {
        matches!(self.location, Location::Https(_))
    }

    /// What was last read.
    pub(super) fn content(&self) -> Option<Bytes> {
        self.content.clone()
    }

    /// Reads the file; of what is to be downloaded, what was kept of the last time, if anything.
    pub(super) fn read(&mut self) -> Result<(), TrustFileError> {
        match &self.location {
            Location::File(path) => {
                let (version, content) = read(path).map_err(|source| TrustFileError {
                    key: self.key,
                    path: path.clone(),
                    source,
                })?;
                (self.seen, self.content) = (Some(version), Some(content));
            }
            Location::Https(_) => match self.cache.as_deref().map(read) {
                Some(Ok((_, content))) => self.content = Some(content),
                // There is none before the first download.
                Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Some(Err(error)) => self.discard(&error),
                None => {}
            },
        }
        Ok(())
    }

    /// Does without what was kept of the last download, because of `error`.
    pub(super) fn discard(&mut self, error: &dyn std::error::Error) {
        let cache = self.cache.as_deref().unwrap_or(Path::new(""));
        let (key, location, cache) = (self.key, &self.location, cache.display());
        warn!(key, %cache, %error, %location, "what was kept is not usable: waiting for a download");
        self.content = None;
    }

    /// Looks whether there is a new one; true when there is, and it has been read.
    pub(super) async fn refresh(&mut self) -> bool {
        match self.location.clone() {
            Location::File(path) => self.refresh_file(path).await,
            Location::Https(url) => self.refresh_download(url).await,
        }
    }

    /// Notes that a trust store with this content is in force, and when a new one should be there.
    pub(super) fn accept(&mut self, renew_at: Option<i64>) {
        self.standing = Standing::Good;
        self.is_in_force = true;
        self.renew_at = renew_at;
    }

    /// Keeps a download that has been accepted, and sets the time for the next one.
    pub(super) async fn settle(&mut self) {
        if !std::mem::take(&mut self.is_fresh) {
            return;
        }
        if std::mem::take(&mut self.is_failing) {
            info!(location = %self.location, "downloaded again");
        }
        self.schedule();
        self.keep().await;
    }

    /// Notes that no trust store can be made of this content. What is in force is not at fault; what
    /// has just been downloaded has failed, as if there had been no answer.
    pub(super) fn reject(&mut self) {
        if self.standing != Standing::Unjudged || self.content.is_none() {
            return;
        }
        self.standing = Standing::Unusable;
        if self.is_download() {
            self.is_failing = true;
            self.back_off();
        }
    }

    async fn refresh_file(&mut self, path: PathBuf) -> bool {
        let seen = self.seen;
        let looked = spawn_blocking(move || match fs::metadata(&path) {
            Ok(metadata) if seen == Some(version(&metadata)) => Ok(None),
            _ => read(&path).map(Some),
        });
        let looked = looked
            .await
            .unwrap_or_else(|died| Err(io::Error::other(died)));
        match looked {
            Ok(None) => {
                self.is_failing = false;
                false
            }
            Ok(Some((version, content))) => {
                self.is_failing = false;
                self.seen = Some(version);
                self.replace(content).await
            }
            Err(error) => {
                if !self.is_failing {
                    let (key, location) = (self.key, &self.location);
                    let so = self.consequence();
                    error!(key, %location, %error, "cannot be read: {so}");
                }
                self.is_failing = true;
                false
            }
        }
    }

    async fn refresh_download(&mut self, url: String) -> bool {
        if self.due.is_none_or(|due| Instant::now() < due) {
            return false;
        }
        let content = match (self.fetch)(url).await {
            Ok(content) => Bytes::from(content),
            Err(error) => {
                self.failed(&error);
                return false;
            }
        };
        self.is_fresh = true;
        if self.replace(content).await {
            self.due = self.due_by_age();
            return true;
        }
        match self.standing {
            Standing::Good => self.settle().await,
            Standing::Unusable => {
                self.back_off();
            }
            Standing::Unjudged => self.due = self.due_by_age(),
        }
        false
    }

    fn failed(&mut self, error: &DownloadError) {
        self.is_failing = true;
        let retry_in = self.back_off();
        let (key, location) = (self.key, &self.location);
        let so = self.consequence();
        if self.is_in_force {
            warn!(key, %location, %error, ?retry_in, "not downloaded: {so}");
        } else {
            error!(key, %location, %error, ?retry_in, "not downloaded: {so}");
        }
    }

    /// What it means that there is no new one.
    fn consequence(&self) -> &'static str {
        if self.is_in_force {
            "what it last said stays in force"
        } else {
            "every message is refused"
        }
    }

    fn due_by_age(&self) -> Option<Instant> {
        let age = (!self.expiry.is_zero()).then_some(self.expiry);
        age.and_then(|age| Instant::now().checked_add(age))
    }

    /// Sets the time for the next download after a good one: when this one is too old, or a new one
    /// should be there, whichever comes first.
    fn schedule(&mut self) {
        let left = self.renew_at.map(|time| time.saturating_sub(unix_time()));
        let renewal = match left.map(u64::try_from) {
            Some(Ok(left @ 1..)) => Instant::now().checked_add(Duration::from_secs(left)),
            Some(_) => {
                // The server is late: not at once again, nor only when this one is too old.
                let retry_in = self.back_off();
                let location = &self.location;
                warn!(%location, ?retry_in, "the server has no list that is up to date");
                self.due = [self.due, self.due_by_age()].into_iter().flatten().min();
                return;
            }
            None => None,
        };
        self.pauses = pauses();
        self.due = [renewal, self.due_by_age()].into_iter().flatten().min();
    }

    /// Has it downloaded again after a pause that grows each time; returns the pause.
    fn back_off(&mut self) -> Duration {
        let pause = self.pauses.next().unwrap_or(PAUSES.1);
        self.due = Some(Instant::now() + pause);
        pause
    }

    /// Takes what has been read; true when it is not what there was.
    async fn replace(&mut self, content: Bytes) -> bool {
        let former = self.content.replace(content.clone());
        // It may be large: neither compared nor dropped here. Should that thread die, it is taken for new.
        let compared = spawn_blocking(move || former.as_ref() != Some(&content));
        let is_new = compared.await.unwrap_or(true);
        if is_new {
            self.standing = Standing::Unjudged;
        }
        is_new
    }

    /// Keeps a download for the next start.
    async fn keep(&self) {
        let (Some(path), Some(content)) = (self.cache.clone(), self.content.clone()) else {
            return;
        };
        let kept = spawn_blocking(move || write(&path, &content).map_err(|error| (path, error)));
        if let Ok(Err((path, error))) = kept.await {
            warn!(cache = %path.display(), %error, "the download is not kept for the next start");
        }
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_jitter()
        .without_max_times()
        .build()
}

fn version(metadata: &Metadata) -> Version {
    (
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    )
}

fn read(path: &Path) -> io::Result<(Version, Bytes)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut content = Vec::new();
    file.take(MAX_SIZE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SIZE {
        return Err(io::Error::other("it is larger than 64 MiB"));
    }
    Ok((version(&metadata), content.into()))
}

/// Replaces a file as a whole: a reader sees the former or the new one.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: fn(String) -> futures::future::BoxFuture<'static, Result<Vec<u8>, DownloadError>> =
        |_| Box::pin(std::future::pending());

    /// Checks how many seconds after a good download the next one is due: at least, and at most.
    #[track_caller]
    fn check(expiry: u64, renew_in: Option<i64>, expected: Option<(u64, u64)>) {
        let location = "https://a.org/crl.pem".parse().unwrap();
        let expiry = Duration::from_secs(expiry);
        let mut file = TrustFile::new("k", &location, None, expiry, std::sync::Arc::new(NEVER));
        file.accept(renew_in.map(|left| unix_time() + left));
        file.schedule();
        let due = file.due.map(|due| (due - Instant::now()).as_secs());
        match (due, expected) {
            (None, None) => {}
            (Some(due), Some((least, most))) if (least..=most).contains(&due) => {}
            _ => panic!("{expiry:?} {renew_in:?}: due in {due:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_download_is_due_when_this_one_is_too_old_or_a_new_one_should_be_there() {
        check(0, None, None);
        check(3600, None, Some((3600, 3600)));
        check(0, Some(500), Some((450, 500)));
        check(3600, Some(500), Some((450, 500)));
        check(3600, Some(50_000), Some((3600, 3600)));
        // The server is late.
        check(3600, Some(0), Some((10, 20)));
        check(0, Some(-500), Some((10, 20)));
        check(5, Some(-500), Some((5, 5)));
    }
}
