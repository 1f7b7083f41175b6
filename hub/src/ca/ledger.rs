//! `Ledger`: what a CA has issued and revoked, as a file that people can read.
//!
//! The [`Authority`](super::Authority) reads it before, and writes it with everything it does.
//!
//! ```toml
//! list_number = 2                        # how many lists of revoked certificates there have been
//! list_days = 365                        # how long each of them is valid
//! list_expires = 2027-11-28T01:00:00Z    # when the last one expires
//!
//! [[certificate]]
//! name = "bodhi-app01"
//! serial = "9F86D081884C7D659A2FEAA0C55AD015"    # as OpenSSL shows it, and our log
//! algorithm = "rsa"                              # or "ed25519"
//! issued = 2026-11-28T01:00:00Z
//! expires = 2029-03-02T01:00:00Z
//! revoked = 2026-11-28T02:00:00Z                 # if it is
//! ```

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::key::Algorithm;
use super::signer_name::SignerName;

const HEAD: &str = "\
# What this CA has issued, kept by `fedmsg ca`. Every change to certificates is made by its commands:
# to revoke one means to sign a new crl.pem.

";

/// What a CA has issued and revoked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    list_number: u64,
    /// How long each list is valid.
    pub(super) list_days: u32,
    list_expires: Instant,
    #[serde(default, rename = "certificate", skip_serializing_if = "Vec::is_empty")]
    entries: Vec<Entry>,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    name: String,
    /// In hexadecimal.
    pub(super) serial: String,
    pub(super) algorithm: Algorithm,
    issued: Instant,
    expires: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<Instant>,
}

/// Seconds since the epoch, in TOML a date and time of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "toml::value::Datetime", into = "toml::value::Datetime")]
struct Instant(i64);

impl Ledger {
    /// Makes that of a CA which has issued nothing, not even a list.
    pub(super) fn new(list_days: u32) -> Self {
        Self {
            list_number: 0,
            list_days,
            list_expires: Instant(0),
            entries: Vec::new(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// Where it is not as [`Ledger::to_toml`] writes it.
    pub(super) fn from_toml(text: &[u8]) -> Result<Self, toml::de::Error> {
        toml::from_slice(text)
    }

    /// Returns it as it is written.
    pub(super) fn to_toml(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("{HEAD}{}", toml::to_string(self)?))
    }

    /// Adds a certificate that is about to be written.
    pub(super) fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Returns the certificates of a name, the oldest first.
    pub(super) fn of<'a>(&'a self, name: &'a SignerName) -> impl Iterator<Item = &'a Entry> {
        let entries = self.entries.iter();
        entries.filter(|entry| entry.name == name.as_str())
    }

    /// Marks every certificate of a name as revoked at a time, but for those that are; returns the
    /// serial numbers of those marked.
    pub(super) fn revoke(&mut self, name: &SignerName, now: i64) -> Vec<String> {
        let entries = self.entries.iter_mut();
        let fresh = entries.filter(|it| it.name == name.as_str() && it.revoked.is_none());
        fresh
            .map(|entry| {
                entry.revoked = Some(Instant(now));
                entry.serial.clone()
            })
            .collect()
    }

    /// Returns what is revoked: the serial number and when. Expired certificates stay among them:
    /// whoever validates has a clock of his own.
    pub(super) fn revoked(&self) -> impl Iterator<Item = (&str, i64)> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| Some((entry.serial.as_str(), entry.revoked?.0)))
    }

    /// Returns the number for a list that is about to be made, and keeps when it expires.
    pub(super) fn next_list(&mut self, expires: i64) -> u64 {
        self.list_expires = Instant(expires);
        self.list_number = self.list_number.saturating_add(1);
        self.list_number
    }

    /// Returns when the last list expires.
    pub(super) fn list_expires(&self) -> i64 {
        self.list_expires.0
    }
}

impl Entry {
    /// Makes that of a certificate that is not revoked.
    pub(super) fn new(
        serial: String,
        name: &SignerName,
        algorithm: Algorithm,
        issued: i64,
        expires: i64,
    ) -> Self {
        Self {
            name: name.to_string(),
            serial,
            algorithm,
            issued: Instant(issued),
            expires: Instant(expires),
            revoked: None,
        }
    }

    /// Returns when the certificate expires.
    pub(super) fn expires(&self) -> i64 {
        self.expires.0
    }

    /// Returns whether the certificate is neither revoked nor expired.
    pub(super) fn is_valid(&self, now: i64) -> bool {
        self.revoked.is_none() && now < self.expires()
    }
}

/// Why a time in the ledger is none.
#[derive(Debug, thiserror::Error)]
#[error("expected a time in UTC, such as 2026-11-28T01:00:00Z: {0}")]
struct InstantError(String);

impl TryFrom<toml::value::Datetime> for Instant {
    type Error = InstantError;

    fn try_from(datetime: toml::value::Datetime) -> Result<Self, InstantError> {
        let time = datetime.to_string().parse::<Timestamp>();
        let time = time.map_err(|error| InstantError(error.to_string()))?;
        Ok(Self(time.as_second()))
    }
}

impl From<Instant> for toml::value::Datetime {
    fn from(instant: Instant) -> Self {
        use toml::value::{Date, Offset, Time};
        let time = zoned(instant.0);
        let small = |number: i8| u8::try_from(number).unwrap_or_default();
        Self {
            date: Some(Date {
                year: u16::try_from(time.year()).unwrap_or_default(),
                month: small(time.month()),
                day: small(time.day()),
            }),
            time: Some(Time {
                hour: small(time.hour()),
                minute: small(time.minute()),
                second: Some(small(time.second())),
                nanosecond: None,
            }),
            offset: Some(Offset::Z),
        }
    }
}

/// Shows a time as its date in UTC: `2026-11-28`.
pub(crate) fn date(seconds: i64) -> impl std::fmt::Display {
    zoned(seconds).date()
}

fn zoned(seconds: i64) -> jiff::Zoned {
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    time.to_zoned(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_824_000; // 2026-11-28 00:00 UTC

    #[test]
    fn a_ledger_is_read_as_it_was_written() {
        let mut ledger = Ledger::new(365);
        assert_eq!(ledger.next_list(NOW + 60), 1);
        let name: SignerName = "a".parse().unwrap();
        ledger.add(Entry::new(
            "0A".into(),
            &name,
            Algorithm::Rsa,
            NOW,
            NOW + 60,
        ));
        let strong = Entry::new("0B".into(), &name, Algorithm::Ed25519, NOW, NOW + 60);
        ledger.add(strong);
        ledger.revoke(&name, NOW + 1);
        let text = ledger.to_toml().unwrap();
        assert!(
            text.contains("\nrevoked = 2026-11-28T00:00:01Z\n"),
            "{text}"
        );
        let mut read = Ledger::from_toml(text.as_bytes()).unwrap();
        assert_eq!(read.entries, ledger.entries);
        assert_eq!((read.list_days, read.list_expires()), (365, NOW + 60));
        assert_eq!(read.next_list(0), 2);
    }

    #[test]
    fn what_is_not_understood_is_not_passed_over() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = Ledger::from_toml(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let good = "list_number = 1\nlist_days = 1\nlist_expires = 2026-11-28T00:00:00Z\n";
        assert!(Ledger::from_toml(good.as_bytes()).is_ok());
        check(&format!("{good}more = 1"), "`more`");
        check(&good.replace("00Z", "00"), "expected a time in UTC");
        check(&good.replace("= 2026-11-28T00:00:00Z", "= 1"), "datetime");
        check("", "list_number");
        check("\u{0}", "line 1");
    }

    #[test]
    fn a_certificate_is_valid_until_it_expires_or_is_revoked() {
        let name: SignerName = "a".parse().unwrap();
        let mut ledger = Ledger::new(1);
        ledger.add(Entry::new("0A".into(), &name, Algorithm::Rsa, 0, 10));
        let is_valid = |ledger: &Ledger, now| ledger.of(&name).any(|entry| entry.is_valid(now));
        assert!(is_valid(&ledger, 9));
        assert!(!is_valid(&ledger, 10));
        assert_eq!(ledger.revoke(&name, 5), ["0A"]);
        assert_eq!(ledger.revoke(&name, 6), [""; 0]);
        assert!(!is_valid(&ledger, 9));
        assert_eq!(ledger.revoked().collect::<Vec<_>>(), [("0A", 5)]);
    }
}
