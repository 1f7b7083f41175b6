//! CA certificate and CRL together: a trust store is made of both, or of none.
//!
//! [`super::Trust`] opens them and has them refreshed; each is a [`TrustFile`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedmsg_config::Config;
use fedmsg_message::{TrustError, TrustStore, Validator, Validity};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{error, info};

use super::TrustOpenError;
use super::download::Fetch;
use super::trust_file::TrustFile;
use crate::expiry::Expiry;

/// How often it is said that what was read is of no use, for as long as that is so.
const COMPLAINT_PERIOD: Duration = Duration::from_secs(60 * 60);

/// The CA certificate and the CRL.
pub(super) struct Files {
    ca: TrustFile,
    crl: Option<TrustFile>,
    /// When what is in force ends; nothing is in force when there are none.
    expiries: Vec<Expiry>,
    complaint: Option<Complaint>,
}

/// What is wrong with what was last read.
struct Complaint {
    error: String,
    /// When to say it next.
    next: Instant,
}

/// What a trust store says about itself.
struct Summary {
    ca: Validity,
    /// From when to when the CRL is good, if it says so.
    crl: Option<(i64, i64)>,
    /// How many certificates are revoked, if there is a CRL.
    revoked: Option<usize>,
}

impl Summary {
    fn of(store: &TrustStore) -> Self {
        let crl = store.crl();
        Self {
            ca: store.ca().validity(),
            crl: crl.and_then(|list| Some((list.this_update(), list.next_update()?))),
            revoked: crl.map(|list| list.len()),
        }
    }
}

impl Files {
    pub(super) fn of(config: &Config, fetch: &Fetch) -> Self {
        let ca = TrustFile::new(
            "ca_cert_location",
            &config.ca_cert_location,
            config.ca_cert_cache.as_deref(),
            config.ca_cert_cache_expiry,
            Arc::clone(fetch),
        );
        let crl = config.crl_location.as_ref().map(|location| {
            let (cache, expiry) = (config.crl_cache.as_deref(), config.crl_cache_expiry);
            TrustFile::new("crl_location", location, cache, expiry, Arc::clone(fetch))
        });
        Self {
            ca,
            crl,
            expiries: Vec::new(),
            complaint: None,
        }
    }

    /// Reads what is on this machine; `None` when something has to be downloaded first. What was kept
    /// of a download, but is of no use, is no reason not to start: there will be another download.
    pub(super) fn read(&mut self) -> Result<Option<TrustStore>, TrustOpenError> {
        self.ca.read()?;
        if let Some(crl) = &mut self.crl {
            crl.read()?;
        }
        // The CA certificate alone first, which costs little: is it at fault, or the CRL?
        if let Some(ca) = self.ca.content()
            && let Err(error) = TrustStore::from_pem(&ca, None)
        {
            if !self.ca.is_download() {
                return Err(self.unusable(error));
            }
            self.ca.discard(&error);
        }
        let Some((ca, crl)) = self.contents() else {
            return Ok(None);
        };
        match TrustStore::from_pem(&ca, crl.as_deref()) {
            Ok(store) => {
                self.accept(&Summary::of(&store));
                Ok(Some(store))
            }
            Err(error) => self.discard(error).map(|()| None),
        }
    }

    /// Returns when each part of what was read expires; nothing when it is not complete.
    pub(super) fn into_expiries(self) -> Vec<Expiry> {
        self.expiries
    }

    /// Does without what was kept and does not go with the rest; an error when that was not kept.
    fn discard(&mut self, error: TrustError) -> Result<(), TrustOpenError> {
        let are_apart = matches!(
            error,
            TrustError::CrlIssuer | TrustError::CrlSignature | TrustError::CaMayNotSignCrls
        );
        match &mut self.crl {
            Some(crl) if crl.is_download() => crl.discard(&error),
            _ if are_apart && self.ca.is_download() => self.ca.discard(&error),
            _ => return Err(self.unusable(error)),
        }
        Ok(())
    }

    /// Looks for new ones, for both at the same time; true when there are.
    pub(super) async fn refresh(&mut self) -> bool {
        let crl = async {
            match &mut self.crl {
                Some(crl) => crl.refresh().await,
                None => false,
            }
        };
        let (is_new_ca, is_new_crl) = tokio::join!(self.ca.refresh(), crl);
        is_new_ca || is_new_crl
    }

    /// Has `validator` judge by what was last read, if that is of use and nothing is missing.
    pub(super) async fn put_in_force(&mut self, validator: &Arc<Validator>) {
        let Some(ca) = self.ca.content() else {
            return;
        };
        let crl = self.crl.as_ref().and_then(TrustFile::content);
        let is_complete = crl.is_some() || self.crl.is_none();
        let validator = Arc::clone(validator);
        // A list of many megabytes takes its time to be read and checked, and the former one to be
        // dropped, which `replace_trust` does.
        let made = spawn_blocking(move || {
            let store = TrustStore::from_pem(&ca, crl.as_deref())?;
            if !is_complete {
                // Never in force without the CRL; but a bad CA certificate need not wait for it.
                return Ok(None);
            }
            let summary = Summary::of(&store);
            validator.replace_trust(store);
            Ok(Some(summary))
        });
        match made.await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(summary))) => {
                let (ca, revoked) = (self.ca.location(), summary.revoked);
                info!(%ca, revoked, "CA certificate and CRL read");
                self.accept(&summary);
                self.ca.settle().await;
                if let Some(crl) = &mut self.crl {
                    crl.settle().await;
                }
            }
            Ok(Err(error)) => self.reject(self.unusable(error).to_string()),
            Err(died) => self.reject(died.to_string()),
        }
    }

    /// Says what ends soon or has ended, and again that what was read is of no use, if it is time.
    pub(super) fn remind(&mut self, now: i64) {
        for expiry in &self.expiries {
            expiry.check(now);
        }
        let is_in_force = !self.expiries.is_empty();
        if let Some(complaint) = &mut self.complaint
            && complaint.next <= Instant::now()
        {
            complaint.next = Instant::now() + COMPLAINT_PERIOD;
            let error = &complaint.error;
            if is_in_force {
                error!(%error, "not usable: the former ones stay in force");
            } else {
                error!(%error, "not usable: every message is refused");
            }
        }
    }

    /// What was last read; `None` when something is missing.
    fn contents(&self) -> Option<(Bytes, Option<Bytes>)> {
        let ca = self.ca.content()?;
        let crl = match &self.crl {
            Some(crl) => Some(crl.content()?),
            None => None,
        };
        Some((ca, crl))
    }

    fn accept(&mut self, summary: &Summary) {
        self.complaint = None;
        self.ca.accept(None);
        let location = self.ca.location().to_string();
        self.expiries = vec![Expiry::of_certificate(
            "CA certificate",
            location,
            summary.ca,
        )];
        if let Some(crl) = &mut self.crl {
            crl.accept(summary.crl.map(|(_, end)| end));
            let location = crl.location().to_string();
            let expiry = summary
                .crl
                .map(|(begin, end)| Expiry::new("CRL", location, begin, end));
            self.expiries.extend(expiry);
        }
    }

    fn reject(&mut self, error: String) {
        self.ca.reject();
        if let Some(crl) = &mut self.crl {
            crl.reject();
        }
        // The same is not said again each time it is downloaded.
        if self.complaint.as_ref().is_none_or(|it| it.error != error) {
            let next = Instant::now();
            self.complaint = Some(Complaint { error, next });
        }
    }

    fn unusable(&self, source: TrustError) -> TrustOpenError {
        TrustOpenError::Unusable {
            ca: self.ca.location().clone(),
            crl: self.crl.as_ref().map(|crl| crl.location().clone()),
            source,
        }
    }
}
