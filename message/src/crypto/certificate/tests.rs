//! Tests of [`Certificate`]: what OpenSSL reads out of the same file.

use openssl::asn1::Asn1Time;
use openssl::nid::Nid;
use openssl::x509::X509;

use super::*;
use crate::fixture;

#[test]
fn openssl_reads_the_same() {
    let files = ["pki", "pki/rogue"]
        .map(|folder| fixture::files(folder, ".crt"))
        .concat();
    assert!(files.len() > 20);
    for path in files {
        let pem = fixture::file(&path);
        let (ours, theirs) = (
            Certificate::from_pem(&pem).unwrap(),
            X509::from_pem(&pem).unwrap(),
        );
        let name = theirs.subject_name().entries_by_nid(Nid::COMMONNAME).next();
        let name = name.map(|entry| entry.data().to_string().unwrap());
        assert_eq!(
            ours.common_name().ok().map(|name| name.to_string()),
            name,
            "{path}"
        );
        let serial = theirs
            .serial_number()
            .to_bn()
            .unwrap()
            .to_hex_str()
            .unwrap()
            .to_string();
        assert_eq!(ours.serial(), serial, "{path}");
        let Validity {
            not_before,
            not_after,
        } = ours.validity();
        assert!(
            *theirs.not_before() == *Asn1Time::from_unix(not_before).unwrap(),
            "{path}"
        );
        assert!(
            *theirs.not_after() == *Asn1Time::from_unix(not_after).unwrap(),
            "{path}"
        );
        let key = ours.extensions.subject_key_id.as_deref();
        assert_eq!(
            key,
            theirs.subject_key_id().map(|id| id.as_slice()),
            "{path}"
        );
        let key = ours.extensions.authority_key.key_id.as_deref();
        assert_eq!(
            key,
            theirs.authority_key_id().map(|id| id.as_slice()),
            "{path}"
        );
        assert_eq!(
            ours.to_pem().into_bytes(),
            theirs.to_pem().unwrap(),
            "{path}"
        );
    }
}

#[test]
fn serial_numbers_are_shown_as_openssl_shows_them() {
    #[track_caller]
    fn check(integer: &[u8], expected: &str) {
        assert_eq!(hexadecimal(integer), expected);
    }
    check(&[0], "00");
    check(&[0x0a, 0x1f], "0A1F");
    check(&[0, 0xff], "FF");
    check(&[0xff], "-01");
    check(&[0x80], "-80");
    check(&[0xff, 0x00], "-0100");
    check(&[0xfe, 0xff], "-0101");
    check(&[], "");
}

#[test]
fn what_is_not_a_certificate_is_told() {
    let pem = fixture::file("pki/bodhi-app01.test.crt");
    let der = Certificate::from_pem(&pem).unwrap().der;
    // Every prefix, and every byte but those of signature and key turned over.
    for end in 0..der.len() {
        assert!(Certificate::from_der(der.slice(..end)).is_err(), "{end}");
    }
    let mut longer = der.to_vec();
    longer.push(0);
    assert_eq!(
        Certificate::from_der(longer.into()).unwrap_err(),
        CertificateError::Malformed
    );
    // The algorithm outside, which nobody has signed: the last occurrence of sha256WithRSA.
    let oid = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
    let at = memchr::memmem::rfind(&der, oid).unwrap();
    let mut other = der.to_vec();
    other[at + oid.len() - 1] = 0x05;
    let error = Certificate::from_der(other.into()).unwrap_err();
    assert_eq!(error, CertificateError::AlgorithmsDiffer);
}
