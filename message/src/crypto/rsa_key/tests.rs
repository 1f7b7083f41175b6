//! Tests of [`RsaKey`]: agreement with OpenSSL's own verification, and padding that lies.

use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::{Signer, Verifier};

use super::*;

const DIGESTS: [Digest; 5] = [
    Digest::Sha1,
    Digest::Sha224,
    Digest::Sha256,
    Digest::Sha384,
    Digest::Sha512,
];

fn openssl_digest(digest: Digest) -> MessageDigest {
    match digest {
        Digest::Sha1 => MessageDigest::sha1(),
        Digest::Sha224 => MessageDigest::sha224(),
        Digest::Sha256 => MessageDigest::sha256(),
        Digest::Sha384 => MessageDigest::sha384(),
        Digest::Sha512 => MessageDigest::sha512(),
    }
}

fn key(bits: u32) -> (RsaKey, Rsa<Private>) {
    let private = Rsa::generate(bits).unwrap();
    let public = RsaKey::from_der(&private.public_key_to_der_pkcs1().unwrap()).unwrap();
    (public, private)
}

#[test]
fn openssl_agrees_about_every_signature() {
    let (public, private) = key(1024);
    let pair = PKey::from_rsa(private).unwrap();
    for digest in DIGESTS {
        let mut signer = Signer::new(openssl_digest(digest), &pair).unwrap();
        let signature = signer.sign_oneshot_to_vec(b"data").unwrap();
        for other in DIGESTS {
            for data in [&b"data"[..], b"datb", b""] {
                let mut verifier = Verifier::new(openssl_digest(other), &pair).unwrap();
                let theirs = verifier.verify_oneshot(&signature, data).unwrap_or(false);
                assert_eq!(public.verify(other, data, &signature), theirs);
                assert_eq!(theirs, other == digest && data == b"data");
            }
        }
        for end in [0, 1, 127] {
            assert!(!public.verify(digest, b"data", &signature[..end]));
        }
        assert!(!public.verify(digest, b"data", &[&[0], signature.as_slice()].concat()));
        assert!(!public.verify(digest, b"data", &[0xff; 128]));
    }
}

/// Blocks that a careless reader takes for signatures, made with the private key.
#[test]
fn nothing_hides_in_a_padding() {
    let (public, private) = key(1024);
    let info = Digest::Sha1.info(b"data");
    let verify = |block: &[u8]| {
        let mut signature = vec![0; 128];
        private
            .private_encrypt(block, &mut signature, Padding::NONE)
            .unwrap();
        public.verify(Digest::Sha1, b"data", &signature)
    };
    let block = |start: &[u8], filling: usize, behind: &[u8]| {
        let mut block = [start, &vec![0xff; filling], &[0], &info, behind].concat();
        block.resize(128, 0);
        block
    };
    let usual = 128 - 3 - info.len();
    assert!(verify(&block(&[0, 1], usual, b"")));
    assert!(!verify(&block(&[0, 2], usual, b"")));
    assert!(!verify(&block(&[0, 1], 8, b"")));
    assert!(!verify(&block(&[0, 1], 8, &vec![0x55; usual - 8])));
    let mut other_filling = block(&[0, 1], usual, b"");
    other_filling[40] = 0xfe;
    assert!(!verify(&other_filling));
    // Without the NULL of the parameters, which some signers leave out and OpenSSL wants.
    let short: Vec<u8> = info
        .iter()
        .copied()
        .take(11)
        .chain(info.iter().copied().skip(13))
        .collect();
    let mut no_null = [&[0, 1][..], &vec![0xff; usual + 2], &[0], &short].concat();
    no_null[128 - short.len() + 1] -= 2;
    no_null[128 - short.len() + 3] -= 2;
    assert!(!verify(&no_null));
}

#[test]
fn keys_that_nobody_should_have_are_refused() {
    #[track_caller]
    fn check(modulus: &[u8], exponent: &[u8], expected: Option<CertificateError>) {
        let integer = |bytes: &[u8]| {
            let is_negative = bytes.first().is_some_and(|first| *first >= 0x80);
            [if is_negative { &[0][..] } else { &[] }, bytes].concat()
        };
        let [modulus, exponent] = [integer(modulus), integer(exponent)];
        let der = asn1::write(|writer| {
            writer.write_element(&asn1::SequenceWriter::new(&|writer| {
                writer.write_element(&asn1::BigUint::new(&modulus).unwrap())?;
                writer.write_element(&asn1::BigUint::new(&exponent).unwrap())?;
                Ok::<(), asn1::WriteError>(())
            }))
        });
        assert_eq!(RsaKey::from_der(&der.unwrap()).err(), expected);
    }
    let largest = vec![0xff; MAX_MODULUS_BITS / 8];
    let larger = vec![0xff; MAX_MODULUS_BITS / 8 + 1];
    check(&largest, &[1, 0, 1], None);
    check(&largest[..64], &[3], None);
    check(&larger, &[1, 0, 1], Some(CertificateError::KeyTooLarge));
    check(&largest, &[1], Some(CertificateError::KeyInvalid));
    check(&largest, &[2], Some(CertificateError::KeyInvalid));
    check(&largest, &[0], Some(CertificateError::KeyInvalid));
    assert_eq!(
        RsaKey::from_der(b"").err(),
        Some(CertificateError::Malformed)
    );
    // The largest key does no harm; OpenSSL refuses such an exponent with it.
    let (public, _) = key(1024);
    assert!(!public.verify(Digest::Sha1, b"", &largest));
}
