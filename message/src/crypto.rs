//! Signing and validation: who said this, and may they?
//!
//! Pure: time, keys, CA and CRL are arguments. The publisher calls the [`Signer`], the router the
//! [`Validator`]; what they put on the wire and accept from it is described for implementers in
//! `message/README.md`.
//!
//! RSA signatures, on messages as on certificates and CRLs, are checked by the bare RSA operation
//! and an exact comparison of the padded digest. That is the fastest way OpenSSL offers, and no
//! policy of a distribution about SHA-1 changes a verdict: the bus has no other hash.

mod base64;
mod pem;

mod digest;
mod rsa_key;

mod x509;

mod certificate;
mod certificate_error;
mod extension;
mod name;
mod revocation_list;

mod trust_error;
mod trust_store;

mod certificate_cache;
mod known_certificate;

mod backend;
mod credentials;
mod gpg_claim;
mod routing_policy;
mod strong_signature;
mod validator;

mod signer;

mod datagrepper;

pub mod fuzzing;

#[cfg(test)]
mod test_pki;
#[cfg(test)]
mod vectors;

pub use backend::{Backend, Backends};
pub use base64::Base64Error;
pub use certificate::{Certificate, Validity};
pub use certificate_error::CertificateError;
pub use credentials::{Field, strip_credentials};
pub use datagrepper::fix_datagrepper_message;
pub use gpg_claim::GpgClaim;
pub use pem::PemError;
pub use revocation_list::{RevocationList, RevocationListError};
pub use routing_policy::RoutingPolicy;
pub use signer::{SignError, Signer, SignerError};
pub use strong_signature::{StrongAlgorithm, StrongSignatureError};
pub use trust_error::TrustError;
pub use trust_store::TrustStore;
pub use validator::{CrlPolicy, Validator, ValidatorSettings};
