//! Tests of [`RevocationList`]: the CRLs of the PKI, and of the specification.

use openssl::x509::{CrlStatus, X509, X509Crl};

use super::*;
use crate::crypto::test_pki::pki;
use crate::fixture;

#[test]
fn openssl_finds_the_same_certificates_revoked() {
    let certificates = fixture::files("pki", ".crt");
    for crl in fixture::files("pki", ".pem") {
        let pem = fixture::file(&crl);
        let (ours, theirs) = (
            RevocationList::from_pem(&pem).unwrap(),
            X509Crl::from_pem(&pem).unwrap(),
        );
        assert_eq!(
            ours.len(),
            theirs.get_revoked().map_or(0, |revoked| revoked.len()),
            "{crl}"
        );
        for path in &certificates {
            let pem = fixture::file(path);
            let is_revoked = matches!(
                theirs.get_by_cert(&X509::from_pem(&pem).unwrap()),
                CrlStatus::Revoked(_)
            );
            let certificate = crate::Certificate::from_pem(&pem).unwrap();
            assert_eq!(
                ours.contains(&certificate.serial),
                is_revoked,
                "{crl} {path}"
            );
        }
    }
    let expired = RevocationList::from_pem(&pki("crl-expired.pem")).unwrap();
    assert_eq!(expired.this_update(), 1_577_836_800);
    assert_eq!(expired.next_update(), Some(1_580_515_200));
}

#[test]
fn what_is_not_a_crl_is_told() {
    let der = RevocationList::from_pem(&pki("crl.pem")).unwrap().der;
    for end in 0..der.len() {
        assert!(RevocationList::from_der(der.slice(..end)).is_err(), "{end}");
    }
    let error = RevocationList::from_pem(&pki("ca.crt")).unwrap_err();
    assert_eq!(error, RevocationListError::Pem(PemError::NoBlock));
}
