//! Signatures by gpg, checked by the system's own `gpg`, one process for each message.
//!
//! [`super::Inspector`] hands over what the validator could not judge, where the configuration
//! allows gpg at all. What such a signature does not cover is in `message/README.md`. The original
//! goes by gpg's exit status alone, and so believes keys that have been revoked or have expired; this
//! does not.

mod status;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use fedmsg_message::{GpgClaim, Refusal, Validator, Verdict};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tracing::error;

use self::status::signer;
use crate::delivery::Delivery;
use crate::log_limit::LogLimit;

/// How long gpg may take for one message.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long gpg may take for all messages of a batch; what it has not come to by then is refused. Nothing
/// of the batch is routed before, and a hub whose intake routes nothing for 60 seconds is stuck: without
/// this a gpg that waits for a lock, and a dozen messages that name it, would be enough for that.
const BUDGET: Duration = Duration::from_secs(20);

/// At most one line about a gpg that does not work in this time.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// The gpg of this system, and the keys that it shall go by.
pub(super) struct Gpg {
    program: PathBuf,
    home: Option<PathBuf>,
    budget: Duration,
    log: LogLimit,
}

impl Gpg {
    /// `home` is gpg's directory; without it, gpg's own default.
    pub(super) fn new(home: Option<PathBuf>) -> Self {
        Self {
            program: "gpg".into(),
            home,
            budget: BUDGET,
            log: LogLimit::new(LOG_PERIOD),
        }
    }

    /// Judges those messages of a batch that only gpg can judge, one after the other, for as long as
    /// there is time.
    pub(super) async fn judge(&self, batch: &mut Vec<Delivery>, validator: &Validator) {
        let waits = |it: &Delivery| it.verdict().refusal() == Some(&Refusal::GpgNotChecked);
        if !batch.iter().any(waits) {
            return;
        }
        let end = Instant::now() + self.budget;
        let mut judged = Vec::with_capacity(batch.len());
        for delivery in batch.drain(..) {
            let claim = waits(&delivery).then(|| validator.gpg_claim(delivery.envelope()));
            let verdict = match claim {
                None => delivery.verdict().clone(),
                Some(Err(refusal)) => Verdict::Refused(refusal),
                Some(Ok(claim)) => self.verdict(&claim, end).await,
            };
            judged.push(delivery.with_verdict(verdict));
        }
        *batch = judged;
    }

    /// What gpg says, if it does so by `end`. It is not asked after that.
    async fn verdict(&self, claim: &GpgClaim, end: Instant) -> Verdict {
        let now = Instant::now();
        if now >= end {
            return Verdict::Refused(Refusal::GpgTooSlow);
        }
        match timeout_at(end.min(now + PATIENCE), self.verify(claim)).await {
            Ok(Ok(Some(signer))) => claim.accepted(signer),
            Ok(Ok(None)) => claim.refused(),
            Ok(Err(error)) => self.failed(&error, Refusal::GpgNotChecked),
            Err(late) => self.failed(&late.into(), Refusal::GpgTooSlow),
        }
    }

    fn failed(&self, error: &io::Error, refusal: Refusal) -> Verdict {
        if let Some(held_back) = self.log.admit() {
            error!(%error, held_back, "gpg does not work: what it signed is refused");
        }
        Verdict::Refused(refusal)
    }

    /// Asks gpg; returns the fingerprint of the key that made the signature, if it is good.
    async fn verify(&self, claim: &GpgClaim) -> io::Result<Option<Arc<str>>> {
        let signature = file_of(claim.signature.clone()).await?;
        let mut command = Command::new(&self.program);
        if let Some(home) = &self.home {
            command.arg("--homedir").arg(home);
        }
        command
            .args(["--batch", "--no-tty", "--no-auto-key-retrieve"])
            .args(["--status-fd", "1", "--verify"])
            .arg(&signature)
            .arg("-") // the data comes from standard input
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut gpg = command.spawn()?;
        let mut input = gpg.stdin.take();
        let give = async {
            if let Some(mut input) = input.take() {
                // It may have seen enough before the end.
                let _ = input.write_all(&claim.data).await;
            }
        };
        let ((), output) = tokio::join!(give, gpg.wait_with_output());
        let output = output?;
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(signer(&said)
            .filter(|_| output.status.success())
            .map(Arc::from))
    }
}

/// Puts a signature into a file, on a thread that may be blocked. The file goes with the path.
async fn file_of(signature: Vec<u8>) -> io::Result<TempPath> {
    let written = spawn_blocking(move || {
        let mut file = NamedTempFile::new()?;
        file.write_all(&signature)?;
        Ok(file.into_temp_path())
    });
    written.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
