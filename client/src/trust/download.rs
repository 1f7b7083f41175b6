//! How trust files are downloaded: from the web server that an `https://` URL names.
//!
//! [`super::trust_file`] asks for CA certificate and CRL when they are due.

use std::sync::Arc;

use futures::future::BoxFuture;

pub(super) use crate::fetch::FetchError as DownloadError;

/// What is at a URL, asked for. Tests put a server of their own in place of [`over_https`]: the clock
/// that they hold does not wait for a network.
pub(super) type Fetch =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<Vec<u8>, DownloadError>> + Send + Sync>;

/// Asks the web server that the URL names.
pub(super) fn over_https() -> Fetch {
    Arc::new(|url| Box::pin(async move { crate::fetch::Fetch::new(&url)?.send().await }))
}
