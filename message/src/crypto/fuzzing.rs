//! Entry points for fuzzers: each takes any bytes, reads them as what comes from the network or
//! from files, and asserts what must hold of every input. None of them can fail otherwise.
//!
//! Not part of the interface for users; called by the targets in `fuzz/` and by this crate's own
//! tests, which run them over the golden vectors and over these damaged.

use std::ops::RangeInclusive;

use bytes::Bytes;

use super::base64::{decode_lenient, decode_strict, encode};
use super::known_certificate::{Ed25519Key, KnownCertificate};
use super::strong_signature::{self, StrongAlgorithm, StrongSignature};
use super::{Certificate, CrlPolicy, RevocationList, TrustStore, Validator};
use crate::envelope::CREDENTIALS;
use crate::json::{MAX_DEPTH, Shape, Value, skim, to_pretty, to_spaced};
use crate::{
    EncodeError, Envelope, TopicIndex, TopicPattern, Verdict, append_canonical,
    fix_datagrepper_message,
};

/// What X.509 can say of a time: the years 0 to 9999, in seconds since the epoch.
const X509_TIMES: RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// Validates a message by a validator that goes by `trust`: topic and body with a NUL between them,
/// as hubs of the original take it. Then does with it what relays and readers of the archive do.
pub fn envelope(validator: &Validator, trust: &TrustStore, now: i64, bytes: &[u8]) {
    let Ok(envelope) = Envelope::decode(&[Bytes::copy_from_slice(bytes)]) else {
        return;
    };
    let verdict = validator.validate(&envelope, now);
    assert_ne!(verdict, Verdict::NotChecked);
    // By the cache, too.
    assert_eq!(validator.validate(&envelope, now), verdict);
    // How it is spelled makes no difference, whatever short cut canonical bytes have.
    if envelope.strict().is_ok() {
        let canonical = canonical(envelope.body()).map(Bytes::from);
        let respelled = with_body(&envelope, canonical.unwrap_or_default());
        assert_eq!(validator.validate(&respelled, now), verdict);
    }
    if let Verdict::Accepted { signer, .. } = &verdict {
        let topic = envelope.get("topic").and_then(Value::as_str);
        assert_eq!(topic, Some(envelope.topic().as_str()));
        let signed_by = |signer| validator.validate_signed_by(&envelope, signer, now);
        assert_eq!(signed_by(signer), verdict);
        assert!(!signed_by("").is_accepted());
    }
    let _ = validator.gpg_claim(&envelope);
    // Deeper in, where a validator comes only if somebody with a certificate is hostile.
    if let Some(member) = envelope.get(strong_signature::MEMBER) {
        read_strong_signature(trust, &envelope, member);
    }
    relay(&envelope);
    if let Some(mut body) = envelope.body().as_object().cloned() {
        fix_datagrepper_message(&mut body);
    }
}

fn with_body(envelope: &Envelope, body: Bytes) -> Envelope {
    let again = Envelope::from_frames(envelope.topic().as_bytes().clone(), body);
    assert!(again.is_ok(), "what we write is UTF-8");
    again.unwrap_or_else(|_| envelope.clone())
}

fn read_strong_signature(trust: &TrustStore, envelope: &Envelope, member: &Value) {
    let Ok(StrongSignature::Ed25519 {
        signature,
        certificate,
    }) = StrongSignature::read(member)
    else {
        return;
    };
    if let Ok(known) = KnownCertificate::<Ed25519Key>::judge(certificate, trust) {
        let algorithm = StrongAlgorithm::Ed25519;
        let covered = strong_signature::covered(algorithm, certificate, envelope.body(), &[]);
        let _ = known.key.verify(&covered.unwrap_or_default(), &signature);
    }
}

/// What a relay sends can be read by everybody, means the same, and is passed on as it is.
fn relay(envelope: &Envelope) {
    let relayed = with_body(envelope, envelope.relayed());
    assert_eq!(skim(relayed.bytes()), Ok(Shape::Envelope));
    assert_eq!(canonical(relayed.body()), canonical(envelope.body()));
    assert_eq!(relayed.relayed(), relayed.bytes());
}

/// Reads a certificate as PEM and as DER, and judges it: as that of a signer and as that of a CA.
pub fn certificate(trust: &TrustStore, now: i64, bytes: &[u8]) {
    let read = [
        Certificate::from_pem(bytes),
        Certificate::from_der(Bytes::copy_from_slice(bytes)),
    ];
    for certificate in read.into_iter().flatten() {
        let pem = certificate.to_pem();
        let again = Certificate::from_pem(pem.as_bytes());
        assert_eq!(
            again.map(|again| again.der().to_vec()).as_deref(),
            Ok(certificate.der())
        );
        let validity = certificate.validity();
        assert!(X509_TIMES.contains(&validity.not_before));
        assert!(X509_TIMES.contains(&validity.not_after));
        assert!(certificate.serial().len() <= certificate.der().len() * 2);

        let _ = (certificate.rsa_key(), certificate.ed25519_key());
        let _ = trust.check_issued(&certificate);
        let _ = trust.has_revoked(&certificate);
        if let Ok(own) = TrustStore::from_pem(pem.as_bytes(), None) {
            assert_eq!(own.check_issued(&certificate), Ok(()));
            assert!(!own.has_revoked(&certificate));
            let is_now = (validity.not_before..validity.not_after).contains(&now);
            let by_time = own.check_time(now, CrlPolicy::Refuse);
            assert_eq!(by_time.is_ok(), is_now);
        }
    }
}

/// Reads a CRL as PEM and as DER, and judges it.
pub fn revocation_list(trust: &TrustStore, now: i64, bytes: &[u8]) {
    let from_pem = RevocationList::from_pem(bytes);
    if let Ok(list) = &from_pem {
        let ca = trust.ca().to_pem();
        let with_list = TrustStore::from_pem(ca.as_bytes(), Some(bytes));
        let is_good = bytes.is_ascii() && trust.check_crl(list).is_ok();
        assert_eq!(with_list.is_ok(), is_good);
        if let Ok(with_list) = with_list {
            let is_bad = now < list.this_update() || list.contains(&trust.ca().serial);
            let is_late = list.next_update().is_some_and(|next| next <= now);
            let refused = with_list.check_time(now, CrlPolicy::Refuse).is_err();
            assert_eq!(refused, is_bad || is_late);
            let tolerated = with_list.check_time(now, CrlPolicy::AcceptWithAlarm);
            assert_eq!(tolerated.is_err(), is_bad);
        }
    }
    let from_der = RevocationList::from_der(Bytes::copy_from_slice(bytes));
    for list in [from_pem, from_der].into_iter().flatten() {
        assert!(X509_TIMES.contains(&list.this_update()));
        let next_update = list.next_update();
        assert!(next_update.is_none_or(|next| X509_TIMES.contains(&next)));
        assert!(list.len() < bytes.len());
        let _ = trust.check_crl(&list);
        let _ = list.contains(bytes);
    }
}

/// Decodes base64, leniently and strictly: what the strict way reads, the lenient one reads alike,
/// and it is the only text for those bytes. Encodes, too.
pub fn base64(bytes: &[u8]) {
    let encoded = encode(bytes);
    assert_eq!(decode_strict(encoded.as_bytes()).as_deref(), Ok(bytes));
    assert_eq!(decode_lenient(&encoded).as_deref(), Ok(bytes));

    let Ok(text) = str::from_utf8(bytes) else {
        assert!(decode_strict(bytes).is_err());
        return;
    };
    let lenient = decode_lenient(text);
    if let Ok(strict) = decode_strict(bytes) {
        assert_eq!(lenient.as_ref(), Ok(&strict));
        assert_eq!(encode(&strict), text);
    }
    if let Ok(decoded) = &lenient {
        assert!(decoded.len() <= text.len() / 4 * 3 + 2);
    }
    // Characters to be skipped make it slower, and nothing else.
    let spread: String = text.chars().flat_map(|letter| [letter, '\n']).collect();
    assert_eq!(decode_lenient(&spread), lenient);
}

/// Reads JSON with all readers, writes it in all styles, and reads that again.
pub fn json(bytes: &[u8]) {
    let parsed = Value::parse(bytes);
    let skimmed = skim(bytes);
    assert_eq!(skimmed.err(), parsed.as_ref().err().copied());
    // Everything that serde_json takes is JSON.
    let strict = serde_json::from_slice::<serde_json::Value>(bytes);
    assert!(strict.is_err() || parsed.is_ok());
    let Ok(value) = parsed else {
        return;
    };
    assert_eq!(skimmed, Ok(shape(&value)));

    let canonical = canonical(&value);
    assert!(canonical.is_ok(), "what was parsed can be written");
    // An escape has up to six characters for one byte, an indentation two for each level.
    let styles: [(Writer, usize); 3] = [
        (self::canonical, 6),
        (to_spaced, 6),
        (to_pretty, 6 + 2 * MAX_DEPTH),
    ];
    for (write, growth) in styles {
        let text = write(&value).unwrap_or_default();
        assert!(text.is_ascii() && text.len() <= bytes.len() * growth);
        let again = Value::parse_str(&text).unwrap_or_default();
        assert_eq!(self::canonical(&again), canonical);
        assert_eq!(write(&again), Ok(text));
    }
    check_marks(bytes, &value, &canonical.unwrap_or_default());
    if let Ok(theirs) = serde_json::Value::try_from(&value) {
        assert_eq!(Value::from(theirs), value);
    }
}

type Writer = fn(&Value) -> Result<String, EncodeError>;

fn shape(value: &Value) -> Shape {
    match value {
        Value::Object(object) if object.contains_key("topic") => Shape::Envelope,
        Value::Object(_) => Shape::Object,
        Value::Array(_) => Shape::Array,
        Value::String(_) => Shape::String,
        Value::Int(_) | Value::Float(_) => Shape::Number,
        Value::Bool(_) => Shape::Bool,
        Value::Null => Shape::Null,
    }
}

fn canonical(value: &Value) -> Result<String, EncodeError> {
    let mut text = String::new();
    append_canonical(&mut text, value)?;
    Ok(text)
}

/// A text is taken for canonical if it is, and the credentials are where they seem to be.
fn check_marks(bytes: &[u8], value: &Value, expected: &str) {
    let text = str::from_utf8(bytes).unwrap_or_default();
    let Ok((_, marks)) = Value::parse_marking(text, CREDENTIALS) else {
        return;
    };
    assert_eq!(marks.is_some(), text == expected);
    for (name, mark) in CREDENTIALS.iter().zip(marks.into_iter().flatten()) {
        let member = value.get(name).and_then(|member| canonical(member).ok());
        let member = member.map(|member| format!("\"{name}\":{member}"));
        assert_eq!(mark.and_then(|mark| text.get(mark)), member.as_deref());
    }
}

/// Matches a topic against patterns, one by one and all at once: the patterns on lines of their
/// own, then a NUL, then the topic.
pub fn topic(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let (patterns, topic) = text.split_once('\0').unwrap_or((text, ""));
    let patterns = patterns.split('\n').map(str::parse::<TopicPattern>);
    let patterns: Vec<(u32, TopicPattern)> = (0..).zip(patterns.flatten()).collect();
    let mut index = TopicIndex::new();
    for (key, pattern) in &patterns {
        index.insert(pattern, *key);
    }
    let mut found = Vec::new();
    index.lookup(topic, &mut found);
    let matching = patterns
        .iter()
        .filter(|(_, pattern)| pattern.matches(topic));
    let expected: Vec<u32> = matching.clone().map(|(key, _)| *key).collect();
    assert_eq!(found, expected);
    for (_, pattern) in matching {
        assert!(topic.starts_with(pattern.literal_prefix()));
    }
    for (key, _) in &patterns {
        index.remove(*key);
    }
    assert!(index.is_empty());
}

#[cfg(test)]
mod tests;
