//! Tests of names: which are the same, and the common name in them.

use super::*;

/// Returns a name of attributes, each a kind (the last number of 2.5.4.x), a tag and bytes.
fn named(attributes: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let tlv =
        |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let sets: Vec<u8> = attributes
        .iter()
        .flat_map(|(kind, tag, value)| {
            let content = [tlv(6, &[0x55, 4, *kind]), tlv(*tag, value)].concat();
            tlv(0x31, &tlv(0x30, &content))
        })
        .collect();
    tlv(0x30, &sets)
}

const CN: u8 = 3;
const O: u8 = 10;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const T61: u8 = 0x14;

#[test]
fn the_first_common_name_is_the_name() {
    use CertificateError::{CommonNameNotText, Malformed, NoCommonName};
    #[track_caller]
    fn check(name: &[u8], expected: Result<&str, CertificateError>) {
        assert_eq!(
            common_name(name).as_deref(),
            expected.as_ref().map(|name| *name)
        );
    }
    check(
        &named(&[(O, UTF8, b"org"), (CN, UTF8, b"one"), (CN, UTF8, b"two")]),
        Ok("one"),
    );
    check(&named(&[(CN, PRINTABLE, b"one")]), Ok("one"));
    check(&named(&[(CN, UTF8, "café".as_bytes())]), Ok("café"));
    check(&named(&[(CN, 0x1e, b"\0c\x26\x3a")]), Ok("c☺"));
    check(&named(&[(CN, 0x1e, b"\xd8\x3d\xde\0")]), Ok("😀"));
    check(&named(&[(CN, 0x1c, b"\0\0\0c\0\x01\xf6\0")]), Ok("c😀"));
    check(&named(&[(CN, T61, b"plain")]), Ok("plain"));
    check(&named(&[(CN, UTF8, b"")]), Ok(""));
    check(
        &named(&[(CN, T61, b"caf\xe9"), (CN, UTF8, b"two")]),
        Err(CommonNameNotText),
    );
    check(&named(&[(CN, 0x1e, b"\xd8\x3d")]), Err(CommonNameNotText));
    check(&named(&[(CN, 0x1e, b"odd")]), Err(CommonNameNotText));
    check(&named(&[(CN, 0x1c, b"\0\x11\0\0")]), Err(CommonNameNotText));
    check(&named(&[(O, UTF8, b"org")]), Err(NoCommonName));
    check(&named(&[]), Err(NoCommonName));
    check(b"", Err(Malformed));
    check(b"\x30\x01\x31", Err(Malformed));
}

#[test]
fn names_are_the_same_as_openssl_thinks() {
    #[track_caller]
    fn check(left: &[(u8, u8, &[u8])], right: &[(u8, u8, &[u8])], expected: bool) {
        assert_eq!(are_same(&named(left), &named(right)), expected);
    }
    check(&[(CN, UTF8, b"CA")], &[(CN, UTF8, b"CA")], true);
    check(&[(CN, UTF8, b"CA")], &[(CN, PRINTABLE, b"CA")], true);
    check(
        &[(CN, UTF8, b"My  CA ")],
        &[(CN, PRINTABLE, b"my ca")],
        true,
    );
    check(&[(CN, UTF8, b"CA")], &[(CN, UTF8, b"CB")], false);
    check(&[(CN, UTF8, b"CA")], &[(O, UTF8, b"CA")], false);
    check(
        &[(CN, UTF8, b"CA")],
        &[(CN, UTF8, b"CA"), (O, UTF8, b"x")],
        false,
    );
    assert!(!are_same(b"\x30\x00", b"nonsense"));
}
