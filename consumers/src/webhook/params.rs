//! `WebhookParams`: the settings of a consumer of kind `webhook`, and where its secrets are.
//!
//! Read by [`super::Webhook`] when it is built.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fmt, io};

use fedmsg_actors::Rate;
use fedmsg_config::duration;
use rustix::fs::OFlags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::message_template::MessageTemplate;

/// The longest secret that is read from a file.
const LONGEST: u64 = 64 * 1024;

/// Opens a pipe without waiting for who writes to it.
const NONBLOCK: i32 = OFlags::NONBLOCK.bits().cast_signed();

/// What `[consumers.NAME.params]` may say for kind `webhook`.
///
/// ```
/// let params: fedmsg_consumers::WebhookParams = toml::from_str(
///     r#"url = "https://chat.example.org/hooks/deploy"
///        body = '{"text": {{ subtitle | tojson }}}'
///        secrets.Authorization = { env = "CHAT_TOKEN", prefix = "Bearer " }
///        rate = "10/s""#,
/// )?;
/// assert_eq!(params.content_type, "application/json");
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookParams {
    /// Where it posts to: http or https. It is never logged, for it may be a secret. Required.
    #[schemars(example = "https://chat.example.org/hooks/deploy")]
    pub url: String,
    /// The body: a template of Jinja that may name what those of `fedmsg-tail --format` may. By default it
    /// is the message as one line of JSON with sorted keys.
    #[serde(default)]
    #[schemars(example = "{\"text\": {{ subtitle | tojson }}}")]
    pub body: Option<MessageTemplate>,
    /// What the body is. Default "application/json".
    #[serde(default = "json")]
    pub content_type: String,
    /// Headers of each request. By default none are added.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers that nobody may read here: each is `{ file = "…" }` or `{ env = "…" }`, and may have a
    /// `prefix`. Read when the hub starts. By default there are none.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// The key that signs each body (HMAC-SHA256), so that the server can tell who has sent it: as one of
    /// `secrets`. By default nothing is signed.
    #[serde(default)]
    pub signing_key: Option<Secret>,
    /// The header with the signature, `sha256=` and 64 hexadecimal digits, as GitHub has it. Default
    /// "X-Hub-Signature-256".
    #[serde(default = "signature")]
    pub signature_header: String,
    /// How long a request may take: a time such as "10s", at most 10 years. Default "10s".
    #[serde(default = "ten_seconds", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub timeout: Duration,
    /// The longest pause that a server may ask for (Retry-After): a time such as "5m", at most 10 years.
    /// Default "5m".
    #[serde(default = "five_minutes", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub max_pause: Duration,
    /// How many redirections of one request are followed, if they are to the same server (scheme, host and port)
    /// and have the message posted again (307, 308): 0 to 255. Default 0.
    #[serde(default)]
    pub redirects: u8,
    /// The most requests of each worker: a rate such as "10/s", "600/m" or "5/h". By default there is no
    /// limit.
    #[serde(default)]
    #[schemars(example = "10/s")]
    pub rate: Option<Rate>,
    /// How many of those may come at once after a pause: 1 or more. Default 1.
    #[serde(default)]
    #[schemars(example = 10)]
    pub burst: Option<NonZeroU32>,
}

// The URL and headers may be secrets.
impl fmt::Debug for WebhookParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookParams")
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("secrets", &self.secrets.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Where a secret is: in a file, without the end of its last line, or in a variable of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// A regular file with nothing else in it, of up to 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The name of a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// What is put before it, such as "Bearer ". By default nothing.
    #[serde(default)]
    pub prefix: String,
}

/// Why a secret cannot be read.
#[derive(Debug, Error)]
pub enum SecretError {
    /// There is no or more than one place to read it from.
    #[error("a secret is in a `file` or in a variable, `env`: name one of them")]
    Place,
    /// The file cannot be read, is none, or is longer than any secret.
    #[error("cannot read the secret in {}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such variable, or it is no text.
    #[error("there is no secret in the environment variable {0}")]
    Variable(String),
}

impl Secret {
    /// Reads it, with its prefix. It waits for a disk, but not for somebody at the other end of a pipe.
    pub(super) fn read(&self) -> Result<String, SecretError> {
        let secret = match (&self.file, &self.env) {
            (Some(file), None) => {
                let failed = |source| SecretError::File {
                    file: file.clone(),
                    source,
                };
                let mut options = File::options();
                let options = options.read(true).custom_flags(NONBLOCK);
                let opened = options.open(file).map_err(failed)?;
                if !opened.metadata().map_err(failed)?.is_file() {
                    return Err(failed(io::Error::other("it is no regular file")));
                }
                let mut text = String::new();
                let read = opened.take(LONGEST + 1).read_to_string(&mut text);
                if read.map_err(failed)? as u64 > LONGEST {
                    return Err(failed(io::ErrorKind::FileTooLarge.into()));
                }
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            (None, Some(name)) => {
                env::var(name).map_err(|_| SecretError::Variable(name.clone()))?
            }
            _ => return Err(SecretError::Place),
        };
        Ok(format!("{}{secret}", self.prefix))
    }

    /// As [`Secret::read`], but for a variable any text: the environment of whoever asks before a hub is
    /// started need not be that of the hub.
    pub(super) fn foresee(&self) -> Result<String, SecretError> {
        match (&self.file, &self.env) {
            (None, Some(_)) => Ok(format!("{}?", self.prefix)),
            _ => self.read(),
        }
    }
}

fn json() -> String {
    "application/json".to_owned()
}

fn signature() -> String {
    "X-Hub-Signature-256".to_owned()
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}
