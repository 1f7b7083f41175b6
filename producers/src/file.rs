//! The producer that follows a file, such as a log, and publishes each line once.
//!
//! A [`Follower`] reads; a [`StateFile`] keeps the [`Position`] over restarts.

mod follower;
mod position;
mod rotated;

use std::path::{Path, PathBuf};

use fedmsg::json::{Object, Value};
use fedmsg_actors::{BoxError, Producer, ProducerContext};
use fedmsg_config::{ByteSize, Config, ParamsError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::warn;

use self::follower::{Batch, FollowError, Follower};
use self::position::{Mark, Position};
use crate::announcer::Announcer;
use crate::bounded;
use crate::errand::Errand;
use crate::state_file::{Claim, StateFile};
use crate::topic_template::TopicTemplate;

/// So many batches of lines are read at a tick; the next one goes on.
const BATCHES: usize = 64;

/// No state is as large as this, in bytes: it has the path twice at most, and numbers.
const LARGEST_STATE: u64 = 64 * 1024;

/// What `[producers.NAME.params]` may say for kind `file`.
///
/// ```
/// let params: fedmsg_producers::FileParams = toml::from_str(
///     r#"path = "/var/log/app.log"
///        state_file = "/var/lib/fedmsg/app.json""#,
/// )?;
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileParams {
    /// The file that is followed. It need not be there yet. Required.
    #[schemars(example = "/var/log/app.log")]
    pub path: PathBuf,
    /// The file that keeps how far it has been read, in a folder that the hub may write to. No two producers
    /// may have the same; who has it is in a lock beside it, `.lock`. By default
    /// `producer-NAME.json` in the state directory that systemd has made (`STATE_DIRECTORY`); required
    /// where there is none.
    #[serde(default)]
    pub state_file: Option<PathBuf>,
    /// Where to begin in a file that has never been read: at its "end" or its "start". Default "end".
    #[serde(default)]
    pub from: Beginning,
    /// The most bytes of a line that are published, from "1 KiB" to "64 MiB"; the rest of it is left out,
    /// and the message has a member `cut`. Default "64 KiB".
    #[serde(default = "sixty_four_kib", deserialize_with = "bounded::size")]
    pub max_line: ByteSize,
    /// The topic after `<topic_prefix>.<environment>.`: a template of at least two words. Default
    /// "{{ name }}.line".
    #[serde(default)]
    pub topic: Option<TopicTemplate>,
}

/// Where to begin in a file that has never been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Beginning {
    /// With what is written from now on.
    #[default]
    End,
    /// With its first line.
    Start,
}

/// Follows a file and publishes `{"line": …, "path": …}` for each line that is complete. What is no UTF-8
/// becomes U+FFFD.
///
/// A file that is renamed, with a new one in its place, is read to its end first: a line without an end is
/// taken then. One that is copied and emptied (`copytruncate` of logrotate(8)) goes on in the copy. A file is
/// known by its inode and by its first kilobyte; older ones are looked for beside it, as its name with `.`
/// or `-` and digits, not compressed.
///
/// How far it has been read is written down after each batch, up to 256 lines or 1 MiB, has been handed to
/// the publisher:
///
/// | event | what it costs |
/// |---|---|
/// | the hub is stopped, or a tick fails or is cancelled | nothing |
/// | SIGKILL, a crash, a panic | up to one batch of lines is published again |
/// | SIGKILL or a crash | what the sockets have not sent yet is lost, as for every publisher |
/// | the file is rotated, and compressed or deleted before it has been read | those lines; counted as `files_lost` |
/// | the file is rotated twice within 10 ms, which times of files do not tell apart | those lines |
/// | the file is emptied, and grows beyond where it was read within a tick, with the same first kilobyte | the lines before that place |
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::TestBus;
/// use fedmsg_producers::FileProducer;
///
/// let folder = tempfile::tempdir()?;
/// let (log, state) = (folder.path().join("log"), folder.path().join("state"));
/// std::fs::write(&log, "one\ntwo\nthr")?;
/// let settings = format!(
///     "every = '1s'\nparams = {{ path = {log:?}, state_file = {state:?}, from = 'start' }}"
/// );
/// TestBus::new().producer::<FileProducer>("app", &settings).run(async |bus| {
///     bus.advance(Duration::from_secs(1)).await;
///     for expected in ["one", "two"] {
///         let line = bus.next_published().await;
///         assert_eq!(line.topic().as_str(), "com.example.dev.app.line");
///         assert_eq!(line.msg().get("line").and_then(|line| line.as_str()), Some(expected));
///     }
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct FileProducer {
    path: PathBuf,
    announcer: Announcer,
    state: StateFile,
    #[expect(dead_code, reason = "held for as long as the state is ours")]
    claim: Claim,
    max_line: usize,
    /// Absent while an errand has it, and after one that was cancelled.
    follower: Option<Follower>,
    errand: Errand<(Follower, Noted)>,
    /// How far lines have been published, and nobody has certainly noted it yet.
    published: Option<Mark>,
}

/// Whether it was noted how far lines have been published, and then what else was to be done.
type Noted = Result<Result<Batch, FollowError>, FollowError>;

impl Producer for FileProducer {
    const KIND: &'static str = "file";
    const ABOUT: &'static str = "Follows a file, such as a log, and publishes each line once";
    type Params = FileParams;

    async fn from_params(params: FileParams, context: &ProducerContext) -> Result<Self, BoxError> {
        let default = || StateFile::default_path(context.name());
        let missing = "missing: there is no STATE_DIRECTORY to keep how far the file has been read";
        let file = params.state_file.or_else(default);
        let file = file.ok_or_else(|| ParamsError::invalid("state_file", missing))?;
        let state = state_file(file, &params.path);
        let (path, from, kept) = (params.path.clone(), params.from, state.clone());
        let begun = Errand::new().run(move || begin(&path, from, &kept)).await?;
        let claim = begun.map_err(|error| {
            let key = match error {
                FollowError::Unreadable { .. } => "path",
                FollowError::State(_) => "state_file",
            };
            ParamsError::invalid(key, error)
        })?;
        Ok(Self {
            path: params.path,
            announcer: Announcer::open(params.topic, "line", context).await?,
            state,
            claim,
            max_line: params.max_line.as_usize(),
            follower: None,
            errand: Errand::new(),
            published: None,
        })
    }

    fn preflight(params: &FileParams, config: &Config) -> Result<(), BoxError> {
        rotated::open(&params.path).map_err(|error| {
            let reason = format!("cannot read {}: {error}", params.path.display());
            ParamsError::invalid("path", reason)
        })?;
        // The state directory of a service is in the environment of that only.
        if let Some(file) = &params.state_file {
            state_file(file.clone(), &params.path).check::<Position>(config)?;
        }
        Ok(())
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        for _ in 0..BATCHES {
            let batch = self.go_on(Follower::read).await?;
            if batch.files_lost > 0 {
                self.announcer.count("files_lost", batch.files_lost);
                warn!("a file has gone or was emptied, perhaps before all of it had been read");
            }
            if batch.is_empty() {
                break;
            }
            self.publish(batch, context).await?;
        }
        self.go_on(|_| Ok(Batch::default())).await?;
        Ok(self.announcer.finish()?)
    }

    async fn stop(&mut self, _: &ProducerContext) {
        if let Err(error) = self.go_on(|_| Ok(Batch::default())).await {
            warn!(
                error,
                "how far a file has been read could not be noted: lines may come again"
            );
        }
    }
}

impl FileProducer {
    /// Notes how far lines have been published, then has the follower do more.
    async fn go_on(
        &mut self,
        more: fn(&mut Follower) -> Result<Batch, FollowError>,
    ) -> Result<Batch, BoxError> {
        let (path, max_line, state) = (self.path.clone(), self.max_line, self.state.clone());
        // The work may come to nothing, and nobody else knows it then.
        let (follower, published) = (self.follower.take(), self.published.clone());
        let work = move || {
            let mut follower = follower.unwrap_or_else(|| Follower::new(path, max_line, state));
            let batch = follower.note(published).map(|()| more(&mut follower));
            (follower, batch)
        };
        let (follower, noted) = self.errand.run(work).await?;
        self.follower = Some(follower);
        let batch = noted?;
        self.published = None;
        Ok(batch?)
    }

    /// Publishes lines; whatever ends it, those that were published are known.
    async fn publish(&mut self, batch: Batch, context: &ProducerContext) -> Result<(), BoxError> {
        for line in batch.lines {
            if line.is_cut {
                self.announcer.count("lines_cut", 1);
            }
            let mut msg = Object::new();
            msg.insert("line", line.text);
            msg.insert("path", &*self.path.to_string_lossy());
            if line.is_cut {
                msg.insert("cut", true);
            }
            self.announcer
                .announce_one(Value::Object(msg), context)
                .await?;
            self.published = Some(line.end);
        }
        if batch.end.is_some() {
            self.published = batch.end;
        }
        Ok(())
    }
}

/// Claims the state, and has it say where to begin, in a file that has never been read. It blocks.
fn begin(path: &Path, from: Beginning, state: &StateFile) -> Result<Claim, FollowError> {
    let claim = state.claim()?;
    if state.load::<Position>()?.is_none() {
        // From here on the file has been looked at: what is written to it later is new.
        state.save(&Follower::beginning(path, from == Beginning::End)?)?;
    }
    Ok(claim)
}

/// The state of the producer that follows a file.
fn state_file(file: PathBuf, path: &Path) -> StateFile {
    StateFile::new(file, path.to_string_lossy().into_owned(), LARGEST_STATE)
}

fn sixty_four_kib() -> ByteSize {
    ByteSize::kib(64)
}

#[cfg(test)]
mod tests;
