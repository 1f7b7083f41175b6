//! The certificates and keys of the golden vectors, and validators that go by them.

use bytes::Bytes;

use super::{Signer, TrustStore, Validator, ValidatorSettings};
use crate::fixture;
use crate::json::{Object, Value};
use crate::verdict::Verdict;
use crate::{Envelope, Topic};

/// When the vectors were made: 2026-11-22 18:00 UTC.
pub(crate) const NOW: i64 = 1_795_370_400;

/// A topic to send to.
pub(crate) const TOPIC: &str = "org.fedoraproject.dev.bodhi.update.comment";

/// Returns a file of the PKI.
#[track_caller]
pub(crate) fn pki(name: &str) -> Vec<u8> {
    fixture::file(&format!("pki/{name}"))
}

/// Returns the trust store of the PKI: CA and a CRL that revokes one certificate.
pub(crate) fn trust() -> TrustStore {
    TrustStore::from_pem(&pki("ca.crt"), Some(&pki("crl.pem"))).unwrap()
}

/// Returns a validator with the trust store of the PKI.
pub(crate) fn validator() -> Validator {
    Validator::new(ValidatorSettings {
        trust: Some(trust()),
        ..ValidatorSettings::default()
    })
}

/// Returns a signer of the PKI: `bodhi-app01.test`.
#[track_caller]
pub(crate) fn signer(name: &str) -> Signer {
    let [certificate, key] = ["crt", "key"].map(|kind| pki(&format!("{name}.{kind}")));
    Signer::from_pem(&certificate, &key).unwrap()
}

/// Returns a body with a topic and a payload.
pub(crate) fn body() -> Object {
    Object::from_iter([
        ("topic", Value::from(TOPIC)),
        ("msg", Value::parse(br#"{"karma":1}"#).unwrap()),
        (
            "msg_id",
            Value::from("2026-6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
        ),
    ])
}

/// Returns a good message.
pub(crate) fn signed() -> Envelope {
    signed_by("bodhi-app01.test")
}

/// Returns a message signed by somebody of the PKI.
#[track_caller]
pub(crate) fn signed_by(name: &str) -> Envelope {
    signer(name).sign(topic(), body()).unwrap()
}

pub(crate) fn topic() -> Topic {
    TOPIC.parse().unwrap()
}

/// Returns the message after a change to its body.
pub(crate) fn changed(envelope: &Envelope, change: impl FnOnce(&mut Object)) -> Envelope {
    let mut body = envelope.body().clone();
    change(body.as_object_mut().unwrap());
    let body = crate::to_canonical(&body).unwrap();
    Envelope::from_frames(envelope.topic().as_bytes().clone(), Bytes::from(body)).unwrap()
}

/// Returns the code of a refusal, or `accepted`.
pub(crate) fn code(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::NotChecked => "not checked",
        Verdict::Accepted { .. } => "accepted",
        Verdict::Refused(refusal) => refusal.code(),
    }
}
