//! `Version`: by what a server knows what it has sent.

use reqwest::RequestBuilder;
use reqwest::header::{
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use serde::{Deserialize, Serialize};

/// What a server says of the version that it has sent, to be asked whether there is a newer one
/// ([`crate::Fetch::send_if_newer`]). None is known by default.
///
/// It can be written down, to ask again later:
///
/// ```
/// use fedmsg::Version;
///
/// let version: Version = serde_json::from_str(r#"{"etag": "\"1\"", "last_modified": null}"#)?;
/// assert_ne!(version, Version::default());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    etag: Option<String>,
    last_modified: Option<String>,
}

impl Version {
    /// What the headers of an answer say. What is no text there is nothing to ask by.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            etag: text(ETAG),
            last_modified: text(LAST_MODIFIED),
        }
    }

    /// Whether there is anything to ask by.
    pub(super) fn is_known(&self) -> bool {
        *self != Self::default()
    }

    /// Has a request ask for what is newer (RFC 9110 §13).
    pub(super) fn ask_for_newer(&self, request: RequestBuilder) -> RequestBuilder {
        let known = [
            (IF_NONE_MATCH, &self.etag),
            (IF_MODIFIED_SINCE, &self.last_modified),
        ];
        known.into_iter().fold(request, |request, (name, text)| {
            // What was written down may have become anything.
            let value = text.as_ref().and_then(|it| HeaderValue::try_from(it).ok());
            match value {
                Some(value) => request.header(name, value),
                None => request,
            }
        })
    }
}
