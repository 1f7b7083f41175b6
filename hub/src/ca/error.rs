//! `CaError`: why a CA did not do what it was asked to.
//!
//! Returned by [`Authority`](super::Authority) to the command, which shows it and ends. No variant
//! has anything of a private key.

use std::path::PathBuf;

use openssl::error::ErrorStack;

use super::folder::FolderError;
use super::ledger;
use super::signer_name::SignerName;

/// Why there is no CA, no certificate or no list.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CaError {
    /// There is a CA already.
    #[error(
        "there is a CA in {} already: issue with it, or make one in another directory with --dir",
        .0.display()
    )]
    Exists(PathBuf),
    /// There are files that a new CA would overwrite, and no CA of ours.
    #[error(
        "{} is there already, and not made by this command: move it away, or use another directory \
         with --dir",
        .0.display()
    )]
    Occupied(PathBuf),
    /// There is no CA.
    #[error(
        "no CA in {}: make one with `fedmsg ca init`, or say where it is with `ssldir` or --dir",
        .0.display()
    )]
    Missing(PathBuf),
    /// A file of the CA is not as it was written.
    #[error("{}: {reason}; restore it from a backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The certificate of the CA has expired.
    #[error(
        "the CA in {} expired on {}: make a new one in another directory, and give its ca.crt to all",
        directory.display(), ledger::date(*expires)
    )]
    Expired {
        /// Where it is.
        directory: PathBuf,
        /// When it expired: seconds since the epoch.
        expires: i64,
    },
    /// The name has a valid certificate.
    #[error(
        "{name} has a certificate until {}: revoke it first with `fedmsg ca revoke {name}`, or replace \
         its files with --force, which leaves it valid",
        ledger::date(*expires)
    )]
    AlreadyIssued {
        /// Whose it is.
        name: SignerName,
        /// When it expires: seconds since the epoch.
        expires: i64,
    },
    /// A file of the name to be is there, of which the CA knows nothing.
    #[error(
        "{} is there already, and not of this CA: move it away, or replace it with --force",
        .0.display()
    )]
    OccupiedByOther(PathBuf),
    /// No certificate was ever issued to this name.
    #[error(
        "no certificate was issued to {name}: {} has those that were",
        ledger.display()
    )]
    NotIssued {
        /// The name.
        name: SignerName,
        /// The file that lists all names.
        ledger: PathBuf,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The ledger has something in it that TOML has not.
    #[error("cannot write the ledger: {0}")]
    Ledger(#[from] toml::ser::Error),
    /// OpenSSL failed.
    #[error("OpenSSL failed: {0}")]
    Openssl(#[from] ErrorStack),
}

impl CaError {
    /// Makes a [`CaError::Damaged`].
    pub(super) fn damaged(
        file: PathBuf,
        reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let reason = reason.into();
        Self::Damaged { file, reason }
    }
}
