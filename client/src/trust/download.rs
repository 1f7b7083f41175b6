//! What a web server has at an `https://` URL, within bounds of time and size.
//!
//! [`super::trust_file`] asks for CA certificate and CRL when they are due.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::Client;
use reqwest::redirect::Policy;
use thiserror::Error;

use super::trust_file::MAX_SIZE;

/// How long a download may take in all; the original waits as long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long until there is a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many servers may send us on to another.
const MAX_REDIRECTS: usize = 5;

/// What is at a URL, asked for. Tests put a server of their own in place of [`over_https`]: the clock
/// that they hold does not wait for a network.
pub(super) type Fetch =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<Vec<u8>, DownloadError>> + Send + Sync>;

/// Asks the web server that the URL names.
pub(super) fn over_https() -> Fetch {
    Arc::new(|url| Box::pin(async move { download(&url).await }))
}

/// Why nothing was downloaded.
#[derive(Debug, Error)]
pub(super) enum DownloadError {
    /// No connection, no answer in time, or an answer that says no.
    #[error("{}", with_causes(.0))]
    Http(#[from] reqwest::Error),
    /// More than we would hold.
    #[error("it is larger than 64 MiB")]
    TooLarge,
}

/// Downloads what is at `url`. Never without TLS, not even when the server sends us there.
async fn download(url: &str) -> Result<Vec<u8>, DownloadError> {
    // Made anew each time, which takes some milliseconds: the certificates of the system, which it
    // reads, may have changed since the last time.
    let client = Client::builder()
        .https_only(true)
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::limited(MAX_REDIRECTS))
        .user_agent(concat!("fedmsg/", env!("CARGO_PKG_VERSION")))
        .build()?;
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut content = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if (content.len() + chunk.len()) as u64 > MAX_SIZE {
            return Err(DownloadError::TooLarge);
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

/// What went wrong, and why: the library's own text stops at "error sending request".
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
