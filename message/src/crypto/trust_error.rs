//! `TrustError`: why a CA certificate or CRL does not make a trust store.
//!
//! Returned by [`TrustStore::from_pem`](super::TrustStore::from_pem) to whoever has read the files.

use super::certificate_error::CertificateError;
use super::revocation_list::RevocationListError;

/// Why nobody could be trusted on the strength of these files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The original reads the CA file as ASCII and refuses every message if it is not.
    #[error("CA file is not ASCII")]
    CaNotAscii,
    /// There is no usable certificate in the CA file.
    #[error("CA file: {0}")]
    Ca(CertificateError),
    /// The first certificate of the CA file was issued by somebody else: an intermediate one, or
    /// a service's.
    #[error("first certificate of the CA file is not self-signed")]
    CaNotSelfSigned,
    /// The first certificate of the CA file may not issue others.
    #[error("first certificate of the CA file is not a CA's")]
    NotACa,
    /// The CA may only issue certificates of certain names, which is not supported.
    #[error("CA certificate has name constraints, which are not supported")]
    NameConstraints,
    /// The original reads the CRL file as ASCII and refuses every message if it is not.
    #[error("CRL file is not ASCII")]
    CrlNotAscii,
    /// There is no usable CRL in the CRL file.
    #[error("CRL file: {0}")]
    Crl(#[from] RevocationListError),
    /// The CRL is another CA's.
    #[error("CRL was issued by another CA")]
    CrlIssuer,
    /// The CRL names the CA, which did not sign it.
    #[error("CRL is not signed by the CA")]
    CrlSignature,
    /// The CA certificate does not allow its key to sign CRLs.
    #[error("CA certificate may not sign CRLs")]
    CaMayNotSignCrls,
}
