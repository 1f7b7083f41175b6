//! PEM (RFC 7468): finds the first certificate or CRL in a text, and writes certificates.
//!
//! Read once for each certificate text that comes along, and for CA and CRL files.

use memchr::memmem;

use super::base64::{self, Base64Error};

/// Characters in a line, as OpenSSL writes them.
const LINE: usize = 64;

/// What a block says it is. OpenSSL knows an older name for certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Certificate,
    Crl,
}

impl Label {
    fn names(self) -> &'static [&'static [u8]] {
        match self {
            Label::Certificate => &[b"CERTIFICATE", b"X509 CERTIFICATE"],
            Label::Crl => &[b"X509 CRL"],
        }
    }
}

/// Why there is nothing to be read from a PEM text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// No block of the kind wanted begins.
    #[error("no PEM block of that kind")]
    NoBlock,
    /// A block begins but does not end.
    #[error("PEM block without end")]
    NoEnd,
    /// What is between the two lines is not base64.
    #[error("PEM block that is not base64")]
    Base64(#[from] Base64Error),
}

/// Returns what is in the first block with that label; text around it and blocks of other kinds
/// are passed over.
///
/// # Errors
///
/// [`PemError`], about the first block with the label: a later one is not looked at.
pub(super) fn first(text: &[u8], label: Label) -> Result<Vec<u8>, PemError> {
    let mut rest = text;
    loop {
        let (name, body) = next_block(rest).ok_or(PemError::NoBlock)?;
        if label.names().contains(&name) {
            let end = [b"-----END ", name, b"-----"].concat();
            let end = memmem::find(body, &end).ok_or(PemError::NoEnd)?;
            let body = body.get(..end).unwrap_or_default();
            return Ok(base64::decode_strict(&without_white_space(body))?);
        }
        rest = body;
    }
}

/// Returns the label of the next line that begins a block, and what follows that line.
fn next_block(text: &[u8]) -> Option<(&[u8], &[u8])> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const DASHES: &[u8] = b"-----";
    let mut rest = text;
    loop {
        let begin = memmem::find(rest, BEGIN)?;
        let is_at_start_of_line = match begin.checked_sub(1) {
            None => rest.len() == text.len(),
            Some(before) => rest.get(before) == Some(&b'\n'),
        };
        rest = rest.get(begin + BEGIN.len()..)?;
        let line = rest.get(..memchr::memchr(b'\n', rest)?)?;
        if is_at_start_of_line && let Some(name) = line.trim_ascii_end().strip_suffix(DASHES) {
            return Some((name, rest.get(line.len()..)?));
        }
    }
}

/// Returns the text without white space, of which OpenSSL's reader allows any amount.
fn without_white_space(text: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.len());
    for word in text.split(u8::is_ascii_whitespace) {
        joined.extend_from_slice(word);
    }
    joined
}

/// Returns a certificate in PEM as OpenSSL writes it: lines of 64 characters, each ended by a line
/// feed.
pub(super) fn certificate(der: &[u8]) -> String {
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    base64::append_lines(&mut pem, der, LINE, "\n");
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

#[cfg(test)]
mod tests;
