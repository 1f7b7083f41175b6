//! The strong signature: a second one, by SHA-256 or Ed25519, that the original passes over.
//!
//! It stands in the member `strong_signature`, made before the signature that the original knows
//! and covered by it. `message/README.md` describes it for implementers. The signer makes it, the
//! validator checks it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::base64;
use crate::canonical::append_canonical_without;
use crate::envelope::CREDENTIALS;
use crate::json::{Object, Value};
use crate::verdict::Refusal;

/// The member of a body.
pub(super) const MEMBER: &str = "strong_signature";

/// What the data signed begins with, so that it can never be mistaken for anything else signed
/// with the same key.
const CONTEXT: &str = "fedmsg-strong-signature-v1\n";

/// How a strong signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrongAlgorithm {
    /// RSA PKCS #1 v1.5 with SHA-256, by the key of the member `certificate`.
    RsaSha256,
    /// Ed25519 (RFC 8032), by a key with a certificate of its own.
    Ed25519,
}

impl StrongAlgorithm {
    /// Returns the name used in messages.
    pub fn name(self) -> &'static str {
        match self {
            StrongAlgorithm::RsaSha256 => "rsa-sha256",
            StrongAlgorithm::Ed25519 => "ed25519",
        }
    }
}

impl fmt::Display for StrongAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why a strong signature is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrongSignatureError {
    /// It is not an object of exactly the members it has to have, all of them text.
    #[error("not of the form it has to have")]
    Form,
    /// Its algorithm is unknown.
    #[error("unknown algorithm")]
    UnknownAlgorithm,
    /// The signature in it is not base64 on one line.
    #[error("signature is not base64")]
    BadBase64,
    /// The certificate in it is not good.
    #[error("{0}")]
    Certificate(Box<Refusal>),
    /// The certificate in it is not of the signer of the message.
    #[error("made by {signer}, not by the signer of the message")]
    OtherSigner {
        /// Whose it is.
        signer: std::sync::Arc<str>,
    },
    /// It is not the signature of this message by this certificate.
    #[error("does not fit message and certificate")]
    Mismatch,
}

/// A strong signature as it stands in a message.
pub(super) enum StrongSignature<'a> {
    RsaSha256 {
        signature: Vec<u8>,
    },
    Ed25519 {
        signature: Vec<u8>,
        certificate: &'a str,
    },
}

impl<'a> StrongSignature<'a> {
    /// Reads the member of a body.
    pub(super) fn read(member: &'a Value) -> Result<StrongSignature<'a>, StrongSignatureError> {
        let object = member.as_object().ok_or(StrongSignatureError::Form)?;
        let text = |name| object.get(name).and_then(Value::as_str);
        let [algorithm, signature, certificate] =
            ["algorithm", "signature", "certificate"].map(text);
        let (Some(algorithm), Some(signature)) = (algorithm, signature) else {
            return Err(StrongSignatureError::Form);
        };
        let signature = base64::decode_strict(signature.as_bytes())
            .map_err(|_| StrongSignatureError::BadBase64)?;
        match (algorithm, certificate, object.len()) {
            ("rsa-sha256", None, 2) => Ok(StrongSignature::RsaSha256 { signature }),
            ("ed25519", Some(certificate), 3) => Ok(StrongSignature::Ed25519 {
                signature,
                certificate,
            }),
            ("rsa-sha256" | "ed25519", ..) => Err(StrongSignatureError::Form),
            _ => Err(StrongSignatureError::UnknownAlgorithm),
        }
    }
}

/// Returns the member that carries a signature, its members in canonical order.
pub(super) fn member(
    algorithm: StrongAlgorithm,
    certificate: Option<&str>,
    signature: &[u8],
) -> Object {
    let mut member = Object::with_capacity(3);
    member.insert("algorithm", algorithm.name());
    if let Some(certificate) = certificate {
        member.insert("certificate", certificate);
    }
    member.insert("signature", base64::encode(signature));
    member
}

/// Returns the bytes that a strong signature covers: three lines that say what it is, then the body
/// without any signature, canonical, and without the members named `beside`, too.
///
/// `certificate` is the base64 of the signing certificate's DER, on one line.
pub(super) fn covered(
    algorithm: StrongAlgorithm,
    certificate: &str,
    body: &Value,
    beside: &[&str],
) -> Result<Vec<u8>, crate::EncodeError> {
    let left_out: Vec<&str> = CREDENTIALS
        .iter()
        .chain([&MEMBER])
        .chain(beside)
        .copied()
        .collect();
    let mut data = String::with_capacity(2048);
    data.push_str(CONTEXT);
    for line in [algorithm.name(), certificate] {
        data.push_str(line);
        data.push('\n');
    }
    append_canonical_without(&mut data, body, &left_out)?;
    Ok(data.into_bytes())
}
