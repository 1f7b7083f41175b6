//! `Digest`: the hashes that RSA signatures are made over, and how a signature spells them.
//!
//! Computed by OpenSSL's own functions instead of its providers: no configuration can take one
//! away.

use asn1::{ObjectIdentifier, oid};
use openssl::sha;
use smallvec::SmallVec;

/// The hash of an RSA PKCS #1 v1.5 signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// `DigestInfo` in DER (RFC 8017 §9.2): what an RSA signature encrypts behind its padding.
pub(super) type DigestInfo = SmallVec<[u8; 96]>;

impl Digest {
    /// Returns the hash of a signature algorithm, if that is RSA PKCS #1 v1.5 (RFC 8017 §A.2.4,
    /// and the name OIW had for it with SHA-1).
    pub(super) fn of_rsa_signature(algorithm: &ObjectIdentifier) -> Option<Digest> {
        const SHA1_OIW: ObjectIdentifier = oid!(1, 3, 14, 3, 2, 29);
        const SHA1: ObjectIdentifier = oid!(1, 2, 840, 113549, 1, 1, 5);
        const SHA224: ObjectIdentifier = oid!(1, 2, 840, 113549, 1, 1, 14);
        const SHA256: ObjectIdentifier = oid!(1, 2, 840, 113549, 1, 1, 11);
        const SHA384: ObjectIdentifier = oid!(1, 2, 840, 113549, 1, 1, 12);
        const SHA512: ObjectIdentifier = oid!(1, 2, 840, 113549, 1, 1, 13);
        let known = [
            (SHA256, Digest::Sha256),
            (SHA1, Digest::Sha1),
            (SHA512, Digest::Sha512),
            (SHA384, Digest::Sha384),
            (SHA224, Digest::Sha224),
            (SHA1_OIW, Digest::Sha1),
        ];
        let found = known.iter().find(|(known, _)| known == algorithm);
        found.map(|(_, digest)| *digest)
    }

    /// Returns what a signature over `data` encrypts.
    pub(super) fn info(self, data: &[u8]) -> DigestInfo {
        let mut info = DigestInfo::from_slice(self.prefix());
        match self {
            Digest::Sha1 => return Digest::sha1_of_parts([data]),
            Digest::Sha224 => {
                let mut hash = sha::Sha224::new();
                hash.update(data);
                info.extend_from_slice(&hash.finish());
            }
            Digest::Sha256 => {
                let mut hash = sha::Sha256::new();
                hash.update(data);
                info.extend_from_slice(&hash.finish());
            }
            Digest::Sha384 => {
                let mut hash = sha::Sha384::new();
                hash.update(data);
                info.extend_from_slice(&hash.finish());
            }
            Digest::Sha512 => {
                let mut hash = sha::Sha512::new();
                hash.update(data);
                info.extend_from_slice(&hash.finish());
            }
        }
        info
    }

    /// Returns what a signature with SHA-1 over these parts, one behind the other, encrypts.
    pub(super) fn sha1_of_parts<const N: usize>(parts: [&[u8]; N]) -> DigestInfo {
        let mut info = DigestInfo::from_slice(Digest::Sha1.prefix());
        // Not `sha::sha1`, which asks the providers for the hash anew each time.
        let mut hash = sha::Sha1::new();
        parts.iter().for_each(|part| hash.update(part));
        info.extend_from_slice(&hash.finish());
        info
    }

    /// Returns the DER that precedes the hash (RFC 8017 §9.2, note 1).
    fn prefix(self) -> &'static [u8] {
        match self {
            Digest::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
            Digest::Sha224 => {
                b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c"
            }
            Digest::Sha256 => {
                b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
            }
            Digest::Sha384 => {
                b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
            }
            Digest::Sha512 => {
                b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
            }
        }
    }
}
