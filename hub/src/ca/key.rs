//! New private keys: of which kind, and how long.
//!
//! Asked for on the command line, made for the [`Issuer`](super::issuer::Issuer).

use clap::ValueEnum;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use serde::{Deserialize, Serialize};

/// The length of an RSA key. Every signer of the bus uses RSA; shorter keys are found on old
/// messages only (NIST SP 800-131A disallows them since 2014).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeySize {
    /// 2048 bits: as good as 112 bits of a cipher, and the fastest to sign with.
    #[value(name = "2048")]
    Bits2048,
    /// 3072 bits.
    #[value(name = "3072")]
    Bits3072,
    /// 4096 bits.
    #[value(name = "4096")]
    Bits4096,
}

impl KeySize {
    fn bits(self) -> u32 {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }
}

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    /// What the original signs and validates with.
    Rsa,
    /// For the strong signature, which the original passes over.
    Ed25519,
}

impl Algorithm {
    /// Makes a key; `size` is for RSA.
    pub(super) fn new_key(self, size: KeySize) -> Result<PKey<Private>, ErrorStack> {
        match self {
            Self::Rsa => PKey::from_rsa(Rsa::generate(size.bits())?),
            Self::Ed25519 => PKey::generate_ed25519(),
        }
    }
}
