//! Every golden vector about signatures: made by the original, judged here.

use bytes::Bytes;

use super::test_pki::{NOW, code};
use super::{Backends, CrlPolicy, RoutingPolicy, TrustStore, Validator, ValidatorSettings};
use crate::json::Value;
use crate::verdict::{Alarm, Verdict};
use crate::{Envelope, fixture};

/// The verdict on each vector that is not accepted, by the end of its name.
const REFUSED: [(&str, &str); 37] = [
    ("cert-bodhi-revoked-by-crl-all", "revoked"),
    ("cert-ca-file-is-crl", "no-trust-store"),
    ("cert-ca-file-missing", "no-trust-store"),
    ("cert-ca-is-other", "untrusted"),
    ("cert-crl-expired", "stale-crl"),
    ("cert-crl-file-is-cert", "no-trust-store"),
    ("cert-crl-of-other-ca", "no-trust-store"),
    ("cert-ec-key", "bad-certificate"),
    ("cert-expired", "certificate-expired"),
    ("cert-rogue-ca-same-names", "untrusted"),
    ("cert-self-signed", "untrusted"),
    ("cert-via-intermediate", "untrusted"),
    ("form-base64-urlsafe", "bad-signature"),
    ("form-duplicate-key-last-differs", "bad-signature"),
    ("form-int-spelled-as-exponent", "bad-signature"),
    ("form-pem-chain-ca-first", "bad-signature"),
    ("form-topic-field-missing", "malformed"),
    ("form-topic-frame-differs", "topic-mismatch"),
    ("malformed-invalid-utf8-body", "no message"),
    ("malformed-one-frame", "no message"),
    ("malformed-three-frames", "no message"),
    ("policy-empty-list", "not-authorised"),
    ("policy-no-globs", "topic-without-policy"),
    ("policy-no-policy-nitpicky", "topic-without-policy"),
    ("policy-not-listed", "not-authorised"),
    ("tampered-both-removed-crypto-kept", "unsigned"),
    ("tampered-certificate-der", "bad-certificate"),
    ("tampered-certificate-empty", "bad-certificate"),
    ("tampered-certificate-null", "field-not-text"),
    ("tampered-certificate-removed", "missing-field"),
    ("tampered-certificate-truncated", "bad-certificate"),
    ("tampered-crypto-gpg", "backend-not-allowed"),
    ("tampered-crypto-list", "unknown-backend"),
    ("tampered-crypto-null", "unknown-backend"),
    ("tampered-signature-list", "field-not-text"),
    ("tampered-signature-null", "field-not-text"),
    ("tampered-topic-changed", "topic-mismatch"),
];

/// Where the original's `validate` or hub says otherwise, and that is right.
const DIFFERENT: [(&str, &str); 4] = [
    // Accepted with an alarm instead: the wire specification asks for it (§5.4).
    ("tampered-seq-id-added", "accepted"),
    // Accepted there with a topic that nobody has said: a hub refuses it, too.
    ("form-topic-field-missing", "malformed"),
    // A list is wanted: such a policy cannot be made here (§8, Q33).
    ("policy-string-not-list-exact", "no policy"),
    ("policy-string-not-list-substring", "no policy"),
];

fn expected_code(name: &str) -> Option<&'static str> {
    let table = DIFFERENT.iter().chain(&REFUSED);
    let listed = table.into_iter().find(|(listed, _)| name == *listed);
    listed.map(|(_, code)| *code)
}

#[test]
fn every_message_gets_the_verdict_of_the_original_and_a_reason() {
    let mut seen = 0;
    for path in fixture::files("x509", ".json") {
        let vector = fixture::vectors(&path);
        let Some(frames) = frames(&vector) else {
            assert_eq!(path, "x509/validate_signed_by.json");
            continue;
        };
        let name = path.trim_start_matches("x509/").trim_end_matches(".json");
        let Some(validator) = validator(vector.get("config").unwrap()) else {
            assert_eq!(expected_code(name), Some("no policy"), "{name}");
            continue;
        };
        let envelope = Envelope::decode(&frames);
        let hub = envelope.as_ref().map_or("no message", |envelope| {
            code(&validator.validate(envelope, NOW))
        });
        let usual = if name.starts_with("malformed") {
            "malformed"
        } else {
            "bad-signature"
        };
        let theirs = vector
            .pointer("/expected/hub/result")
            .and_then(Value::as_str);
        let is_accepted = theirs == Some("accepted");
        let expected = if is_accepted { "accepted" } else { usual };
        assert_eq!(hub, expected_code(name).unwrap_or(expected), "{name}");
        let is_different = DIFFERENT.iter().any(|(different, _)| *different == name);
        assert!(is_different || is_accepted == (hub == "accepted"), "{name}");

        // `validate` and `tail_messages` know no frame to compare the topic with.
        if let Ok(envelope) = envelope
            && let Some(topic) = envelope.get("topic").and_then(Value::as_str)
            && !is_different
        {
            let topic = Bytes::copy_from_slice(topic.as_bytes());
            let envelope = Envelope::from_frames(topic, envelope.bytes().clone()).unwrap();
            let ours = validator.validate(&envelope, NOW).is_accepted();
            let result = |key| vector.pointer(key);
            let validated = result("/expected/validate/result").and_then(Value::as_bool);
            let tailed = result("/expected/tail/result").and_then(Value::as_str);
            assert_eq!(ours, validated == Some(true), "{name}");
            assert_eq!(ours, tailed == Some("accepted"), "{name}");
        }
        seen += 1;
    }
    assert_eq!(seen, 120);
}

#[test]
fn a_seq_id_added_after_signing_is_tolerated_and_told() {
    let vector = fixture::vectors("x509/tampered-seq-id-added.json");
    let envelope = Envelope::decode(&frames(&vector).unwrap()).unwrap();
    let validator = validator(vector.get("config").unwrap()).unwrap();
    match validator.validate(&envelope, NOW) {
        Verdict::Accepted { alarms, .. } => assert_eq!(alarms, [Alarm::SeqIdNotSigned]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stale_crl_may_be_tolerated_and_told() {
    let vector = fixture::vectors("x509/cert-crl-expired.json");
    let envelope = Envelope::decode(&frames(&vector).unwrap()).unwrap();
    let settings = ValidatorSettings {
        crl_policy: CrlPolicy::AcceptWithAlarm,
        ..settings(vector.get("config").unwrap()).unwrap()
    };
    match Validator::new(settings).validate(&envelope, NOW) {
        Verdict::Accepted { alarms, .. } => {
            assert_eq!(
                alarms,
                [Alarm::StaleCrl {
                    next_update: 1_580_515_200
                }]
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_signed_by_its_signer_only() {
    let vector = fixture::vectors("x509/validate_signed_by.json");
    let validator = validator(vector.get("config").unwrap()).unwrap();
    let body = Bytes::from(fixture::bytes(&vector, "wire_b64"));
    let envelope = with_topic_of(body);
    for case in vector.get("cases").and_then(Value::as_array).unwrap() {
        let signer = fixture::text(case, "signer");
        let verdict = validator.validate_signed_by(&envelope, signer, NOW);
        let expected = case.get("expected").and_then(Value::as_bool).unwrap();
        let expected = if expected {
            "accepted"
        } else {
            "not-authorised"
        };
        assert_eq!(code(&verdict), expected, "{signer}");
    }
    assert_eq!(code(&validator.validate(&envelope, NOW)), "not-authorised");
}

#[test]
fn every_variant_of_the_specification_gets_its_verdict() {
    let vectors = fixture::vectors("wire-vectors.json");
    let vector = vectors.get("x509").unwrap();
    let ca = fixture::text(vector, "ca_pem");
    let variants = vector.get("variants").and_then(Value::as_array).unwrap();
    assert_eq!(variants.len(), 25);
    for variant in variants {
        let label = fixture::text(variant, "label");
        let config = variant.get("config").unwrap();
        let validator = Validator::new(ValidatorSettings {
            trust: Some(TrustStore::from_pem(ca.as_bytes(), None).unwrap()),
            policy: policy(config).unwrap(),
            ..ValidatorSettings::default()
        });
        let wire = Bytes::copy_from_slice(fixture::text(variant, "wire_json").as_bytes());
        let verdict = validator.validate(&with_topic_of(wire), NOW);
        let theirs = variant.get("upstream_result").unwrap();
        let expected = match label {
            "seq_id added" => true,
            _ => theirs.as_bool().unwrap_or(false),
        };
        assert_eq!(verdict.is_accepted(), expected, "{label}: {verdict:?}");
    }
}

#[test]
fn every_chain_of_the_specification_gets_its_verdict() {
    use super::certificate::Certificate;
    let vectors = fixture::vectors("wire-vectors.json");
    let chain = vectors.get("chain").unwrap();
    let file = |name: &str| fixture::text(chain.get("files").unwrap(), name).as_bytes();
    let cases = chain.get("cases").and_then(Value::as_array).unwrap();
    assert_eq!(cases.len(), 22);
    for case in cases {
        let label = fixture::text(case, "label");
        let [ca, cert] = ["ca", "cert"].map(|key| file(fixture::text(case, key)));
        let crl = case.get("crl").and_then(Value::as_str).map(file);
        let certificate = Certificate::from_pem(cert).unwrap();
        let ours = || -> Result<(), String> {
            let trust = TrustStore::from_pem(ca, crl).map_err(|error| error.to_string())?;
            trust
                .check_issued(&certificate)
                .map_err(|refusal| refusal.to_string())?;
            let time = trust.check_time(NOW, CrlPolicy::Refuse);
            time.map_err(|refusal| refusal.to_string())?;
            match trust.has_revoked(&certificate) {
                true => Err("certificate revoked".into()),
                false => Ok(()),
            }
        };
        let theirs = fixture::text(case, "upstream");
        assert_eq!(
            ours().is_ok(),
            theirs == "ok",
            "{label}: {theirs}, {:?}",
            ours()
        );
    }
}

#[test]
fn gpg_messages_are_judged_as_far_as_that_goes_without_gpg() {
    use super::backend::Backend;
    let x509_only = Validator::new(ValidatorSettings::default());
    let gpg_only = Validator::new(ValidatorSettings {
        backends: Backends::from_iter([Backend::Gpg]),
        ..ValidatorSettings::default()
    });
    for path in fixture::files("gpg", ".json") {
        let vector = fixture::vectors(&path);
        let envelope = Envelope::decode(&frames(&vector).unwrap()).unwrap();
        let is_gpg = path != "gpg/crypto-says-x509.json";
        let [by_default, allowed] =
            [&x509_only, &gpg_only].map(|validator| validator.validate(&envelope, NOW));
        let expected = if is_gpg {
            ["backend-not-allowed", "gpg-not-checked"]
        } else {
            ["missing-field", "backend-not-allowed"]
        };
        assert_eq!([code(&by_default), code(&allowed)], expected, "{path}");
        let by_signer = gpg_only.validate_signed_by(&envelope, "anybody", NOW);
        assert_eq!(code(&by_signer), "backend-not-allowed");

        let claim = gpg_only.gpg_claim(&envelope);
        assert!(x509_only.gpg_claim(&envelope).is_err());
        assert_eq!(claim.is_ok(), is_gpg, "{path}");
        if let Ok(claim) = claim {
            let was_changed = path == "gpg/body-changed.json";
            let signed = fixture::bytes(&vector, "signed_bytes_b64");
            assert_eq!(claim.data != signed, was_changed, "{path}");
            assert!(claim.accepted("somebody".into()).is_accepted());
            assert_eq!(code(&claim.refused()), "bad-signature");
        }
    }
}

/// Returns the message with the topic of its body in its frame, too.
fn with_topic_of(body: Bytes) -> Envelope {
    let value = Value::parse(&body).unwrap();
    let topic = fixture::text(&value, "topic").to_owned();
    Envelope::from_frames(Bytes::from(topic), body).unwrap()
}

fn frames(vector: &Value) -> Option<Vec<Bytes>> {
    let frames = vector.get("frames_b64")?.as_array()?.iter();
    Some(
        frames
            .map(|frame| Bytes::from(fixture::base64(frame.as_str().unwrap())))
            .collect(),
    )
}

fn validator(config: &Value) -> Option<Validator> {
    settings(config).map(Validator::new)
}

/// Returns the settings of a vector; nothing if they are not what settings can be.
fn settings(config: &Value) -> Option<ValidatorSettings> {
    let read = |key| {
        let path = config.get(key).and_then(Value::as_str)?;
        Some(if path == "pki/absent.crt" {
            Vec::new()
        } else {
            fixture::file(path)
        })
    };
    let ca = read("ca_cert_location").unwrap();
    Some(ValidatorSettings {
        trust: TrustStore::from_pem(&ca, read("crl_location").as_deref()).ok(),
        policy: policy(config)?,
        ..ValidatorSettings::default()
    })
}

fn policy(config: &Value) -> Option<RoutingPolicy> {
    let empty = crate::json::Object::new();
    let entries = config
        .get("routing_policy")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let entries: Option<Vec<(&str, Vec<&str>)>> = entries
        .iter()
        .map(|(topic, signers)| {
            let signers = signers
                .as_array()?
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()?;
            Some((topic.as_str()?, signers))
        })
        .collect();
    let policy = RoutingPolicy::new(entries?);
    let is_nitpicky = config.get("routing_nitpicky").and_then(Value::as_bool) == Some(true);
    Some(if is_nitpicky {
        policy.nitpicky()
    } else {
        policy
    })
}
