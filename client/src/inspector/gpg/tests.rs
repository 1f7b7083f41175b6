//! Whose signatures count, with the gpg of this system and keys made for the occasion.

use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::inspector::tests::{delivery_of, inspector, unsigned};

/// A directory of gpg with keys of its own.
struct Keys(TempDir);

impl Keys {
    /// `None` where there is no gpg.
    fn try_new() -> Option<Self> {
        let keys = Self(tempfile::tempdir().unwrap());
        match Command::new("gpg").arg("--version").output() {
            Ok(_) => Some(keys),
            Err(_) => {
                eprintln!("skipped: there is no gpg");
                None
            }
        }
    }

    /// Runs gpg; returns what it has written.
    fn gpg(&self, words: &[&str]) -> Vec<u8> {
        let output = Command::new("gpg")
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--batch", "--no-tty", "--quiet", "--passphrase", ""])
            .args(["--pinentry-mode", "loopback"])
            .args(words)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        output.stdout
    }

    /// Makes a key, in a year that is over for one that lives for a day.
    fn make(&self, name: &str, time: &[&str], lives: &str) {
        let make = ["--quick-gen-key", name, "ed25519", "sign", lives];
        self.gpg(&[time, &make].concat());
    }

    fn revoke(&self, name: &str) {
        let listed = self.gpg(&["--list-keys", "--with-colons", name]);
        let listed = String::from_utf8(listed).unwrap();
        let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:"));
        let fingerprint = fingerprint.unwrap().trim_matches(':');
        let folder = self.0.path().join("openpgp-revocs.d");
        // gpg puts a colon before the first line, so that nobody imports it by mistake.
        let certificate = std::fs::read_to_string(folder.join(format!("{fingerprint}.rev")));
        let certificate = certificate.unwrap().replace(":-----BEGIN", "-----BEGIN");
        std::fs::write(self.0.path().join("revocation"), certificate).unwrap();
        self.gpg(&["--import", "revocation"]);
    }

    /// What `names` claim to have said.
    fn sign(&self, names: &[&str], time: &[&str]) -> GpgClaim {
        let data = br#"{"drink": "tea"}"#.to_vec();
        std::fs::write(self.0.path().join("data"), &data).unwrap();
        let users = names.iter().flat_map(|name| ["--local-user", name]);
        let mut words: Vec<_> = time.iter().copied().chain(users).collect();
        words.extend(["--output", "-", "--detach-sign", "data"]);
        let signature = self.gpg(&words);
        GpgClaim { signature, data }
    }

    async fn accept(&self, claim: &GpgClaim) -> bool {
        let gpg = Gpg::new(Some(self.0.path().to_owned()));
        let verdict = gpg.verdict(claim, Instant::now() + BUDGET).await;
        let refused = Verdict::Refused(Refusal::BadSignature);
        assert!(verdict.is_accepted() || verdict == refused, "{verdict:?}");
        verdict.is_accepted()
    }
}

impl Drop for Keys {
    /// Ends the agent that gpg has started.
    fn drop(&mut self) {
        let mut end = Command::new("gpgconf");
        let end = end.arg("--homedir").arg(self.0.path());
        let _ = end.args(["--kill", "gpg-agent"]).status();
    }
}

#[tokio::test]
async fn a_key_that_has_been_revoked_counts_for_nothing() {
    let Some(keys) = Keys::try_new() else { return };
    for name in ["good", "bad"] {
        keys.make(name, &[], "never");
    }
    let (good, bad) = (keys.sign(&["good"], &[]), keys.sign(&["bad"], &[]));
    let both = keys.sign(&["good", "bad"], &[]);
    assert!(keys.accept(&bad).await);
    keys.revoke("bad");
    assert!(keys.accept(&good).await);
    assert!(!keys.accept(&bad).await);
    assert!(!keys.accept(&both).await);
}

#[tokio::test]
async fn a_key_that_has_expired_counts_for_nothing() {
    let Some(keys) = Keys::try_new() else { return };
    let then = ["--faked-system-time", "20200101T000000!"];
    keys.make("old", &then, "1d");
    let claim = keys.sign(&["old"], &then);
    assert!(!keys.accept(&claim).await);
}

#[tokio::test]
async fn a_signature_that_has_expired_counts_for_nothing() {
    let Some(keys) = Keys::try_new() else { return };
    let then = ["--faked-system-time", "20200101T000000!"];
    keys.make("lasting", &then, "never");
    let lasts = [&then[..], &["--default-sig-expire", "1d"]].concat();
    let good = keys.sign(&["lasting"], &then);
    assert!(keys.accept(&good).await);
    let over = keys.sign(&["lasting"], &lasts);
    assert!(!keys.accept(&over).await);
}

#[tokio::test]
async fn two_signatures_are_not_one() {
    let Some(keys) = Keys::try_new() else { return };
    for name in ["one", "other"] {
        keys.make(name, &[], "never");
    }
    let claim = keys.sign(&["one", "other"], &[]);
    assert!(!keys.accept(&claim).await);
}

#[tokio::test]
async fn a_gpg_that_hangs_costs_a_batch_its_time_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    // Written by another process: one that is just being forked here would have it open as well.
    let script = "#!/bin/sh\nexec sleep 600\n";
    let write = format!("printf '%s' '{script}' > gpg && chmod +x gpg");
    let mut shell = Command::new("sh");
    let written = shell.arg("-c").arg(write).current_dir(&folder).status();
    assert!(written.unwrap().success());
    let mut inspector = inspector("crypto_validate_backends = ['x509', 'gpg']");
    inspector.gpg = Some(Gpg {
        program: folder.path().join("gpg"),
        budget: Duration::from_secs(1),
        ..Gpg::new(None)
    });
    let by_gpg = || delivery_of("gpg/valid.json");
    let batch = vec![by_gpg(), unsigned("org.a", "gpg.host"), by_gpg(), by_gpg()];

    let start = Instant::now();
    let judged = inspector.inspect(batch).await;
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    let codes = judged
        .iter()
        .map(|it| it.verdict().refusal().map(Refusal::code));
    let late = Some("gpg-too-slow");
    assert!(codes.eq([late, Some("unsigned"), late, late]));
    let counts = inspector.refusals().counts();
    let count = counts.iter().find(|count| count.reason == "gpg-too-slow");
    assert_eq!(count.map(|count| count.messages), Some(3));
}
