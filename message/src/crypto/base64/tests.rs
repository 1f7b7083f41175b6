//! Tests of base64: against a table, against CPython's decoder, and of the encoder.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

#[test]
fn texts_are_decoded_leniently() {
    use Base64Error::{Incomplete, NotAscii};
    #[track_caller]
    fn check(text: &str, expected: Result<&[u8], Base64Error>) {
        assert_eq!(
            decode_lenient(text).as_deref(),
            expected.as_ref().map(|bytes| *bytes),
            "{text}"
        );
    }
    check("", Ok(b""));
    check("Zm9v", Ok(b"foo"));
    check("Zm8=", Ok(b"fo"));
    check("Zg==", Ok(b"f"));
    check("Zm9v\nYmFy\n", Ok(b"foobar"));
    check("Z m-9_v!", Ok(b"foo"));
    check("Zg==Zg==", Ok(b"f"));
    check("Zm9v=Zm9v", Ok(b"foofoo"));
    check("=Zm9v", Ok(b"foo"));
    check("Z=m9v", Ok(b"foo"));
    check("Zm=9v", Ok(b"foo"));
    check("Zg=\n=", Ok(b"f"));
    check("Zg=a=", Ok(&[0x66, 0x06]));
    check("Zg===é", Err(NotAscii));
    check("Zg", Err(Incomplete));
    check("Zg=", Err(Incomplete));
    check("Z", Err(Incomplete));
    check("Z===", Err(Incomplete));
    check("Zm9vZ", Err(Incomplete));
    check("Zh==", Ok(b"f"));
    check("\u{0}Zm9v\u{7f}", Ok(b"foo"));
}

#[test]
fn strict_texts_are_in_one_form_only() {
    #[track_caller]
    fn check(text: &str, expected: Result<&[u8], Base64Error>) {
        let decoded = decode_strict(text.as_bytes());
        assert_eq!(
            decoded.as_deref(),
            expected.as_ref().map(|bytes| *bytes),
            "{text}"
        );
    }
    check("", Ok(b""));
    check("Zm9vYmE=", Ok(b"fooba"));
    check("Zm9vYg==", Ok(b"foob"));
    for text in [
        "Zm9v\n", "Zm-v", "Zg==Zg==", "=m8=", "Z===", "Zg= ", "====", "Zg=a",
    ] {
        check(text, Err(Base64Error::Foreign));
    }
    for text in ["Zg", "Zm8", "Zm9vZ", "Zh==", "Zm9="] {
        check(text, Err(Base64Error::Incomplete));
    }
}

#[test]
fn lines_are_cut_as_the_original_cuts_them() {
    let lines = |length: usize| {
        let mut out = String::new();
        append_lines(&mut out, &vec![b'a'; length], LINE, "\n");
        let lines = out.split_inclusive('\n').map(str::len).collect::<Vec<_>>();
        assert!(out.is_empty() || out.ends_with('\n'));
        lines
    };
    assert_eq!(lines(0), [0; 0]);
    assert_eq!(lines(57), [77]);
    assert_eq!(lines(58), [77, 5]);
    assert_eq!(lines(128), [77, 77, 21]);
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = encode(&bytes);
        prop_assert_eq!(decode_strict(text.as_bytes()), Ok(bytes.clone()));
        prop_assert_eq!(decode_lenient(&text), Ok(bytes.clone()));
        let mut lines = String::new();
        append_lines(&mut lines, &bytes, LINE, "\n");
        prop_assert_eq!(decode_lenient(&lines), Ok(bytes));
    }
}

/// Answers each line, a text in hexadecimal, with what Python decodes it to.
const SCRIPT: &str = r#"
import base64, sys
for line in sys.stdin:
    try:
        print(base64.b64decode(bytes.fromhex(line).decode("utf-8")).hex())
    except ValueError:
        print("refused")
"#;

#[test]
fn python_decodes_the_same() {
    let mut seed = 20_261_122_u64;
    let mut random = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    // Few different characters, so that every order of them comes up.
    let alphabet: Vec<char> = "AAZz09+/===\n-_ \u{0}é".chars().collect();
    let mut texts: Vec<String> = Vec::new();
    for _ in 0..20_000 {
        let length = random(14);
        let mut text: String = (0..length)
            .map(|_| alphabet[random(alphabet.len() - 1)])
            .collect();
        match random(12) {
            0 => text.push('é'),
            1 => text.insert_str(0, &"QUJD".repeat(random(40))),
            _ => {}
        }
        texts.push(text);
    }
    let child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        let is_required = std::env::var("INTEROP_REQUIRED").is_ok_and(|value| value == "1");
        assert!(!is_required, "INTEROP_REQUIRED=1, but there is no python3");
        return;
    };
    let hexadecimal = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let lines: String = texts
        .iter()
        .map(|text| hexadecimal(text.as_bytes()) + "\n")
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    // Written beside the reading, or both pipes would fill up.
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = output.lines().collect();
    assert_eq!(answers.len(), texts.len());
    let mut refused = 0;
    for (text, answer) in texts.iter().zip(answers) {
        let ours = decode_lenient(text).map_or("refused".to_owned(), |bytes| hexadecimal(&bytes));
        refused += usize::from(ours == "refused");
        assert_eq!(ours, answer, "{text:?}");
    }
    // Both kinds have been tried in earnest.
    assert!((5_000..16_000).contains(&refused), "{refused}");
}
