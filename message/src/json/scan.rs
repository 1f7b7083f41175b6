//! Finds the next byte of a string that needs attention, eight bytes at a time.
//!
//! The two hot loops of this crate: the cursor runs the first over received text, the writer the
//! second over text to send.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Returns how many bytes precede the first `"`, `\` or control character (below U+0020).
#[inline]
pub(super) fn until_string_special(bytes: &[u8]) -> usize {
    until(bytes, |word| {
        below_space(word) | equal(word, b'"') | equal(word, b'\\')
    })
}

/// Returns how many bytes precede the first one that ASCII JSON must escape: `"`, `\`, control
/// characters, U+007F and whatever is not ASCII.
#[inline]
pub(super) fn until_escape(bytes: &[u8]) -> usize {
    until(bytes, |word| {
        let special = below_space(word) | equal(word, b'"') | equal(word, b'\\');
        special | equal(word, 0x7f) | word & HIGH_BITS
    })
}

/// Returns whether all bytes are below U+007F: what is not must be escaped in ASCII JSON.
#[inline]
pub(super) fn is_below_delete(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    // U+007F and one is U+0080. A carry comes from a byte that is flagged itself.
    let flagged = |word: u64| word | word.wrapping_add(ONES);
    let words = words.iter().map(|word| flagged(u64::from_le_bytes(*word)));
    let flags = words.fold(0, |flags, word| flags | word) | flagged(short_word(rest));
    flags & HIGH_BITS == 0
}

/// Returns the index of the first byte that `flag` sets the highest bit of, or the length.
#[inline(always)]
fn until(bytes: &[u8], flag: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let flags = flag(u64::from_le_bytes(*word));
        if flags != 0 {
            return index * 8 + first_flagged(flags);
        }
    }
    if rest.is_empty() {
        return bytes.len();
    }
    // What is left has less than a word, but the last eight bytes are one: those of it that have
    // been seen already have no flag.
    let position = match bytes.last_chunk() {
        Some(word) => bytes.len() - 8 + first_flagged(flag(u64::from_le_bytes(*word))),
        None => first_flagged(flag(short_word(rest))),
    };
    position.min(bytes.len())
}

/// Returns the index of the lowest byte with a flag, eight if there is none.
#[inline(always)]
fn first_flagged(flags: u64) -> usize {
    (flags.trailing_zeros() / 8) as usize
}

/// Returns up to seven bytes as the low end of a word.
#[inline(always)]
fn short_word(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            // The two halves overlap with equal bytes in equal places.
            let shift = (bytes.len() - 4) * 8;
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << shift
        }
        _ => bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

// In both tests a borrow can set a flag above a flag that is right, never below it: the lowest flag
// is exact, and only that one is used.

/// Flags (in its highest bit) each byte below 0x20.
#[inline(always)]
fn below_space(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGH_BITS
}

/// Flags each byte that is `byte`.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    difference.wrapping_sub(ONES) & !difference & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_at_every_position() {
        for byte in 0..=u8::MAX {
            for length in 0..20 {
                for position in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[position] = byte;
                    let special = matches!(byte, 0..0x20 | b'"' | b'\\');
                    let escape = special || byte >= 0x7f;
                    let expected = |found: bool| if found { position } else { length };
                    assert_eq!(until_string_special(&bytes), expected(special), "{bytes:?}");
                    assert_eq!(until_escape(&bytes), expected(escape), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn bytes_from_delete_on_are_seen() {
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for position in 0..length {
                    let mut bytes = vec![b'~'; length];
                    bytes[position] = byte;
                    assert_eq!(is_below_delete(&bytes), byte < 0x7f, "{bytes:?}");
                }
            }
        }
        assert!(is_below_delete(b""));
    }

    #[test]
    fn the_first_of_several_is_found() {
        for first in 0..16 {
            for second in first + 1..17 {
                let mut bytes = [b'!'; 17];
                bytes[first] = b'"';
                bytes[second] = 0x1f;
                assert_eq!(until_string_special(&bytes), first);
                assert_eq!(until_escape(&bytes), first);
            }
        }
    }
}
