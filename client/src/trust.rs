//! Whom this program believes: CA certificate and CRL, read at the start and kept up to date.
//!
//! [`crate::inspector`] opens it and asks its [`Validator`]. A task of its own looks for new ones by
//! the clock, never because of a message: no flood of bad ones makes it read or download anything.

mod download;
mod trust_file;

use std::sync::Arc;
use std::time::Duration;

use fedmsg_config::{Config, Location};
use fedmsg_message::{
    Backend, Backends, RoutingPolicy, TrustError, TrustStore, Validator, ValidatorSettings,
};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tracing::{error, info};

use self::trust_file::{TrustFile, TrustFileError};
use crate::clock::unix_time;
use crate::expiry::Expiry;

/// How often files are looked at, and what is due is downloaded.
const PERIOD: Duration = Duration::from_secs(10);

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

fn and_crl(crl: Option<&Location>) -> String {
    crl.map_or_else(String::new, |crl| format!(", `crl_location` {crl}"))
}

/// A validator that believes what CA certificate and CRL of the configuration say at the time.
pub(crate) struct Trust {
    validator: Arc<Validator>,
    /// Whether everything that can be had has been asked for once.
    ready: watch::Receiver<bool>,
    refresher: Option<AbortHandle>,
}

impl Trust {
    /// Reads what is in files, or was kept of the last download, and goes on to look for newer ones.
    /// Must be called within a tokio runtime.
    pub(crate) fn open(config: &Config) -> Result<Self, TrustOpenError> {
        let backends: Backends = config.crypto_validate_backends.iter().copied().collect();
        let mut files = backends.contains(Backend::X509).then(|| Files::of(config));
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
            refresher,
        })
    }

    /// Returns what judges messages; waits for the first download, if there is nothing else to go by,
    /// but not for one that fails.
    pub(crate) async fn validator(&self) -> Arc<Validator> {
        // An error means that the refresher is gone, with this value.
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
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

/// The CA certificate and the CRL.
struct Files {
    ca: TrustFile,
    crl: Option<TrustFile>,
}

impl Files {
    fn of(config: &Config) -> Self {
        let ca = TrustFile::new(
            "ca_cert_location",
            &config.ca_cert_location,
            config.ca_cert_cache.as_deref(),
            config.ca_cert_cache_expiry,
        );
        let crl = config.crl_location.as_ref().map(|location| {
            let cache = config.crl_cache.as_deref();
            TrustFile::new("crl_location", location, cache, config.crl_cache_expiry)
        });
        Self { ca, crl }
    }

    /// Reads what is on this machine; `None` when something has to be downloaded first.
    fn read(&mut self) -> Result<Option<TrustStore>, TrustOpenError> {
        self.ca.read()?;
        if let Some(crl) = &mut self.crl {
            crl.read()?;
        }
        self.store().transpose()
    }

    /// Looks for new ones; true when there are.
    async fn refresh(&mut self) -> bool {
        let mut is_new = self.ca.refresh().await;
        if let Some(crl) = &mut self.crl {
            is_new |= crl.refresh().await;
        }
        is_new
    }

    /// Makes a trust store of what is there; `None` when something is missing.
    fn store(&self) -> Option<Result<TrustStore, TrustOpenError>> {
        let ca = self.ca.content()?;
        let crl = match &self.crl {
            Some(crl) => Some(crl.content()?),
            None => None,
        };
        let store = TrustStore::from_pem(ca, crl);
        Some(store.map_err(|source| TrustOpenError::Unusable {
            ca: self.ca.location().clone(),
            crl: self.crl.as_ref().map(|crl| crl.location().clone()),
            source,
        }))
    }

    fn expiries(&self, store: &TrustStore) -> Vec<Expiry> {
        let ca = self.ca.location().to_string();
        let mut expiries = vec![Expiry::of_certificate(
            "CA certificate",
            ca,
            store.ca().validity(),
        )];
        if let (Some(list), Some(file)) = (store.crl(), &self.crl)
            && let Some(end) = list.next_update()
        {
            let location = file.location().to_string();
            let begin = list.this_update();
            expiries.push(Expiry::new("CRL", location, begin, end));
        }
        expiries
    }
}

/// Keeps a validator up to date for as long as it runs.
async fn refresh(mut files: Files, validator: Arc<Validator>, ready: watch::Sender<bool>) {
    let mut expiries = match files.store() {
        Some(Ok(store)) => files.expiries(&store),
        _ => Vec::new(),
    };
    loop {
        if files.refresh().await {
            match files.store() {
                Some(Ok(store)) => {
                    expiries = files.expiries(&store);
                    if let Some(crl) = &mut files.crl {
                        crl.renew_at(store.crl().and_then(|list| list.next_update()));
                    }
                    info!(
                        ca = %files.ca.location(), revoked = store.crl().map(|list| list.len()),
                        "CA certificate and CRL read"
                    );
                    validator.replace_trust(store);
                }
                Some(Err(error)) => error!(%error, "not usable: the former ones stay in force"),
                None => {}
            }
        }
        ready.send_replace(true);
        let now = unix_time();
        for expiry in &expiries {
            expiry.check(now);
        }
        sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests;
