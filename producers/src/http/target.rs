//! Where to look: a URL, and a pointer into the JSON that is there; both checked when they are read.

use std::borrow::Cow;
use std::fmt;

use fedmsg::Fetch;
use fedmsg::json::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The URL of a web server. It is not shown for debugging: it may have a secret.
///
/// ```
/// use fedmsg_producers::Url;
///
/// assert!(serde_json::from_str::<Url>(r#""https://example.org/""#).is_ok());
/// assert!(serde_json::from_str::<Url>(r#""ftp://example.org/""#).is_err());
/// ```
#[derive(Clone)]
pub struct Url {
    text: String,
    fetch: Fetch,
}

impl Url {
    /// The request for what is there.
    pub(super) fn fetch(&self) -> Fetch {
        self.fetch.clone()
    }

    /// As it was given. It may have a secret.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url")
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fetch = Fetch::new(&text).map_err(D::Error::custom)?;
        Ok(Self { text, fetch })
    }
}

impl JsonSchema for Url {
    fn schema_name() -> Cow<'static, str> {
        "Url".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "URL",
            "type": "string",
            "pattern": "^[hH][tT][tT][pP][sS]?://.",
            "examples": ["https://example.org/status.json"],
        })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// A pointer into JSON (RFC 6901), such as `/items/0/id`; the empty one leads to all of it.
///
/// ```
/// use fedmsg_producers::JsonPointer;
///
/// assert!(serde_json::from_str::<JsonPointer>(r#""/a/b""#).is_ok());
/// assert!(serde_json::from_str::<JsonPointer>(r#""a.b""#).is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct JsonPointer(String);

impl JsonPointer {
    /// What it leads to.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        value.pointer(&self.0)
    }
}

impl<'de> Deserialize<'de> for JsonPointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pointer = String::deserialize(deserializer)?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            let expected = "expected a JSON pointer, which begins with \"/\", such as \"/items/0\"";
            return Err(D::Error::custom(expected));
        }
        Ok(Self(pointer))
    }
}

impl JsonSchema for JsonPointer {
    fn schema_name() -> Cow<'static, str> {
        "JsonPointer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "JSON pointer",
            "type": "string",
            "pattern": "^(/|$)",
            "examples": ["/items"],
        })
    }

    fn inline_schema() -> bool {
        true
    }
}
