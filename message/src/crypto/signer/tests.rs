//! Tests of [`Signer`]: the original's bytes, refusals, and the strong signature.

use proptest::prelude::*;

use super::*;
use crate::canonical::Canonical;
use crate::crypto::test_pki::{self, NOW, code, pki};
use crate::crypto::{TrustStore, Validator, ValidatorSettings};
use crate::fixture;
use crate::to_canonical;

#[test]
fn every_message_of_the_original_is_reproduced_byte_for_byte() {
    let files = fixture::files("x509", ".json");
    let files = files.iter().filter(|path| path.starts_with("x509/valid-"));
    let mut seen = 0;
    for path in files {
        let vector = fixture::vectors(path);
        let signer = test_pki::signer(fixture::text(&vector, "signer"));
        let unsigned = Value::parse(&fixture::bytes(&vector, "unsigned_json_b64")).unwrap();
        let frames = vector.get("frames_b64").and_then(Value::as_array).unwrap();
        let [topic, body] = frames else {
            panic!("{path}")
        };
        let [topic, body] = [topic, body].map(|frame| fixture::base64(frame.as_str().unwrap()));
        let topic: Topic = String::from_utf8(topic).unwrap().parse().unwrap();
        let Value::Object(unsigned) = unsigned else {
            panic!("{path}")
        };
        // One of them is not finite, which this crate would never send.
        let is_finite = path != "x509/valid-floats-nonfinite.json";
        let sent = signer.sign(topic.clone(), unsigned.clone());
        assert_eq!(sent.is_ok(), is_finite, "{path}");
        let sent = signer.sign_as::<Canonical>(topic, unsigned).unwrap();
        assert!(*sent.bytes() == body, "{path}");
        let signed = fixture::bytes(&vector, "signed_bytes_b64");
        assert!(sent.signed_bytes().unwrap() == signed, "{path}");
        seen += 1;
    }
    assert_eq!(seen, 22);
}

#[test]
fn the_message_of_the_specification_is_reproduced_with_either_form_of_key() {
    let vectors = fixture::vectors("wire-vectors.json");
    let vector = vectors.get("x509").unwrap();
    let text = |key| fixture::text(vector, key);
    for key in ["key_pem_pkcs8", "key_pem_pkcs1"] {
        let certificate = text("cert_file").as_bytes();
        let signer = Signer::from_pem(certificate, text(key).as_bytes()).unwrap();
        let unsigned = Value::parse_str(text("unsigned_message_json")).unwrap();
        let topic: Topic = fixture::text(&unsigned, "topic").parse().unwrap();
        let sent = signer
            .sign(topic, unsigned.as_object().unwrap().clone())
            .unwrap();
        assert_eq!(*sent.bytes(), text("wire_json"));
        assert_eq!(
            sent.signed_bytes().unwrap(),
            text("signed_bytes").as_bytes()
        );
        let name = signer.certificate().common_name().unwrap();
        assert_eq!(&**name, text("cert_subject_cn"));
    }
}

#[test]
fn a_signed_message_is_not_signed_again_unless_stripped() {
    let signer = test_pki::signer("signing-relay-app01.test").with_strong_rsa();
    let first = test_pki::signed();
    for member in ["signature", "certificate", "strong_signature"] {
        let mut body = test_pki::body();
        body.insert(member, "");
        match signer.sign(test_pki::topic(), body) {
            Err(SignError::AlreadySigned { member: found }) => assert_eq!(found, member),
            other => panic!("{other:?}"),
        }
    }
    let mut body = first.body().as_object().unwrap().clone();
    crate::strip_credentials(&mut body);
    assert_eq!(body.get("crypto"), Some(&Value::from("x509")));
    let again = signer.sign(test_pki::topic(), body).unwrap();
    assert_eq!(
        code(&test_pki::validator().validate(&again, NOW)),
        "accepted"
    );
    let mut body = again.body().as_object().unwrap().clone();
    crate::strip_credentials(&mut body);
    assert!(signer.sign(test_pki::topic(), body).is_ok());
}

#[test]
fn what_does_not_make_a_signer_is_told() {
    #[track_caller]
    fn check(certificate: &[u8], key: &[u8], expected: &str) {
        let error = Signer::from_pem(certificate, key).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let [certificate, key] = [pki("bodhi-app01.test.crt"), pki("bodhi-app01.test.key")];
    let encrypted = PKey::private_key_from_pem(&key).unwrap();
    let cipher = openssl::symm::Cipher::aes_128_cbc();
    let encrypted = encrypted
        .private_key_to_pem_pkcs8_passphrase(cipher, b"secret")
        .unwrap();
    let git = pki("git-app01.test.key");
    check(b"", &key, "certificate file: certificate is not PEM");
    check(&certificate, b"", "key file: no private key in PEM");
    check(&certificate, &encrypted, "key file: key is encrypted");
    check(
        &certificate,
        &certificate,
        "key file: no private key in PEM",
    );
    check(
        &certificate,
        &git,
        "certificate and key do not belong together",
    );
    let [ec, ec_key] = [pki("ec-app01.test.crt"), pki("ec-app01.test.key")];
    check(
        &ec,
        &ec_key,
        "certificate file: key of the certificate is not RSA",
    );
    check(&certificate, &ec_key, "key file: key is not RSA");
    let [nobody, nobody_key] = [pki("nocn-app01.test.crt"), pki("nocn-app01.test.key")];
    check(
        &nobody,
        &nobody_key,
        "certificate file: certificate has no common name",
    );
}

#[test]
fn neither_key_nor_signature_shows_in_what_is_logged() {
    let shown = format!("{:?}", test_pki::signer("bodhi-app01.test"));
    assert!(
        shown.contains("bodhi-app01.test") && shown.len() < 300,
        "{shown}"
    );
}

#[test]
fn all_kinds_of_signers_are_accepted() {
    for name in [
        "weak1024-app01.test",
        "big4096-app01.test",
        "sha1cert-app01.test",
        "ca",
    ] {
        let envelope = test_pki::signed_by(name);
        assert_eq!(
            code(&test_pki::validator().validate(&envelope, NOW)),
            "accepted",
            "{name}"
        );
    }
}

#[test]
fn stamping_and_signing_is_stamping_then_signing() {
    let stamp = Stamp {
        msg_id: "2026-6ba7b810-9dad-41d1-80b4-00c04fd430c8".into(),
        timestamp: 1_793_000_000,
        i: 7,
        username: "apache".into(),
    };
    let signer = test_pki::signer("bodhi-app01.test");
    let plain = Envelope::stamp(test_pki::topic(), Value::Null, &stamp).unwrap();
    let signed = signer
        .stamp(test_pki::topic(), Value::Null, &stamp)
        .unwrap();
    let body = plain.body().as_object().unwrap().clone();
    assert_eq!(
        signed.bytes(),
        signer.sign(test_pki::topic(), body).unwrap().bytes()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_sent_is_canonical_and_fits(msg in fixture::any_value(), key in "[a-z]{0,12}") {
        let signer = test_pki::signer("weak1024-app01.test");
        for signer in [test_pki::signer("weak1024-app01.test"), signer.with_strong_rsa()] {
            let mut body = test_pki::body();
            body.insert(key.as_str(), msg.clone());
            if credentials::first_of(&body).is_some() {
                continue;
            }
            let sent = signer.sign_as::<Canonical>(test_pki::topic(), body).unwrap();
            prop_assert_eq!(sent.bytes(), &to_canonical(sent.body()).unwrap());
            prop_assert_eq!(code(&test_pki::validator().validate(&sent, NOW)), "accepted");
        }
    }
}

/// A CA of our own, because the PKI of the vectors has no Ed25519 keys.
mod strong {
    use openssl::asn1::{Asn1Integer, Asn1Time};
    use openssl::bn::BigNum;
    use openssl::hash::MessageDigest;
    use openssl::pkey::Private;
    use openssl::x509::{X509, X509Name};

    use super::*;
    use crate::crypto::StrongSignatureError;
    use crate::verdict::Refusal;

    struct Issued {
        certificate: Vec<u8>,
        key: Vec<u8>,
    }

    /// Returns a certificate for a new Ed25519 key, issued by the CA of the PKI.
    fn issued(name: &str, not_after: i64) -> Issued {
        let ca = X509::from_pem(&pki("ca.crt")).unwrap();
        let ca_key = PKey::private_key_from_pem(&pki("ca.key")).unwrap();
        let key = PKey::generate_ed25519().unwrap();
        issued_for(&key, name, not_after, &ca, &ca_key)
    }

    fn issued_for(
        key: &PKey<Private>,
        name: &str,
        not_after: i64,
        ca: &X509,
        ca_key: &PKey<Private>,
    ) -> Issued {
        let mut subject = X509Name::builder().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let serial = Asn1Integer::from_bn(&BigNum::from_u32(77).unwrap()).unwrap();
        builder.set_serial_number(&serial).unwrap();
        builder.set_subject_name(&subject.build()).unwrap();
        builder.set_issuer_name(ca.subject_name()).unwrap();
        builder
            .set_not_before(&Asn1Time::from_unix(NOW - 1000).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::from_unix(not_after).unwrap())
            .unwrap();
        builder.set_pubkey(key).unwrap();
        builder.sign(ca_key, MessageDigest::sha256()).unwrap();
        Issued {
            certificate: builder.build().to_pem().unwrap(),
            key: key.private_key_to_pem_pkcs8().unwrap(),
        }
    }

    fn strict() -> Validator {
        Validator::new(ValidatorSettings {
            trust: Some(test_pki::trust()),
            require_strong: true,
            ..ValidatorSettings::default()
        })
    }

    fn ed25519_signer(not_after: i64) -> Signer {
        let issued = issued("bodhi-app01.test", not_after);
        test_pki::signer("bodhi-app01.test")
            .with_strong_ed25519(&issued.certificate, &issued.key)
            .unwrap()
    }

    #[track_caller]
    fn check(envelope: &Envelope, now: i64, expected: &Result<(), Refusal>) {
        for validator in [test_pki::validator(), strict()] {
            let verdict = validator.validate(envelope, now);
            assert_eq!(verdict.refusal(), expected.as_ref().err(), "{verdict:?}");
        }
    }

    fn bad(error: StrongSignatureError) -> Result<(), Refusal> {
        Err(Refusal::BadStrongSignature(error))
    }

    #[test]
    fn both_algorithms_are_accepted_where_one_is_required() {
        let rsa = test_pki::signer("bodhi-app01.test").with_strong_rsa();
        for signer in [rsa, ed25519_signer(NOW + 10)] {
            let envelope = signer.sign(test_pki::topic(), test_pki::body()).unwrap();
            check(&envelope, NOW, &Ok(()));
            // Peers that do not know it have the old signature, over everything.
            assert!(
                envelope
                    .signed_bytes()
                    .unwrap()
                    .windows(16)
                    .any(|w| w == b"strong_signature")
            );
        }
        let verdict = strict().validate(&test_pki::signed(), NOW);
        assert_eq!(verdict.refusal(), Some(&Refusal::StrongSignatureMissing));
    }

    /// Signs a body with a strong signature that has been tampered with, by the right key: only
    /// the strong signature can be what is wrong.
    fn resigned(signer: &Signer, change: impl FnOnce(&mut Object)) -> Envelope {
        let strong = signer.sign(test_pki::topic(), test_pki::body()).unwrap();
        let mut body = strong.body().as_object().unwrap().clone();
        body.remove("signature");
        body.remove("certificate");
        change(&mut body);
        let mut signed = String::new();
        let gaps = ["certificate", "signature"];
        let gaps = writer::write_with_gaps::<Canonical, 2>(&mut signed, &body, gaps).unwrap();
        let signature = signer
            .rsa_signature(Digest::Sha1, signed.as_bytes())
            .unwrap();
        let sent = signer.insert_members(&signed, gaps, &signature);
        Envelope::new(test_pki::topic(), sent.into())
    }

    fn in_strong(change: impl FnOnce(&mut Object)) -> impl FnOnce(&mut Object) {
        |body| {
            change(
                body.get_mut("strong_signature")
                    .unwrap()
                    .as_object_mut()
                    .unwrap(),
            )
        }
    }

    #[test]
    fn a_strong_signature_that_does_not_fit_is_refused_even_where_none_is_required() {
        let rsa = test_pki::signer("bodhi-app01.test").with_strong_rsa();
        let ed25519 = ed25519_signer(NOW + 10);
        for signer in [&rsa, &ed25519] {
            check(&resigned(signer, |_| {}), NOW, &Ok(()));
            let mismatch = bad(StrongSignatureError::Mismatch);
            let changed = resigned(signer, |body| {
                body.insert("i", 5);
            });
            check(&changed, NOW, &mismatch);
            let form = bad(StrongSignatureError::Form);
            let extra = in_strong(|strong| {
                strong.insert("note", "hello");
            });
            check(&resigned(signer, extra), NOW, &form);
            let no_signature = in_strong(|strong| {
                strong.remove("signature");
            });
            check(&resigned(signer, no_signature), NOW, &form);
            let text = |body: &mut Object| {
                body.insert("strong_signature", "yes");
            };
            check(&resigned(signer, text), NOW, &form);
            let unknown = in_strong(|strong| {
                strong.insert("algorithm", "rsa-md5");
            });
            let unknown = resigned(signer, unknown);
            check(&unknown, NOW, &bad(StrongSignatureError::UnknownAlgorithm));
            let spaced = in_strong(|strong| {
                strong.insert("signature", "AAAA\nAAAA");
            });
            check(
                &resigned(signer, spaced),
                NOW,
                &bad(StrongSignatureError::BadBase64),
            );
        }
        // Nobody may call one algorithm by the name of the other.
        let renamed = in_strong(|strong| {
            strong.insert("algorithm", "ed25519");
        });
        check(
            &resigned(&rsa, renamed),
            NOW,
            &bad(StrongSignatureError::Form),
        );
        let shorter = in_strong(|strong| {
            strong.insert("algorithm", "rsa-sha256");
            strong.remove("certificate");
        });
        check(
            &resigned(&ed25519, shorter),
            NOW,
            &bad(StrongSignatureError::Mismatch),
        );
    }

    #[test]
    fn the_certificate_of_an_ed25519_key_is_judged_like_any_other() {
        let signer = ed25519_signer(NOW + 10);
        let refusal = |refusal| bad(StrongSignatureError::Certificate(Box::new(refusal)));
        let envelope = signer.sign(test_pki::topic(), test_pki::body()).unwrap();
        let not_after = NOW + 10;
        check(
            &envelope,
            NOW + 10,
            &refusal(Refusal::CertificateExpired { not_after }),
        );

        // Somebody else's certificate: valid, and with a signature that fits it.
        let other = issued("git-app01.test", NOW + 10);
        let error = test_pki::signer("bodhi-app01.test")
            .with_strong_ed25519(&other.certificate, &other.key)
            .unwrap_err();
        assert!(matches!(error, SignerError::OtherSigner { .. }), "{error}");
        let certificate = Certificate::from_pem(&other.certificate)
            .unwrap()
            .to_base64();
        let mut forger = test_pki::signer("bodhi-app01.test");
        let key = PKey::private_key_from_pem(&other.key).unwrap();
        forger.strong = Some(StrongKey::Ed25519 { key, certificate });
        let envelope = forger.sign(test_pki::topic(), test_pki::body()).unwrap();
        let signer = "git-app01.test".into();
        check(
            &envelope,
            NOW,
            &bad(StrongSignatureError::OtherSigner { signer }),
        );

        // Self-made.
        let key = PKey::generate_ed25519().unwrap();
        let rogue = X509::from_pem(&pki("rogue/ca.crt")).unwrap();
        let rogue_key = PKey::private_key_from_pem(&pki("rogue/ca.key")).unwrap();
        let issued = issued_for(&key, "bodhi-app01.test", NOW + 10, &rogue, &rogue_key);
        let signer = test_pki::signer("bodhi-app01.test")
            .with_strong_ed25519(&issued.certificate, &issued.key)
            .unwrap();
        let envelope = signer.sign(test_pki::topic(), test_pki::body()).unwrap();
        let untrusted = Refusal::Untrusted(crate::verdict::Distrust::BadSignature);
        check(&envelope, NOW, &refusal(untrusted));
    }

    /// One text, two meanings: found as the one, it must not be taken for the other.
    #[test]
    fn a_certificate_refused_in_one_place_is_still_good_in_the_other() {
        let envelope = ed25519_signer(NOW + 10)
            .sign(test_pki::topic(), test_pki::body())
            .unwrap();
        let text = envelope
            .body()
            .pointer("/strong_signature/certificate")
            .unwrap()
            .clone();
        let poison = test_pki::changed(&envelope, |body| {
            body.insert("certificate", text);
        });
        let validator = strict();
        assert_eq!(code(&validator.validate(&poison, NOW)), "bad-certificate");
        assert_eq!(code(&validator.validate(&envelope, NOW)), "accepted");
    }

    #[test]
    fn what_a_strong_signature_covers_is_what_the_description_says() {
        let signer = test_pki::signer("bodhi-app01.test").with_strong_rsa();
        let envelope = signer.sign(test_pki::topic(), test_pki::body()).unwrap();
        let pem = String::from_utf8(pki("bodhi-app01.test.crt")).unwrap();
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let certificate: String = lines.collect();
        let mut body = envelope.body().as_object().unwrap().clone();
        crate::strip_credentials(&mut body);
        let canonical = String::from_utf8(to_canonical(&Value::Object(body)).unwrap()).unwrap();
        let data = format!("fedmsg-strong-signature-v1\nrsa-sha256\n{certificate}\n{canonical}");
        let signature = envelope
            .body()
            .pointer("/strong_signature/signature")
            .unwrap();
        let signature = fixture::base64(signature.as_str().unwrap());
        let key = X509::from_pem(pem.as_bytes())
            .unwrap()
            .public_key()
            .unwrap();
        let mut verifier = openssl::sign::Verifier::new(MessageDigest::sha256(), &key).unwrap();
        assert!(
            verifier
                .verify_oneshot(&signature, data.as_bytes())
                .unwrap()
        );
        assert!(TrustStore::from_pem(&pki("ca.crt"), None).is_ok());
    }
}

/// The example in `README.md`.
#[test]
fn the_example_for_implementers_is_right() {
    let signer = test_pki::signer("bodhi-app01.test").with_strong_rsa();
    let readme = include_str!("../../../README.md");
    let example = readme
        .split("Example, with the certificate")
        .nth(1)
        .unwrap();
    let blocks: Vec<&str> = example.split("```").skip(1).step_by(2).collect();
    let [unsigned, covered, signed] = blocks.as_slice() else {
        panic!("{blocks:?}")
    };
    let unsigned = Value::parse_str(unsigned.trim_start_matches("json")).unwrap();
    let topic: Topic = fixture::text(&unsigned, "topic").parse().unwrap();
    let sent = signer
        .sign(topic, unsigned.as_object().unwrap().clone())
        .unwrap();
    let text = String::from_utf8(sent.signed_bytes().unwrap()).unwrap();
    let mut body = unsigned.clone();
    body.as_object_mut().unwrap().insert("crypto", "x509");
    let certificate = signer.certificate().to_base64();
    let algorithm = StrongAlgorithm::RsaSha256;
    let data = strong_signature::covered(algorithm, &certificate, &body, &[]).unwrap();
    let data = String::from_utf8(data).unwrap();
    let [start, end] = [&certificate[..24], &certificate[certificate.len() - 24..]];
    assert_eq!(
        covered.trim(),
        data.replace(&certificate, &format!("{start}…{end}"))
    );
    let digest = openssl::sha::sha256(data.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(example.contains(&digest), "{digest}");
    assert!(
        example.contains(&format!("{} characters", certificate.len())),
        "{}",
        certificate.len()
    );
    assert_eq!(signed.trim_start_matches("json").trim(), text);
}
