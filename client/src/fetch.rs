//! `Fetch`: what a web server has at a URL, within bounds of time and size.
//!
//! [`crate::trust`] asks so for CA certificate and CRL, commands for what an archive has, a producer for
//! what is new.

mod version;

use std::fmt;
use std::time::Duration;

use fedmsg_config::ByteSize;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use thiserror::Error;
use tokio::task::spawn_blocking;

pub use self::version::Version;

/// How long until there is a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take in all unless set otherwise; the original waits as long for certificates.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How many servers may send us on to another.
const MAX_REDIRECTS: usize = 5;

/// The largest answer unless set otherwise: a CRL with a million entries has 40 MB.
const MAX_SIZE: ByteSize = ByteSize::mib(64);

/// Why nothing was fetched. No text has the URL in it, for its query may be a secret.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The URL is none, or of another kind than `http` and `https`.
    #[error("no URL of a web server: {reason}")]
    Url {
        /// What is wrong with it, without the URL itself: that may have a secret in it.
        reason: String,
    },
    /// A header has a name or a value that none can have.
    #[error("{name:?} is no name of a header, or its value has control characters")]
    Header {
        /// Its name; the value may be a secret.
        name: String,
    },
    /// The server answered, but not with what it was asked for.
    #[error("the server answered with status {status}")]
    Status {
        /// The status of HTTP (RFC 9110 §15), such as 404.
        status: u16,
    },
    /// No connection, no server that can be trusted, or an answer that breaks off.
    #[error("{reason}")]
    Unreachable {
        /// What went wrong, and why.
        reason: String,
    },
    /// No whole answer in time.
    #[error("no answer within {timeout:?}")]
    Timeout {
        /// How long it may take.
        timeout: Duration,
    },
    /// The server sends us round in circles, from `https` to where there is no TLS, or with headers to another
    /// server.
    #[error("{reason}")]
    Redirect {
        /// Where it went wrong.
        reason: String,
    },
    /// More than we would hold.
    #[error("it is larger than {limit}")]
    TooLarge {
        /// The most that is read.
        limit: ByteSize,
    },
}

impl FetchError {
    /// Whether another attempt may succeed: the server could not be reached, took too long, or said that
    /// it has a fault (status 500 and above).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status { status } => *status >= 500,
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Url { .. }
            | Self::Header { .. }
            | Self::Redirect { .. }
            | Self::TooLarge { .. } => false,
        }
    }
}

/// A request for what is at a URL.
///
/// An `https` URL is never answered without TLS, not even when the server sends us elsewhere. At most
/// five servers may do that. The certificates of the system say who is believed.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use fedmsg::Fetch;
///
/// # async fn run() -> Result<(), fedmsg::FetchError> {
/// let url = "https://example.org/datagrepper/id";
/// let message = Fetch::new(url)?
///     .parameter("id", "2026-6ba7b810")
///     .timeout(Duration::from_secs(5))
///     .send()
///     .await?;
/// println!("{} bytes", message.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Fetch {
    url: Url,
    timeout: Duration,
    max_size: ByteSize,
    headers: HeaderMap,
}

// The URL and the headers may have secrets.
impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("host", &self.url.host_str())
            .field("headers", &self.headers.keys())
            .field("timeout", &self.timeout)
            .field("max_size", &self.max_size)
            .finish_non_exhaustive()
    }
}

impl Fetch {
    /// Returns a request that may take 30 s, for an answer of up to 64 MiB.
    ///
    /// # Errors
    ///
    /// [`FetchError::Url`].
    pub fn new(url: &str) -> Result<Self, FetchError> {
        let refuse = |reason: String| FetchError::Url { reason };
        let parsed = Url::parse(url).map_err(|error| refuse(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(refuse("expected http:// or https://".to_owned()));
        }
        Ok(Self {
            url: parsed,
            timeout: TIMEOUT,
            max_size: MAX_SIZE,
            headers: HeaderMap::new(),
        })
    }

    /// Adds a header. It may be a secret, so that a request with headers goes nowhere but to the origin
    /// (RFC 6454) of its URL: whoever else the server sends us to is not asked.
    ///
    /// # Errors
    ///
    /// [`FetchError::Header`]: one of them cannot stand in a header.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, FetchError> {
        let refuse = || FetchError::Header {
            name: name.to_owned(),
        };
        let name = HeaderName::try_from(name).map_err(|_| refuse())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| refuse())?;
        value.set_sensitive(true);
        self.headers.append(name, value);
        Ok(self)
    }

    /// Adds a parameter to the query of the URL, encoded as it needs to be.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Sets how long it may take in all.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets how large the answer may be.
    #[must_use]
    pub fn max_size(self, max_size: ByteSize) -> Self {
        Self { max_size, ..self }
    }

    /// Asks the server once. Cancel-safe: dropping the future ends the connection.
    ///
    /// # Errors
    ///
    /// [`FetchError`], without an answer of status 200 that is whole and not too large.
    pub async fn send(&self) -> Result<Vec<u8>, FetchError> {
        let answer = self.send_if_newer(&Version::default()).await?;
        // Whoever has not been asked for a newer one cannot say that there is none.
        let status = StatusCode::NOT_MODIFIED.as_u16();
        let (content, _) = answer.ok_or(FetchError::Status { status })?;
        Ok(content)
    }

    /// Asks the server once for what it has unless that is still the `known` version (RFC 9110 §13:
    /// `If-None-Match`, `If-Modified-Since`). Returns the content and its version, or `None` when there is
    /// nothing newer. Cancel-safe, as [`Fetch::send`].
    ///
    /// # Errors
    ///
    /// As [`Fetch::send`].
    pub async fn send_if_newer(
        &self,
        known: &Version,
    ) -> Result<Option<(Vec<u8>, Version)>, FetchError> {
        let failed = |error: reqwest::Error| self.error(error);
        let client = self.client().await?;
        let request = client.get(self.url.clone()).headers(self.headers.clone());
        let request = known.ask_for_newer(request);
        let mut response = request.send().await.map_err(failed)?;
        if response.status() == StatusCode::NOT_MODIFIED && known.is_known() {
            return Ok(None);
        }
        if response.status() != StatusCode::OK {
            let status = response.status().as_u16();
            return Err(FetchError::Status { status });
        }
        let version = Version::of(response.headers());
        let mut content = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if content.len() + chunk.len() > self.max_size.as_usize() {
                let limit = self.max_size;
                return Err(FetchError::TooLarge { limit });
            }
            content.extend_from_slice(&chunk);
        }
        Ok(Some((content, version)))
    }

    /// Makes what asks. It is made anew each time, on a thread that may block: it reads the certificates of
    /// the system, which takes milliseconds, and they may have changed since the last time.
    async fn client(&self) -> Result<Client, FetchError> {
        let builder = Client::builder()
            .https_only(self.url.scheme() == "https")
            .timeout(self.timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(self.redirection())
            .user_agent(concat!("fedmsg/", env!("CARGO_PKG_VERSION")));
        match spawn_blocking(move || builder.build()).await {
            Ok(built) => built.map_err(|error| self.error(error)),
            // The runtime ends, and with it whoever asks.
            Err(error) => Err(FetchError::Unreachable {
                reason: error.to_string(),
            }),
        }
    }

    /// Where the server may send us.
    fn redirection(&self) -> Policy {
        if self.headers.is_empty() {
            return Policy::limited(MAX_REDIRECTS);
        }
        // reqwest itself keeps back those headers only that are known to be secrets.
        let origin = self.url.origin();
        Policy::custom(move |attempt| {
            if attempt.url().origin() == origin {
                Policy::limited(MAX_REDIRECTS).redirect(attempt)
            } else {
                attempt.error("to another server, which must not see our headers")
            }
        })
    }

    fn error(&self, error: reqwest::Error) -> FetchError {
        let is_redirect = error.is_redirect() || error.is_builder();
        if error.is_timeout() {
            let timeout = self.timeout;
            return FetchError::Timeout { timeout };
        }
        let reason = with_causes(error);
        if is_redirect {
            FetchError::Redirect { reason }
        } else {
            FetchError::Unreachable { reason }
        }
    }
}

/// Says what went wrong, and why, without any URL: the library's own text stops at "error sending request",
/// and has the URL with all its secrets.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let failed = reqwest::get("ftp://example.org/?token=hunter2").await;
/// let reason = failed.map_err(fedmsg::with_causes).unwrap_err();
/// assert!(!reason.contains("hunter2"), "{reason}");
/// # }
/// ```
#[must_use]
pub fn with_causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&cause_without_url(next));
        cause = next.source();
    }
    text
}

/// The text of a cause: of a refused redirection it is an error of reqwest again, with the URL it was to.
fn cause_without_url(cause: &(dyn std::error::Error + 'static)) -> String {
    let text = cause.to_string();
    let url = cause
        .downcast_ref::<reqwest::Error>()
        .and_then(reqwest::Error::url);
    match url {
        Some(url) => text.replace(&format!(" for url ({url})"), ""),
        None => text,
    }
}

#[cfg(test)]
mod tests;
