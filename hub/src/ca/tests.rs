//! What a CA makes, judged by those for whom it is made: our validator, OpenSSL's, and files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use fedmsg_message::json::{Object, Value};
use fedmsg_message::{Refusal, Signer, TrustStore, Validator, ValidatorSettings, Verdict};
use openssl::pkey::Id;
use openssl::stack::Stack;
use openssl::x509::extension::CrlNumber;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Crl, X509StoreContext};
use tempfile::TempDir;

use super::*;

/// A day on which everything is issued, and the present to OpenSSL's own verifier.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

const FOUNDATION: Foundation = Foundation {
    key_size: KeySize::Bits2048,
    days: 3650,
    list_days: 365,
};

fn order(name: &str) -> Order {
    Order {
        name: name.parse().unwrap(),
        key_size: KeySize::Bits2048,
        days: 825,
        strong: Strong::None,
        former: Former::Keep,
    }
}

/// A CA in a directory that is removed with it.
struct Ca {
    directory: TempDir,
    now: i64,
}

impl Ca {
    fn found() -> Self {
        Self::found_with(&FOUNDATION)
    }

    fn found_with(foundation: &Foundation) -> Self {
        let (directory, now) = (TempDir::new().unwrap(), now());
        Authority::found(directory.path(), foundation, now).unwrap();
        Self { directory, now }
    }

    fn open(&self) -> Authority {
        self.open_after_days(0)
    }

    fn open_after_days(&self, days: i64) -> Authority {
        Authority::open(self.directory.path(), self.now + days * DAY).unwrap()
    }

    fn issue(&self, name: &str) -> Issued {
        self.open().issue(&order(name)).unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory.path().join(name)).unwrap()
    }

    fn certificate(&self, name: &str) -> X509 {
        X509::from_pem(&self.read(name)).unwrap()
    }

    fn list(&self) -> X509Crl {
        X509Crl::from_pem(&self.read(REVOCATION_LIST)).unwrap()
    }

    fn signer(&self, name: &str) -> Signer {
        let [certificate, key] = ["crt", "key"].map(|kind| self.read(&format!("{name}.{kind}")));
        Signer::from_pem(&certificate, &key).unwrap()
    }

    /// What becomes of a message, days after the CA was made.
    fn verdict(&self, signer: &Signer, days: i64, settings: ValidatorSettings) -> Verdict {
        let list = self.read(REVOCATION_LIST);
        let trust = TrustStore::from_pem(&self.read(CA_CERTIFICATE), Some(&list)).unwrap();
        let validator = Validator::new(ValidatorSettings {
            trust: Some(trust),
            ..settings
        });
        let topic = "org.example.dev.a.b".parse().unwrap();
        let body = Object::from_iter([("msg", Value::from("x"))]);
        let envelope = signer.sign(topic, body).unwrap();
        validator.validate(&envelope, self.now + days * DAY)
    }

    /// Who signed a message that is validated at once, or why it is refused.
    fn judge(&self, signer: &Signer) -> Result<String, Refusal> {
        match self.verdict(signer, 0, ValidatorSettings::default()) {
            Verdict::Accepted { signer, .. } => Ok(signer.to_string()),
            Verdict::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    /// What OpenSSL's own verifier says of a certificate, with the list, as the original asks it.
    fn verify(&self, name: &str) -> Result<(), String> {
        let path = |name: &str| self.directory.path().join(name);
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(self.certificate(CA_CERTIFICATE)).unwrap();
        let flags = X509VerifyFlags::CRL_CHECK
            | X509VerifyFlags::CRL_CHECK_ALL
            | X509VerifyFlags::X509_STRICT;
        store.set_flags(flags).unwrap();
        let lookup = store.add_lookup(X509Lookup::file()).unwrap();
        let pem = openssl::ssl::SslFiletype::PEM;
        lookup.load_crl_file(path(REVOCATION_LIST), pem).unwrap();
        let (store, chain) = (store.build(), Stack::new().unwrap());
        let mut context = X509StoreContext::new().unwrap();
        let certificate = self.certificate(name);
        context
            .init(&store, &certificate, &chain, |context| {
                Ok(match context.verify_cert()? {
                    true => Ok(()),
                    false => Err(context.error().error_string().to_owned()),
                })
            })
            .unwrap()
    }
}

#[test]
fn a_message_signed_with_an_issued_certificate_is_accepted() {
    let ca = Ca::found();
    let issued = ca.issue("bodhi-app01.example.org");
    assert_eq!(
        issued.files,
        ["bodhi-app01.example.org.crt", "bodhi-app01.example.org.key"]
    );
    let signer = ca.signer("bodhi-app01.example.org");
    assert_eq!(ca.judge(&signer).unwrap(), "bodhi-app01.example.org");
    assert_eq!(ca.verify("bodhi-app01.example.org.crt"), Ok(()));
}

#[test]
fn a_revoked_certificate_is_refused_and_the_others_are_not() {
    let ca = Ca::found();
    ca.issue("good");
    ca.issue("bad");
    let (good, bad) = (ca.signer("good"), ca.signer("bad"));
    let revoked = ca.open().revoke(&"bad".parse().unwrap()).unwrap();
    assert_eq!(revoked, [bad.certificate().serial()]);
    let refusal = ca.judge(&bad).unwrap_err();
    assert!(matches!(refusal, Refusal::Revoked { .. }), "{refusal}");
    assert_eq!(ca.verify("bad.crt").unwrap_err(), "certificate revoked");
    assert_eq!(ca.judge(&good).unwrap(), "good");
    assert_eq!(ca.verify("good.crt"), Ok(()));
}

#[test]
fn revoking_again_changes_nothing_but_the_list() {
    let ca = Ca::found();
    ca.issue("a");
    let name = "a".parse().unwrap();
    assert_eq!(ca.open().revoke(&name).unwrap().len(), 1);
    assert_eq!(ca.open_after_days(1).revoke(&name).unwrap(), [""; 0]);
    assert_eq!(ca.open().revoked(), 1);
    let unknown = "b".parse().unwrap();
    let error = ca.open().revoke(&unknown).unwrap_err();
    assert!(matches!(error, CaError::NotIssued { .. }), "{error}");
}

#[test]
fn a_strong_signature_with_the_ed25519_certificate_is_accepted_until_it_is_revoked() {
    let ca = Ca::found();
    let strong = Strong::Ed25519;
    let issued = ca.open().issue(&Order {
        strong,
        ..order("a")
    });
    let expected = ["a.crt", "a.key", "a.ed25519.crt", "a.ed25519.key"];
    assert_eq!(issued.unwrap().files, expected);
    assert_eq!(ca.verify("a.ed25519.crt"), Ok(()));
    let signer = ca
        .signer("a")
        .with_strong_ed25519(&ca.read("a.ed25519.crt"), &ca.read("a.ed25519.key"))
        .unwrap();
    let verdict = || {
        let required = ValidatorSettings {
            require_strong: true,
            ..ValidatorSettings::default()
        };
        ca.verdict(&signer, 0, required)
    };
    assert!(verdict().is_accepted(), "{:?}", verdict());
    let revoked = ca.open().revoke(&"a".parse().unwrap()).unwrap();
    assert_eq!(revoked.len(), 2);
    assert!(!verdict().is_accepted());
    assert_eq!(
        ca.verify("a.ed25519.crt").unwrap_err(),
        "certificate revoked"
    );
}

#[test]
fn certificates_say_what_they_are_for_and_nothing_else() {
    let ca = Ca::found();
    ca.issue("a");
    let (root, leaf) = (ca.certificate(CA_CERTIFICATE), ca.certificate("a.crt"));
    let text = |certificate: &X509| String::from_utf8(certificate.to_text().unwrap()).unwrap();
    for (certificate, constraints, usage) in [
        (&root, "CA:TRUE", "Certificate Sign, CRL Sign"),
        (&leaf, "CA:FALSE", "Digital Signature"),
    ] {
        let text = text(certificate);
        let extension =
            |name: &str, value: &str| format!("{name}: critical\n                {value}\n");
        assert!(
            text.contains(&extension("X509v3 Basic Constraints", constraints)),
            "{text}"
        );
        assert!(
            text.contains(&extension("X509v3 Key Usage", usage)),
            "{text}"
        );
        assert_eq!(text.matches("X509v3 ").count(), 1 + 4, "{text}");
        assert!(text.contains("Signature Algorithm: sha256WithRSAEncryption"));
        let serial = certificate.serial_number().to_bn().unwrap();
        assert_eq!((serial.num_bits(), serial.is_negative()), (128, false));
        assert_eq!(certificate.version(), 2);
        let (own, issuers) = (certificate.subject_key_id(), certificate.authority_key_id());
        let root = root.subject_key_id().unwrap().as_slice();
        assert_eq!(issuers.unwrap().as_slice(), root);
        assert_eq!(own.unwrap().as_slice() == root, constraints == "CA:TRUE");
        assert_eq!(certificate.public_key().unwrap().bits(), 2048);
    }
    let names: Vec<_> = leaf.subject_name().entries().collect();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].data().as_slice(), b"a");
    assert_eq!(names[0].object().nid(), openssl::nid::Nid::COMMONNAME);
}

#[test]
fn a_list_has_its_number_the_key_that_signed_it_and_no_list_of_nothing() {
    let ca = Ca::found();
    let root = ca.certificate(CA_CERTIFICATE);
    let check = |number: u32, revoked: Option<usize>| {
        let list = ca.list();
        assert!(list.verify(&root.public_key().unwrap()).unwrap());
        let (critical, found) = list.extension::<CrlNumber>().unwrap().unwrap();
        let found = found.to_bn().unwrap();
        assert_eq!(
            (critical, found),
            (false, openssl::bn::BigNum::from_u32(number).unwrap())
        );
        assert_eq!(list.get_revoked().map(|revoked| revoked.len()), revoked);
        // The authority key identifier: as in the certificates (RFC 5280 §5.2.1).
        let der = list.to_der().unwrap();
        let key_id = root.subject_key_id().unwrap().as_slice();
        assert!(der.windows(key_id.len()).any(|window| window == key_id));
        let since = list.last_update();
        for entry in list.get_revoked().into_iter().flatten() {
            assert!(entry.revocation_date() <= since, "nothing of the future");
        }
    };
    check(1, None);
    ca.issue("a");
    check(1, None);
    ca.open().renew_list(None).unwrap();
    check(2, None);
    ca.open().revoke(&"a".parse().unwrap()).unwrap();
    check(3, Some(1));
}

#[test]
fn a_list_expires_and_is_renewed_for_as_long_as_was_asked_for() {
    let ca = Ca::found_with(&Foundation {
        list_days: 10,
        ..FOUNDATION
    });
    ca.issue("a");
    let signer = ca.signer("a");
    let refusal = |days| {
        let verdict = ca.verdict(&signer, days, ValidatorSettings::default());
        verdict.refusal().cloned()
    };
    assert_eq!(refusal(9), None);
    assert!(matches!(refusal(10), Some(Refusal::StaleCrl { .. })));
    ca.open_after_days(9).renew_list(None).unwrap();
    assert_eq!(refusal(18), None);
    assert!(matches!(refusal(19), Some(Refusal::StaleCrl { .. })));
    ca.open_after_days(9).renew_list(Some(20)).unwrap();
    ca.issue("b");
    ca.open_after_days(9).revoke(&"b".parse().unwrap()).unwrap();
    assert_eq!(refusal(28), None);
    assert_eq!(ca.open().list_expires(), ca.now + 29 * DAY);
}

#[test]
fn a_certificate_is_valid_at_once_on_slow_clocks_and_never_longer_than_the_ca() {
    let ca = Ca::found_with(&Foundation {
        days: 100,
        ..FOUNDATION
    });
    ca.issue("a");
    let validity = ca.signer("a").certificate().validity();
    assert_eq!(validity.not_before, ca.now - CLOCK_SKEW);
    assert_eq!(validity.not_after, ca.now + 100 * DAY);
    assert_eq!(ca.open().expires().unwrap(), validity.not_after);
    let error = ca.open_after_days(100).issue(&order("b")).unwrap_err();
    assert!(matches!(error, CaError::Expired { .. }), "{error}");
}

#[test]
fn a_valid_certificate_is_replaced_when_that_is_asked_for_only() {
    let ca = Ca::found();
    ca.issue("a");
    let before = ca.read("a.crt");
    let error = ca.open().issue(&order("a")).unwrap_err();
    assert!(matches!(error, CaError::AlreadyIssued { .. }), "{error}");
    assert_eq!(ca.read("a.crt"), before);

    let former = ca.signer("a");
    let replaced = Order {
        former: Former::Replace,
        ..order("a")
    };
    ca.open().issue(&replaced).unwrap();
    assert_ne!(ca.read("a.crt"), before);
    assert_eq!(ca.judge(&former).unwrap(), "a", "it stays valid");
    let name = "a".parse().unwrap();
    assert_eq!(
        ca.open().revoke(&name).unwrap().len(),
        2,
        "the former one too"
    );
    assert!(ca.judge(&former).is_err());

    ca.issue("a"); // revoked
    assert_eq!(ca.judge(&ca.signer("a")).unwrap(), "a");
    let mut later = ca.open_after_days(825);
    later.renew_list(None).unwrap();
    later.issue(&order("a")).unwrap(); // expired
}

#[test]
fn files_of_others_are_left_alone() {
    let ca = Ca::found();
    for name in ["a.crt", "a.key", "b.ed25519.key"] {
        fs::write(ca.directory.path().join(name), "precious").unwrap();
    }
    let strong = Strong::Ed25519;
    for order in [
        order("a"),
        Order {
            strong,
            ..order("b")
        },
    ] {
        let error = ca.open().issue(&order).unwrap_err();
        assert!(matches!(error, CaError::OccupiedByOther(_)), "{error}");
    }
    assert_eq!(ca.read("a.key"), b"precious");
    assert!(!ca.directory.path().join("b.key").exists());

    let error = Authority::found(ca.directory.path(), &FOUNDATION, ca.now).unwrap_err();
    assert!(matches!(error, CaError::Exists(_)), "{error}");
    for name in [CA_CERTIFICATE, CA_KEY, REVOCATION_LIST] {
        let other = TempDir::new().unwrap();
        fs::write(other.path().join(name), "precious").unwrap();
        let error = Authority::found(other.path(), &FOUNDATION, ca.now).unwrap_err();
        assert!(matches!(error, CaError::Occupied(_)), "{error}");
        assert_eq!(fs::read(other.path().join(name)).unwrap(), b"precious");
    }
}

#[test]
fn where_there_is_no_ca_nothing_is_made() {
    let directory = TempDir::new().unwrap();
    let error = Authority::open(directory.path(), now()).unwrap_err();
    assert!(matches!(error, CaError::Missing(_)), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_file_is_named_and_no_key_is_shown() {
    let (ca, other) = (Ca::found(), Ca::found());
    let check = |name: &str, contents: Option<&[u8]>, expected: &str| {
        let path = ca.directory.path().join(name);
        let good = fs::read(&path).unwrap();
        match contents {
            Some(contents) => fs::write(&path, contents).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = Authority::open(ca.directory.path(), ca.now).unwrap_err();
        let CaError::Damaged { file, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(file.file_name().unwrap(), name);
        let text = error.to_string();
        assert!(text.contains(expected) && !text.contains("BEGIN"), "{text}");
        fs::write(&path, good).unwrap();
    };
    check(CA_CERTIFICATE, None, "missing");
    check(CA_CERTIFICATE, Some(b"x"), "no certificate");
    check(CA_KEY, None, "missing");
    check(CA_KEY, Some(b"x"), "no private key");
    check(CA_KEY, Some(&other.read(CA_KEY)), "not the key of ca.crt");
    check(LEDGER, Some(b"list_number = 'x'"), "list_number");
    let key = openssl::pkey::PKey::private_key_from_pem(&ca.read(CA_KEY)).unwrap();
    let cipher = openssl::symm::Cipher::aes_128_cbc();
    let encrypted = key
        .private_key_to_pem_pkcs8_passphrase(cipher, b"secret")
        .unwrap();
    check(CA_KEY, Some(&encrypted), "pass phrase");
    assert!(!format!("{:?}", ca.open()).contains("BEGIN"));
}

#[test]
fn keys_have_the_size_and_the_mode_they_should_have() {
    let ca = Ca::found_with(&Foundation {
        key_size: KeySize::Bits3072,
        ..FOUNDATION
    });
    let strong = Strong::Ed25519;
    ca.open()
        .issue(&Order {
            strong,
            ..order("a")
        })
        .unwrap();
    let key = |name: &str| openssl::pkey::PKey::private_key_from_pem(&ca.read(name)).unwrap();
    assert_eq!(key(CA_KEY).bits(), 3072);
    assert_eq!(key("a.key").bits(), 2048);
    assert_eq!(key("a.ed25519.key").id(), Id::ED25519);
    for entry in fs::read_dir(ca.directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let is_private = path.extension().is_none_or(|it| it == "key"); // .lock has none
        assert_eq!(mode, if is_private { 0o600 } else { 0o644 }, "{path:?}");
    }
}

#[test]
fn two_cas_are_told_apart() {
    let (ca, other) = (Ca::found(), Ca::found());
    ca.issue("a");
    let signer = ca.signer("a");
    let refusal = other.judge(&signer).unwrap_err();
    assert!(matches!(refusal, Refusal::Untrusted(_)), "{refusal}");
    let trust = TrustStore::from_pem(&ca.read(CA_CERTIFICATE), Some(&other.read(REVOCATION_LIST)));
    let error = trust.unwrap_err();
    assert!(
        matches!(error, fedmsg_message::TrustError::CrlIssuer),
        "{error}"
    );
}
