//! What is read at the start, and what happens to files that change and to downloads.

mod downloads;

use std::fs;
use std::path::{Path, PathBuf};

use fedmsg_message::json::Object;
use fedmsg_message::{Envelope, Refusal, Signer, Verdict};

use super::*;

fn pki(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/vectors/pki")
        .join(name)
}

/// A directory with copies of files of the test PKI.
fn copies(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, original) in files {
        fs::copy(pki(original), directory.path().join(name)).unwrap();
    }
    directory
}

fn config(directory: &Path) -> Config {
    let (ca, crl) = (directory.join("ca"), directory.join("crl"));
    let toml = format!("ca_cert_location = {ca:?}\ncrl_location = {crl:?}");
    Config::from_toml(&toml).unwrap()
}

fn signed() -> Envelope {
    let read = |name: &str| fs::read(pki(name)).unwrap();
    let signer = Signer::from_pem(&read("bodhi-app01.test.crt"), &read("bodhi-app01.test.key"));
    let signer = signer.unwrap();
    signer
        .sign("org.a".parse().unwrap(), Object::new())
        .unwrap()
}

/// What the validator thinks of a good message, as a code; `None` when it is accepted.
async fn refusal(trust: &Trust) -> Option<&'static str> {
    let verdict = trust.validator().await.validate(&signed(), unix_time());
    match verdict {
        Verdict::Accepted { .. } => None,
        other => Some(other.refusal().map_or("not checked", Refusal::code)),
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let directory = copies(&[("ca", "ca.crt")]);
    let error = Trust::open(&config(directory.path()))
        .map(|_| ())
        .unwrap_err();
    let crl = directory.path().join("crl").display().to_string();
    assert!(matches!(&error, TrustOpenError::File(file) if file.key == "crl_location"));
    assert!(error.to_string().contains(&crl), "{error}");
}

#[tokio::test]
async fn a_file_that_is_of_no_use_is_named() {
    let directory = copies(&[("ca", "crl.pem"), ("crl", "crl.pem")]);
    let error = Trust::open(&config(directory.path()))
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(error, TrustOpenError::Unusable { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_changes_is_in_force_soon_and_a_bad_one_never() {
    let directory = copies(&[("ca", "ca.crt"), ("crl", "crl.pem")]);
    let trust = Trust::open(&config(directory.path())).unwrap();
    assert_eq!(refusal(&trust).await, None);

    let replace = |original: &str| {
        let new = directory.path().join("new");
        fs::copy(pki(original), &new).unwrap();
        fs::rename(new, directory.path().join("crl")).unwrap();
    };
    for (list, expected) in [
        ("crl-all.pem", Some("revoked")),
        ("crl-rogue.pem", Some("revoked")),
        ("crl-empty.pem", None),
    ] {
        replace(list);
        sleep(PERIOD * 2).await;
        assert_eq!(refusal(&trust).await, expected, "{list}");
    }

    fs::remove_file(directory.path().join("crl")).unwrap();
    sleep(PERIOD * 2).await;
    assert_eq!(refusal(&trust).await, None, "what was read stays in force");
}

#[tokio::test]
async fn whoever_believes_gpg_only_needs_no_ca() {
    let config = "ca_cert_location = '/no/such/file'\ncrypto_validate_backends = ['gpg']";
    let trust = Trust::open(&Config::from_toml(config).unwrap()).unwrap();
    assert_eq!(refusal(&trust).await, Some("backend-not-allowed"));
}

#[tokio::test]
async fn what_was_kept_of_a_download_is_there_at_the_start() {
    let directory = copies(&[("kept", "ca.crt")]);
    let kept = directory.path().join("kept");
    // Nobody listens there: the download fails at once, and is tried again later.
    let url = "ca_cert_location = 'https://127.0.0.1:1/ca.crt'";
    let config = Config::from_toml(&format!("{url}\nca_cert_cache = {kept:?}")).unwrap();
    let trust = Trust::open(&config).unwrap();
    assert_eq!(refusal(&trust).await, None);

    let trust = Trust::open(&Config::from_toml(url).unwrap()).unwrap();
    assert_eq!(refusal(&trust).await, Some("no-trust-store"));
}
