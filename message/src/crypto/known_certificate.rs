//! `KnownCertificate`: what is left of a certificate once it has been judged.
//!
//! Made for each new certificate text, kept by the cache, asked by the validator with each
//! message about the time and for the key.

use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Public};
use openssl::sign::Verifier;

use super::base64;
use super::certificate::{Certificate, Validity};
use super::certificate_error::CertificateError;
use super::rsa_key::RsaKey;
use super::trust_store::TrustStore;
use crate::verdict::Refusal;

/// A certificate that the CA has issued.
pub(super) struct KnownCertificate<K> {
    /// What it signs with.
    pub(super) key: K,
    /// The first common name.
    pub(super) signer: Arc<str>,
    pub(super) serial: Arc<str>,
    /// The certificate in DER and base64, on one line: what strong signatures cover.
    pub(super) base64: Box<str>,
    validity: Validity,
    is_revoked: bool,
}

/// The kinds of key a certificate is used for here, and the text the certificate then comes in.
pub(super) trait Key: Sized {
    /// Reads the certificate from its text.
    fn read(text: &str) -> Result<Certificate, Refusal>;
    /// Takes the key of the certificate.
    fn of(certificate: &Certificate) -> Result<Self, CertificateError>;
}

impl<K: Key> KnownCertificate<K> {
    /// Judges a certificate by all that time does not change.
    pub(super) fn judge(text: &str, trust: &TrustStore) -> Result<KnownCertificate<K>, Refusal> {
        let certificate = K::read(text)?;
        trust.check_issued(&certificate)?;
        let signer = certificate.common_name().cloned();
        Ok(KnownCertificate {
            key: K::of(&certificate).map_err(Refusal::BadCertificate)?,
            signer: signer.map_err(|error| Refusal::BadCertificate(error.clone()))?,
            serial: certificate.serial().into(),
            base64: certificate.to_base64().into(),
            validity: certificate.validity(),
            is_revoked: trust.has_revoked(&certificate),
        })
    }

    /// Judges the rest, and what has been found before.
    pub(super) fn check_time(&self, now: i64) -> Result<(), Refusal> {
        let Validity {
            not_before,
            not_after,
        } = self.validity;
        if self.is_revoked {
            return Err(Refusal::Revoked {
                signer: self.signer.clone(),
                serial: self.serial.clone(),
            });
        }
        if now < not_before {
            return Err(Refusal::CertificateNotYetValid { not_before });
        }
        if not_after <= now {
            return Err(Refusal::CertificateExpired { not_after });
        }
        Ok(())
    }
}

/// The key of the member `certificate`, which is base64 of PEM (fedmsg wire specification §3.3).
impl Key for RsaKey {
    fn read(text: &str) -> Result<Certificate, Refusal> {
        let field = super::credentials::Field::Certificate;
        let pem = base64::decode_lenient(text).map_err(|error| Refusal::BadBase64(field, error))?;
        Certificate::from_pem(&pem).map_err(Refusal::BadCertificate)
    }

    fn of(certificate: &Certificate) -> Result<RsaKey, CertificateError> {
        certificate.rsa_key()
    }
}

/// The key of the certificate in a strong signature, which is base64 of DER on one line.
pub(super) struct Ed25519Key(PKey<Public>);

impl Key for Ed25519Key {
    fn read(text: &str) -> Result<Certificate, Refusal> {
        let field = super::credentials::Field::Certificate;
        let der = base64::decode_strict(text.as_bytes())
            .map_err(|error| Refusal::BadBase64(field, error))?;
        Certificate::from_der(der.into()).map_err(Refusal::BadCertificate)
    }

    fn of(certificate: &Certificate) -> Result<Ed25519Key, CertificateError> {
        PKey::public_key_from_raw_bytes(certificate.ed25519_key()?, Id::ED25519)
            .map(Ed25519Key)
            .map_err(|_| CertificateError::KeyInvalid)
    }
}

impl Ed25519Key {
    /// Returns whether `signature` is this key's over `data`.
    pub(super) fn verify(&self, data: &[u8], signature: &[u8]) -> bool {
        let verify = || -> Result<bool, ErrorStack> {
            Verifier::new_without_digest(&self.0)?.verify_oneshot(signature, data)
        };
        verify().unwrap_or(false)
    }
}
