//! The PKI of the golden vectors: whom the targets trust, and when.

use fedmsg_message::TrustStore;

/// When the vectors were made: 2026-11-22 18:00 UTC. Verdicts must not depend on the day.
pub const NOW: i64 = 1_795_370_400;

/// Returns the CA and a CRL that revokes one certificate.
pub fn trust() -> TrustStore {
    let ca = include_bytes!("../../tests/fixtures/vectors/pki/ca.crt");
    let crl = include_bytes!("../../tests/fixtures/vectors/pki/crl.pem");
    TrustStore::from_pem(ca, Some(crl)).expect("the CA and the CRL of the vectors")
}
