//! The structures of X.509 as RFC 5280 has them, for reading.
//!
//! Certificates and CRLs are read by these and by nothing else. DER only: the parser is the one of
//! the original's library (pyca/cryptography).

#![expect(
    clippy::result_large_err,
    reason = "the error is asn1's, and what derives these readers returns it by value"
)]

use asn1::{BigInt, BigUint, BitString, ObjectIdentifier, SequenceOf, Tlv};

/// `Certificate` and `CertificateList` (§4.1, §5.1), which differ in what is signed only.
#[derive(asn1::Asn1Read)]
pub(super) struct Signed<'a> {
    pub(super) content: Tlv<'a>,
    pub(super) algorithm: Tlv<'a>,
    pub(super) signature: BitString<'a>,
}

/// `TBSCertificate` (§4.1).
#[derive(asn1::Asn1Read)]
pub(super) struct CertificateContent<'a> {
    #[explicit(0)]
    #[default(0)]
    pub(super) version: u8,
    pub(super) serial: BigInt<'a>,
    pub(super) algorithm: Tlv<'a>,
    pub(super) issuer: Tlv<'a>,
    pub(super) validity: Validity,
    pub(super) subject: Tlv<'a>,
    pub(super) key: Tlv<'a>,
    #[implicit(1)]
    _issuer_id: Option<BitString<'a>>,
    #[implicit(2)]
    _subject_id: Option<BitString<'a>>,
    #[explicit(3)]
    pub(super) extensions: Option<SequenceOf<'a, Extension<'a>>>,
}

/// `TBSCertList` (§5.1).
#[derive(asn1::Asn1Read)]
pub(super) struct ListContent<'a> {
    _version: Option<u8>,
    pub(super) algorithm: Tlv<'a>,
    pub(super) issuer: Tlv<'a>,
    pub(super) this_update: Time,
    pub(super) next_update: Option<Time>,
    pub(super) revoked: Option<SequenceOf<'a, Revoked<'a>>>,
    #[explicit(0)]
    pub(super) extensions: Option<SequenceOf<'a, Extension<'a>>>,
}

/// An entry of a CRL (§5.1).
#[derive(asn1::Asn1Read)]
pub(super) struct Revoked<'a> {
    pub(super) serial: BigInt<'a>,
    _since: Time,
    pub(super) extensions: Option<SequenceOf<'a, Extension<'a>>>,
}

/// `AlgorithmIdentifier` (§4.1.1.2).
#[derive(asn1::Asn1Read)]
pub(super) struct Algorithm<'a> {
    pub(super) kind: ObjectIdentifier,
    _parameters: Option<Tlv<'a>>,
}

/// `SubjectPublicKeyInfo` (§4.1).
#[derive(asn1::Asn1Read)]
pub(super) struct PublicKeyInfo<'a> {
    pub(super) algorithm: Algorithm<'a>,
    pub(super) key: BitString<'a>,
}

/// `RSAPublicKey` (RFC 8017 §A.1.1).
#[derive(asn1::Asn1Read)]
pub(super) struct RsaPublicKey<'a> {
    pub(super) modulus: BigUint<'a>,
    pub(super) exponent: BigUint<'a>,
}

/// `AttributeTypeAndValue`, of which names consist (§4.1.2.4).
#[derive(asn1::Asn1Read)]
pub(super) struct Attribute<'a> {
    pub(super) kind: ObjectIdentifier,
    pub(super) value: Tlv<'a>,
}

/// `Extension` (§4.1) of a certificate, a CRL or an entry of one.
#[derive(asn1::Asn1Read)]
pub(super) struct Extension<'a> {
    pub(super) kind: ObjectIdentifier,
    #[default(false)]
    pub(super) is_critical: bool,
    pub(super) value: &'a [u8],
}

/// `BasicConstraints` (§4.2.1.9). The length of the path is of no interest: no chain is longer
/// than two.
#[derive(asn1::Asn1Read)]
pub(super) struct BasicConstraints {
    #[default(false)]
    pub(super) is_ca: bool,
    _path_length: Option<u64>,
}

/// `AuthorityKeyIdentifier` (§4.2.1.1).
#[derive(asn1::Asn1Read)]
pub(super) struct AuthorityKeyIdentifier<'a> {
    #[implicit(0)]
    pub(super) key_id: Option<&'a [u8]>,
    #[implicit(1)]
    pub(super) issuer: Option<SequenceOf<'a, Tlv<'a>>>,
    #[implicit(2)]
    pub(super) serial: Option<BigInt<'a>>,
}

/// `Validity` (§4.1).
#[derive(asn1::Asn1Read)]
pub(super) struct Validity {
    pub(super) not_before: Time,
    pub(super) not_after: Time,
}

/// `Time` (§4.1). Both forms are taken for every year, as OpenSSL does.
#[derive(asn1::Asn1Read)]
pub(super) enum Time {
    Utc(asn1::UtcTime),
    Generalized(asn1::X509GeneralizedTime),
}

impl Time {
    /// Returns the seconds since the epoch.
    pub(super) fn seconds(&self) -> i64 {
        let time = match self {
            Time::Utc(time) => time.as_datetime(),
            Time::Generalized(time) => time.as_datetime(),
        };
        let days = days_since_epoch(time.year().into(), time.month().into(), time.day().into());
        let [hours, minutes, seconds] = [time.hour(), time.minute(), time.second()].map(i64::from);
        ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    }
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Counted in years that begin in March, so that the leap day is the last one; 719,468 days lie
/// between 0000-03-01 and the epoch.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_the_epoch() {
        #[track_caller]
        fn check(year: i64, month: i64, day: i64, expected: i64) {
            assert_eq!(days_since_epoch(year, month, day), expected);
        }
        check(1970, 1, 1, 0);
        check(1969, 12, 31, -1);
        check(1972, 2, 29, 789);
        check(2000, 2, 29, 11_016);
        check(2000, 3, 1, 11_017);
        check(2026, 11, 22, 20_779);
        check(2100, 2, 28, 47_540);
        check(2100, 3, 1, 47_541);
        check(9999, 12, 31, 2_932_896);
        check(0, 1, 1, -719_528);
    }

    #[test]
    fn both_forms_of_time_are_read() {
        #[track_caller]
        fn check(der: &[u8], expected: Option<i64>) {
            let time = asn1::parse_single::<Time>(der);
            assert_eq!(
                time.ok().map(|time| time.seconds()),
                expected,
                "{}",
                der.escape_ascii()
            );
        }
        check(b"\x17\x0d700101000001Z", Some(1));
        check(b"\x17\x0d491231235959Z", Some(2_524_607_999));
        check(b"\x17\x0d500101000000Z", Some(-631_152_000));
        check(b"\x18\x0f20261122120000Z", Some(1_795_348_800));
        check(b"\x18\x0f20500101000000Z", Some(2_524_608_000));
        check(b"\x18\x0f20270229000000Z", None);
        check(b"\x17\x0b7001010000Z", None);
        check(b"\x17\x11700101000001+0100", None);
    }
}
