//! Tests of [`Validator`]: time, replaced trust, many threads, and messages that try to hurt.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;

use super::*;
use crate::crypto::test_pki::{
    NOW, TOPIC, changed, code, pki, signed, signed_by, trust, validator,
};
use crate::crypto::{base64, certificate::Certificate};
use crate::verdict::Distrust;

fn store(ca: &str, crl: Option<&str>) -> TrustStore {
    TrustStore::from_pem(&pki(ca), crl.map(pki).as_deref()).unwrap()
}

fn with_trust(trust: TrustStore) -> Validator {
    Validator::new(ValidatorSettings {
        trust: Some(trust),
        ..ValidatorSettings::default()
    })
}

/// The same validator throughout: what it remembers must not outlive its time.
#[test]
fn a_remembered_certificate_is_judged_by_the_time_of_each_message() {
    const START_2015: i64 = 1_420_070_400;
    const START_2016: i64 = 1_451_606_400;
    const START_2020: i64 = 1_577_836_800;
    const START_2045: i64 = 2_366_841_600;
    #[track_caller]
    fn check(validator: &Validator, name: &str, times: &[(i64, &str)]) {
        let envelope = signed_by(name);
        for (now, expected) in times.iter().chain(times.iter().rev()) {
            assert_eq!(
                code(&validator.validate(&envelope, *now)),
                *expected,
                "{name} {now}"
            );
        }
    }
    let no_crl = with_trust(store("ca.crt", None));
    check(
        &no_crl,
        "expired-app01.test",
        &[
            (START_2015 - 1, "ca-not-yet-valid"),
            (START_2015, "accepted"),
            (START_2016 - 1, "accepted"),
            (START_2016, "certificate-expired"),
        ],
    );
    check(
        &validator(),
        "bodhi-app01.test",
        &[
            (START_2020 - 1, "crl-not-yet-valid"),
            (START_2020, "accepted"),
            (START_2045 - 1, "accepted"),
            (START_2045, "stale-crl"),
        ],
    );
    check(
        &validator(),
        "notyet-app01.test",
        &[(NOW, "certificate-not-yet-valid")],
    );
    check(&validator(), "revoked-app01.test", &[(NOW, "revoked")]);
    check(
        &no_crl,
        "bodhi-app01.test",
        &[(START_2045 - 1, "accepted"), (START_2045, "ca-expired")],
    );
    assert_eq!(no_crl.trust().unwrap().store.expires(), START_2045);
    let expired = store("ca.crt", Some("crl-expired.pem"));
    assert_eq!(expired.expires(), 1_580_515_200);
}

#[test]
fn replaced_trust_forgets_what_was_found_out_before() {
    let validator = Validator::new(ValidatorSettings::default());
    let envelope = signed();
    let revoked = signed_by("revoked-app01.test");
    #[track_caller]
    fn check(validator: &Validator, messages: [&Envelope; 2], expected: [&str; 2]) {
        for _ in 0..2 {
            let codes = messages.map(|message| code(&validator.validate(message, NOW)));
            assert_eq!(codes, expected);
        }
    }
    let both = [&envelope, &revoked];
    check(&validator, both, ["no-trust-store", "no-trust-store"]);
    validator.replace_trust(store("ca.crt", None));
    check(&validator, both, ["accepted", "accepted"]);
    validator.replace_trust(store("ca.crt", Some("crl.pem")));
    check(&validator, both, ["accepted", "revoked"]);
    validator.replace_trust(store("rogue/ca.crt", None));
    check(&validator, both, ["untrusted", "untrusted"]);
    validator.replace_trust(store("ca.crt", Some("crl-all.pem")));
    check(&validator, both, ["revoked", "revoked"]);
    validator.replace_trust(trust());
    check(&validator, both, ["accepted", "revoked"]);
}

/// Each verdict is that of one trust store or of the other, never of a mixture.
#[test]
fn trust_may_be_replaced_while_many_threads_validate() {
    let validator = &validator();
    let stop = &AtomicBool::new(false);
    let messages = &[
        signed(),
        signed_by("revoked-app01.test"),
        signed_by("git-app01.test"),
    ];
    let seen: Vec<[usize; 3]> = std::thread::scope(|scope| {
        let validate = move || {
            let mut seen = [0; 3];
            while !stop.load(Ordering::Relaxed) {
                for (number, message) in messages.iter().enumerate() {
                    let verdict = validator.validate(message, NOW);
                    let kind = match (&verdict, number) {
                        (Verdict::Accepted { .. }, 0 | 2) => 0,
                        (Verdict::Refused(Refusal::Revoked { .. }), 1) => 1,
                        (Verdict::Refused(Refusal::Untrusted(Distrust::OtherKey)), _) => 2,
                        other => panic!("{other:?}"),
                    };
                    seen[kind] += 1;
                }
            }
            seen
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(validate)).collect();
        for _ in 0..100 {
            validator.replace_trust(store("rogue/ca.crt", None));
            assert_eq!(code(&validator.validate(&messages[0], NOW)), "untrusted");
            validator.replace_trust(trust());
            assert_eq!(code(&validator.validate(&messages[0], NOW)), "accepted");
        }
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for kind in 0..3 {
        assert!(seen.iter().any(|seen| seen[kind] > 0), "{seen:?}");
    }
}

#[test]
fn fields_of_any_type_are_refused_with_a_reason() {
    let envelope = signed();
    for name in [
        "signature",
        "certificate",
        "crypto",
        "topic",
        "strong_signature",
        "seq_id",
    ] {
        for json in [
            "null",
            "true",
            "0",
            "1.5",
            "[]",
            "{}",
            "\"\"",
            "\"x\"",
            "\"\\ud800\"",
            "NaN",
        ] {
            let value = Value::parse_str(json).unwrap();
            let message = changed(&envelope, |body| {
                body.insert(name, value);
            });
            let verdict = validator().validate(&message, NOW);
            // Nothing in `seq_id` is covered if it was not there.
            assert_eq!(
                verdict.is_accepted(),
                name == "seq_id",
                "{name} {json} {verdict:?}"
            );
        }
        let without = changed(&envelope, |body| {
            body.remove(name);
        });
        let is_there = envelope.get(name).is_some();
        assert_eq!(
            validator().validate(&without, NOW).is_accepted(),
            !is_there,
            "{name}"
        );
    }
}

#[test]
fn a_seq_id_inside_the_signature_is_covered_by_it() {
    let mut body = crate::crypto::test_pki::body();
    body.insert("seq_id", 7);
    let signer = crate::crypto::test_pki::signer("bodhi-app01.test");
    let inside = signer.sign(crate::crypto::test_pki::topic(), body).unwrap();
    match validator().validate(&inside, NOW) {
        Verdict::Accepted {
            alarms,
            serial,
            signer,
        } => {
            assert_eq!(alarms, []);
            assert_eq!(&*signer, "bodhi-app01.test");
            assert_eq!(
                serial.as_deref(),
                Some("4488E794A1EA658A07B42AC0C1A6B3397C544D23")
            );
        }
        other => panic!("{other:?}"),
    }
    let other = changed(&inside, |body| {
        body.insert("seq_id", 8);
    });
    assert_eq!(code(&validator().validate(&other, NOW)), "bad-signature");
    let without = changed(&inside, |body| {
        body.remove("seq_id");
    });
    assert_eq!(code(&validator().validate(&without, NOW)), "bad-signature");
}

/// Ten times the size costs about ten times the work: what is slow here is slow by orders.
#[test]
fn large_messages_cost_no_more_than_their_size() {
    let begin = Instant::now();
    let megabyte = "A".repeat(1 << 20);
    let pem = |der: &[u8]| {
        let mut out = String::new();
        let lines = String::from("-----BEGIN CERTIFICATE-----\n")
            + &base64::encode(der)
            + "\n-----END CERTIFICATE-----\n";
        base64::append(&mut out, lines.as_bytes());
        out
    };
    // Claims a length of 700 KiB, with nothing but the beginnings of sequences in it.
    let nested = pem(&[0x30, 0x83, 0x0a, 0xff, 0xff].repeat(150_000));
    let begins = base64::encode("-----BEGIN CERTIFICATE-----\n".repeat(30_000).as_bytes());
    let not_yet = base64::encode("-----BEGIN x\n".repeat(60_000).as_bytes());
    let envelope = signed();
    for (field, text) in [
        ("signature", &megabyte),
        ("certificate", &megabyte),
        ("certificate", &nested),
        ("certificate", &begins),
        ("certificate", &not_yet),
        ("crypto", &megabyte),
    ] {
        let message = changed(&envelope, |body| {
            body.insert(field, text.as_str());
        });
        let verdict = validator().validate(&message, NOW);
        assert!(!verdict.is_accepted(), "{field}");
    }
    // Keys in descending order, which have to be sorted.
    let keys: String = (0..100_000)
        .rev()
        .map(|key| format!(",\"{key:06}\":{key}"))
        .collect();
    let keys = changed(&envelope, |body| {
        let keys = Value::parse_str(&format!("{{{}}}", &keys[1..])).unwrap();
        body.insert("msg", keys);
    });
    assert_eq!(code(&validator().validate(&keys, NOW)), "bad-signature");
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

/// A certificate of the message itself is damaged, so that signature and chain both matter.
#[test]
fn no_bit_of_a_certificate_can_be_turned_over() {
    let envelope = signed();
    let pem = pki("bodhi-app01.test.crt");
    let der = Certificate::from_pem(&pem).unwrap().der().to_vec();
    let validator = with_trust(store("ca.crt", None));
    for at in 0..der.len() {
        let mut der = der.clone();
        der[at] ^= 1;
        let pem = crate::crypto::pem::certificate(&der);
        let message = changed(&envelope, |body| {
            body.insert("certificate", base64::encode(pem.as_bytes()));
        });
        let verdict = validator.validate(&message, NOW);
        assert!(!verdict.is_accepted(), "byte {at}");
    }
    let same = changed(&envelope, |body| {
        body.insert("certificate", base64::encode(&pem));
    });
    assert_eq!(code(&validator.validate(&same, NOW)), "accepted");
    assert_eq!(
        same.topic().as_bytes(),
        &Bytes::from_static(TOPIC.as_bytes())
    );
}

#[test]
fn gpg_does_not_stand_in_for_a_strong_signature() {
    let verdict = |require_strong: bool, more: &str| {
        let validator = Validator::new(ValidatorSettings {
            backends: [Backend::Gpg].into_iter().collect(),
            require_strong,
            ..ValidatorSettings::default()
        });
        let body =
            format!(r#"{{"crypto":"gpg","msg":{{}},"signature":"AAAA","topic":"{TOPIC}"{more}}}"#);
        let envelope = Envelope::from_frames(TOPIC.into(), Bytes::from(body)).unwrap();
        let claim = validator.gpg_claim(&envelope).err();
        let judged = code(&validator.validate(&envelope, NOW));
        (judged, claim.map(|refusal| refusal.code()))
    };
    assert_eq!(verdict(false, ""), ("gpg-not-checked", None));
    let missing = "strong-signature-missing";
    assert_eq!(verdict(true, ""), (missing, Some(missing)));
    let bad = "bad-strong-signature";
    let member = r#","strong_signature":"rubbish""#;
    for require in [false, true] {
        assert_eq!(verdict(require, member), (bad, Some(bad)));
    }
}
