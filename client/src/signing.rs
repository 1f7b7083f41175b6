//! Who signs what this program publishes: the certificate that the configuration names, and its key.
//!
//! [`crate::publisher`] asks when it opens; relays that sign, too. Rules: fedmsg wire specification,
//! section 3.2.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use fedmsg_config::Config;
use fedmsg_message::{Signer, SignerError, StrongAlgorithm};
use thiserror::Error;
use tracing::warn;

use crate::expiry::Expiry;
use crate::identity::host_name;

/// The first word of the entry that signs for publishers without an address of their own.
const SHELL: &str = "shell";

/// The bits of a file's mode that let others than its owner read or change it.
const OTHERS: u32 = 0o077;

/// Why a publisher that is to sign cannot.
#[derive(Debug, Error)]
pub enum SigningError {
    /// `certnames` has no entry for it.
    #[error(
        "nothing to sign with: [certnames] has no \"{entry}\"; add the name of its certificate, or \
         choose another entry with `cert_prefix`"
    )]
    NoCertificate {
        /// What was looked up.
        entry: String,
    },
    /// The certificate or the key cannot be read.
    #[error("cannot read {} to sign with: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Certificate and key are of no use.
    #[error("cannot sign with {}: {source}", certificate.display())]
    Unusable {
        /// The file of the certificate; the key is beside it.
        certificate: PathBuf,
        /// What is wrong with it or its key.
        source: SignerError,
    },
}

/// A signer, and when its certificate expires.
pub(crate) struct Signing {
    pub(crate) signer: Signer,
    pub(crate) expiry: Expiry,
}

impl Signing {
    /// Reads the certificate and the key of a publisher, or of one that connects to a relay.
    pub(crate) fn of_publisher(config: &Config, name: Option<&str>) -> Result<Self, SigningError> {
        Self::of_entry(config, &entry(config, name, &host_name()))
    }

    /// Reads the certificate and the key that `certnames` has under `entry`.
    pub(crate) fn of_entry(config: &Config, entry: &str) -> Result<Self, SigningError> {
        let Some(name) = config.certnames.get(entry) else {
            return Err(SigningError::NoCertificate {
                entry: entry.to_owned(),
            });
        };
        let path = |extension: &str| config.ssldir.join(format!("{name}.{extension}"));
        let certificate = path("crt");
        let unusable = |source| SigningError::Unusable {
            certificate: certificate.clone(),
            source,
        };
        let signer = Signer::from_pem(&read(&certificate)?, &read_key(&path("key"))?);
        let signer = match (signer.map_err(unusable)?, config.strong_signature) {
            (signer, None) => signer,
            (signer, Some(StrongAlgorithm::RsaSha256)) => signer.with_strong_rsa(),
            (signer, Some(StrongAlgorithm::Ed25519)) => {
                let certificate = path("ed25519.crt");
                let key = read_key(&path("ed25519.key"))?;
                signer
                    .with_strong_ed25519(&read(&certificate)?, &key)
                    .map_err(|source| SigningError::Unusable {
                        certificate,
                        source,
                    })?
            }
        };
        let validity = signer.certificate().validity();
        let location = certificate.display().to_string();
        let expiry = Expiry::of_certificate("certificate that signs", location, validity);
        Ok(Self { signer, expiry })
    }
}

/// Returns the entry of `certnames` that signs for the publisher `name`, if it has one of its own.
pub(crate) fn entry(config: &Config, name: Option<&str>, host: &str) -> String {
    match (&config.cert_prefix, name) {
        (Some(prefix), _) => format!("{prefix}.{host}"),
        (None, Some(name)) => name.to_owned(),
        (None, None) => format!("{SHELL}.{host}"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SigningError> {
    fs::read(path).map_err(|source| SigningError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Reads a private key, and says so if others than its owner can, too.
fn read_key(path: &Path) -> Result<Vec<u8>, SigningError> {
    let key = read(path)?;
    if let Ok(metadata) = fs::metadata(path)
        && metadata.mode() & OTHERS != 0
    {
        let mode = format!("{:o}", metadata.mode() & 0o7777);
        warn!(key = %path.display(), mode, "others may read this private key: chmod 600");
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_that_of_the_prefix_else_of_the_publisher_else_of_the_shell() {
        #[track_caller]
        fn check(toml: &str, name: Option<&str>, expected: &str) {
            let config = Config::from_toml(toml).unwrap();
            assert_eq!(entry(&config, name, "app01"), expected);
        }
        check("", Some("bodhi.app01"), "bodhi.app01");
        check("", None, "shell.app01");
        check("cert_prefix = 'koji'", Some("bodhi.app01"), "koji.app01");
        check("cert_prefix = 'koji'", None, "koji.app01");
    }

    #[test]
    fn what_cannot_be_signed_with_is_named() {
        let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors/pki");
        let open = |name: &str, more: &str| {
            let toml = format!("ssldir = {pki:?}\ncertnames.me = {name:?}\n{more}");
            Signing::of_entry(&Config::from_toml(&toml).unwrap(), "me").map(|_| ())
        };
        open("bodhi-app01.test", "").unwrap();
        open("bodhi-app01.test", "strong_signature = 'rsa-sha256'").unwrap();
        let absent = open("no-such", "").unwrap_err();
        assert!(
            matches!(&absent, SigningError::Unreadable { path, .. } if path.ends_with("no-such.crt"))
        );
        let ed25519 = open("bodhi-app01.test", "strong_signature = 'ed25519'").unwrap_err();
        assert!(ed25519.to_string().contains("bodhi-app01.test.ed25519.key"));
        let unusable = open("ec-app01.test", "").unwrap_err();
        assert!(matches!(unusable, SigningError::Unusable { .. }));
        let error = Signing::of_entry(&Config::default(), "bodhi.app01").map(|_| ());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("no \"bodhi.app01\"")
        );
    }
}
