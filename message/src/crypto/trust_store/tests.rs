//! Tests of [`TrustStore`]: OpenSSL's own verifier must say the same of every certificate and CRL
//! that can be thought of.

use std::sync::LazyLock;

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::Private;
use openssl::rsa::Rsa;
use openssl::ssl::SslFiletype;
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509Extension, X509Name, X509StoreContext};

use super::*;
use crate::crypto::revocation_list::RevocationListError;
use crate::crypto::test_pki::{NOW, pki};

type Extra<'a> = &'a [(&'a str, bool, &'a [u8])];

const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const KEY_USAGE: &str = "2.5.29.15";
const KEY_ID: &str = "2.5.29.14";
const AUTHORITY_KEY_ID: &str = "2.5.29.35";
const IS_CA: &[u8] = b"\x30\x03\x01\x01\xff";
const NOT_CA: &[u8] = b"\x30\x00";
const SIGNS_CERTIFICATES: &[u8] = b"\x03\x02\x02\x04";
const SIGNS_CRLS: &[u8] = b"\x03\x02\x01\x02";
const SIGNS_NEITHER: &[u8] = b"\x03\x02\x07\x80";

static KEYS: LazyLock<[PKey<Private>; 3]> =
    LazyLock::new(|| [1, 2, 3].map(|_| PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap()));

/// What a certificate to try is made of.
struct Recipe<'a> {
    version: i32,
    serial: u32,
    subject: &'a str,
    issuer: &'a str,
    key: &'a PKey<Private>,
    signed_by: &'a PKey<Private>,
    digest: MessageDigest,
    not_before: i64,
    not_after: i64,
    extensions: Extra<'a>,
}

impl Default for Recipe<'_> {
    fn default() -> Self {
        Recipe {
            version: 2,
            serial: 5,
            subject: "leaf",
            issuer: "ca",
            key: &KEYS[1],
            signed_by: &KEYS[0],
            digest: MessageDigest::sha256(),
            not_before: NOW - 1000,
            not_after: NOW + 1000,
            extensions: &[],
        }
    }
}

fn ca<'a>() -> Recipe<'a> {
    Recipe {
        serial: 1,
        subject: "ca",
        key: &KEYS[0],
        extensions: &[(BASIC_CONSTRAINTS, true, IS_CA)],
        ..Recipe::default()
    }
}

fn name(common_name: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", common_name).unwrap();
    name.build()
}

impl Recipe<'_> {
    fn build(&self) -> X509 {
        let mut builder = X509::builder().unwrap();
        builder.set_version(self.version).unwrap();
        let serial = Asn1Integer::from_bn(&BigNum::from_u32(self.serial).unwrap()).unwrap();
        builder.set_serial_number(&serial).unwrap();
        builder.set_subject_name(&name(self.subject)).unwrap();
        builder.set_issuer_name(&name(self.issuer)).unwrap();
        builder
            .set_not_before(&Asn1Time::from_unix(self.not_before).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::from_unix(self.not_after).unwrap())
            .unwrap();
        builder.set_pubkey(self.key).unwrap();
        for (oid, is_critical, value) in self.extensions {
            let oid = Asn1Object::from_str(oid).unwrap();
            let value = Asn1OctetString::new_from_bytes(value).unwrap();
            let extension = X509Extension::new_from_der(&oid, *is_critical, &value).unwrap();
            builder.append_extension(extension).unwrap();
        }
        builder.sign(self.signed_by, self.digest).unwrap();
        builder.build()
    }
}

/// A CRL to try.
struct CrlRecipe<'a> {
    issuer: &'a str,
    signed_by: &'a PKey<Private>,
    this_update: &'a str,
    next_update: Option<&'a str>,
    /// Serial numbers with the extensions of their entries.
    revoked: &'a [(u8, Extra<'a>)],
    extensions: Extra<'a>,
    algorithm: &'a [u8],
}

const SHA256_WITH_RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";

impl Default for CrlRecipe<'_> {
    fn default() -> Self {
        CrlRecipe {
            issuer: "ca",
            signed_by: &KEYS[0],
            this_update: "200101000000Z",
            next_update: Some("450101000000Z"),
            revoked: &[],
            extensions: &[],
            algorithm: SHA256_WITH_RSA,
        }
    }
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let head = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, content].concat()
}

fn extensions(extensions: Extra<'_>) -> Vec<u8> {
    let one = |(oid, is_critical, value): &(&str, bool, &[u8])| {
        let oid = Asn1Object::from_str(oid).unwrap();
        let critical = if *is_critical {
            tlv(1, &[&[0xff]])
        } else {
            Vec::new()
        };
        tlv(
            0x30,
            &[&tlv(6, &[oid.as_slice()]), &critical, &tlv(4, &[value])],
        )
    };
    let all: Vec<Vec<u8>> = extensions.iter().map(one).collect();
    if all.is_empty() {
        Vec::new()
    } else {
        tlv(0x30, &[&all.concat()])
    }
}

impl CrlRecipe<'_> {
    fn build(&self) -> Vec<u8> {
        let algorithm = tlv(0x30, &[self.algorithm]);
        let entries: Vec<Vec<u8>> = self
            .revoked
            .iter()
            .map(|(serial, extra)| {
                let since = tlv(0x17, &[b"200101000000Z"]);
                tlv(0x30, &[&tlv(2, &[&[*serial]]), &since, &extensions(extra)])
            })
            .collect();
        let entries = if entries.is_empty() {
            Vec::new()
        } else {
            tlv(0x30, &[&entries.concat()])
        };
        let own = extensions(self.extensions);
        let own = if own.is_empty() {
            Vec::new()
        } else {
            tlv(0xa0, &[&own])
        };
        let content = tlv(
            0x30,
            &[
                &tlv(2, &[&[1]]),
                &algorithm,
                &name(self.issuer).to_der().unwrap(),
                &tlv(0x17, &[self.this_update.as_bytes()]),
                &self
                    .next_update
                    .map(|time| tlv(0x17, &[time.as_bytes()]))
                    .unwrap_or_default(),
                &entries,
                &own,
            ],
        );
        let mut signer =
            openssl::sign::Signer::new(MessageDigest::sha256(), self.signed_by).unwrap();
        let signature = signer.sign_oneshot_to_vec(&content).unwrap();
        let der = tlv(0x30, &[&content, &algorithm, &tlv(3, &[&[0], &signature])]);
        X509Crl::from_der(&der).unwrap().to_pem().unwrap()
    }
}

/// Returns whether the original's verifier accepts the certificate.
fn openssl_accepts(leaf: &X509, ca: &X509, crl: Option<&[u8]>, now: i64) -> bool {
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(ca.clone()).unwrap();
    let mut param = X509VerifyParam::new().unwrap();
    param.set_time(now);
    store.set_param(&param).unwrap();
    let folder = tempfile::tempdir().unwrap();
    if let Some(crl) = crl {
        let path = folder.path().join("crl.pem");
        std::fs::write(&path, crl).unwrap();
        let lookup = store.add_lookup(X509Lookup::file()).unwrap();
        lookup.load_crl_file(&path, SslFiletype::PEM).unwrap();
        store
            .set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL)
            .unwrap();
    }
    let store = store.build();
    let mut context = X509StoreContext::new().unwrap();
    let nothing = Stack::new().unwrap();
    context
        .init(&store, leaf, &nothing, |context| context.verify_cert())
        .unwrap()
}

/// Returns whether we do, or why not.
fn we_accept(leaf: &X509, ca: &X509, crl: Option<&[u8]>, now: i64) -> Result<(), String> {
    let store =
        TrustStore::from_pem(&ca.to_pem().unwrap(), crl).map_err(|error| error.to_string())?;
    let leaf = Certificate::from_pem(&leaf.to_pem().unwrap()).map_err(|error| error.to_string())?;
    let check = || -> Result<(), Refusal> {
        store.check_issued(&leaf)?;
        store.check_time(now, CrlPolicy::Refuse)?;
        if store.has_revoked(&leaf) {
            return Err(Refusal::CaRevoked);
        }
        let Validity {
            not_before,
            not_after,
        } = leaf.validity();
        if now < not_before {
            return Err(Refusal::CertificateNotYetValid { not_before });
        }
        if not_after <= now {
            return Err(Refusal::CertificateExpired { not_after });
        }
        Ok(())
    };
    check().map_err(|refusal| refusal.to_string())
}

#[track_caller]
fn check(leaf: &Recipe<'_>, ca: &Recipe<'_>, crl: Option<&CrlRecipe<'_>>, expected: bool) {
    let crl = crl.map(CrlRecipe::build);
    check_built(&leaf.build(), &ca.build(), crl.as_deref(), NOW, expected);
}

#[track_caller]
fn check_built(leaf: &X509, ca: &X509, crl: Option<&[u8]>, now: i64, expected: bool) {
    let ours = we_accept(leaf, ca, crl, now);
    assert_eq!(
        openssl_accepts(leaf, ca, crl, now),
        expected,
        "OpenSSL; ours: {ours:?}"
    );
    assert_eq!(ours.is_ok(), expected, "ours: {ours:?}");
}

#[test]
fn openssl_agrees_about_issuers() {
    let leaf = Recipe::default;
    check(&leaf(), &ca(), None, true);
    check(
        &Recipe {
            issuer: "CA",
            ..leaf()
        },
        &ca(),
        None,
        true,
    );
    check(
        &Recipe {
            issuer: "other",
            ..leaf()
        },
        &ca(),
        None,
        false,
    );
    check(
        &Recipe {
            signed_by: &KEYS[2],
            ..leaf()
        },
        &ca(),
        None,
        false,
    );
    for digest in [
        MessageDigest::sha1(),
        MessageDigest::sha512(),
        MessageDigest::md5(),
    ] {
        check(&Recipe { digest, ..leaf() }, &ca(), None, true);
    }
    // A leaf that is a CA, or may sign nothing, is a leaf.
    check(
        &Recipe {
            extensions: &[(BASIC_CONSTRAINTS, true, IS_CA)],
            ..leaf()
        },
        &ca(),
        None,
        true,
    );
    check(
        &Recipe {
            extensions: &[(KEY_USAGE, true, SIGNS_NEITHER)],
            ..leaf()
        },
        &ca(),
        None,
        true,
    );
    check(
        &Recipe {
            version: 0,
            ..leaf()
        },
        &ca(),
        None,
        true,
    );
    // Self-signed, in several ways.
    let own = Recipe {
        subject: "leaf",
        issuer: "leaf",
        signed_by: &KEYS[1],
        ..leaf()
    };
    check(&own, &ca(), None, false);
    check(
        &Recipe {
            subject: "ca",
            ..leaf()
        },
        &ca(),
        None,
        false,
    );
    check(&Recipe { serial: 9, ..ca() }, &ca(), None, false);
    check(&ca(), &ca(), None, true);
}

#[test]
fn openssl_agrees_about_key_identifiers() {
    let with_id = Recipe {
        extensions: &[
            (BASIC_CONSTRAINTS, true, IS_CA),
            (KEY_ID, false, b"\x04\x02ab"),
        ],
        ..ca()
    };
    let leaf = |extensions| Recipe {
        extensions,
        ..Recipe::default()
    };
    let same: Extra<'_> = &[(AUTHORITY_KEY_ID, false, b"\x30\x04\x80\x02ab")];
    let other: Extra<'_> = &[(AUTHORITY_KEY_ID, false, b"\x30\x04\x80\x02ax")];
    check(&leaf(same), &with_id, None, true);
    check(&leaf(other), &with_id, None, false);
    check(&leaf(other), &ca(), None, true);
    check(
        &leaf(&[(AUTHORITY_KEY_ID, false, b"\x30\x00")]),
        &with_id,
        None,
        true,
    );
    // By issuer and serial number.
    let by_serial = |issuer: &str, serial: u8| {
        let name = tlv(0xa4, &[&name(issuer).to_der().unwrap()]);
        tlv(0x30, &[&tlv(0xa1, &[&name]), &tlv(0x82, &[&[serial]])])
    };
    for (issuer, serial, expected) in [("ca", 1, true), ("ca", 2, false), ("other", 1, false)] {
        let named = by_serial(issuer, serial);
        let extensions = &[(AUTHORITY_KEY_ID, false, named.as_slice())];
        check(
            &Recipe {
                extensions,
                ..Recipe::default()
            },
            &ca(),
            None,
            expected,
        );
    }
    // Named like the CA, but another key: not self-signed, and so a leaf like any other.
    let rollover: Extra<'_> = &[
        (KEY_ID, false, b"\x04\x02xy"),
        (AUTHORITY_KEY_ID, false, b"\x30\x04\x80\x02ab"),
    ];
    check(
        &Recipe {
            subject: "ca",
            ..leaf(rollover)
        },
        &with_id,
        None,
        true,
    );
}

#[test]
fn openssl_agrees_about_critical_extensions() {
    let unknown: [(&str, &[u8]); 4] = [
        ("1.2.3.4", b"\x05\x00"),
        ("2.5.29.9", b"\x30\x00"),
        ("2.5.29.46", b"\x30\x00"),
        ("1.3.6.1.5.5.7.1.1", b"\x30\x00"),
    ];
    for (oid, value) in unknown {
        for is_critical in [false, true] {
            let leaf = Recipe {
                extensions: &[(oid, is_critical, value)],
                ..Recipe::default()
            };
            check(&leaf, &ca(), None, !is_critical);
            let extensions = [(BASIC_CONSTRAINTS, true, IS_CA), (oid, is_critical, value)];
            let ca = Recipe {
                extensions: &extensions,
                ..ca()
            };
            check(&Recipe::default(), &ca, None, !is_critical);
        }
    }
    let known: [(&str, &[u8]); 11] = [
        ("2.5.29.17", b"\x30\x03\x82\x01a"),
        (
            "2.5.29.31",
            b"\x30\x0d\x30\x0b\xa0\x09\xa0\x07\x86\x05http:",
        ),
        ("2.5.29.32", b"\x30\x05\x30\x03\x06\x01\x2a"),
        ("2.5.29.33", b"\x30\x08\x30\x06\x06\x01\x2a\x06\x01\x2b"),
        ("2.5.29.36", b"\x30\x03\x80\x01\x00"),
        (
            "2.5.29.37",
            b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01",
        ),
        ("2.5.29.54", b"\x02\x01\x00"),
        ("2.5.29.30", b"\x30\x07\xa0\x05\x30\x03\x82\x01a"),
        ("1.3.6.1.5.5.7.48.1.5", b"\x05\x00"),
        ("2.16.840.1.113730.1.1", b"\x03\x02\x07\x80"),
        (KEY_USAGE, SIGNS_NEITHER),
    ];
    for (oid, value) in known {
        for is_critical in [false, true] {
            let leaf = Recipe {
                extensions: &[(oid, is_critical, value)],
                ..Recipe::default()
            };
            check(&leaf, &ca(), None, true);
        }
    }
    let proxy: &[u8] = b"\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x15\x01";
    for is_critical in [false, true] {
        let extensions = [("1.3.6.1.5.5.7.1.14", is_critical, proxy)];
        check(
            &Recipe {
                extensions: &extensions,
                ..Recipe::default()
            },
            &ca(),
            None,
            false,
        );
    }
}

#[test]
fn openssl_agrees_about_what_a_ca_is() {
    let with = |extensions| Recipe { extensions, ..ca() };
    let leaf = Recipe::default();
    check(
        &leaf,
        &with(&[(BASIC_CONSTRAINTS, false, IS_CA)]),
        None,
        true,
    );
    check(
        &leaf,
        &with(&[(BASIC_CONSTRAINTS, true, NOT_CA)]),
        None,
        false,
    );
    check(&leaf, &with(&[]), None, false);
    check(
        &leaf,
        &Recipe {
            version: 0,
            ..with(&[])
        },
        None,
        true,
    );
    check(
        &leaf,
        &with(&[(KEY_USAGE, true, SIGNS_CERTIFICATES)]),
        None,
        true,
    );
    check(&leaf, &with(&[(KEY_USAGE, true, SIGNS_CRLS)]), None, false);
    let both: Extra<'_> = &[
        (BASIC_CONSTRAINTS, true, IS_CA),
        (KEY_USAGE, true, SIGNS_CRLS),
    ];
    check(&leaf, &with(both), None, false);
    // Issued by somebody else, or by nobody: the signature of a root on itself is not checked.
    check(
        &leaf,
        &Recipe {
            issuer: "root",
            signed_by: &KEYS[2],
            ..ca()
        },
        None,
        false,
    );
    check(
        &leaf,
        &Recipe {
            signed_by: &KEYS[2],
            ..ca()
        },
        None,
        true,
    );
    let other_key: Extra<'_> = &[
        (BASIC_CONSTRAINTS, true, IS_CA),
        (KEY_ID, false, b"\x04\x02ab"),
        (AUTHORITY_KEY_ID, false, b"\x30\x04\x80\x02xy"),
    ];
    check(&leaf, &with(other_key), None, false);
}

#[test]
fn openssl_agrees_about_time() {
    let leaf = Recipe::default().build();
    let ca_built = Recipe {
        not_before: NOW - 500,
        not_after: NOW + 500,
        ..ca()
    }
    .build();
    let crl = CrlRecipe::default().build();
    for crl in [None, Some(crl.as_slice())] {
        for (now, expected) in [
            (NOW - 501, false),
            (NOW - 500, true),
            (NOW + 499, true),
            (NOW + 500, false),
        ] {
            check_built(&leaf, &ca_built, crl, now, expected);
        }
    }
    let ca = ca().build();
    let short = Recipe {
        not_before: NOW - 5,
        not_after: NOW + 5,
        ..Recipe::default()
    }
    .build();
    for (now, expected) in [
        (NOW - 6, false),
        (NOW - 5, true),
        (NOW + 4, true),
        (NOW + 5, false),
    ] {
        check_built(&short, &ca, None, now, expected);
    }
    // 18:00:00 is NOW.
    let crl = CrlRecipe {
        this_update: "261122175955Z",
        next_update: Some("261122180005Z"),
        ..CrlRecipe::default()
    };
    let crl = crl.build();
    for (now, expected) in [
        (NOW - 6, false),
        (NOW - 5, true),
        (NOW + 4, true),
        (NOW + 5, false),
    ] {
        check_built(&leaf, &ca, Some(&crl), now, expected);
    }
    let endless = CrlRecipe {
        next_update: None,
        ..CrlRecipe::default()
    }
    .build();
    check_built(&leaf, &ca, Some(&endless), NOW, true);
}

#[test]
fn openssl_agrees_about_crls() {
    let leaf = Recipe::default();
    let crl = CrlRecipe::default;
    check(&leaf, &ca(), Some(&crl()), true);
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            issuer: "CA",
            ..crl()
        }),
        true,
    );
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            issuer: "other",
            ..crl()
        }),
        false,
    );
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            signed_by: &KEYS[2],
            ..crl()
        }),
        false,
    );
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            revoked: &[(5, &[])],
            ..crl()
        }),
        false,
    );
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            revoked: &[(1, &[])],
            ..crl()
        }),
        false,
    );
    check(
        &ca(),
        &ca(),
        Some(&CrlRecipe {
            revoked: &[(1, &[])],
            ..crl()
        }),
        false,
    );
    check(&ca(), &ca(), Some(&crl()), true);
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            revoked: &[(6, &[]), (4, &[])],
            ..crl()
        }),
        true,
    );
    // Taken back, and for another reason.
    let removed: Extra<'_> = &[("2.5.29.21", false, b"\x0a\x01\x08")];
    let superseded: Extra<'_> = &[("2.5.29.21", false, b"\x0a\x01\x04")];
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            revoked: &[(5, removed)],
            ..crl()
        }),
        true,
    );
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            revoked: &[(5, superseded)],
            ..crl()
        }),
        false,
    );
    // Extensions of the list and of an entry.
    let number = ("2.5.29.20", false, &b"\x02\x01\x07"[..]);
    let key = ("2.5.29.35", true, &b"\x30\x00"[..]);
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            extensions: &[number, key],
            ..crl()
        }),
        true,
    );
    let unknown = [("1.2.3.4", true, &b"\x05\x00"[..])];
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            extensions: &unknown,
            ..crl()
        }),
        false,
    );
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            revoked: &[(9, &unknown)],
            ..crl()
        }),
        false,
    );
    let ignored = [("1.2.3.4", false, &b"\x05\x00"[..])];
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            extensions: &ignored,
            ..crl()
        }),
        true,
    );
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            revoked: &[(9, &ignored)],
            ..crl()
        }),
        true,
    );
    let only_cas = [("2.5.29.28", true, &b"\x30\x03\x82\x01\xff"[..])];
    check(
        &leaf,
        &ca(),
        Some(&CrlRecipe {
            extensions: &only_cas,
            ..crl()
        }),
        false,
    );
    // The CA may sign certificates, but no CRLs.
    let usage: Extra<'_> = &[
        (BASIC_CONSTRAINTS, true, IS_CA),
        (KEY_USAGE, true, SIGNS_CERTIFICATES),
    ];
    check(
        &leaf,
        &Recipe {
            extensions: usage,
            ..ca()
        },
        Some(&crl()),
        false,
    );
    check(
        &leaf,
        &Recipe {
            extensions: usage,
            ..ca()
        },
        None,
        true,
    );
}

#[test]
fn a_ca_with_an_ec_key_signs_as_well() {
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
    let ca = Recipe {
        key: &key,
        signed_by: &key,
        ..ca()
    };
    check(
        &Recipe {
            signed_by: &key,
            ..Recipe::default()
        },
        &ca,
        None,
        true,
    );
    check(&Recipe::default(), &ca, None, false);
    let ecdsa = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    let crl = CrlRecipe {
        signed_by: &key,
        algorithm: ecdsa,
        ..CrlRecipe::default()
    };
    check(
        &Recipe {
            signed_by: &key,
            ..Recipe::default()
        },
        &ca,
        Some(&crl),
        true,
    );
    check(
        &Recipe {
            signed_by: &key,
            ..Recipe::default()
        },
        &ca,
        Some(&CrlRecipe::default()),
        false,
    );
}

#[test]
fn files_that_make_no_trust_store_are_told() {
    #[track_caller]
    fn check(ca: &[u8], crl: Option<&[u8]>, expected: &TrustError) {
        assert_eq!(TrustStore::from_pem(ca, crl).unwrap_err(), *expected);
    }
    let (ca, crl) = (pki("ca.crt"), pki("crl.pem"));
    let no_block = crate::PemError::NoBlock;
    check(b"", None, &TrustError::Ca(CertificateError::Pem(no_block)));
    check(
        &[&ca[..], "é".as_bytes()].concat(),
        None,
        &TrustError::CaNotAscii,
    );
    check(&pki("intermediate.crt"), None, &TrustError::CaNotSelfSigned);
    check(
        &pki("bodhi-app01.test.crt"),
        None,
        &TrustError::CaNotSelfSigned,
    );
    check(
        &ca,
        Some(&ca),
        &TrustError::Crl(RevocationListError::Pem(no_block)),
    );
    check(
        &ca,
        Some(&[&crl[..], "é".as_bytes()].concat()),
        &TrustError::CrlNotAscii,
    );
    check(&ca, Some(&pki("crl-rogue.pem")), &TrustError::CrlSignature);
    // OpenSSL would take a delta for a whole list, and accept what is revoked elsewhere.
    let delta = [("2.5.29.27", true, &b"\x02\x01\x01"[..])];
    let delta = CrlRecipe {
        extensions: &delta,
        ..CrlRecipe::default()
    }
    .build();
    let own = super::tests::ca().build().to_pem().unwrap();
    let extension = RevocationListError::Extension("2.5.29.27".into());
    check(&own, Some(&delta), &TrustError::Crl(extension));
    let constrained: Extra<'_> = &[
        (BASIC_CONSTRAINTS, true, IS_CA),
        ("2.5.29.30", true, b"\x30\x07\xa0\x05\x30\x03\x82\x01a"),
    ];
    let constrained = Recipe {
        extensions: constrained,
        ..super::tests::ca()
    }
    .build();
    check(
        &constrained.to_pem().unwrap(),
        None,
        &TrustError::NameConstraints,
    );
}
