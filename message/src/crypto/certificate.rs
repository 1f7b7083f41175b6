//! `Certificate`: an X.509 certificate, read once for everything it is needed for.
//!
//! The validator reads one for each new certificate text, the trust store the CA's, the signer its
//! own; chain and signature are judged from the same object.

use std::fmt;
use std::sync::Arc;

use asn1::{ObjectIdentifier, oid};
use bytes::Bytes;

use super::certificate_error::CertificateError;
use super::extension::Extensions;
use super::pem::{self, Label};
use super::rsa_key::RsaKey;
use super::x509::{Algorithm, CertificateContent, PublicKeyInfo, Signed};
use super::{base64, name};

/// An X.509 certificate (RFC 5280), of which nothing has been believed yet.
///
/// ```no_run
/// use fedmsg_message::Certificate;
///
/// # let pem: Vec<u8> = Vec::new();
/// let certificate = Certificate::from_pem(&pem)?;
/// println!("{:?} until {}", certificate.common_name(), certificate.validity().not_after);
/// # Ok::<(), fedmsg_message::CertificateError>(())
/// ```
#[derive(Clone)]
pub struct Certificate {
    pub(super) der: Bytes,
    /// What the issuer signed.
    pub(super) signed: Bytes,
    pub(super) signature_algorithm: ObjectIdentifier,
    pub(super) signature: Bytes,
    /// 0 for version 1.
    pub(super) version: u8,
    pub(super) serial: Bytes,
    pub(super) issuer: Bytes,
    pub(super) subject: Bytes,
    pub(super) key: Bytes,
    pub(super) extensions: Extensions,
    validity: Validity,
    common_name: Result<Arc<str>, CertificateError>,
}

/// From when to when something may be believed, in seconds since the epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second of it.
    pub not_before: i64,
    /// The first second after it. (RFC 5280 would include it; OpenSSL does not.)
    pub not_after: i64,
}

const RSA: ObjectIdentifier = oid!(1, 2, 840, 113549, 1, 1, 1);
const ED25519: ObjectIdentifier = oid!(1, 3, 101, 112);

impl Certificate {
    /// Reads the first certificate of a PEM text. Text around it and further blocks are ignored.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Pem`] and what a malformed certificate gives.
    pub fn from_pem(pem: &[u8]) -> Result<Certificate, CertificateError> {
        Certificate::from_der(pem::first(pem, Label::Certificate)?.into())
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Malformed`], [`CertificateError::AlgorithmsDiffer`],
    /// [`CertificateError::Extension`].
    pub fn from_der(der: Bytes) -> Result<Certificate, CertificateError> {
        let outer: Signed<'_> = asn1::parse_single(&der)?;
        let inner: CertificateContent<'_> = outer.content.parse()?;
        if inner.algorithm != outer.algorithm {
            return Err(CertificateError::AlgorithmsDiffer);
        }
        let algorithm: Algorithm<'_> = outer.algorithm.parse()?;
        if outer.signature.padding_bits() != 0 || inner.version > 2 {
            return Err(CertificateError::Malformed);
        }
        let extensions = inner.extensions.into_iter().flatten();
        Ok(Certificate {
            signed: der.slice_ref(outer.content.full_data()),
            signature_algorithm: algorithm.kind,
            signature: der.slice_ref(outer.signature.as_bytes()),
            version: inner.version,
            serial: der.slice_ref(inner.serial.as_bytes()),
            issuer: der.slice_ref(inner.issuer.full_data()),
            subject: der.slice_ref(inner.subject.full_data()),
            key: der.slice_ref(inner.key.full_data()),
            extensions: Extensions::read(&der, extensions)?,
            validity: Validity {
                not_before: inner.validity.not_before.seconds(),
                not_after: inner.validity.not_after.seconds(),
            },
            common_name: name::common_name(inner.subject.full_data()),
            der: der.clone(),
        })
    }

    /// Returns the first common name of the subject: who signs with this certificate.
    ///
    /// # Errors
    ///
    /// [`CertificateError::NoCommonName`], [`CertificateError::CommonNameNotText`].
    pub fn common_name(&self) -> Result<&Arc<str>, &CertificateError> {
        self.common_name.as_ref()
    }

    /// Returns the serial number in upper-case hexadecimal, as OpenSSL shows it.
    pub fn serial(&self) -> String {
        hexadecimal(&self.serial)
    }

    /// Returns from when to when the certificate is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns the certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the certificate as OpenSSL would write it.
    pub fn to_pem(&self) -> String {
        pem::certificate(&self.der)
    }

    /// Returns the base64 of the DER on one line: what is between the dashes of PEM, joined.
    pub(super) fn to_base64(&self) -> String {
        base64::encode(&self.der)
    }

    /// Returns the RSA key.
    ///
    /// # Errors
    ///
    /// [`CertificateError::KeyKind`], and those of [`RsaKey::from_der`].
    pub(super) fn rsa_key(&self) -> Result<RsaKey, CertificateError> {
        RsaKey::from_der(self.key_of_kind(&RSA, "RSA")?)
    }

    /// Returns the 32 bytes of an Ed25519 key (RFC 8410 §4).
    ///
    /// # Errors
    ///
    /// [`CertificateError::KeyKind`].
    pub(super) fn ed25519_key(&self) -> Result<&[u8], CertificateError> {
        self.key_of_kind(&ED25519, "Ed25519")
    }

    fn key_of_kind(
        &self,
        kind: &ObjectIdentifier,
        expected: &'static str,
    ) -> Result<&[u8], CertificateError> {
        let info: PublicKeyInfo<'_> = asn1::parse_single(&self.key)?;
        if info.algorithm.kind != *kind {
            return Err(CertificateError::KeyKind { expected });
        }
        Ok(info.key.as_bytes())
    }

    /// Returns whether the certificate claims to be issued by its own subject.
    pub(super) fn is_self_issued(&self) -> bool {
        name::are_same(&self.issuer, &self.subject)
    }

    /// Returns whether the certificate does not say that another key than that of `issuer` signed
    /// it (OpenSSL's `X509_check_akid`).
    pub(super) fn names_key_of(&self, issuer: &Certificate) -> bool {
        let named = &self.extensions.authority_key;
        let fits = |named: &Option<Bytes>, found: Option<&Bytes>| match (named, found) {
            (Some(named), Some(found)) => named == found,
            _ => true,
        };
        fits(&named.key_id, issuer.extensions.subject_key_id.as_ref())
            && fits(&named.serial, Some(&issuer.serial))
            && named
                .issuer
                .as_ref()
                .is_none_or(|named| name::are_same(named, &issuer.issuer))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("common_name", &self.common_name)
            .field("serial", &self.serial())
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

/// Returns an integer in DER as OpenSSL shows serial numbers: `0A1F`, `-01`.
pub(super) fn hexadecimal(integer: &[u8]) -> String {
    let mut bytes = integer.to_vec();
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    if is_negative {
        // The two's complement: from the end up to the last bit that is set, nothing changes.
        let last_set = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        for (position, byte) in bytes.iter_mut().enumerate() {
            if position < last_set {
                *byte = !*byte;
            } else if position == last_set {
                *byte = byte.wrapping_neg();
            }
        }
    }
    let significant = bytes.iter().position(|byte| *byte != 0);
    let significant = significant.unwrap_or(bytes.len().saturating_sub(1));
    let digits = bytes
        .iter()
        .skip(significant)
        .map(|byte| format!("{byte:02X}"));
    let sign = if is_negative { "-" } else { "" };
    std::iter::once(sign.to_owned()).chain(digits).collect()
}

#[cfg(test)]
mod tests;
