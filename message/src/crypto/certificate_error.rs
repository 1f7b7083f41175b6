//! `CertificateError`: why a certificate is of no use, whoever issued it.
//!
//! Returned by [`Certificate`](super::Certificate), and part of a
//! [`Refusal`](crate::Refusal).

use asn1::ObjectIdentifier;

use super::pem::PemError;
use super::rsa_key::MAX_MODULUS_BITS;

/// Why a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is not PEM.
    #[error("certificate is not PEM")]
    Pem(#[from] PemError),
    /// What is in the PEM is not a certificate.
    #[error("not an X.509 certificate")]
    Malformed,
    /// It names one algorithm in the signed part and another one outside.
    #[error("certificate contradicts itself about its signature algorithm")]
    AlgorithmsDiffer,
    /// It has an extension that is marked critical and means nothing to us, or one that nobody can
    /// read.
    #[error("certificate has the critical extension {0}, which is not understood")]
    CriticalExtension(Box<str>),
    /// An extension that is understood is not what it should be.
    #[error("extension {0} of the certificate is malformed")]
    Extension(Box<str>),
    /// Its subject has no common name, so that nobody could say who signed.
    #[error("certificate has no common name")]
    NoCommonName,
    /// Its common name is no text.
    #[error("common name of the certificate is not text")]
    CommonNameNotText,
    /// Its key is of a kind that cannot sign messages.
    #[error("key of the certificate is not {expected}")]
    KeyKind {
        /// The kind that would do.
        expected: &'static str,
    },
    /// Its RSA key is larger than anybody needs: checking signatures would take too long.
    #[error("RSA key of the certificate has more than {MAX_MODULUS_BITS} bits")]
    KeyTooLarge,
    /// Its key is not a key.
    #[error("key of the certificate is invalid")]
    KeyInvalid,
}

impl From<asn1::ParseError> for CertificateError {
    fn from(_: asn1::ParseError) -> CertificateError {
        CertificateError::Malformed
    }
}

/// Shows an object identifier in errors: `2.5.29.15`.
pub(super) fn shown(oid: &ObjectIdentifier) -> Box<str> {
    oid.to_string().into()
}
