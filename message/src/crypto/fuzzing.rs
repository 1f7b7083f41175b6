//! Entry points for fuzzers: each takes any bytes, reads them as what comes from the network or
//! from files, and asserts what must hold of every input. None of them can fail otherwise.
//!
//! Not part of the interface for users; called by fuzz targets and by this crate's own tests.

use bytes::Bytes;

use super::base64::{decode_lenient, decode_strict, encode};
use super::{Certificate, RevocationList, TrustStore, Validator};
use crate::{Envelope, Verdict};

/// Reads a certificate: as PEM, as DER, and as a CA file.
pub fn certificate(bytes: &[u8]) {
    let read = [
        Certificate::from_pem(bytes),
        Certificate::from_der(Bytes::copy_from_slice(bytes)),
    ];
    for certificate in read.into_iter().flatten() {
        let again = Certificate::from_pem(certificate.to_pem().as_bytes());
        assert_eq!(
            again.map(|again| again.der().to_vec()).as_deref(),
            Ok(certificate.der())
        );
        let _ = TrustStore::from_pem(certificate.to_pem().as_bytes(), None);
    }
}

/// Reads a CRL: as PEM and as DER.
pub fn revocation_list(bytes: &[u8]) {
    let read = [
        RevocationList::from_pem(bytes),
        RevocationList::from_der(Bytes::copy_from_slice(bytes)),
    ];
    for list in read.into_iter().flatten() {
        assert!(list.next_update().is_none_or(|next| next > i64::MIN) && list.len() < bytes.len());
    }
}

/// Decodes base64, leniently and strictly: what the strict way reads, the lenient one reads alike,
/// and it is the only text for those bytes.
pub fn base64(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let lenient = decode_lenient(text);
    if let Ok(strict) = decode_strict(bytes) {
        assert_eq!(lenient.as_ref(), Ok(&strict));
        assert_eq!(encode(&strict), text);
    }
    if let Ok(decoded) = lenient {
        assert!(decoded.len() <= text.len() / 4 * 3 + 2);
    }
}

/// Validates a message: topic and body with a NUL between them, as hubs of the original take it.
pub fn envelope(validator: &Validator, now: i64, bytes: &[u8]) {
    let Ok(envelope) = Envelope::decode(&[Bytes::copy_from_slice(bytes)]) else {
        return;
    };
    let verdict = validator.validate(&envelope, now);
    assert_ne!(verdict, Verdict::NotChecked);
    // By the cache, too.
    assert_eq!(validator.validate(&envelope, now), verdict);
    let _ = validator.gpg_claim(&envelope);
}
