//! `Verdict`: what is to be thought of a message, and why.
//!
//! Returned by the [`Validator`](crate::Validator), once for each message; delivered to consumers
//! beside the message, counted and logged by the router when it is a refusal.

use std::sync::Arc;

use crate::DecodeError;
use crate::crypto::{Backend, Base64Error, CertificateError, Field, StrongSignatureError};

/// What is to be thought of a message.
///
/// ```
/// use fedmsg_message::{Envelope, Validator, ValidatorSettings, Verdict};
///
/// let validator = Validator::new(ValidatorSettings::default());
/// let topic = "org.example.dev.a.b".parse()?;
/// let unsigned = Envelope::encode(topic, Default::default())?;
/// match validator.validate(&unsigned, 1_793_000_000) {
///     Verdict::Refused(refusal) => assert_eq!(refusal.code(), "unsigned"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody asked.
    NotChecked,
    /// Somebody known signed it, and may send to its topic.
    Accepted {
        /// Who: the first common name of the certificate, or what gpg says.
        signer: Arc<str>,
        /// The serial number of the certificate, in upper-case hexadecimal.
        serial: Option<Arc<str>>,
        /// What is not as it should be, yet no reason to refuse. Usually empty.
        alarms: Vec<Alarm>,
    },
    /// It must not be believed.
    Refused(Refusal),
}

impl Verdict {
    /// Returns whether the message was checked and found good.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Verdict::Accepted { .. })
    }

    /// Returns why the message was refused, if it was.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Verdict::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// What is not as it should be about an accepted message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Alarm {
    /// The CRL should have been replaced: who was revoked since then is not known.
    #[error("CRL is out of date since {next_update}")]
    StaleCrl {
        /// When it should have been replaced: seconds since the epoch.
        next_update: i64,
    },
    /// `seq_id` was added after signing, as publishers with a store do: anybody may have changed
    /// it.
    #[error("seq_id is not covered by the signature")]
    SeqIdNotSigned,
    /// A gpg signature covers `msg` only: topic and identity may be anybody's.
    #[error("signature covers msg only")]
    PayloadOnly,
}

/// Why a message must not be believed.
///
/// # Examples
///
/// ```
/// use fedmsg_message::Refusal;
///
/// assert_eq!(Refusal::Unsigned.code(), "unsigned");
/// assert_eq!(Refusal::Unsigned.to_string(), "not signed");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The body is no message.
    #[error("malformed: {0}")]
    Malformed(DecodeError),
    /// The topic the message was delivered by is not the topic that is signed.
    #[error("topic of the frame is not that of the body")]
    TopicMismatch,
    /// There is neither signature nor certificate.
    #[error("not signed")]
    Unsigned,
    /// `crypto` is neither `x509` nor `gpg`.
    #[error("member crypto names no known way to sign")]
    UnknownBackend,
    /// The message is signed in a way that is not allowed here.
    #[error("signed by {0}, which is not allowed here")]
    BackendNotAllowed(Backend),
    /// It takes a gpg process to check the signature; see
    /// [`Validator::gpg_claim`](crate::Validator::gpg_claim).
    #[error("signed by gpg, which nobody has asked")]
    GpgNotChecked,
    /// It was not known in time what gpg says of the signature.
    #[error("signed by gpg, which took too long over this message or those before it")]
    GpgTooSlow,
    /// The check itself failed, by a defect of this program.
    #[error("could not be checked, by a defect of this program")]
    CheckFailed,
    /// A member without which a signature means nothing is missing.
    #[error("member {0} is missing")]
    MissingField(Field),
    /// A member that must be text is something else.
    #[error("member {0} is not text")]
    FieldNotText(Field),
    /// A member is not base64.
    #[error("member {0} is not base64: {1}")]
    BadBase64(Field, Base64Error),
    /// The certificate is of no use, whoever issued it.
    #[error("{0}")]
    BadCertificate(CertificateError),
    /// No CA is loaded.
    #[error("no CA certificate is loaded")]
    NoTrustStore,
    /// The certificate was not issued by the CA.
    #[error("untrusted certificate: {0}")]
    Untrusted(Distrust),
    /// The certificate has expired.
    #[error("certificate expired at {not_after}")]
    CertificateExpired {
        /// When: seconds since the epoch.
        not_after: i64,
    },
    /// The certificate is not yet valid.
    #[error("certificate is not valid before {not_before}")]
    CertificateNotYetValid {
        /// When it will be: seconds since the epoch.
        not_before: i64,
    },
    /// The CA certificate has expired.
    #[error("CA certificate expired at {not_after}")]
    CaExpired {
        /// When: seconds since the epoch.
        not_after: i64,
    },
    /// The CA certificate is not yet valid.
    #[error("CA certificate is not valid before {not_before}")]
    CaNotYetValid {
        /// When it will be: seconds since the epoch.
        not_before: i64,
    },
    /// The CRL lists the certificate.
    #[error("certificate {serial} of {signer} is revoked")]
    Revoked {
        /// Whose it was.
        signer: Arc<str>,
        /// Its serial number.
        serial: Arc<str>,
    },
    /// The CRL lists the CA certificate itself.
    #[error("CA certificate is revoked")]
    CaRevoked,
    /// The CRL should have been replaced.
    #[error("CRL is out of date since {next_update}")]
    StaleCrl {
        /// When: seconds since the epoch.
        next_update: i64,
    },
    /// The CRL is from the future.
    #[error("CRL is not valid before {this_update}")]
    CrlNotYetValid {
        /// When it will be: seconds since the epoch.
        this_update: i64,
    },
    /// The signature is not that of this message by this certificate.
    #[error("signature does not fit message and certificate")]
    BadSignature,
    /// The routing policy lists others for the topic.
    #[error("{signer} may not send to this topic")]
    NotAuthorised {
        /// Who signed.
        signer: Arc<str>,
    },
    /// The routing policy lists nobody for the topic, and is nitpicky.
    #[error("nobody may send to this topic, not even {signer}")]
    TopicWithoutPolicy {
        /// Who signed.
        signer: Arc<str>,
    },
    /// A strong signature is required and there is none.
    #[error("no strong signature, which is required here")]
    StrongSignatureMissing,
    /// There is a strong signature and it is not good.
    #[error("bad strong signature: {0}")]
    BadStrongSignature(StrongSignatureError),
}

impl Refusal {
    /// Returns a short name that does not change, for counters: `bad-signature`.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Malformed(_) => "malformed",
            Refusal::TopicMismatch => "topic-mismatch",
            Refusal::Unsigned => "unsigned",
            Refusal::UnknownBackend => "unknown-backend",
            Refusal::BackendNotAllowed(_) => "backend-not-allowed",
            Refusal::GpgNotChecked => "gpg-not-checked",
            Refusal::GpgTooSlow => "gpg-too-slow",
            Refusal::CheckFailed => "check-failed",
            Refusal::MissingField(_) => "missing-field",
            Refusal::FieldNotText(_) => "field-not-text",
            Refusal::BadBase64(..) => "bad-base64",
            Refusal::BadCertificate(_) => "bad-certificate",
            Refusal::NoTrustStore => "no-trust-store",
            Refusal::Untrusted(_) => "untrusted",
            Refusal::CertificateExpired { .. } => "certificate-expired",
            Refusal::CertificateNotYetValid { .. } => "certificate-not-yet-valid",
            Refusal::CaExpired { .. } => "ca-expired",
            Refusal::CaNotYetValid { .. } => "ca-not-yet-valid",
            Refusal::Revoked { .. } => "revoked",
            Refusal::CaRevoked => "ca-revoked",
            Refusal::StaleCrl { .. } => "stale-crl",
            Refusal::CrlNotYetValid { .. } => "crl-not-yet-valid",
            Refusal::BadSignature => "bad-signature",
            Refusal::NotAuthorised { .. } => "not-authorised",
            Refusal::TopicWithoutPolicy { .. } => "topic-without-policy",
            Refusal::StrongSignatureMissing => "strong-signature-missing",
            Refusal::BadStrongSignature(_) => "bad-strong-signature",
        }
    }
}

/// What shows that the CA did not issue a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// It names another issuer. An intermediate CA is one, too: chains are not followed.
    #[error("issued by another CA")]
    OtherIssuer,
    /// It names the CA, but another key of it.
    #[error("issued by another CA of the same name")]
    OtherKey,
    /// It names the CA, which did not sign it.
    #[error("signature is not that of the CA")]
    BadSignature,
    /// It was issued by nobody but itself.
    #[error("self-signed")]
    SelfSigned,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counters are kept by these names: a change breaks dashboards.
    #[test]
    fn a_refusal_says_what_happened_in_words_and_in_a_code() {
        #[track_caller]
        fn check(refusal: &Refusal, code: &str, words: &str) {
            assert_eq!(
                (refusal.code(), refusal.to_string().as_str()),
                (code, words)
            );
        }
        check(&Refusal::Unsigned, "unsigned", "not signed");
        check(
            &Refusal::Malformed(DecodeError::NoTopic),
            "malformed",
            "malformed: body has no topic",
        );
        check(
            &Refusal::BackendNotAllowed(Backend::Gpg),
            "backend-not-allowed",
            "signed by gpg, which is not allowed here",
        );
        check(
            &Refusal::BadBase64(Field::Certificate, Base64Error::Incomplete),
            "bad-base64",
            "member certificate is not base64: incomplete last group",
        );
        check(
            &Refusal::Untrusted(Distrust::OtherKey),
            "untrusted",
            "untrusted certificate: issued by another CA of the same name",
        );
        check(
            &Refusal::NotAuthorised {
                signer: "bodhi".into(),
            },
            "not-authorised",
            "bodhi may not send to this topic",
        );
        check(
            &Refusal::BadStrongSignature(StrongSignatureError::Certificate(Box::new(
                Refusal::CertificateExpired { not_after: 5 },
            ))),
            "bad-strong-signature",
            "bad strong signature: certificate expired at 5",
        );
    }
}
