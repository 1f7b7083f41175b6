//! `Validator`: may this message be believed?
//!
//! The router asks it, at most once for each message and from several threads. Whoever reads CA
//! and CRL gives it a new trust store when they change.

use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::backend::{Backend, Backends};
use super::certificate_cache::CertificateCache;
use super::credentials::{Field, claimed_backend};
use super::digest::Digest;
use super::gpg_claim::GpgClaim;
use super::known_certificate::{Ed25519Key, KnownCertificate};
use super::routing_policy::RoutingPolicy;
use super::rsa_key::{OpenedSignature, RsaKey};
use super::strong_signature::{self, StrongAlgorithm, StrongSignature, StrongSignatureError};
use super::trust_store::TrustStore;
use crate::canonical::{append_canonical_without, to_canonical};
use crate::envelope::{CREDENTIALS, Envelope};
use crate::json::{Object, Value};
use crate::verdict::{Alarm, Refusal, Verdict};

/// The member that publishers with a store add after signing (fedmsg wire specification §5.4).
const SEQ_ID: &str = "seq_id";

/// What to do about a CRL that should have been replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrlPolicy {
    /// Refuse every message, as the original does.
    #[default]
    Refuse,
    /// Go on with what it says, and say with every message that it is old.
    AcceptWithAlarm,
}

/// What a [`Validator`] goes by.
#[derive(Debug, Default)]
pub struct ValidatorSettings {
    /// Whom to believe. Without it, every message signed by x509 is refused until
    /// [`Validator::replace_trust`].
    pub trust: Option<TrustStore>,
    /// The ways to sign that are allowed; by default, x509.
    pub backends: Backends,
    /// Who may send to which topic; by default, everybody to all of them.
    pub policy: RoutingPolicy,
    /// What to do about a CRL that should have been replaced; by default, refuse.
    pub crl_policy: CrlPolicy,
    /// Whether a message without a strong signature is refused; by default, not. One that is there
    /// must be good in any case.
    pub require_strong: bool,
}

/// Tells whether messages may be believed, and why not.
///
/// It can be asked from many threads at once. What it finds out about a certificate it remembers,
/// within bounds: a message then costs one RSA operation, and writing its body canonically.
pub struct Validator {
    backends: Backends,
    policy: RoutingPolicy,
    crl_policy: CrlPolicy,
    require_strong: bool,
    trust: RwLock<Option<Arc<Trust>>>,
}

/// A trust store and what has been found out with it.
struct Trust {
    store: TrustStore,
    certificates: CertificateCache<RsaKey>,
    strong_certificates: CertificateCache<Ed25519Key>,
}

/// Who may have signed.
enum Authority<'a> {
    Policy(&'a RoutingPolicy),
    Only(&'a str),
}

impl Validator {
    /// Makes a validator.
    pub fn new(settings: ValidatorSettings) -> Validator {
        Validator {
            backends: settings.backends,
            policy: settings.policy,
            crl_policy: settings.crl_policy,
            require_strong: settings.require_strong,
            trust: RwLock::new(settings.trust.map(Trust::new)),
        }
    }

    /// Replaces CA and CRL. Everything found out with the former ones is forgotten; a message that
    /// is being validated meanwhile is judged by the former ones alone.
    pub fn replace_trust(&self, trust: TrustStore) {
        let trust = Some(Trust::new(trust));
        let former = {
            let mut current = self.trust.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, trust)
        };
        // Not under the lock: it may be large.
        drop(former);
    }

    /// Judges a message at a time, in seconds since the epoch.
    ///
    /// The topic it was delivered by must be the one in its body. A message signed by gpg is never
    /// accepted here: see [`Validator::gpg_claim`].
    pub fn validate(&self, envelope: &Envelope, now: i64) -> Verdict {
        self.verdict(envelope, now, &Authority::Policy(&self.policy))
    }

    /// Judges a message like [`Validator::validate`], but in place of the routing policy only
    /// `signer` is authorised. gpg does not say who signed, so that such messages are refused.
    pub fn validate_signed_by(&self, envelope: &Envelope, signer: &str, now: i64) -> Verdict {
        self.verdict(envelope, now, &Authority::Only(signer))
    }

    /// Returns what a message signed by gpg claims, after [`Validator::validate`] has refused it
    /// with [`Refusal::GpgNotChecked`].
    ///
    /// # Errors
    ///
    /// Why no gpg need be asked: it is not allowed, or the message is not signed by it, or not
    /// as it should be.
    pub fn gpg_claim(&self, envelope: &Envelope) -> Result<GpgClaim, Refusal> {
        let (_, body) = believable_body(envelope)?;
        match self.backend(body)? {
            Backend::X509 => Err(Refusal::BackendNotAllowed(Backend::X509)),
            Backend::Gpg => {
                self.check_gpg_is_enough(body)?;
                let signature = Field::Signature.bytes(body)?;
                let msg = body.get("msg").ok_or(Refusal::MissingField(Field::Msg))?;
                if signature.is_empty() {
                    // gpg would look for a signature inside the data instead.
                    return Err(Refusal::BadSignature);
                }
                let data = to_canonical(msg).map_err(|_| Refusal::BadSignature)?;
                Ok(GpgClaim { signature, data })
            }
        }
    }

    /// A strong signature goes with a certificate, which a message signed by gpg does not have: none can
    /// be good there.
    fn check_gpg_is_enough(&self, body: &Object) -> Result<(), Refusal> {
        if body.contains_key(strong_signature::MEMBER) {
            return Err(Refusal::BadStrongSignature(StrongSignatureError::Form));
        }
        if self.require_strong {
            return Err(Refusal::StrongSignatureMissing);
        }
        Ok(())
    }

    fn verdict(&self, envelope: &Envelope, now: i64, authority: &Authority<'_>) -> Verdict {
        self.check(envelope, now, authority)
            .unwrap_or_else(Verdict::Refused)
    }

    fn check(
        &self,
        envelope: &Envelope,
        now: i64,
        authority: &Authority<'_>,
    ) -> Result<Verdict, Refusal> {
        let (value, body) = believable_body(envelope)?;
        match (self.backend(body)?, authority) {
            (Backend::X509, _) => self.check_x509(envelope, value, body, now, authority),
            (Backend::Gpg, Authority::Policy(_)) => {
                self.check_gpg_is_enough(body)?;
                Err(Refusal::GpgNotChecked)
            }
            (Backend::Gpg, Authority::Only(_)) => Err(Refusal::BackendNotAllowed(Backend::Gpg)),
        }
    }

    /// Returns how the body is signed, if that is allowed.
    fn backend(&self, body: &Object) -> Result<Backend, Refusal> {
        let backend = claimed_backend(body)?;
        if self.backends.contains(backend) {
            Ok(backend)
        } else {
            Err(Refusal::BackendNotAllowed(backend))
        }
    }

    fn check_x509(
        &self,
        envelope: &Envelope,
        value: &Value,
        body: &Object,
        now: i64,
        authority: &Authority<'_>,
    ) -> Result<Verdict, Refusal> {
        let signature = Field::Signature.bytes(body)?;
        let certificate = Field::Certificate.text(body)?;
        let trust = self.trust()?;
        let known = trust.certificates.certificate(certificate, &trust.store)?;
        let mut alarms = Vec::new();
        alarms.extend(trust.store.check_time(now, self.crl_policy)?);
        known.check_time(now)?;

        let opened = known.key.open(&signature).ok_or(Refusal::BadSignature)?;
        let beside = beside_signature(&opened, envelope, value, body)?;
        if !beside.is_empty() {
            alarms.push(Alarm::SeqIdNotSigned);
        }
        match body.get(strong_signature::MEMBER) {
            Some(member) => trust
                .check_strong(member, &known, value, beside, now)
                .map_err(Refusal::BadStrongSignature)?,
            None if self.require_strong => return Err(Refusal::StrongSignatureMissing),
            None => {}
        }
        // Last, so that a refusal for want of authority tells the truth about who signed.
        authority.check(envelope.topic().as_str(), &known.signer)?;
        Ok(Verdict::Accepted {
            signer: known.signer.clone(),
            serial: Some(known.serial.clone()),
            alarms,
        })
    }

    fn trust(&self) -> Result<Arc<Trust>, Refusal> {
        let trust = self.trust.read().unwrap_or_else(PoisonError::into_inner);
        trust.clone().ok_or(Refusal::NoTrustStore)
    }
}

impl Trust {
    fn new(store: TrustStore) -> Arc<Trust> {
        Arc::new(Trust {
            store,
            certificates: CertificateCache::default(),
            strong_certificates: CertificateCache::default(),
        })
    }

    /// Checks the strong signature of a message that `known` has signed.
    fn check_strong(
        &self,
        member: &Value,
        known: &KnownCertificate<RsaKey>,
        body: &Value,
        beside: &[&str],
        now: i64,
    ) -> Result<(), StrongSignatureError> {
        let covered = |algorithm, certificate: &str| {
            strong_signature::covered(algorithm, certificate, body, beside)
                .map_err(|_| StrongSignatureError::Mismatch)
        };
        let is_good = match StrongSignature::read(member)? {
            StrongSignature::RsaSha256 { signature } => {
                let data = covered(StrongAlgorithm::RsaSha256, &known.base64)?;
                known.key.verify(Digest::Sha256, &data, &signature)
            }
            StrongSignature::Ed25519 {
                signature,
                certificate,
            } => {
                let own = self.strong_certificate(certificate, now)?;
                if own.signer != known.signer {
                    return Err(StrongSignatureError::OtherSigner {
                        signer: own.signer.clone(),
                    });
                }
                let data = covered(StrongAlgorithm::Ed25519, certificate)?;
                own.key.verify(&data, &signature)
            }
        };
        if is_good {
            Ok(())
        } else {
            Err(StrongSignatureError::Mismatch)
        }
    }

    fn strong_certificate(
        &self,
        text: &str,
        now: i64,
    ) -> Result<Arc<KnownCertificate<Ed25519Key>>, StrongSignatureError> {
        let found = self.strong_certificates.certificate(text, &self.store);
        let checked = found.and_then(|known| known.check_time(now).map(|()| known));
        checked.map_err(|refusal| StrongSignatureError::Certificate(Box::new(refusal)))
    }
}

impl Authority<'_> {
    fn check(&self, topic: &str, signer: &Arc<str>) -> Result<(), Refusal> {
        match self {
            Authority::Policy(policy) => policy.check(topic, signer),
            Authority::Only(only) if **only == **signer => Ok(()),
            Authority::Only(_) => Err(Refusal::NotAuthorised {
                signer: signer.clone(),
            }),
        }
    }
}

/// Returns the body, as a value and as the object it is, if its topic is the one of the frame.
fn believable_body(envelope: &Envelope) -> Result<(&Value, &Object), Refusal> {
    let value = envelope
        .strict()
        .map_err(|error| Refusal::Malformed(error.clone()))?;
    let body = value.as_object().ok_or(Refusal::TopicMismatch)?;
    match body.get("topic").and_then(Value::as_str) {
        Some(topic) if topic == envelope.topic().as_str() => Ok((value, body)),
        _ => Err(Refusal::TopicMismatch),
    }
}

/// Returns which members beside the credentials the signature does not cover: usually none, and
/// `seq_id` where the message fits without it only.
fn beside_signature(
    opened: &OpenedSignature,
    envelope: &Envelope,
    value: &Value,
    body: &Object,
) -> Result<&'static [&'static str], Refusal> {
    let [signature, certificate] = CREDENTIALS;
    let fits = |left_out: &[&str]| {
        let mut text = String::with_capacity(envelope.bytes().len());
        append_canonical_without(&mut text, value, left_out).is_ok()
            && opened.is(&Digest::Sha1.info(text.as_bytes()))
    };
    let is_whole = match envelope.signed_parts() {
        Some(parts) => opened.is(&Digest::sha1_of_parts(parts)),
        None => fits(&CREDENTIALS),
    };
    if is_whole {
        return Ok(&[]);
    }
    if body.contains_key(SEQ_ID) && fits(&[signature, certificate, SEQ_ID]) {
        return Ok(&[SEQ_ID]);
    }
    Err(Refusal::BadSignature)
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let trust = self.trust().ok();
        formatter
            .debug_struct("Validator")
            .field("backends", &self.backends)
            .field("policy", &self.policy)
            .field("crl_policy", &self.crl_policy)
            .field("require_strong", &self.require_strong)
            .field("trust", &trust.as_ref().map(|trust| &trust.store))
            .finish()
    }
}

#[cfg(test)]
mod tests;
