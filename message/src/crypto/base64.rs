//! Base64 as the original reads and writes it, and as RFC 4648 has it.
//!
//! The validator decodes signatures and certificates leniently, PEM and strong signatures are
//! strict; the signer encodes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What a byte outside the alphabet has in the table; it also has the bits that no sextet has.
const FOREIGN: u8 = 0xff;

static SEXTETS: [u8; 256] = sextets();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where an index out of range is an error of the compiler"
)]
const fn sextets() -> [u8; 256] {
    let mut table = [FOREIGN; 256];
    let mut sextet = 0;
    while sextet < ALPHABET.len() {
        table[ALPHABET[sextet] as usize] = sextet as u8;
        sextet += 1;
    }
    table
}

/// Characters in a line that the original writes (`base64.encodebytes` of Python).
pub(super) const LINE: usize = 76;

/// Why a text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Base64Error {
    /// There is a character beyond ASCII; any other foreign character would be skipped.
    #[error("character beyond ASCII")]
    NotAscii,
    /// The last group of four is not complete.
    #[error("incomplete last group")]
    Incomplete,
    /// There is a character outside the alphabet where none may be.
    #[error("character outside the alphabet")]
    Foreign,
}

/// Decodes exactly as Python's `base64.b64decode` decodes a `str` (fedmsg wire specification
/// §3.6, step 2).
///
/// ASCII only. Characters outside `A–Za–z0–9+/=` are skipped, line feeds, `-` and `_` among them.
/// A padding that completes a group ends the data, and the rest is ignored; padding anywhere else
/// is skipped, too.
///
/// # Errors
///
/// [`Base64Error::NotAscii`], [`Base64Error::Incomplete`].
pub(super) fn decode_lenient(text: &str) -> Result<Vec<u8>, Base64Error> {
    if !text.is_ascii() {
        return Err(Base64Error::NotAscii);
    }
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len() / 4 * 3 + 3);
    loop {
        rest = decode_groups(rest, &mut decoded);
        // What comes next is no complete group: character by character to the end of this one.
        let mut group = Group::default();
        loop {
            let Some((byte, following)) = rest.split_first() else {
                return group.finish(&mut decoded);
            };
            rest = following;
            if group.push(*byte, &mut decoded) {
                return Ok(decoded);
            }
            if group.sextets == 0 {
                break;
            }
        }
    }
}

/// Decodes complete groups for as long as they come without a foreign character, and returns the
/// rest.
#[inline]
fn decode_groups<'a>(bytes: &'a [u8], decoded: &mut Vec<u8>) -> &'a [u8] {
    /// Groups in a line of the original's.
    const AT_ONCE: usize = LINE / 4;
    let mut rest = bytes;
    loop {
        let (groups, _) = rest.as_chunks::<4>();
        let mut room = [[0; 3]; AT_ONCE];
        let mut done = 0;
        for (group, room) in groups.iter().zip(&mut room) {
            let [a, b, c, d] = group.map(sextet);
            if (a | b | c | d) & 0xc0 != 0 {
                break;
            }
            *room = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
            done += 1;
        }
        let room = room.as_flattened().get(..done * 3);
        decoded.extend_from_slice(room.unwrap_or_default());
        rest = rest.get(done * 4..).unwrap_or_default();
        if done < AT_ONCE {
            return rest;
        }
    }
}

#[inline(always)]
fn sextet(byte: u8) -> u8 {
    SEXTETS.get(usize::from(byte)).copied().unwrap_or(FOREIGN)
}

/// A group of four characters, being read.
#[derive(Default)]
struct Group {
    sextets: usize,
    paddings: usize,
    left_over: u8,
}

impl Group {
    /// Takes a character, and returns whether it ends the data.
    fn push(&mut self, byte: u8, decoded: &mut Vec<u8>) -> bool {
        if byte == b'=' {
            if self.sextets >= 2 {
                self.paddings += 1;
            }
            return self.sextets >= 2 && self.sextets + self.paddings >= 4;
        }
        let sextet = sextet(byte);
        if sextet == FOREIGN {
            return false;
        }
        self.paddings = 0;
        match self.sextets {
            0 => {}
            1 => decoded.push(self.left_over << 2 | sextet >> 4),
            2 => decoded.push(self.left_over << 4 | sextet >> 2),
            _ => decoded.push(self.left_over << 6 | sextet),
        }
        self.left_over = sextet;
        self.sextets = (self.sextets + 1) % 4;
        false
    }

    fn finish(&self, decoded: &mut Vec<u8>) -> Result<Vec<u8>, Base64Error> {
        match self.sextets {
            0 => Ok(std::mem::take(decoded)),
            _ => Err(Base64Error::Incomplete),
        }
    }
}

/// Decodes base64 as RFC 4648 §4 has it: padded, nothing but the alphabet.
///
/// # Errors
///
/// [`Base64Error::Foreign`], [`Base64Error::Incomplete`].
pub(super) fn decode_strict(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let rest = decode_groups(text, &mut decoded);
    let ([a, b, c, d], last) = match rest {
        [] => return Ok(decoded),
        [a, b, b'=', b'='] => ([*a, *b, b'A', b'A'], 1),
        [a, b, c, b'='] => ([*a, *b, *c, b'A'], 2),
        _ if rest.iter().any(|byte| sextet(*byte) == FOREIGN) => return Err(Base64Error::Foreign),
        _ => return Err(Base64Error::Incomplete),
    };
    let complete = decoded.len();
    if !decode_groups(&[a, b, c, d], &mut decoded).is_empty() {
        return Err(Base64Error::Foreign);
    }
    // Bits that no byte has must be zero, or several texts would mean the same.
    if decoded.iter().skip(complete + last).any(|byte| *byte != 0) {
        return Err(Base64Error::Incomplete);
    }
    decoded.truncate(complete + last);
    Ok(decoded)
}

/// Appends the base64 of `bytes` on one line, padded.
pub(super) fn append(out: &mut String, bytes: &[u8]) {
    let character = |sextet: u32| {
        let index = (sextet & 0x3f) as usize;
        char::from(ALPHABET.get(index).copied().unwrap_or_default())
    };
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - group.len()));
        out.push(character(word >> 18));
        out.push(character(word >> 12));
        out.push(if group.len() > 1 {
            character(word >> 6)
        } else {
            '='
        });
        out.push(if group.len() > 2 {
            character(word)
        } else {
            '='
        });
    }
}

/// Returns the base64 of `bytes` on one line, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    append(&mut out, bytes);
    out
}

/// Appends the base64 of `bytes` in lines of `columns` characters, a multiple of four, each ended
/// by `line_end`, the last one too.
pub(super) fn append_lines(out: &mut String, bytes: &[u8], columns: usize, line_end: &str) {
    for line in bytes.chunks(columns / 4 * 3) {
        append(out, line);
        out.push_str(line_end);
    }
}

#[cfg(test)]
mod tests;
