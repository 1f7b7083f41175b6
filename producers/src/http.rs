//! The producer that polls a URL, and publishes what is there, or what of it is new.
//!
//! [`fedmsg::Fetch`] asks, within bounds of time and size; [`Known`] is what has been published, and a
//! [`StateFile`] keeps it over restarts.

mod key;
mod known;
mod seen;
mod target;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use fedmsg::Fetch;
use fedmsg::json::{JsonError, Object, Value};
use fedmsg_actors::{BoxError, Producer, ProducerContext};
use fedmsg_config::{ByteSize, Config, ParamsError};
use fedmsg_message::EncodeError;
use openssl::sha::sha256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;
use tracing::warn;

use self::key::Key;
use self::known::{Known, KnownState};
pub use self::target::{JsonPointer, Url};
use crate::announcer::Announcer;
use crate::bounded;
use crate::errand::Errand;
use crate::state_file::{Claim, StateFile, StateFileError};
use crate::topic_template::TopicTemplate;

/// What `[producers.NAME.params]` may say for kind `http`.
///
/// ```
/// let params: fedmsg_producers::HttpParams = toml::from_str(
///     r#"url = "https://example.org/api/issues.json"
///        pointer = "/issues"
///        id = "/number"
///        state_file = "/var/lib/fedmsg/issues.json"
///        topic = "issues.{{ msg.state }}""#,
/// )?;
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpParams {
    /// What is polled: an `http://` or `https://` URL. Required.
    pub url: Url,
    /// What is made of it: "json", the JSON that it is; "text", `{"text": …}`. Default "json".
    #[serde(default)]
    pub format: Format,
    /// Which part of the JSON: a JSON pointer, such as "/data/0". Default "", all of it.
    #[serde(default)]
    pub pointer: JsonPointer,
    /// Where an item of a list has what tells it from others: a JSON pointer within the item, such as
    /// "/id". With it that part has to be a list, and each item is published once, by itself; `format` has
    /// to be "json". By default it is not taken apart.
    #[serde(default)]
    pub id: Option<JsonPointer>,
    /// When it is published: on "change", or "each" time. With `id`, always what is new. Default "change".
    #[serde(default)]
    pub publish: Publish,
    /// The file that keeps what has been published over restarts, in a folder that the hub may write to. No
    /// two producers may have the same; who has it is in a lock beside it, `.lock`. By default
    /// `producer-NAME.json` in the state directory that systemd has made (`STATE_DIRECTORY`). Where there is
    /// none, it is forgotten when the hub stops.
    #[serde(default)]
    pub state_file: Option<PathBuf>,
    /// Whether what the first poll finds counts as known, and is not published. The first is that which
    /// finds no state: where that is kept, the first of all; else the first of each run of the hub, so
    /// that nothing is published of what comes while the hub is stopped. Default false.
    #[serde(default)]
    pub skip_first: bool,
    /// The topic after `<topic_prefix>.<environment>.`: a template of at least two words. Default
    /// "{{ name }}.change", with `id` "{{ name }}.item".
    #[serde(default)]
    pub topic: Option<TopicTemplate>,
    /// Headers to send, such as `Authorization`. By default none are added.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The largest answer, from "1 KiB" to "64 MiB". A larger one is a failure. Default "1 MiB".
    #[serde(default = "one_mib", deserialize_with = "bounded::size")]
    pub max_size: ByteSize,
}

/// What is made of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The JSON that it is.
    #[default]
    Json,
    /// A text.
    Text,
}

/// When an answer is published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Publish {
    /// When it is not the one before.
    #[default]
    Change,
    /// Always.
    Each,
}

// The URL and the headers may have secrets.
impl fmt::Debug for HttpParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpParams")
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("publish", &self.publish)
            .finish_non_exhaustive()
    }
}

/// Why an answer says nothing.
#[derive(Debug, Error)]
enum HttpError {
    #[error("the answer is no JSON: {0}")]
    NotJson(#[from] JsonError),
    #[error("the answer has nothing at `pointer`")]
    NoPart,
    #[error("what the answer has at `pointer` is {0}, and no list for `id`")]
    NoList(&'static str),
    #[error("an item of the list has nothing at `id`")]
    NoId,
    #[error(transparent)]
    NoKey(#[from] EncodeError),
}

/// Polls a URL and publishes what is there.
///
/// It asks for what is newer than the last that was published (`ETag`, `Last-Modified`), and compares what
/// it gets all the same. The items of a list are known by their `id`: those of the last answer, and 10 000
/// that were there before. One poll may take 30 seconds, or `time_limit` where that is less; an answer of
/// another status than 200 is a failure.
///
/// What has been published is written to the state file after each poll that has found something:
///
/// | event | what it costs, with a state file |
/// |---|---|
/// | the hub is stopped, or a tick fails or is cancelled | nothing |
/// | SIGKILL, a crash, a panic | what one poll has published is published again |
/// | SIGKILL or a crash | what the sockets have not sent yet is lost, as for every publisher |
/// | `url`, `format`, `pointer` or `id` is changed | it begins anew |
/// | what comes and goes between two polls | is never seen |
///
/// Without one, a restart begins anew: all that is there is published again, or with `skip_first` nothing
/// is of what has come meanwhile.
///
/// ```no_run
/// use std::time::Duration;
/// use fedmsg_actors::TestBus;
/// use fedmsg_producers::HttpProducer;
///
/// let settings = "every = '5m'\nparams.url = 'https://example.org/status.json'";
/// TestBus::new().producer::<HttpProducer>("wiki", settings).run(async |bus| {
///     bus.advance(Duration::from_secs(300)).await;
///     let change = bus.next_published().await;
///     assert_eq!(change.topic().as_str(), "com.example.dev.wiki.change");
/// });
/// ```
pub struct HttpProducer {
    fetch: Fetch,
    params: HttpParams,
    announcer: Announcer,
    /// Large JSON takes a while.
    reading: Errand<Result<Part, HttpError>>,
    known: Known,
    /// Absent where it is forgotten.
    state: Option<(StateFile, Claim)>,
    saving: Errand<Result<(), StateFileError>>,
}

/// What is to be published of an answer, with what it is known by.
enum Part {
    Whole(Value, Key),
    Items(Vec<Item>),
}

/// An item of a list.
struct Item {
    msg: Value,
    /// Of its `id`; where there is none, of all of it.
    key: Key,
    has_id: bool,
}

impl Producer for HttpProducer {
    const KIND: &'static str = "http";
    const ABOUT: &'static str = "Polls a URL and publishes what is there, or what of it is new";
    type Params = HttpParams;

    async fn from_params(params: HttpParams, context: &ProducerContext) -> Result<Self, BoxError> {
        let fetch = fetch(&params)?;
        let event = if params.id.is_some() {
            "item"
        } else {
            "change"
        };
        let file = params.state_file.clone();
        let default = || StateFile::default_path(context.name()).filter(|_| params.has_state());
        let (state, known) = match file.or_else(default) {
            None => (None, Known::default()),
            Some(file) => {
                let state = params.state(file);
                let begun = Errand::new().run(move || begin(state)).await?;
                begun.map_err(|error| ParamsError::invalid("state_file", error))?
            }
        };
        Ok(Self {
            fetch,
            announcer: Announcer::open(params.topic.clone(), event, context).await?,
            params,
            reading: Errand::new(),
            known,
            state,
            saving: Errand::new(),
        })
    }

    fn preflight(params: &HttpParams, config: &Config) -> Result<(), BoxError> {
        fetch(params)?;
        // The state directory of a service is in the environment of that only.
        if let Some(file) = &params.state_file {
            params.state(file.clone()).check::<KnownState>(config)?;
        }
        Ok(())
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        let polled = self.poll(context).await;
        // Whatever ended it, what was published is known.
        let saved = self.save().await;
        polled?;
        saved?;
        Ok(self.announcer.finish()?)
    }

    async fn stop(&mut self, _: &ProducerContext) {
        if let Err(error) = self.save().await {
            warn!(
                error,
                "what has been published could not be noted: it may be published again"
            );
        }
    }
}

impl HttpProducer {
    /// Publishes what is new.
    async fn poll(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        let answer = self.fetch.send_if_newer(self.known.version()).await?;
        let Some((body, version)) = answer else {
            self.announcer.count("unchanged", 1);
            return Ok(());
        };
        let format = self.params.format;
        let (pointer, id) = (self.params.pointer.clone(), self.params.id.clone());
        let read = move || split(read(&body, format, &pointer)?, id.as_ref());
        match self.reading.run(read).await?? {
            Part::Whole(msg, key) => self.whole(msg, key, context).await?,
            Part::Items(items) => self.items(items, context).await?,
        }
        // Everything has been published, or never will be: only what is newer is of interest.
        let version = Some(version).filter(|_| self.params.has_state());
        self.known.turn(version.unwrap_or_default());
        Ok(())
    }

    /// Publishes all of it, if it has changed.
    async fn whole(
        &mut self,
        msg: Value,
        key: Key,
        context: &ProducerContext,
    ) -> Result<(), BoxError> {
        if self.params.publish == Publish::Change && self.known.is_whole(key) {
            self.announcer.count("unchanged", 1);
        } else if !self.skips() {
            self.announcer.announce_one(msg, context).await?;
        }
        self.known.note_whole(key);
        Ok(())
    }

    /// Publishes each item of a list that is not known.
    async fn items(&mut self, items: Vec<Item>, context: &ProducerContext) -> Result<(), BoxError> {
        for Item { msg, key, has_id } in items {
            if !self.known.has_item(key) && !self.skips() {
                if has_id {
                    self.announcer.announce_one(msg, context).await?;
                } else {
                    self.announcer.pass_over(HttpError::NoId); // once, as what has an id is published once
                }
            }
            self.known.note_item(key);
        }
        Ok(())
    }

    /// Whether what is there counts as known.
    fn skips(&self) -> bool {
        self.known.is_nothing() && self.params.skip_first
    }

    /// Writes down what is known, if there is anything new and a place for it.
    async fn save(&mut self) -> Result<(), BoxError> {
        // What a first poll has passed over in part is no beginning.
        if let Some((file, _)) = &self.state
            && !self.skips()
            && let Some(state) = self.known.unsaved()
        {
            let file = file.clone();
            self.saving.run(move || file.save(&state)).await??;
            self.known.note_saved();
        }
        Ok(())
    }
}

impl HttpParams {
    /// Whether what has been published makes a difference.
    fn has_state(&self) -> bool {
        self.id.is_some() || self.publish == Publish::Change
    }

    /// The state that is in `file`. It is about what is polled, of which it tells nobody anything: a URL
    /// may be a secret.
    fn state(&self, file: PathBuf) -> StateFile {
        let polled = json!([self.url.as_str(), self.format, self.pointer, self.id]);
        let digest = sha256(polled.to_string().as_bytes());
        let about = digest.map(|byte| format!("{byte:02x}")).concat();
        StateFile::new(file, about, known::largest(self.max_size))
    }
}

/// Claims the state, and reads it.
fn begin(file: StateFile) -> Result<(Option<(StateFile, Claim)>, Known), StateFileError> {
    let claim = file.claim()?;
    let state = file.load::<KnownState>()?;
    let known = state.map(Known::from).unwrap_or_default();
    Ok((Some((file, claim)), known))
}

/// The request for what is there, if there is any sense in it.
fn fetch(params: &HttpParams) -> Result<Fetch, ParamsError> {
    if params.id.is_some() && params.format == Format::Text {
        let reason =
            "a text has no items to be told apart: leave it out, or set `format` to \"json\"";
        return Err(ParamsError::invalid("id", reason));
    }
    if params.state_file.is_some() && !params.has_state() {
        let reason = "of no use where everything is published each time: leave it out";
        return Err(ParamsError::invalid("state_file", reason));
    }
    let mut fetch = params.url.fetch().max_size(params.max_size);
    for (name, value) in &params.headers {
        let refuse = |error| ParamsError::invalid(["headers", name], error);
        fetch = fetch.header(name, value).map_err(refuse)?;
    }
    Ok(fetch)
}

/// Makes of an answer what is to be published of it.
fn read(body: &[u8], format: Format, pointer: &JsonPointer) -> Result<Value, HttpError> {
    match format {
        Format::Json => {
            let value = Value::parse(body)?;
            pointer.find(&value).cloned().ok_or(HttpError::NoPart)
        }
        Format::Text => {
            let mut msg = Object::new();
            msg.insert("text", &*String::from_utf8_lossy(body));
            Ok(Value::Object(msg))
        }
    }
}

/// Takes it apart where each item has an `id`. It writes down all of what it makes keys of.
fn split(value: Value, id: Option<&JsonPointer>) -> Result<Part, HttpError> {
    let Some(id) = id else {
        let key = Key::of(&value)?;
        return Ok(Part::Whole(value, key));
    };
    let Value::Array(items) = value else {
        return Err(HttpError::NoList(value.kind()));
    };
    let items = items.into_iter().map(|msg| {
        let id = id.find(&msg);
        let (key, has_id) = (Key::of(id.unwrap_or(&msg))?, id.is_some());
        Ok(Item { msg, key, has_id })
    });
    items.collect::<Result<_, HttpError>>().map(Part::Items)
}

fn one_mib() -> ByteSize {
    ByteSize::mib(1)
}

#[cfg(test)]
mod tests;
