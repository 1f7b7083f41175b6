//! Is each message what it says it is? Batches in, the same batches out, with a verdict on each.
//!
//! The router of a hub and [`crate::Subscriber`] send whole batches through it; it judges them on
//! threads for work that blocks, as many at a time as there are cores, and gives them back in order.
//! What is refused is counted by endpoint and reason, and logged at a limited rate for each of them.

mod gpg;
mod refusals;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use fedmsg_config::Config;
use fedmsg_message::{Backend, Refusal, Validator, Verdict};
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{debug, error, warn};

use self::gpg::Gpg;
pub use self::refusals::{RefusalCount, Refusals};
use crate::clock::unix_time;
use crate::delivery::Delivery;
use crate::log_limit::LogLimit;
use crate::trust::{Trust, TrustOpenError};

/// At most one line about alarms in this time.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// So few messages are not worth a second thread.
const SMALLEST_PART: usize = 8;

/// Judges the messages of a bus, as its configuration says.
///
/// # Examples
///
/// ```
/// use fedmsg::{Config, Delivery, Envelope, Inspector};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let pki = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/vectors/pki");
/// let config = Config::from_toml(&format!("ca_cert_location = '{pki}/ca.crt'"))?;
/// let inspector = Inspector::open(&config)?;
/// let unsigned = Envelope::encode("org.example.dev.shop.sale".parse()?, Default::default())?;
/// let batch = inspector.inspect(vec![Delivery::new(unsigned, "shop.host".into())]).await;
/// assert_eq!(batch[0].verdict().refusal().map(|refusal| refusal.code()), Some("unsigned"));
/// assert_eq!(inspector.refusals().total(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Inspector {
    trust: Trust,
    gpg: Option<Gpg>,
    threads: usize,
    refusals: Refusals,
    alarm_log: LogLimit,
}

impl Inspector {
    /// Reads CA certificate and CRL, and keeps them up to date from then on. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is of no use. That a download fails is no error: it is tried
    /// again, and messages are refused until it has succeeded.
    pub fn open(config: &Config) -> Result<Self, TrustOpenError> {
        let has_gpg = config.crypto_validate_backends.contains(&Backend::Gpg);
        Ok(Self {
            trust: Trust::open(config)?,
            gpg: has_gpg.then(|| Gpg::new(config.gpg_home.clone())),
            threads: available_parallelism().map_or(1, usize::from),
            refusals: Refusals::default(),
            alarm_log: LogLimit::new(LOG_PERIOD),
        })
    }

    /// Judges each message of `batch`, and returns them in the same order, each with its verdict.
    pub async fn inspect(&self, batch: Vec<Delivery>) -> Vec<Delivery> {
        let validator = self.trust.validator().await;
        let now = unix_time();
        let size = batch.len().div_ceil(self.threads).max(SMALLEST_PART);
        let mut parts = Vec::with_capacity(self.threads);
        let mut rest = batch;
        while !rest.is_empty() {
            let later = rest.split_off(size.min(rest.len()));
            let (part, validator) = (Part::new(rest), Arc::clone(&validator));
            let judging = part.clone();
            let task = spawn_blocking(move || judging.judge(&validator, now));
            parts.push((part, task));
            rest = later;
        }
        let mut judged = Vec::new();
        for (part, task) in parts {
            let part = part.judged_by(task).await;
            if judged.is_empty() {
                judged = part;
            } else {
                judged.extend(part);
            }
        }
        if let Some(gpg) = &self.gpg {
            gpg.judge(&mut judged, &validator).await;
        }
        judged.iter().for_each(|delivery| self.note(delivery));
        judged
    }

    /// What has been refused so far.
    #[must_use]
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    fn note(&self, delivery: &Delivery) {
        let (topic, endpoint) = (delivery.topic(), delivery.endpoint());
        match delivery.verdict() {
            Verdict::Refused(refusal) => {
                let admitted = self.refusals.add(endpoint, refusal.code());
                // Its identifier is read in a copy, so that nothing that was parsed stays with it.
                debug!(%endpoint, %topic, msg_id = delivery.unparsed().msg_id(), %refusal, "message refused");
                if let Some(held_back) = admitted {
                    let copy = delivery.unparsed();
                    warn!(%endpoint, %topic, msg_id = copy.msg_id(), %refusal, held_back, "message refused");
                }
            }
            Verdict::Accepted { signer, alarms, .. } => {
                if let Some(alarm) = alarms.first()
                    && let Some(held_back) = self.alarm_log.admit()
                {
                    let msg_id = delivery.msg_id();
                    warn!(%endpoint, %topic, msg_id, %signer, %alarm, held_back, "message accepted with an alarm");
                }
            }
            Verdict::NotChecked => {}
        }
    }
}

/// A part of a batch: it stays here while a thread judges it, so that it outlives that.
#[derive(Clone)]
struct Part(Arc<Mutex<Vec<Delivery>>>);

impl Part {
    fn new(part: Vec<Delivery>) -> Self {
        Self(Arc::new(Mutex::new(part)))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Delivery>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges each message, on a thread that may be blocked.
    fn judge(self, validator: &Validator, now: i64) {
        for delivery in self.lock().iter_mut() {
            let judged = || validator.validate(delivery.envelope(), now);
            // It is made not to panic; if it does all the same, only this message suffers.
            let verdict = catch_unwind(AssertUnwindSafe(judged));
            let verdict = verdict.unwrap_or(Verdict::Refused(Refusal::CheckFailed));
            *delivery = delivery.clone().with_verdict(verdict);
        }
    }

    /// Returns the messages once `task` has judged them. What it has not come to is refused.
    async fn judged_by(self, task: JoinHandle<()>) -> Vec<Delivery> {
        let ended = task.await;
        let mut part = std::mem::take(&mut *self.lock());
        // Only when the runtime ends, with everything that waits in it.
        if let Err(died) = ended {
            let mut unchecked: Vec<_> = part
                .iter_mut()
                .filter(|delivery| *delivery.verdict() == Verdict::NotChecked)
                .collect();
            if let Some(first) = unchecked.first() {
                error!(
                    %died, messages = unchecked.len(), endpoint = %first.endpoint(),
                    topic = %first.topic(), msg_id = first.msg_id(),
                    "messages are refused: they could not be checked; the first of them is named"
                );
            }
            for delivery in &mut unchecked {
                let refused = Verdict::Refused(Refusal::CheckFailed);
                **delivery = delivery.clone().with_verdict(refused);
            }
        }
        part
    }
}

#[cfg(test)]
mod tests;
