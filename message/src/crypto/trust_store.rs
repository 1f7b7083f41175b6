//! `TrustStore`: whom to believe, as one CA certificate and perhaps one CRL.
//!
//! Made by whoever reads the files; asked by the validator about each new certificate, and about
//! the time with each message. The rules are those of the original's verifier (fedmsg wire
//! specification §3.6): what OpenSSL's `X509_verify_cert` says with one trusted certificate, no
//! untrusted ones, no purpose and no security level, and with `CRL_CHECK_ALL` if there is a CRL.

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, PKeyRef, Public};
use openssl::x509::{X509, X509Crl};

use super::certificate::{Certificate, Validity};
use super::certificate_error::CertificateError;
use super::digest::Digest;
use super::name;
use super::revocation_list::RevocationList;
use super::rsa_key::RsaKey;
use super::trust_error::TrustError;
use super::validator::CrlPolicy;
use crate::verdict::{Alarm, Distrust, Refusal};

/// A CA certificate, and the certificates it has revoked.
///
/// A certificate is trusted if that CA has signed it, or is the CA's own; there are no chains.
pub struct TrustStore {
    ca: Certificate,
    key: CaKey,
    crl: Option<RevocationList>,
}

/// The public key of the CA.
enum CaKey {
    Rsa(RsaKey),
    /// Of another kind: OpenSSL checks its signatures.
    Other(PKey<Public>),
}

/// Who signed something, as [`TrustStore`] checks it.
struct SignedByCa<'a> {
    algorithm: &'a asn1::ObjectIdentifier,
    data: &'a [u8],
    signature: &'a [u8],
}

impl TrustStore {
    /// Takes the first certificate of the CA file and the first CRL of the CRL file, both PEM.
    /// Without a CRL nothing is revoked.
    ///
    /// # Errors
    ///
    /// [`TrustError`]: on the strength of these files no message could be accepted, ever.
    pub fn from_pem(ca: &[u8], crl: Option<&[u8]>) -> Result<TrustStore, TrustError> {
        if !ca.is_ascii() {
            return Err(TrustError::CaNotAscii);
        }
        let ca = Certificate::from_pem(ca).map_err(TrustError::Ca)?;
        check_ca(&ca)?;
        let key = CaKey::of(&ca).map_err(TrustError::Ca)?;
        let mut store = TrustStore { ca, key, crl: None };
        if let Some(crl) = crl {
            store.crl = Some(store.read_crl(crl)?);
        }
        Ok(store)
    }

    fn read_crl(&self, pem: &[u8]) -> Result<RevocationList, TrustError> {
        if !pem.is_ascii() {
            return Err(TrustError::CrlNotAscii);
        }
        let crl = RevocationList::from_pem(pem)?;
        self.check_crl(&crl)?;
        Ok(crl)
    }

    /// Judges what time does not change: whether the CA has issued the CRL.
    pub(super) fn check_crl(&self, crl: &RevocationList) -> Result<(), TrustError> {
        if !name::are_same(&crl.issuer, &self.ca.subject) {
            return Err(TrustError::CrlIssuer);
        }
        if self
            .ca
            .extensions
            .key_usage
            .is_some_and(|usage| !usage.may_sign_crls)
        {
            return Err(TrustError::CaMayNotSignCrls);
        }
        let signed = SignedByCa {
            algorithm: &crl.signature_algorithm,
            data: &crl.signed,
            signature: &crl.signature,
        };
        if !self.has_signed(&signed, |key| X509Crl::from_der(&crl.der)?.verify(key)) {
            return Err(TrustError::CrlSignature);
        }
        Ok(())
    }

    /// Returns the CA certificate.
    pub fn ca(&self) -> &Certificate {
        &self.ca
    }

    /// Returns the CRL, if there is one.
    pub fn crl(&self) -> Option<&RevocationList> {
        self.crl.as_ref()
    }

    /// Returns when the first of CA certificate and CRL expires: seconds since the epoch.
    pub fn expires(&self) -> i64 {
        let ca = self.ca.validity().not_after;
        let crl = self.crl.as_ref().and_then(RevocationList::next_update);
        crl.map_or(ca, |crl| ca.min(crl))
    }

    /// Judges what time does not change: whether the CA has issued the certificate.
    pub(super) fn check_issued(&self, certificate: &Certificate) -> Result<(), Refusal> {
        let distrust = |why| Err(Refusal::Untrusted(why));
        if self.is_ca(certificate) {
            return Ok(());
        }
        if certificate.is_self_issued() && certificate.names_key_of(certificate) {
            return distrust(Distrust::SelfSigned);
        }
        if !name::are_same(&certificate.issuer, &self.ca.subject) {
            return distrust(Distrust::OtherIssuer);
        }
        if !certificate.names_key_of(&self.ca) {
            return distrust(Distrust::OtherKey);
        }
        let signed = SignedByCa {
            algorithm: &certificate.signature_algorithm,
            data: &certificate.signed,
            signature: &certificate.signature,
        };
        if !self.has_signed(&signed, |key| X509::from_der(&certificate.der)?.verify(key)) {
            return distrust(Distrust::BadSignature);
        }
        match &certificate.extensions.not_understood {
            None => Ok(()),
            Some(oid) => Err(Refusal::BadCertificate(
                CertificateError::CriticalExtension(oid.clone()),
            )),
        }
    }

    /// Returns whether the CRL lists the certificate.
    pub(super) fn has_revoked(&self, certificate: &Certificate) -> bool {
        let crl = self.crl.as_ref();
        crl.is_some_and(|crl| crl.contains(&certificate.serial))
    }

    /// Judges what time changes about CA and CRL; returns an alarm if the CRL is out of date and
    /// that is tolerated.
    pub(super) fn check_time(&self, now: i64, policy: CrlPolicy) -> Result<Option<Alarm>, Refusal> {
        let mut alarm = None;
        if let Some(crl) = &self.crl {
            if now < crl.this_update() {
                return Err(Refusal::CrlNotYetValid {
                    this_update: crl.this_update(),
                });
            }
            if let Some(next_update) = crl.next_update().filter(|next| *next <= now) {
                match policy {
                    CrlPolicy::Refuse => return Err(Refusal::StaleCrl { next_update }),
                    CrlPolicy::AcceptWithAlarm => alarm = Some(Alarm::StaleCrl { next_update }),
                }
            }
            if crl.contains(&self.ca.serial) {
                return Err(Refusal::CaRevoked);
            }
        }
        let Validity {
            not_before,
            not_after,
        } = self.ca.validity();
        if now < not_before {
            return Err(Refusal::CaNotYetValid { not_before });
        }
        if not_after <= now {
            return Err(Refusal::CaExpired { not_after });
        }
        Ok(alarm)
    }

    fn is_ca(&self, certificate: &Certificate) -> bool {
        certificate.der == self.ca.der
    }

    /// Returns whether the key of the CA made a signature; `otherwise` asks OpenSSL where that is
    /// not plain RSA.
    fn has_signed(
        &self,
        signed: &SignedByCa<'_>,
        otherwise: impl FnOnce(&PKeyRef<Public>) -> Result<bool, ErrorStack>,
    ) -> bool {
        match (&self.key, Digest::of_rsa_signature(signed.algorithm)) {
            (CaKey::Rsa(key), Some(digest)) => key.verify(digest, signed.data, signed.signature),
            // RSA-PSS, or a hash of long ago.
            (CaKey::Rsa(_), None) => PKey::public_key_from_der(&self.ca.key)
                .and_then(|key| otherwise(&key))
                .unwrap_or(false),
            (CaKey::Other(key), _) => otherwise(key).unwrap_or(false),
        }
    }
}

impl CaKey {
    fn of(ca: &Certificate) -> Result<CaKey, CertificateError> {
        match ca.rsa_key() {
            Ok(key) => Ok(CaKey::Rsa(key)),
            Err(CertificateError::KeyKind { .. }) => PKey::public_key_from_der(&ca.key)
                .map(CaKey::Other)
                .map_err(|_| CertificateError::KeyInvalid),
            Err(error) => Err(error),
        }
    }
}

impl std::fmt::Debug for TrustStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TrustStore")
            .field("ca", &self.ca)
            .field("crl", &self.crl)
            .finish_non_exhaustive()
    }
}

/// Checks that a certificate can be the root of trust: self-signed by its own account, and a CA's
/// (OpenSSL's `check_ca`; the signature of a root on itself proves nothing and is not checked).
fn check_ca(ca: &Certificate) -> Result<(), TrustError> {
    if !ca.is_self_issued() || !ca.names_key_of(ca) {
        return Err(TrustError::CaNotSelfSigned);
    }
    if let Some(oid) = &ca.extensions.not_understood {
        let error = CertificateError::CriticalExtension(oid.clone());
        return Err(TrustError::Ca(error));
    }
    if ca.extensions.has_name_constraints {
        return Err(TrustError::NameConstraints);
    }
    let usage = ca.extensions.key_usage;
    let may_sign = usage.map(|usage| usage.may_sign_certificates);
    let is_ca = match (may_sign, ca.extensions.is_ca) {
        (Some(false), _) => false,
        (_, Some(is_ca)) => is_ca,
        (Some(true), None) => true,
        (None, None) => ca.version == 0,
    };
    if is_ca {
        Ok(())
    } else {
        Err(TrustError::NotACa)
    }
}

#[cfg(test)]
mod tests;
