//! A CA for one test: what it has signed is believed by a hub under test that trusts it, nothing else.
//!
//! Made in memory; its certificate, which a hub reads from a file, is in a directory that goes with it.

use std::fs;

use fedmsg_message::Signer;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};
use tempfile::TempDir;

/// The shortest RSA keys that are not forbidden (NIST SP 800-131A), and the fastest.
const KEY_BITS: u32 = 2048;

/// From when to when certificates are valid, in seconds since the epoch: 2020 to 2049, whatever clock a
/// test goes by. Later years are written in another way (RFC 5280 §4.1.2.5).
const VALID: [i64; 2] = [1_577_836_800, 2_493_072_000];

/// A CA for one test, which makes signers.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
/// use fedmsg_actors::{DeliveryBuilder, TestBus, TestCa};
/// # struct Sink;
/// # impl Consumer for Sink {
/// #     const KIND: &'static str = "sink";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Sink) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
///
/// let (ca, stranger) = (TestCa::new(), TestCa::new());
/// let report = TestBus::new().trust(&ca).consumer::<Sink>("sink", "").run(async |bus| {
///     let sale = || DeliveryBuilder::new("com.example.shop.sale", "tea");
///     bus.send([
///         sale().build_signed(&ca.signer("shop")),
///         sale().build_signed(&stranger.signer("shop")), // is refused
///         sale().build(),                                // not signed: is refused
///     ])
///     .await;
///     bus.settle().await;
/// });
/// assert_eq!(report.calls.len(), 1);
/// assert_eq!(report.status.refusals.len(), 2);
/// ```
pub struct TestCa {
    certificate: X509,
    key: PKey<Private>,
    directory: TempDir,
}

impl TestCa {
    /// Makes one, with a new key.
    ///
    /// # Panics
    ///
    /// When OpenSSL fails, or its certificate cannot be written to the directory for temporary files.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "two of them are not the same")]
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn new() -> Self {
        let (certificate, key) = made(root());
        let directory = tempfile::tempdir().and_then(|directory| {
            let pem = certificate.to_pem()?;
            fs::write(directory.path().join("ca.crt"), pem)?;
            Ok(directory)
        });
        let directory = directory.unwrap_or_else(|error| panic!("no file for a CA: {error}"));
        Self {
            certificate,
            key,
            directory,
        }
    }

    /// Makes a signer with a new key and a certificate for `name`, which stands in the verdict of what it
    /// signs.
    ///
    /// # Panics
    ///
    /// When OpenSSL fails, or the name is longer than 64 characters.
    #[must_use]
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub fn signer(&self, name: &str) -> Signer {
        let (certificate, key) = made(self.issue(name));
        Signer::from_pem(&certificate, &key)
            .unwrap_or_else(|error| panic!("cannot sign for {name}: {error}"))
    }

    /// The settings of a hub that believes what it has certified, as TOML: signatures are validated.
    #[must_use]
    pub fn settings(&self) -> String {
        let file = self.directory.path().join("ca.crt");
        format!("validate_signatures = true\nca_cert_location = {file:?}\n")
    }

    /// Makes certificate and key, both PEM.
    fn issue(&self, name: &str) -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(KEY_BITS)?)?;
        let issuer = self.certificate.subject_name();
        let mut builder = begin(common_name(name)?.as_ref(), issuer, &key)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        let usage = KeyUsage::new().critical().digital_signature().build()?;
        builder.append_extension(usage)?;
        name_keys(&mut builder, Some(&self.certificate))?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok((builder.build().to_pem()?, key.private_key_to_pem_pkcs8()?))
    }
}

fn root() -> Result<(X509, PKey<Private>), ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(KEY_BITS)?)?;
    let name = common_name("throw-away CA of a test")?;
    let mut builder = begin(&name, &name, &key)?;
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    let usage = KeyUsage::new()
        .critical()
        .key_cert_sign()
        .crl_sign()
        .build()?;
    builder.append_extension(usage)?;
    name_keys(&mut builder, None)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok((builder.build(), key))
}

fn begin(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<Private>,
) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(128, MsbOption::ONE, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?; // counted from 0
    builder.set_serial_number(Asn1Integer::from_bn(&serial)?.as_ref())?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    let [from, to] = VALID;
    builder.set_not_before(Asn1Time::from_unix(from)?.as_ref())?;
    builder.set_not_after(Asn1Time::from_unix(to)?.as_ref())?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

/// Adds the identifiers of the certificate's own key and of the key that signs it.
fn name_keys(builder: &mut X509Builder, issuer: Option<&X509>) -> Result<(), ErrorStack> {
    let context = builder.x509v3_context(issuer.map(|issuer| &**issuer), None);
    let subject = SubjectKeyIdentifier::new().build(&context)?;
    builder.append_extension(subject)?;
    let context = builder.x509v3_context(issuer.map(|issuer| &**issuer), None);
    let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
    builder.append_extension(authority)
}

fn common_name(text: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, text)?;
    Ok(name.build())
}

#[expect(clippy::panic, reason = "a test kit reports by panicking")]
fn made<T>(result: Result<T, ErrorStack>) -> T {
    result.unwrap_or_else(|error| panic!("OpenSSL cannot make a certificate: {error}"))
}
