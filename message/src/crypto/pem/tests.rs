//! Tests of PEM: what is found in a text, and what OpenSSL makes of the same.

use openssl::x509::X509;

use super::*;
use crate::crypto::test_pki::pki;

#[test]
fn the_first_block_of_its_kind_is_found() {
    #[track_caller]
    fn check(text: &str, expected: Result<&[u8], PemError>) {
        let found = first(text.as_bytes(), Label::Certificate);
        assert_eq!(
            found.as_deref(),
            expected.as_ref().map(|bytes| *bytes),
            "{text}"
        );
    }
    let block =
        |name: &str, body: &str| format!("-----BEGIN {name}-----\n{body}\n-----END {name}-----\n");
    let a = block("CERTIFICATE", "Zm9v");
    let b = block("CERTIFICATE", "YmFy");
    let crl = block("X509 CRL", "AAAA");
    check(&a, Ok(b"foo"));
    check(&format!("{a}{b}"), Ok(b"foo"));
    check(&format!("{crl}{b}{a}"), Ok(b"bar"));
    check(&format!("chatter\n\n{a}chatter"), Ok(b"foo"));
    check(&a.replace('\n', "\r\n"), Ok(b"foo"));
    check(&a.replace('\n', "  \n"), Ok(b"foo"));
    check(a.trim_end(), Ok(b"foo"));
    check(&block("X509 CERTIFICATE", "Zm\n9v\n"), Ok(b"foo"));
    check(&block("CERTIFICATE", ""), Ok(b""));
    check("", Err(PemError::NoBlock));
    check(&crl, Err(PemError::NoBlock));
    check(&format!("x{a}"), Err(PemError::NoBlock));
    check("-----BEGIN CERTIFICATE-----", Err(PemError::NoBlock));
    check("-----BEGIN CERTIFICATE-----\nZm9v\n", Err(PemError::NoEnd));
    check(
        "-----BEGIN CERTIFICATE-----\nZm9v\n-----END X509 CRL-----\n",
        Err(PemError::NoEnd),
    );
    check(
        &block("CERTIFICATE", "Zm9"),
        Err(PemError::Base64(Base64Error::Incomplete)),
    );
    check(
        &block("CERTIFICATE", "Zm9*"),
        Err(PemError::Base64(Base64Error::Foreign)),
    );
}

#[test]
fn openssl_finds_and_writes_the_same() {
    let mut seen = 0;
    for path in crate::fixture::files("pki", ".crt") {
        let pem = crate::fixture::file(&path);
        let theirs = X509::from_pem(&pem).unwrap();
        let ours = first(&pem, Label::Certificate).unwrap();
        assert_eq!(ours, theirs.to_der().unwrap(), "{path}");
        assert_eq!(
            certificate(&ours).into_bytes(),
            theirs.to_pem().unwrap(),
            "{path}"
        );
        seen += 1;
    }
    assert!(seen > 15);
    assert!(first(&pki("ca.crt"), Label::Crl).is_err());
    assert!(first(&pki("crl.pem"), Label::Crl).is_ok());
}
