//! `RsaKey`: a public RSA key, and the one operation that checks signatures with it.
//!
//! Used for messages by the validator, for certificates and CRLs by the trust store.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::pkey::Public;
use openssl::rsa::{Padding, Rsa};
use smallvec::{SmallVec, smallvec};

use super::certificate_error::CertificateError;
use super::digest::{Digest, DigestInfo};
use super::x509::RsaPublicKey;

/// The longest modulus accepted, in bits: OpenSSL's own limit (`OPENSSL_RSA_MAX_MODULUS_BITS`).
/// Checking one signature of such a key takes about a millisecond.
pub(super) const MAX_MODULUS_BITS: usize = 16_384;

/// How many copies of a key there are at most.
const COPIES: usize = 8;

thread_local! {
    /// Which copy of every key this thread uses.
    static COPY: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % COPIES
    };
}

/// A public RSA key. There is no lower limit to its size: deployed keys have 1024 bits.
pub(super) struct RsaKey {
    rsa: Rsa<Public>,
    /// OpenSSL takes a lock of the key for each operation (3.0, `BN_MONT_CTX_set_locked`), for which
    /// threads that share one pay some percent. So each has its own, made when it first needs it.
    copies: [OnceLock<Rsa<Public>>; COPIES],
    /// The length of the modulus and of every signature, in bytes.
    size: usize,
}

impl RsaKey {
    /// Reads an `RSAPublicKey`.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Malformed`], [`CertificateError::KeyTooLarge`], and
    /// [`CertificateError::KeyInvalid`] for an exponent that is even or 1: anybody could sign.
    pub(super) fn from_der(der: &[u8]) -> Result<RsaKey, CertificateError> {
        let key: RsaPublicKey<'_> = asn1::parse_single(der)?;
        let [modulus, exponent] = [key.modulus, key.exponent].map(|number| {
            let bytes = number.as_bytes();
            bytes.strip_prefix(&[0]).unwrap_or(bytes)
        });
        if modulus.len() > MAX_MODULUS_BITS / 8 {
            return Err(CertificateError::KeyTooLarge);
        }
        if exponent == [1] || exponent.last().is_none_or(|last| last % 2 == 0) {
            return Err(CertificateError::KeyInvalid);
        }
        RsaKey::from_numbers(modulus, exponent).map_err(|_| CertificateError::KeyInvalid)
    }

    fn from_numbers(modulus: &[u8], exponent: &[u8]) -> Result<RsaKey, ErrorStack> {
        let [modulus, exponent] = [BigNum::from_slice(modulus)?, BigNum::from_slice(exponent)?];
        let rsa = Rsa::from_public_components(modulus, exponent)?;
        let size = rsa.size() as usize;
        let copies = Default::default();
        Ok(RsaKey { rsa, copies, size })
    }

    /// Returns whether `signature` is this key's over `data`, by PKCS #1 v1.5.
    pub(super) fn verify(&self, digest: Digest, data: &[u8], signature: &[u8]) -> bool {
        self.open(signature)
            .is_some_and(|opened| opened.is(&digest.info(data)))
    }

    /// Undoes a signature; what is in it may then be compared more than once.
    pub(super) fn open(&self, signature: &[u8]) -> Option<OpenedSignature> {
        if signature.len() != self.size {
            return None;
        }
        let mut block: SmallVec<[u8; 512]> = smallvec![0; self.size];
        let opened = self
            .copy()
            .public_decrypt(signature, &mut block, Padding::NONE);
        (opened.ok()? == self.size).then_some(OpenedSignature { block })
    }

    /// Returns this thread's copy of the key.
    fn copy(&self) -> &Rsa<Public> {
        let Some(copy) = self.copies.get(COPY.with(|copy| *copy)) else {
            return &self.rsa;
        };
        if let Some(copy) = copy.get() {
            return copy;
        }
        let numbers = self.rsa.n().to_owned().and_then(|modulus| {
            let exponent = self.rsa.e().to_owned()?;
            Rsa::from_public_components(modulus, exponent)
        });
        match numbers {
            Ok(made) => copy.get_or_init(|| made),
            Err(_) => &self.rsa,
        }
    }

    /// Returns whether this is the public half of a private key.
    pub(super) fn is_half_of(&self, key: &Rsa<openssl::pkey::Private>) -> bool {
        self.rsa.n() == key.n() && self.rsa.e() == key.e()
    }
}

/// A signature without its encryption.
pub(super) struct OpenedSignature {
    block: SmallVec<[u8; 512]>,
}

impl OpenedSignature {
    /// Returns whether the signature is over this digest: its whole block must be what a signer
    /// would have made (RFC 8017 §8.2.2), so that nothing can hide in a padding.
    pub(super) fn is(&self, info: &DigestInfo) -> bool {
        let Some(padded) = self.block.len().checked_sub(info.len() + 1) else {
            return false;
        };
        let Some((padding, [0, digest @ ..])) = self.block.split_at_checked(padded) else {
            return false;
        };
        let [0, 1, filling @ ..] = padding else {
            return false;
        };
        filling.len() >= 8 && filling.iter().all(|byte| *byte == 0xff) && digest == info.as_slice()
    }
}

#[cfg(test)]
mod tests;
