//! The producer that polls a URL, and publishes what is there, or what of it is new.
//!
//! [`fedmsg::Fetch`] asks, within bounds of time and size; [`Seen`] knows what has been published.

mod seen;
mod target;

use std::collections::BTreeMap;
use std::fmt;

use fedmsg::json::{JsonError, Object, Value};
use fedmsg::{Fetch, Version};
use fedmsg_actors::{BoxError, Producer, ProducerContext};
use fedmsg_config::{ByteSize, Config, ParamsError};
use fedmsg_message::EncodeError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::seen::{Key, KeyMaker, Seen};
pub use self::target::{JsonPointer, Url};
use crate::announcer::Announcer;
use crate::bounded;
use crate::errand::Errand;
use crate::topic_template::TopicTemplate;

/// What `[producers.NAME.params]` may say for kind `http`.
///
/// ```
/// let params: fedmsg_producers::HttpParams = toml::from_str(
///     r#"url = "https://example.org/api/issues.json"
///        pointer = "/issues"
///        id = "/number"
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
    /// "/id". With it that part has to be a list, and each item is published once in a run of the hub, by
    /// itself; `format` has to be "json". By default it is not taken apart.
    #[serde(default)]
    pub id: Option<JsonPointer>,
    /// When it is published: on "change", or "each" time. With `id`, always what is new. Default "change".
    #[serde(default)]
    pub publish: Publish,
    /// Whether what is there at the start of the hub counts as known, and is not published. What has been
    /// published is forgotten when the hub stops: with false all of it is published again at the next start,
    /// with true what came while the hub was stopped is never published. Default false.
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
/// it gets all the same. What has been published is known for as long as the hub runs, and kept nowhere: after
/// a restart all that is there is published again. With `skip_first` it is not, and neither is what has come
/// while the hub was stopped. The items of a list are known by their `id`:
/// those of the last answer, and 10 000 that were there before. One poll may take 30 seconds, or
/// `time_limit` where that is less; an answer of another status than 200 is a failure.
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
    /// What was published last.
    version: Version,
    keys: KeyMaker,
    /// The whole that the answer before had.
    last: Option<Key>,
    /// The items that there were.
    seen: Seen,
    is_first: bool,
}

/// What is to be published of an answer, with what it is known by.
enum Part {
    Whole(Value, Key),
    Items(Vec<(Value, Result<Key, HttpError>)>),
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
        Ok(Self {
            fetch,
            announcer: Announcer::open(params.topic.clone(), event, context).await?,
            params,
            reading: Errand::new(),
            version: Version::default(),
            keys: KeyMaker::default(),
            last: None,
            seen: Seen::default(),
            is_first: true,
        })
    }

    fn preflight(params: &HttpParams, _: &Config) -> Result<(), BoxError> {
        fetch(params)?;
        Ok(())
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        let Some((body, version)) = self.fetch.send_if_newer(&self.version).await? else {
            self.announcer.count("unchanged", 1);
            return Ok(());
        };
        let (format, keys) = (self.params.format, self.keys.clone());
        let (pointer, id) = (self.params.pointer.clone(), self.params.id.clone());
        let read = move || split(read(&body, format, &pointer)?, id.as_ref(), &keys);
        match self.reading.run(read).await?? {
            Part::Whole(msg, key) => self.whole(msg, key, context).await?,
            Part::Items(items) => self.items(items, context).await?,
        }
        // Everything has been published, or never will be: only what is newer is of interest.
        self.is_first = false;
        if self.params.id.is_some() || self.params.publish == Publish::Change {
            self.version = version;
        }
        Ok(self.announcer.finish()?)
    }
}

impl HttpProducer {
    /// Publishes all of it, if it has changed.
    async fn whole(
        &mut self,
        msg: Value,
        key: Key,
        context: &ProducerContext,
    ) -> Result<(), BoxError> {
        if self.params.publish == Publish::Change && self.last == Some(key) {
            self.announcer.count("unchanged", 1);
        } else if !self.skips() {
            self.announcer.announce_one(msg, context).await?;
        }
        self.last = Some(key);
        Ok(())
    }

    /// Publishes each item of a list that is not known.
    async fn items(
        &mut self,
        items: Vec<(Value, Result<Key, HttpError>)>,
        context: &ProducerContext,
    ) -> Result<(), BoxError> {
        for (item, key) in items {
            let key = match key {
                Ok(key) => key,
                Err(HttpError::NoId) => {
                    self.announcer.pass_over(HttpError::NoId);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if !self.seen.knows(key) && !self.skips() {
                self.announcer.announce_one(item, context).await?;
            }
            self.seen.note(key);
        }
        self.seen.turn();
        Ok(())
    }

    fn skips(&self) -> bool {
        self.is_first && self.params.skip_first
    }
}

/// The request for what is there, if there is any sense in it.
fn fetch(params: &HttpParams) -> Result<Fetch, ParamsError> {
    if params.id.is_some() && params.format == Format::Text {
        let reason =
            "a text has no items to be told apart: leave it out, or set `format` to \"json\"";
        return Err(ParamsError::invalid("id", reason));
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
fn split(value: Value, id: Option<&JsonPointer>, keys: &KeyMaker) -> Result<Part, HttpError> {
    let Some(id) = id else {
        let key = keys.key(&value)?;
        return Ok(Part::Whole(value, key));
    };
    let Value::Array(items) = value else {
        return Err(HttpError::NoList(value.kind()));
    };
    let keyed = items.into_iter().map(|item| {
        let key = id.find(&item).ok_or(HttpError::NoId);
        let key = key.and_then(|id| Ok(keys.key(id)?));
        (item, key)
    });
    Ok(Part::Items(keyed.collect()))
}

fn one_mib() -> ByteSize {
    ByteSize::mib(1)
}

#[cfg(test)]
mod tests;
