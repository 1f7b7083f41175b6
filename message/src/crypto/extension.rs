//! `Extensions`: what the extensions of a certificate say that bears on trust.
//!
//! Read with the certificate. Which are understood, and what follows from each, is as in OpenSSL's
//! `X509_verify_cert` without a purpose: key usage of a leaf is not looked at, for one.

use asn1::{ObjectIdentifier, SequenceOf, Tlv, oid};
use bytes::Bytes;

use super::certificate_error::{CertificateError, shown};
use super::x509::{AuthorityKeyIdentifier, BasicConstraints, Extension};

const SUBJECT_KEY_ID: ObjectIdentifier = oid!(2, 5, 29, 14);
const KEY_USAGE: ObjectIdentifier = oid!(2, 5, 29, 15);
const BASIC_CONSTRAINTS: ObjectIdentifier = oid!(2, 5, 29, 19);
const NAME_CONSTRAINTS: ObjectIdentifier = oid!(2, 5, 29, 30);
const AUTHORITY_KEY_ID: ObjectIdentifier = oid!(2, 5, 29, 35);
const PROXY: ObjectIdentifier = oid!(1, 3, 6, 1, 5, 5, 7, 1, 14);

/// What may be critical and yet changes no verdict: OpenSSL's list (`X509_supported_extension`)
/// less those above and those of RFC 3779.
const HARMLESS: [ObjectIdentifier; 9] = [
    oid!(2, 5, 29, 17),                  // subjectAltName
    oid!(2, 5, 29, 31),                  // cRLDistributionPoints
    oid!(2, 5, 29, 32),                  // certificatePolicies
    oid!(2, 5, 29, 33),                  // policyMappings
    oid!(2, 5, 29, 36),                  // policyConstraints
    oid!(2, 5, 29, 37),                  // extKeyUsage
    oid!(2, 5, 29, 54),                  // inhibitAnyPolicy
    oid!(1, 3, 6, 1, 5, 5, 7, 48, 1, 5), // ocsp-nocheck
    oid!(2, 16, 840, 1, 113730, 1, 1),   // netscape-cert-type
];

/// What a certificate says about the key that signed it. Absent parts fit everything.
#[derive(Clone, Debug, Default)]
pub(super) struct AuthorityKey {
    pub(super) key_id: Option<Bytes>,
    /// The issuer of the issuer, in DER.
    pub(super) issuer: Option<Bytes>,
    pub(super) serial: Option<Bytes>,
}

/// The bits of the extension key usage that matter for a CA.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyUsage {
    pub(super) may_sign_certificates: bool,
    pub(super) may_sign_crls: bool,
}

/// What the extensions of one certificate say.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    /// The first extension that must be understood and is not.
    pub(super) not_understood: Option<Box<str>>,
    pub(super) is_ca: Option<bool>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) has_name_constraints: bool,
    pub(super) subject_key_id: Option<Bytes>,
    pub(super) authority_key: AuthorityKey,
}

impl Extensions {
    /// Reads the extensions; parts of them stay parts of `der`.
    pub(super) fn read<'a>(
        der: &Bytes,
        extensions: impl Iterator<Item = Extension<'a>>,
    ) -> Result<Extensions, CertificateError> {
        let mut read = Extensions::default();
        for extension in extensions {
            let kind = extension.kind.clone();
            let malformed = |_| CertificateError::Extension(shown(&kind));
            read.take(der, extension).map_err(malformed)?;
        }
        Ok(read)
    }

    fn take(&mut self, der: &Bytes, extension: Extension<'_>) -> Result<(), CertificateError> {
        match extension.kind {
            SUBJECT_KEY_ID => {
                let key_id: &[u8] = asn1::parse_single(extension.value)?;
                self.subject_key_id = Some(der.slice_ref(key_id));
            }
            AUTHORITY_KEY_ID => {
                let key: AuthorityKeyIdentifier<'_> = asn1::parse_single(extension.value)?;
                self.authority_key = AuthorityKey {
                    key_id: key.key_id.map(|id| der.slice_ref(id)),
                    issuer: key
                        .issuer
                        .and_then(directory_name)
                        .map(|name| der.slice_ref(name)),
                    serial: key.serial.map(|serial| der.slice_ref(serial.as_bytes())),
                };
            }
            KEY_USAGE => {
                let bits: asn1::BitString<'_> = asn1::parse_single(extension.value)?;
                self.key_usage = Some(KeyUsage {
                    may_sign_certificates: bits.has_bit_set(5),
                    may_sign_crls: bits.has_bit_set(6),
                });
            }
            BASIC_CONSTRAINTS => {
                let constraints: BasicConstraints = asn1::parse_single(extension.value)?;
                self.is_ca = Some(constraints.is_ca);
            }
            NAME_CONSTRAINTS => self.has_name_constraints = true,
            _ => {}
        }
        if is_refused(&extension) && self.not_understood.is_none() {
            self.not_understood = Some(shown(&extension.kind));
        }
        Ok(())
    }
}

/// Returns whether a certificate with this extension is refused for it. A proxy certificate is one
/// even when it does not insist.
fn is_refused(extension: &Extension<'_>) -> bool {
    let understood = [KEY_USAGE, BASIC_CONSTRAINTS, NAME_CONSTRAINTS];
    let is_understood =
        || understood.contains(&extension.kind) || HARMLESS.contains(&extension.kind);
    extension.kind == PROXY || extension.is_critical && !is_understood()
}

/// Returns the first directory name among general names (RFC 5280 §4.2.1.6), in DER.
fn directory_name<'a>(names: SequenceOf<'a, Tlv<'a>>) -> Option<&'a [u8]> {
    const DIRECTORY_NAME: u8 = 0xa4;
    let mut names = names.filter(|name| name.tag_bytes() == [DIRECTORY_NAME]);
    names.next().map(|name| name.data())
}
