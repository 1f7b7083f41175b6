//! One file that trust is built on: a CA certificate or a CRL, on this machine or on a web server.
//!
//! [`super::Trust`] reads it at the start and asks it for news from then on.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use fedmsg_config::Location;
use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::download::{DownloadError, download};
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
    /// Keeps what was downloaded last.
    cache: Option<PathBuf>,
    /// How long a download is good; zero means for ever.
    expiry: Duration,
    content: Option<Vec<u8>>,
    /// What the file was like when it was last looked at.
    seen: Option<Version>,
    is_failing: bool,
    /// When the next download is due; never when `None`.
    due: Option<Instant>,
    pauses: ExponentialBackoff,
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
    ) -> Self {
        let due = matches!(location, Location::Https(_)).then(Instant::now);
        Self {
            key,
            location: location.clone(),
            cache: cache.map(Path::to_owned),
            expiry,
            content: None,
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

    /// What was last read.
    pub(super) fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
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
            Location::Https(_) => {
                let cached = self.cache.as_deref().map(read);
                self.content = cached.and_then(Result::ok).map(|(_, content)| content);
            }
        }
        Ok(())
    }

    /// Looks whether there is a new one; true when there is, and it has been read.
    pub(super) async fn refresh(&mut self) -> bool {
        match self.location.clone() {
            Location::File(path) => self.refresh_file(path).await,
            Location::Https(url) => self.refresh_download(&url).await,
        }
    }

    /// Has a list that should be replaced at a time, in seconds since the epoch, downloaded anew then.
    pub(super) fn renew_at(&mut self, time: Option<i64>) {
        let (Some(due), Some(time)) = (self.due, time) else {
            return;
        };
        let left = u64::try_from(time.saturating_sub(unix_time())).unwrap_or_default();
        if left > 0 {
            self.due = Some(due.min(Instant::now() + Duration::from_secs(left)));
        } else {
            // What has just been downloaded is out of date already: not at once again.
            warn!(location = %self.location, "the server has no list that is up to date");
            self.due = Some(due.min(Instant::now() + self.pause()));
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
                self.replace(content)
            }
            Err(error) => {
                if !self.is_failing {
                    let (key, location) = (self.key, &self.location);
                    error!(key, %location, %error, "cannot be read: what it last said stays in force");
                }
                self.is_failing = true;
                false
            }
        }
    }

    async fn refresh_download(&mut self, url: &str) -> bool {
        if self.due.is_none_or(|due| Instant::now() < due) {
            return false;
        }
        match download(url).await {
            Ok(content) => {
                if self.is_failing {
                    info!(location = %self.location, "downloaded again");
                }
                self.is_failing = false;
                self.pauses = pauses();
                self.due = (!self.expiry.is_zero()).then(|| Instant::now() + self.expiry);
                self.keep(&content).await;
                self.replace(content)
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    fn failed(&mut self, error: &DownloadError) {
        self.is_failing = true;
        let retry_in = self.pause();
        let (key, location) = (self.key, &self.location);
        if self.content.is_some() {
            warn!(key, %location, %error, ?retry_in, "not downloaded: what it last said stays in force");
        } else {
            error!(key, %location, %error, ?retry_in, "not downloaded: every message is refused");
        }
        self.due = Some(Instant::now() + retry_in);
    }

    fn pause(&mut self) -> Duration {
        self.pauses.next().unwrap_or(PAUSES.1)
    }

    fn replace(&mut self, content: Vec<u8>) -> bool {
        let is_new = self.content.as_ref() != Some(&content);
        self.content = Some(content);
        is_new
    }

    /// Keeps a download for the next start.
    async fn keep(&self, content: &[u8]) {
        let Some(path) = self.cache.clone() else {
            return;
        };
        let content = content.to_owned();
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

fn read(path: &Path) -> io::Result<(Version, Vec<u8>)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut content = Vec::new();
    file.take(MAX_SIZE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SIZE {
        return Err(io::Error::other("it is larger than 64 MiB"));
    }
    Ok((version(&metadata), content))
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
