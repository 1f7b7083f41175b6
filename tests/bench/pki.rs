//! Who signs in a measurement, and who vouches for it: the test PKI of the golden vectors.
//!
//! The roles that sign or validate take what they need from here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fedmsg_message::{Envelope, Signer};
use openssl::pkey::Private;
use openssl::rsa::Rsa;

use crate::body::{payload, stamp, topic};

/// The certificate that signs, with a key of 2048 bits.
const SIGNER: &str = "bodhi-app01.test";

/// The entry of `certnames` that names it.
const ENTRY: &str = "bench";

/// Where the files are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vectors/pki")
}

/// The settings of one who publishes as [`ENTRY`] and signs.
pub(crate) fn signing() -> String {
    format!(
        "sign_messages = true\nssldir = {:?}\ncertnames.{ENTRY} = '{SIGNER}'",
        folder()
    )
}

/// The settings of one who validates, revoked certificates included.
pub(crate) fn validating() -> String {
    let (ca, crl) = (folder().join("ca.crt"), folder().join("crl.pem"));
    format!("validate_signatures = true\nca_cert_location = {ca:?}\ncrl_location = {crl:?}")
}

/// The key that signs.
pub(crate) fn key() -> Result<Rsa<Private>> {
    let pem = read(&format!("{SIGNER}.key"))?;
    Rsa::private_key_from_pem(&pem).context("the key")
}

/// The body of a message that had so many bytes before it was signed.
pub(crate) fn signed_body(bytes: usize) -> Result<Vec<u8>> {
    let certificate = read(&format!("{SIGNER}.crt"))?;
    let signer = Signer::from_pem(&certificate, &read(&format!("{SIGNER}.key"))?)?;
    let envelope: Envelope = signer.stamp(topic()?, payload(bytes)?, &stamp())?;
    Ok(envelope.bytes().to_vec())
}

fn read(name: &str) -> Result<Vec<u8>> {
    fs::read(folder().join(name)).with_context(|| name.to_owned())
}
