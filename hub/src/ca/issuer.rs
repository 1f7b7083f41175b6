//! `Issuer`: the certificate and key of a CA, and what they sign: certificates and lists.
//!
//! Called by the [`Authority`](super::Authority), which knows what may be signed. Everything is
//! after RFC 5280, signed with SHA-256: the original's verifier takes any hash in certificates; only
//! the signatures of messages are bound to SHA-1 (fedmsg wire specification §3.6).

use openssl::asn1::{Asn1Integer, Asn1Time, Asn1TimeRef};
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, CrlNumber, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{
    X509, X509Builder, X509CrlBuilder, X509Name, X509NameRef, X509Ref, X509RevokedBuilder,
};

use super::key::{Algorithm, KeySize};
use super::signer_name::SignerName;
use super::{CA_CERTIFICATE, CA_KEY, Period};

/// The bits of a serial number: the highest is set, so that each has the same number of digits; the
/// others are random, more than the 64 that CAs are held to (CA/Browser Forum, Baseline
/// Requirements §7.1).
const SERIAL_BITS: i32 = 128;

/// Version 3, counted from 0 (RFC 5280 §4.1.2.1).
const VERSION_3: i32 = 2;

/// What signs.
pub(super) struct Issuer {
    certificate: X509,
    key: PKey<Private>,
}

/// Why two files do not make an issuer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum IssuerError {
    /// There is no certificate.
    #[error("no certificate in PEM")]
    Certificate(#[source] ErrorStack),
    /// There is no key. OpenSSL's reason could show parts of it.
    #[error("no private key in PEM without a pass phrase")]
    Key,
    /// The key is another certificate's.
    #[error("not the key of {CA_CERTIFICATE}")]
    Mismatch,
}

impl IssuerError {
    /// Returns which file is to blame.
    pub(super) fn file(&self) -> &'static str {
        match self {
            Self::Certificate(_) => CA_CERTIFICATE,
            Self::Key | Self::Mismatch => CA_KEY,
        }
    }
}

impl Issuer {
    /// Makes a new key, and a certificate that it signs for itself. The name is unlike that of any
    /// other CA, so that nobody takes the list of one for that of the other.
    pub(super) fn found(size: KeySize, period: Period) -> Result<Self, ErrorStack> {
        let key = Algorithm::Rsa.new_key(size)?;
        let serial = new_serial()?;
        let digits = hexadecimal(&serial)?;
        let id = digits.get(..8).unwrap_or_default();
        let name = common_name(&format!("fedmsg CA {id}"))?;
        let mut builder = builder(&serial, &name, &name, &key, period)?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        let mut usage = KeyUsage::new();
        usage.critical().key_cert_sign().crl_sign();
        builder.append_extension(usage.build()?)?;
        name_keys(&mut builder, None)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let certificate = builder.build();
        Ok(Self { certificate, key })
    }

    /// Reads certificate and key.
    ///
    /// # Errors
    ///
    /// [`IssuerError`].
    pub(super) fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, IssuerError> {
        let certificate = X509::from_pem(certificate).map_err(IssuerError::Certificate)?;
        // Without a callback of ours OpenSSL would ask the terminal for a pass phrase, and wait.
        let key = PKey::private_key_from_pem_callback(key, |_| Ok(0));
        let key = key.map_err(|_| IssuerError::Key)?;
        let public = certificate.public_key();
        if !public.map_err(IssuerError::Certificate)?.public_eq(&key) {
            return Err(IssuerError::Mismatch);
        }
        Ok(Self { certificate, key })
    }

    /// Issues a certificate; returns it in PEM, and its serial number as OpenSSL shows it.
    pub(super) fn issue(
        &self,
        name: &SignerName,
        key: &PKeyRef<Private>,
        period: Period,
    ) -> Result<(Vec<u8>, String), ErrorStack> {
        let (serial, name) = (new_serial()?, common_name(name.as_str())?);
        let issuer = self.certificate.subject_name();
        let mut builder = builder(&serial, &name, issuer, key, period)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature();
        builder.append_extension(usage.build()?)?;
        name_keys(&mut builder, Some(&self.certificate))?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok((builder.build().to_pem()?, hexadecimal(&serial)?))
    }

    /// Makes the list of revoked certificates (RFC 5280 §5, version 2) with this number, of serial
    /// numbers as OpenSSL shows them and times of revocation; returns it in PEM.
    pub(super) fn list<'a>(
        &self,
        number: u64,
        period: Period,
        revoked: impl Iterator<Item = (&'a str, i64)>,
    ) -> Result<Vec<u8>, ErrorStack> {
        let mut builder = X509CrlBuilder::new()?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.set_last_update(time(period.from)?.as_ref())?;
        builder.set_next_update(time(period.to)?.as_ref())?;
        // Without entries there must be no list of entries (§5.1.2.6): it begins with the first.
        for (serial, since) in revoked {
            let serial = Asn1Integer::from_bn(BigNum::from_hex_str(serial)?.as_ref())?;
            let mut entry = X509RevokedBuilder::new()?;
            entry.set_serial_number(&serial)?;
            // A list does not tell the future, and it is dated back a little.
            entry.set_revocation_date(time(since.min(period.from))?.as_ref())?;
            builder.add_revoked(entry.build())?;
        }
        let any = X509::builder()?;
        let context = any.x509v3_context(Some(&self.certificate), None);
        let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(authority)?;
        let number = BigNum::from_slice(&number.to_be_bytes())?;
        builder.append_extension(CrlNumber::new(number)?.build()?)?;
        builder.sort()?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        builder.build()?.to_pem()
    }

    /// Returns when the certificate expires, in seconds since the epoch.
    pub(super) fn expires(&self) -> Result<i64, ErrorStack> {
        seconds(self.certificate.not_after())
    }

    /// Returns the certificate in PEM.
    pub(super) fn to_pem(&self) -> Result<Vec<u8>, ErrorStack> {
        self.certificate.to_pem()
    }

    /// Returns the key in PEM.
    pub(super) fn key_to_pem(&self) -> Result<Vec<u8>, ErrorStack> {
        self.key.private_key_to_pem_pkcs8()
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Issuer");
        shown.field("certificate", &self.certificate);
        shown.finish_non_exhaustive()
    }
}

/// Begins a certificate.
fn builder(
    serial: &BigNum,
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<Private>,
    period: Period,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(VERSION_3)?;
    builder.set_serial_number(Asn1Integer::from_bn(serial)?.as_ref())?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_not_before(time(period.from)?.as_ref())?;
    builder.set_not_after(time(period.to)?.as_ref())?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

/// Adds the identifiers of the certificate's own key and of the key that signs it: its own, if there
/// is no `issuer`.
fn name_keys(builder: &mut X509Builder, issuer: Option<&X509Ref>) -> Result<(), ErrorStack> {
    let context = builder.x509v3_context(issuer, None);
    let subject = SubjectKeyIdentifier::new().build(&context)?;
    builder.append_extension(subject)?;
    // Of a certificate that signs itself, it repeats the one just added.
    let context = builder.x509v3_context(issuer, None);
    let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
    builder.append_extension(authority)
}

fn common_name(text: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, text)?;
    Ok(name.build())
}

fn new_serial() -> Result<BigNum, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(SERIAL_BITS, MsbOption::ONE, false)?;
    Ok(serial)
}

fn hexadecimal(serial: &BigNum) -> Result<String, ErrorStack> {
    Ok(serial.to_hex_str()?.to_string())
}

fn time(seconds: i64) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix(seconds)
}

fn seconds(time: &Asn1TimeRef) -> Result<i64, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    Ok(i64::from(since.days) * super::DAY + i64::from(since.secs))
}
