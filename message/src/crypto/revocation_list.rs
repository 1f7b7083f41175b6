//! `RevocationList`: a CRL (RFC 5280 §5), read once.
//!
//! The trust store checks who signed it and asks it about serial numbers.

use asn1::{ObjectIdentifier, oid};
use bytes::Bytes;

use super::certificate_error::shown;
use super::pem::{self, Label, PemError};
use super::x509::{Algorithm, ListContent, Revoked, Signed};

const REASON: ObjectIdentifier = oid!(2, 5, 29, 21);
const DELTA: ObjectIdentifier = oid!(2, 5, 29, 27);
const ISSUING_POINT: ObjectIdentifier = oid!(2, 5, 29, 28);
const AUTHORITY_KEY_ID: ObjectIdentifier = oid!(2, 5, 29, 35);

/// The reason `removeFromCRL` (RFC 5280 §5.3.1).
const REMOVED: u32 = 8;

/// A list of revoked certificates, of which nothing has been believed yet.
#[derive(Clone)]
pub struct RevocationList {
    pub(super) der: Bytes,
    /// What the issuer signed.
    pub(super) signed: Bytes,
    pub(super) signature_algorithm: ObjectIdentifier,
    pub(super) signature: Bytes,
    pub(super) issuer: Bytes,
    this_update: i64,
    next_update: Option<i64>,
    /// The serial numbers in DER, sorted.
    revoked: Vec<Bytes>,
}

/// Why a CRL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationListError {
    /// It is not PEM.
    #[error("CRL is not PEM")]
    Pem(#[from] PemError),
    /// What is in the PEM is not a CRL.
    #[error("not an X.509 CRL")]
    Malformed,
    /// It names one algorithm in the signed part and another one outside.
    #[error("CRL contradicts itself about its signature algorithm")]
    AlgorithmsDiffer,
    /// It is not a plain list of everything the CA has revoked: it says so by this extension.
    #[error("CRL has the extension {0}, which is not supported")]
    Extension(Box<str>),
}

impl From<asn1::ParseError> for RevocationListError {
    fn from(_: asn1::ParseError) -> RevocationListError {
        RevocationListError::Malformed
    }
}

impl RevocationList {
    /// Reads the first CRL of a PEM text. Text around it and further blocks are ignored.
    ///
    /// # Errors
    ///
    /// [`RevocationListError`]. Delta CRLs and those that cover a part of the certificates only
    /// are refused, as is every critical extension: to ignore one would mean to accept what the CA
    /// has revoked.
    pub fn from_pem(pem: &[u8]) -> Result<RevocationList, RevocationListError> {
        RevocationList::from_der(pem::first(pem, Label::Crl)?.into())
    }

    /// Reads a CRL in DER.
    ///
    /// # Errors
    ///
    /// Those of [`RevocationList::from_pem`], but for the first.
    pub fn from_der(der: Bytes) -> Result<RevocationList, RevocationListError> {
        let outer: Signed<'_> = asn1::parse_single(&der)?;
        let inner: ListContent<'_> = outer.content.parse()?;
        if inner.algorithm != outer.algorithm {
            return Err(RevocationListError::AlgorithmsDiffer);
        }
        let algorithm: Algorithm<'_> = outer.algorithm.parse()?;
        if outer.signature.padding_bits() != 0 {
            return Err(RevocationListError::Malformed);
        }
        for extension in inner.extensions.into_iter().flatten() {
            let is_partial = [DELTA, ISSUING_POINT].contains(&extension.kind);
            if is_partial || extension.is_critical && extension.kind != AUTHORITY_KEY_ID {
                return Err(RevocationListError::Extension(shown(&extension.kind)));
            }
        }
        let mut revoked = Vec::new();
        for entry in inner.revoked.into_iter().flatten() {
            let serial = der.slice_ref(entry.serial.as_bytes());
            if !is_removed(entry)? {
                revoked.push(serial);
            }
        }
        revoked.sort_unstable();
        Ok(RevocationList {
            signed: der.slice_ref(outer.content.full_data()),
            signature_algorithm: algorithm.kind,
            signature: der.slice_ref(outer.signature.as_bytes()),
            issuer: der.slice_ref(inner.issuer.full_data()),
            this_update: inner.this_update.seconds(),
            next_update: inner.next_update.map(|time| time.seconds()),
            revoked,
            der: der.clone(),
        })
    }

    /// Returns when the list was made: seconds since the epoch. It is not used before.
    pub fn this_update(&self) -> i64 {
        self.this_update
    }

    /// Returns when the list should have been replaced by a newer one: seconds since the epoch.
    /// Without it the list never gets old.
    pub fn next_update(&self) -> Option<i64> {
        self.next_update
    }

    /// Returns how many certificates are revoked.
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Returns whether no certificate is revoked.
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// Returns whether the list has this serial number, given in DER.
    pub(super) fn contains(&self, serial: &[u8]) -> bool {
        let found = self
            .revoked
            .binary_search_by(|known| known.as_ref().cmp(serial));
        found.is_ok()
    }
}

impl std::fmt::Debug for RevocationList {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RevocationList")
            .field("this_update", &self.this_update)
            .field("next_update", &self.next_update)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Returns whether an entry takes a revocation back.
fn is_removed(entry: Revoked<'_>) -> Result<bool, RevocationListError> {
    let mut is_removed = false;
    for extension in entry.extensions.into_iter().flatten() {
        if extension.is_critical {
            return Err(RevocationListError::Extension(shown(&extension.kind)));
        }
        if extension.kind == REASON {
            let reason: asn1::Enumerated = asn1::parse_single(extension.value)?;
            is_removed = reason.value() == REMOVED;
        }
    }
    Ok(is_removed)
}

#[cfg(test)]
mod tests;
