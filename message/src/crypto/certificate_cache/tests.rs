//! Tests of [`CertificateCache`]: it remembers, forgets and stays small.

use super::*;
use crate::crypto::rsa_key::RsaKey;
use crate::crypto::test_pki;

fn text(name: &str) -> String {
    let pem = test_pki::pki(name);
    crate::crypto::base64::encode(&pem)
}

fn sizes(shelf: &Shelf<impl Clone>) -> (usize, usize) {
    let generations = shelf.generations.read().unwrap();
    (generations.young.len(), generations.old.len())
}

#[test]
fn a_certificate_is_judged_once() {
    let (cache, trust) = (CertificateCache::<RsaKey>::default(), test_pki::trust());
    let text = text("bodhi-app01.test.crt");
    let first = cache.certificate(&text, &trust).unwrap();
    assert!(Arc::ptr_eq(
        &first,
        &cache.certificate(&text, &trust).unwrap()
    ));
    assert_eq!(sizes(&cache.known), (1, 0));
    assert_eq!(sizes(&cache.refused), (0, 0));
    assert!(cache.certificate("nonsense", &trust).is_err());
    assert!(cache.certificate("nonsense", &trust).is_err());
    assert_eq!(sizes(&cache.refused), (1, 0));
}

#[test]
fn bad_certificates_do_not_displace_good_ones_and_stay_few() {
    let trust = test_pki::trust();
    let cache = CertificateCache::<RsaKey>::with_capacity(4, 3);
    let good = text("bodhi-app01.test.crt");
    let first = cache.certificate(&good, &trust).unwrap();
    for number in 0..1_000 {
        assert!(cache.certificate(&format!("bad{number}"), &trust).is_err());
        let (young, old) = sizes(&cache.refused);
        assert!(young <= 3 && old <= 3);
    }
    assert!(Arc::ptr_eq(
        &first,
        &cache.certificate(&good, &trust).unwrap()
    ));
}

/// Anybody can spell a good certificate in a new way: junk is skipped.
#[test]
fn what_is_used_stays_and_the_rest_goes() {
    let trust = test_pki::trust();
    let cache = CertificateCache::<RsaKey>::with_capacity(4, 3);
    let good = text("bodhi-app01.test.crt");
    let first = cache.certificate(&good, &trust).unwrap();
    for spaces in 1..50 {
        let spelled = good.clone() + &" ".repeat(spaces);
        assert!(cache.certificate(&spelled, &trust).is_ok());
        let again = cache.certificate(&good, &trust).unwrap();
        assert!(Arc::ptr_eq(&first, &again), "{spaces}");
        let (young, old) = sizes(&cache.known);
        assert!(young <= 4 && old <= 4);
    }
}

#[test]
fn very_long_texts_are_not_kept() {
    let (cache, trust) = (CertificateCache::<RsaKey>::default(), test_pki::trust());
    let long = text("bodhi-app01.test.crt") + &" ".repeat(MAX_TEXT);
    assert!(cache.certificate(&long, &trust).is_ok());
    assert!(
        cache
            .certificate(&"a".repeat(MAX_TEXT + 1), &trust)
            .is_err()
    );
    assert_eq!(
        (sizes(&cache.known), sizes(&cache.refused)),
        ((0, 0), (0, 0))
    );
}
