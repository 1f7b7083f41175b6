//! `SignerName`: whom a certificate is for, as its common name and the name of its files.
//!
//! The command parses it; everything below goes by it.

use std::fmt;
use std::str::FromStr;

/// The longest common name (RFC 5280 §A.1, `ub-common-name`).
const MAX_LENGTH: usize = 64;

/// A name that is safe in a path, in a configuration of the original, and on a terminal.
///
/// It has letters and digits of ASCII, `.`, `-` and `_`, begins with a letter or digit, and has at
/// most 64 characters: `bodhi-app01.example.org`. `ca` and whatever ends in `.ed25519` would take
/// the files of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignerName(String);

/// Why a text is no such name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SignerNameError {
    /// There is nothing.
    #[error("it is empty: use the name of the service and its host, such as bodhi-app01")]
    Empty,
    /// It does not fit into a certificate.
    #[error("it is longer than the {MAX_LENGTH} characters of a common name")]
    TooLong,
    /// It has a character that may not be there.
    #[error("it has {0:?}: letters and digits of ASCII, '.', '-' and '_' are allowed")]
    Character(char),
    /// Its first character may only follow others.
    #[error("it begins with {0:?}: begin it with a letter or a digit")]
    Start(char),
    /// Its files would be those of the CA.
    #[error("its files would be those of the CA: use another name")]
    OfTheCa,
    /// Its files could be those of another name.
    #[error("it ends in .ed25519, as the files for strong signatures do: leave that out")]
    OfStrongSignatures,
}

impl SignerName {
    /// Returns the name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SignerName {
    type Err = SignerNameError;

    fn from_str(text: &str) -> Result<Self, SignerNameError> {
        let first = text.chars().next().ok_or(SignerNameError::Empty)?;
        let is_allowed = |it: char| it.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&it);
        if let Some(other) = text.chars().find(|it| !is_allowed(*it)) {
            return Err(SignerNameError::Character(other));
        }
        if !first.is_ascii_alphanumeric() {
            return Err(SignerNameError::Start(first));
        }
        if text.len() > MAX_LENGTH {
            return Err(SignerNameError::TooLong);
        }
        // A file system may not tell capitals from small letters.
        let small = text.to_ascii_lowercase();
        if small == "ca" {
            return Err(SignerNameError::OfTheCa);
        }
        if small.ends_with(".ed25519") {
            return Err(SignerNameError::OfStrongSignatures);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SignerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_wherever_it_ends_up() {
        #[track_caller]
        fn check(text: &str, expected: Result<(), SignerNameError>) {
            let name = text.parse::<SignerName>();
            assert_eq!(name.as_ref().map(drop), expected.as_ref().copied());
            if let Ok(name) = name {
                assert_eq!(name.as_str(), text);
            }
        }
        check("a", Ok(()));
        check("bodhi-app01.example.org", Ok(()));
        check("0_9.-", Ok(()));
        check("cab", Ok(()));
        check("ed25519", Ok(()));
        check(&"x".repeat(64), Ok(()));
        check(&"x".repeat(65), Err(SignerNameError::TooLong));
        check("", Err(SignerNameError::Empty));
        for (text, character) in [
            ("a/b", '/'),
            ("../a", '/'),
            ("a b", ' '),
            ("a\n", '\n'),
            ("a\0", '\0'),
            ("a\u{1b}[1m", '\u{1b}'),
            ("a\\", '\\'),
            ("ä", 'ä'),
            ("a=b", '='),
        ] {
            check(text, Err(SignerNameError::Character(character)));
        }
        check(".a", Err(SignerNameError::Start('.')));
        check("..", Err(SignerNameError::Start('.')));
        check("-a", Err(SignerNameError::Start('-')));
        check("_a", Err(SignerNameError::Start('_')));
        check("ca", Err(SignerNameError::OfTheCa));
        check("CA", Err(SignerNameError::OfTheCa));
        check("a.ed25519", Err(SignerNameError::OfStrongSignatures));
        check("a.Ed25519", Err(SignerNameError::OfStrongSignatures));
    }
}
