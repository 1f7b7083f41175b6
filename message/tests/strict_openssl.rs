//! Verdicts under an OpenSSL configuration that allows nothing.
//!
//! Distributions configure OpenSSL to refuse signatures by SHA-1, which is what the bus is signed
//! with. A child process gets a configuration stricter than any of them, under which no algorithm
//! can be had from OpenSSL's providers at all, and comes to the same verdicts.

#![expect(
    clippy::unwrap_used,
    reason = "clippy exempts only the functions marked #[test]"
)]

use std::path::Path;
use std::process::Command;

use fedmsg_message::{Envelope, Signer, TrustStore, Validator, ValidatorSettings};
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;

const NOW: i64 = 1_795_370_400;

/// What tells the test that it is the child, and where the messages are.
const CHILD: &str = "STRICT_OPENSSL_CHILD";

/// The messages by their signers, and whether each is to be accepted.
const SIGNERS: [(&str, &str); 6] = [
    ("bodhi-app01.test", "accepted"),
    ("sha1cert-app01.test", "accepted"),
    ("weak1024-app01.test", "accepted"),
    ("ca", "accepted"),
    ("revoked-app01.test", "revoked"),
    ("rogue/bodhi-app01.test", "untrusted"),
];

fn pki(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors/pki");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn a_strict_openssl_changes_no_verdict() {
    if let Ok(folder) = std::env::var(CHILD) {
        return judge(Path::new(&folder));
    }
    // Written here, where OpenSSL still reads keys.
    let folder = tempfile::tempdir().unwrap();
    for (name, _) in SIGNERS {
        let [certificate, key] = ["crt", "key"].map(|kind| pki(&format!("{name}.{kind}")));
        let signer = Signer::from_pem(&certificate, &key)
            .unwrap()
            .with_strong_rsa();
        let sent = signer.sign("org.example.dev.a.b".parse().unwrap(), Default::default());
        let path = folder.path().join(name.replace('/', "_"));
        std::fs::write(path, sent.unwrap().bytes()).unwrap();
    }
    judge(folder.path());
    let configuration = folder.path().join("openssl.cnf");
    let text = "openssl_conf = init\n[init]\nalg_section = algorithms\nproviders = providers\n\
                [algorithms]\ndefault_properties = fips=yes\n\
                [providers]\ndefault = active\n[active]\nactivate = 1\n";
    std::fs::write(&configuration, text).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_strict_openssl_changes_no_verdict",
            "--nocapture",
        ])
        .env("OPENSSL_CONF", &configuration)
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(
        child.status.success() && output.contains("1 passed"),
        "{output}{errors}"
    );
}

fn judge(folder: &Path) {
    let trust = TrustStore::from_pem(&pki("ca.crt"), Some(&pki("crl.pem"))).unwrap();
    let validator = Validator::new(ValidatorSettings {
        trust: Some(trust),
        require_strong: true,
        ..ValidatorSettings::default()
    });
    for (name, expected) in SIGNERS {
        let body = std::fs::read(folder.join(name.replace('/', "_"))).unwrap();
        let envelope = Envelope::from_frames("org.example.dev.a.b".into(), body.into()).unwrap();
        let verdict = validator.validate(&envelope, NOW);
        let code = verdict
            .refusal()
            .map_or("accepted", |refusal| refusal.code());
        assert_eq!(code, expected, "{name}: {verdict:?}");
    }
    // The configuration does what it is there for: OpenSSL itself cannot do this any more.
    let verifies = || {
        let key = X509::from_pem(&pki("ca.crt"))?.public_key()?;
        Verifier::new(MessageDigest::sha1(), &key).map(|_| ())
    };
    assert_eq!(verifies().is_err(), std::env::var(CHILD).is_ok());
}
