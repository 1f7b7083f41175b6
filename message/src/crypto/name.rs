//! Distinguished names: whether two are the same, and the common name in one.

use std::cmp::Ordering;
use std::sync::Arc;

use asn1::{ObjectIdentifier, Tlv, oid};
use openssl::x509::X509Name;

use super::certificate_error::CertificateError;
use super::x509::Attribute;

/// The attribute `commonName` (RFC 5280 §A.1).
const COMMON_NAME: ObjectIdentifier = oid!(2, 5, 4, 3);

/// Returns whether two names in DER are the same: byte for byte, or in OpenSSL's opinion, which
/// ignores case, extra spaces and the kind of string (RFC 5280 §7.1).
pub(super) fn are_same(left: &[u8], right: &[u8]) -> bool {
    left == right || are_same_to_openssl(left, right)
}

fn are_same_to_openssl(left: &[u8], right: &[u8]) -> bool {
    let (Ok(left), Ok(right)) = (X509Name::from_der(left), X509Name::from_der(right)) else {
        return false;
    };
    matches!(left.try_cmp(&right), Ok(Ordering::Equal))
}

/// Returns the first common name in a name in DER.
///
/// # Errors
///
/// [`CertificateError::Malformed`], [`CertificateError::NoCommonName`],
/// [`CertificateError::CommonNameNotText`].
pub(super) fn common_name(name: &[u8]) -> Result<Arc<str>, CertificateError> {
    let name: Tlv<'_> = asn1::parse_single(name)?;
    let first = asn1::parse(name.data(), |sets| {
        let mut first = None;
        while !sets.is_empty() {
            // Not as a `SetOf`: OpenSSL does not ask whether the set is sorted.
            let set: Tlv<'_> = sets.read_element()?;
            asn1::parse(set.data(), |attributes| {
                while !attributes.is_empty() {
                    let attribute: Attribute<'_> = attributes.read_element()?;
                    if attribute.kind == COMMON_NAME && first.is_none() {
                        first = Some(attribute.value);
                    }
                }
                Ok::<(), CertificateError>(())
            })?;
        }
        Ok::<_, CertificateError>(first)
    })?;
    let value = first.ok_or(CertificateError::NoCommonName)?;
    text(&value).ok_or(CertificateError::CommonNameNotText)
}

/// Returns the text of a `DirectoryString`: UTF-16 and UTF-32 where ASN.1 has its own names for
/// them, UTF-8 in all other kinds.
fn text(value: &Tlv<'_>) -> Option<Arc<str>> {
    const UNIVERSAL_STRING: u8 = 0x1c;
    const BMP_STRING: u8 = 0x1e;
    match value.tag_bytes() {
        [BMP_STRING] => {
            let (units, []) = value.data().as_chunks() else {
                return None;
            };
            let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
            let text: Result<String, _> = char::decode_utf16(units).collect();
            text.ok().map(Arc::from)
        }
        [UNIVERSAL_STRING] => {
            let (units, []) = value.data().as_chunks() else {
                return None;
            };
            let mut units = units.iter().map(|unit| u32::from_be_bytes(*unit));
            let text: Option<String> = units.by_ref().map(char::from_u32).collect();
            text.map(Arc::from)
        }
        _ => str::from_utf8(value.data()).ok().map(Arc::from),
    }
}

#[cfg(test)]
mod tests;
