//! `FileParams`: the settings of a consumer of kind `file`.
//!
//! Read by [`super::File`] when it is built, and kept by its [`super::Journal`].

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use fedmsg_config::{ByteSize, FileMode, duration};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message_template::MessageTemplate;

/// What `[consumers.NAME.params]` may say for kind `file`.
///
/// ```
/// use fedmsg_consumers::{FileParams, Sync};
///
/// let params: FileParams = toml::from_str(
///     r#"path = "/var/lib/fedmsg/bus.jsonl"
///        max_size = "100MiB"
///        sync = "always""#,
/// )?;
/// assert_eq!((params.keep, params.sync), (7, Sync::Always));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileParams {
    /// The file, made if it is not there; its folder must be. While it cannot be written, as on a full disk, a
    /// message is tried as often as `retry` of the consumer says, and then dropped: by default that is over in less
    /// than a second. What must be complete waits longer, such as half a day with `retry = { attempts = 1000,
    /// max_delay = "45s" }`; what comes meanwhile is in its mailbox. Required.
    #[schemars(example = "/var/lib/fedmsg/bus.jsonl")]
    pub path: PathBuf,
    /// What its line is: a template of Jinja that may name what those of `fedmsg-tail --format` may; line
    /// ends in it become spaces. By default a line is the message as JSON with sorted keys.
    #[serde(default)]
    #[schemars(example = "{{ timestamp | strftime('%F %T') }} {{ topic }} {{ subtitle }}")]
    pub format: Option<MessageTemplate>,
    /// The size from which on a new file is begun: a size such as "100MiB". By default there is none.
    #[serde(default)]
    #[schemars(example = "100MiB")]
    pub max_size: Option<ByteSize>,
    /// The age from which on a new file is begun: a time such as "1d", at most 10 years; "0s" means that
    /// there is none. Default "0s".
    #[serde(default, with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub max_age: Duration,
    /// How many older files are kept beside it, the newest as PATH.1, and so on: 0 to 255. Default 7.
    #[serde(default = "seven")]
    pub keep: u8,
    /// When it is made sure that lines are on the disk: "always", before messages count as consumed; "never",
    /// which leaves it to the system; or so long after they were written, a time such as "1s". Default "1s".
    #[serde(default)]
    pub sync: Sync,
    /// Who may read and write a file that is made, in octal digits as for chmod(1); the umask takes away
    /// more. Default "640".
    #[serde(default = "group_reads")]
    pub mode: FileMode,
}

/// When it is made sure that what has been written is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Before messages count as consumed.
    Always,
    /// When the system likes.
    Never,
    /// At most so long after it has been written.
    After(Duration),
}

impl Default for Sync {
    fn default() -> Self {
        Self::After(Duration::from_secs(1))
    }
}

impl<'de> Deserialize<'de> for Sync {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            time => duration::parse(time).map(Self::After).map_err(|_| {
                serde::de::Error::custom("expected \"always\", \"never\" or a time such as \"1s\"")
            }),
        }
    }
}

impl Serialize for Sync {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Always => serializer.serialize_str("always"),
            Self::Never => serializer.serialize_str("never"),
            Self::After(time) => duration::serialize(time, serializer),
        }
    }
}

impl JsonSchema for Sync {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Sync".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "always, never or time", "type": "string", "examples": ["always"] })
    }
}

fn group_reads() -> FileMode {
    FileMode::new(0o640)
}

fn seven() -> u8 {
    7
}
