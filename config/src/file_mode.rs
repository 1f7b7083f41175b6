//! Who may use a file: its mode, as chmod(1) takes it.
//!
//! A setting of [`crate::Config`], which the hub gives to the file of its monitoring socket, and a parameter
//! of the consumer `file`.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// The most that there is: every bit of chmod(2) that is not set-user-ID, set-group-ID or sticky.
const ALL: u32 = 0o777;

/// The permissions of a file: octal digits, `"770"` or `"0770"`, up to `"777"`.
///
/// ```
/// let mode: fedmsg_config::FileMode = "770".parse()?;
/// assert_eq!(mode.bits(), 0o770);
/// # Ok::<(), fedmsg_config::FileModeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(u32);

/// What is wrong with a text that should be a file mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected the octal digits of a file mode, from \"0\" to \"777\", such as \"770\"")]
pub struct FileModeError;

impl FileMode {
    /// Returns the mode of these bits, of which those that are no permissions are left out: for defaults.
    ///
    /// ```
    /// const MODE: fedmsg_config::FileMode = fedmsg_config::FileMode::new(0o640);
    /// assert_eq!(MODE.to_string(), "640");
    /// ```
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits & ALL)
    }

    /// The bits, as chmod(2) takes them.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl FromStr for FileMode {
    type Err = FileModeError;

    fn from_str(text: &str) -> Result<Self, FileModeError> {
        let digits = text.strip_prefix("0o").unwrap_or(text); // as Python writes it
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(FileModeError); // a sign
        }
        match u32::from_str_radix(digits, 8) {
            Ok(bits) if bits <= ALL => Ok(Self(bits)),
            _ => Err(FileModeError),
        }
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03o}", self.0)
    }
}

impl Serialize for FileMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal_digits() {
        #[track_caller]
        fn check(text: &str, expected: Option<u32>) {
            let read = text.parse::<FileMode>().ok().map(FileMode::bits);
            assert_eq!(read, expected, "{text:?}");
        }
        check("770", Some(0o770));
        check("0600", Some(0o600));
        check("0o660", Some(0o660));
        check("0", Some(0));
        check("1777", None);
        check("778", None);
        check("", None);
        check("+70", None);
        check("rwx", None);
        assert_eq!(FileMode::new(0o4070).to_string(), "070");
    }
}
