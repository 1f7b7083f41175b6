//! `Signer`: signs messages as the original does, byte for byte.
//!
//! Made once from a certificate and its key; the publisher calls it for each message.

use bytestring::ByteString;
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign;

use super::certificate::Certificate;
use super::certificate_error::CertificateError;
use super::digest::Digest;
use super::strong_signature::{self, StrongAlgorithm};
use super::{base64, credentials};
use crate::canonical::Sendable;
use crate::json::writer::{self, Style};
use crate::json::{Object, Value};
use crate::{EncodeError, Envelope, Stamp, Topic};

/// The shortest modulus that has room for a SHA-256 signature, in bytes (RFC 8017 §9.2).
const MIN_MODULUS: u32 = 62;

/// Signs messages with an RSA key and its certificate.
///
/// | member | gets |
/// |---|---|
/// | `crypto` | `x509` |
/// | `signature` | RSA PKCS #1 v1.5 with SHA-1 over the canonical body without this and the next |
/// | `certificate` | the certificate in PEM |
/// | `strong_signature` | if asked for: a second signature that the original passes over |
///
/// The first two in base64, in lines of 76 characters (fedmsg wire specification §3.3).
///
/// ```no_run
/// use fedmsg_message::json::Object;
/// use fedmsg_message::Signer;
///
/// # let (certificate, key): (Vec<u8>, Vec<u8>) = Default::default();
/// let signer = Signer::from_pem(&certificate, &key)?;
/// let envelope = signer.sign("org.example.dev.a.b".parse()?, Object::new())?;
/// assert_eq!(envelope.crypto(), Some("x509"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Signer {
    certificate: Certificate,
    key: Rsa<Private>,
    strong: Option<StrongKey>,
    /// The member `certificate` as it goes on the wire: `"certificate":"LS0t…\n",`.
    certificate_member: String,
}

/// What makes the strong signature.
enum StrongKey {
    /// The key of the signer. The text is its certificate in DER and base64.
    Rsa { certificate: String },
    /// A key of its own. The text is the certificate for that.
    Ed25519 {
        key: PKey<Private>,
        certificate: String,
    },
}

/// Why a certificate and a key do not make a signer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The certificate is of no use.
    #[error("certificate file: {0}")]
    Certificate(#[source] CertificateError),
    /// The key has a pass phrase, and nobody is there to type it.
    #[error("key file: key is encrypted")]
    KeyEncrypted,
    /// There is no key that could be read.
    #[error("key file: no private key in PEM")]
    Key(#[source] ErrorStack),
    /// The key is of a kind that cannot sign messages.
    #[error("key file: key is not {expected}")]
    KeyKind {
        /// The kind that would do.
        expected: &'static str,
    },
    /// The key is too short for any signature.
    #[error("key file: RSA key is too short to sign with")]
    KeyTooShort,
    /// The key is another certificate's.
    #[error("certificate and key do not belong together")]
    KeyMismatch,
    /// The certificate for strong signatures is somebody else's.
    #[error("certificate for strong signatures is of {found}, not of {expected}")]
    OtherSigner {
        /// Whose it is.
        found: String,
        /// Who signs.
        expected: String,
    },
}

/// Why a message cannot be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// It is signed already: a signature over a signature is never valid. See
    /// [`strip_credentials`](super::strip_credentials).
    #[error("message has a member {member} already: strip its credentials first")]
    AlreadySigned {
        /// A member that only a signer adds.
        member: &'static str,
    },
    /// It cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// OpenSSL failed.
    #[error("cannot sign")]
    Openssl(#[from] ErrorStack),
}

impl Signer {
    /// Takes the first certificate of a certificate file and the key of a key file, both PEM; the
    /// key is RSA, in PKCS #1 or PKCS #8, not encrypted.
    ///
    /// # Errors
    ///
    /// [`SignerError`].
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Signer, SignerError> {
        let certificate = Certificate::from_pem(certificate).map_err(SignerError::Certificate)?;
        certificate
            .common_name()
            .map_err(|error| SignerError::Certificate(error.clone()))?;
        let public = certificate.rsa_key().map_err(SignerError::Certificate)?;
        let key = private_key(key)?;
        let key = key
            .rsa()
            .map_err(|_| SignerError::KeyKind { expected: "RSA" })?;
        if !public.is_half_of(&key) {
            return Err(SignerError::KeyMismatch);
        }
        if key.size() < MIN_MODULUS {
            return Err(SignerError::KeyTooShort);
        }
        let mut certificate_member = String::from("\"certificate\":\"");
        append_wrapped(&mut certificate_member, certificate.to_pem().as_bytes());
        certificate_member.push_str("\",");
        Ok(Signer {
            certificate,
            key,
            strong: None,
            certificate_member,
        })
    }

    /// Returns a signer that also makes a strong signature with the same key: by SHA-256.
    #[must_use]
    pub fn with_strong_rsa(mut self) -> Signer {
        let certificate = self.certificate.to_base64();
        self.strong = Some(StrongKey::Rsa { certificate });
        self
    }

    /// Returns a signer that also makes a strong signature with an Ed25519 key, for which the same
    /// CA has issued a certificate of the same common name.
    ///
    /// # Errors
    ///
    /// [`SignerError`].
    pub fn with_strong_ed25519(
        mut self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Signer, SignerError> {
        let certificate = Certificate::from_pem(certificate).map_err(SignerError::Certificate)?;
        let public = certificate
            .ed25519_key()
            .map_err(SignerError::Certificate)?;
        let key = private_key(key)?;
        if key.id() != Id::ED25519 {
            return Err(SignerError::KeyKind {
                expected: "Ed25519",
            });
        }
        if key.raw_public_key().map_err(SignerError::Key)? != public {
            return Err(SignerError::KeyMismatch);
        }
        let name = |of: &Certificate| {
            of.common_name()
                .map_or_else(|_| String::new(), |name| name.to_string())
        };
        let (found, expected) = (name(&certificate), name(&self.certificate));
        if found != expected {
            return Err(SignerError::OtherSigner { found, expected });
        }
        let certificate = certificate.to_base64();
        self.strong = Some(StrongKey::Ed25519 { key, certificate });
        Ok(self)
    }

    /// Returns the certificate that goes with every message.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Makes the signed envelope of a new message: [`Envelope::stamp`], signed.
    ///
    /// # Errors
    ///
    /// [`SignError::Encode`], [`SignError::Openssl`].
    pub fn stamp(&self, topic: Topic, msg: Value, stamp: &Stamp) -> Result<Envelope, SignError> {
        let body = Envelope::stamped_body(&topic, msg, stamp);
        self.sign(topic, body)
    }

    /// Makes a signed envelope from a topic and a whole body: [`Envelope::encode`], signed. The
    /// members `topic` and `crypto` are set.
    ///
    /// # Errors
    ///
    /// [`SignError`].
    pub fn sign(&self, topic: Topic, body: Object) -> Result<Envelope, SignError> {
        self.sign_as::<Sendable>(topic, body)
    }

    fn sign_as<S: Style>(&self, topic: Topic, mut body: Object) -> Result<Envelope, SignError> {
        topic.check_sendable().map_err(EncodeError::from)?;
        if let Some(member) = credentials::first_of(&body) {
            return Err(SignError::AlreadySigned { member });
        }
        body.insert("topic", topic.as_str());
        body.insert("crypto", "x509");
        if let Some(strong) = &self.strong {
            body = self.with_strong_signature(strong, body)?;
        }
        // The body is written once: what is signed is what is sent, without two members of it.
        let mut signed = String::with_capacity(1024);
        let gaps =
            writer::write_with_gaps::<S, 2>(&mut signed, &body, ["certificate", "signature"])?;
        let signature = self.rsa_signature(Digest::Sha1, signed.as_bytes())?;
        let sent = self.insert_members(&signed, gaps, &signature);
        Ok(Envelope::new(topic, ByteString::from(sent)))
    }

    /// Returns the text with `certificate` and `signature` where they belong. Each is followed by
    /// another member: `crypto` and `topic` are always there.
    fn insert_members(&self, signed: &str, gaps: [usize; 2], signature: &[u8]) -> String {
        let [certificate_at, signature_at] = gaps;
        let (before, rest) = signed.split_at_checked(certificate_at).unwrap_or_default();
        let between = signature_at - certificate_at;
        let (between, after) = rest.split_at_checked(between).unwrap_or_default();
        let room = self.certificate_member.len() + signature.len() * 3 / 2 + 32;
        let mut sent = String::with_capacity(signed.len() + room);
        sent.push_str(before);
        sent.push_str(&self.certificate_member);
        sent.push_str(between);
        sent.push_str("\"signature\":\"");
        append_wrapped(&mut sent, signature);
        sent.push_str("\",");
        sent.push_str(after);
        sent
    }

    fn with_strong_signature(&self, strong: &StrongKey, body: Object) -> Result<Object, SignError> {
        let body = Value::Object(body);
        let covered = |algorithm, certificate: &str| {
            strong_signature::covered(algorithm, certificate, &body, &[])
        };
        let member = match strong {
            StrongKey::Rsa { certificate } => {
                let algorithm = StrongAlgorithm::RsaSha256;
                let data = covered(algorithm, certificate)?;
                let signature = self.rsa_signature(Digest::Sha256, &data)?;
                strong_signature::member(algorithm, None, &signature)
            }
            StrongKey::Ed25519 { key, certificate } => {
                let algorithm = StrongAlgorithm::Ed25519;
                let data = covered(algorithm, certificate)?;
                let signature =
                    sign::Signer::new_without_digest(key)?.sign_oneshot_to_vec(&data)?;
                strong_signature::member(algorithm, Some(certificate), &signature)
            }
        };
        let Value::Object(mut body) = body else {
            return Ok(Object::new());
        };
        body.insert(strong_signature::MEMBER, Value::Object(member));
        Ok(body)
    }

    /// Signs by the bare RSA operation, which no policy about hashes looks at.
    fn rsa_signature(&self, digest: Digest, data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut signature = vec![0; self.key.size() as usize];
        let info = digest.info(data);
        let length = self
            .key
            .private_encrypt(&info, &mut signature, Padding::PKCS1)?;
        signature.truncate(length);
        Ok(signature)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Signer")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// Appends base64 in lines, as a JSON string has them.
fn append_wrapped(out: &mut String, bytes: &[u8]) {
    base64::append_lines(out, bytes, base64::LINE, "\\n");
}

fn private_key(pem: &[u8]) -> Result<PKey<Private>, SignerError> {
    // Without a callback of ours OpenSSL would ask the terminal for a pass phrase, and wait.
    let mut is_encrypted = false;
    let key = PKey::private_key_from_pem_callback(pem, |_| {
        is_encrypted = true;
        Ok(0)
    });
    key.map_err(|error| match is_encrypted {
        true => SignerError::KeyEncrypted,
        false => SignerError::Key(error),
    })
}

#[cfg(test)]
mod tests;
