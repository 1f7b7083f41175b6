//! Whom this program believes: CA certificate and CRL, read at the start and kept up to date.
//!
//! [`crate::inspector`] opens it and asks its [`Validator`]. A task of its own looks for new ones by
//! the clock, never because of a message: no flood of bad ones makes it read or download anything.

mod download;
mod files;
mod trust_file;

use std::sync::Arc;
use std::time::Duration;

use fedmsg_config::{Config, Location};
use fedmsg_message::{Backend, Backends, RoutingPolicy, TrustError, Validator, ValidatorSettings};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use self::download::{Fetch, over_https};
use self::files::Files;
use self::trust_file::TrustFileError;
use crate::clock::unix_time;
use crate::expiry::Expiry;

/// How often files are looked at, and what is due is downloaded.
const PERIOD: Duration = Duration::from_secs(10);

/// How long, from the start, messages wait for the first download. Most servers have answered by then;
/// one that does not answer has half a minute, in which mailboxes would overflow, and whoever wants to
/// stop would wait.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Why nobody can be believed.
#[derive(Debug, Error)]
pub enum TrustOpenError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] TrustFileError),
    /// What was read is of no use.
    #[error("`ca_cert_location` {ca}{}: {source}", and_crl(crl.as_ref()))]
    Unusable {
        /// Where the CA certificate is.
        ca: Location,
        /// Where the CRL is.
        crl: Option<Location>,
        /// What is wrong with one of them.
        source: TrustError,
    },
}

impl TrustOpenError {
    /// Returns the setting that is at fault: `ca_cert_location` or `crl_location`.
    pub fn key(&self) -> &'static str {
        use TrustError::{Crl, CrlIssuer, CrlNotAscii, CrlSignature};
        match self {
            Self::File(error) => error.key,
            Self::Unusable { source, .. } => match source {
                CrlNotAscii | Crl(_) | CrlIssuer | CrlSignature => "crl_location",
                _ => "ca_cert_location",
            },
        }
    }
}

fn and_crl(crl: Option<&Location>) -> String {
    crl.map_or_else(String::new, |crl| format!(", `crl_location` {crl}"))
}

/// A validator that believes what CA certificate and CRL of the configuration say at the time.
pub(crate) struct Trust {
    validator: Arc<Validator>,
    /// Whether everything that can be had has been asked for once.
    ready: watch::Receiver<bool>,
    /// Until when to wait for that.
    patience: Instant,
    refresher: Option<AbortHandle>,
}

impl Trust {
    /// Reads what is in files, or was kept of the last download, and goes on to look for newer ones.
    /// Must be called within a tokio runtime.
    pub(crate) fn open(config: &Config) -> Result<Self, TrustOpenError> {
        Self::open_with(config, &over_https())
    }

    fn open_with(config: &Config, fetch: &Fetch) -> Result<Self, TrustOpenError> {
        let backends: Backends = config.crypto_validate_backends.iter().copied().collect();
        let mut files = backends
            .contains(Backend::X509)
            .then(|| Files::of(config, fetch));
        let trust = files.as_mut().map(Files::read).transpose()?.flatten();
        let has_trust = trust.is_some();
        let validator = Arc::new(Validator::new(ValidatorSettings {
            trust,
            backends,
            policy: policy(config),
            crl_policy: config.crl_policy,
            require_strong: config.require_strong_signature,
        }));
        let (announce, ready) = watch::channel(has_trust || files.is_none());
        let refresher = files.map(|files| {
            let refresh = refresh(files, Arc::clone(&validator), announce);
            tokio::spawn(refresh).abort_handle()
        });
        Ok(Self {
            validator,
            ready,
            patience: Instant::now() + FIRST_WAIT,
            refresher,
        })
    }

    /// Returns what judges messages; waits for the first download, if there is nothing else to go by,
    /// but not for one that fails, nor long for one that takes its time.
    pub(crate) async fn validator(&self) -> Arc<Validator> {
        let mut ready = self.ready.clone();
        // In time or not, and with or without a refresher: what there is judges.
        let _ = timeout_at(self.patience, ready.wait_for(|ready| *ready)).await;
        Arc::clone(&self.validator)
    }
}

impl Drop for Trust {
    fn drop(&mut self) {
        if let Some(refresher) = &self.refresher {
            refresher.abort();
        }
    }
}

/// Reads what [`Trust::open`] reads, once, and returns when each part of it expires; of what is to be
/// downloaded first, nothing.
pub(crate) fn read_once(config: &Config) -> Result<Vec<Expiry>, TrustOpenError> {
    let mut files = Files::of(config, &over_https());
    files.read()?;
    Ok(files.into_expiries())
}

fn policy(config: &Config) -> RoutingPolicy {
    let entries = config.routing_policy.iter();
    let policy = RoutingPolicy::new(entries.map(|(topic, signers)| {
        let signers = signers.iter().map(|signer| Box::from(signer.as_str()));
        (topic.as_str(), signers.collect::<Vec<Box<str>>>())
    }));
    if config.routing_nitpicky {
        policy.nitpicky()
    } else {
        policy
    }
}

/// Keeps a validator up to date for as long as it runs.
async fn refresh(mut files: Files, validator: Arc<Validator>, ready: watch::Sender<bool>) {
    loop {
        if files.refresh().await {
            files.put_in_force(&validator).await;
        }
        ready.send_replace(true);
        files.remind(unix_time());
        sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests;
