//! `Authority`: a small CA in a directory, for those who have none and want to sign.
//!
//! `commands::ca` calls it and prints what comes of it. It decides what is issued and revoked; the
//! [`Issuer`] makes certificates and lists, the [`Ledger`] remembers, the [`Folder`] writes all files
//! of one change or none.
//!
//! | file | has | readable by |
//! |---|---|---|
//! | `ca.crt` | the certificate of the CA | all |
//! | `ca.key` | its private key | its owner |
//! | `crl.pem` | what it has revoked | all |
//! | `index.toml` | what it has issued: see [`Ledger`] | all |
//! | `NAME.crt`, `NAME.key` | an RSA certificate and its key | all, its owner |
//! | `NAME.ed25519.crt`, `NAME.ed25519.key` | the same for strong signatures | all, its owner |
//!
//! The names are those of the original's `ssldir` and of its defaults for CA and CRL (fedmsg wire
//! specification §3.2, §3.6). Private keys are PKCS #8 in PEM, without a pass phrase: the original
//! can read no other.

mod error;
mod folder;
mod issuer;
mod key;
mod ledger;
mod signer_name;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(crate) use self::error::CaError;
use self::folder::{Audience, Folder, NewFile};
use self::issuer::Issuer;
use self::key::Algorithm;
pub(crate) use self::key::KeySize;
pub(crate) use self::ledger::date;
use self::ledger::{Entry, Ledger};
pub(crate) use self::signer_name::SignerName;

/// The certificate of the CA.
pub(crate) const CA_CERTIFICATE: &str = "ca.crt";
/// The list of what it has revoked.
pub(crate) const REVOCATION_LIST: &str = "crl.pem";
/// What it has issued.
pub(crate) const LEDGER: &str = "index.toml";
/// The private key of the CA.
pub(crate) const CA_KEY: &str = "ca.key";

/// How long a certificate or a list is valid before it is made, in seconds: as much as the clocks of
/// two machines may differ, the customary bound of Kerberos (RFC 4120 §8.2).
const CLOCK_SKEW: i64 = 5 * 60;

const DAY: i64 = 24 * 60 * 60;

/// From when to when something is valid, in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    from: i64,
    to: i64,
}

impl Period {
    /// The next `days` days, and a little before.
    fn of_days(now: i64, days: u32) -> Self {
        Self {
            from: now - CLOCK_SKEW,
            to: now + i64::from(days) * DAY,
        }
    }
}

/// What a new CA is to be like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Foundation {
    pub(crate) key_size: KeySize,
    /// How long it is valid.
    pub(crate) days: u32,
    /// How long each of its lists of revoked certificates is.
    pub(crate) list_days: u32,
}

/// What a new certificate is to be like.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) name: SignerName,
    pub(crate) key_size: KeySize,
    /// How long it is valid; at most as long as the CA.
    pub(crate) days: u32,
    pub(crate) strong: Strong,
    pub(crate) former: Former,
}

/// Whether there is to be an Ed25519 certificate beside the RSA one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strong {
    None,
    Ed25519,
}

/// What becomes of the certificate that a name has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Former {
    /// It stays, and no other is issued, unless it is revoked or has expired.
    Keep,
    /// Its files are replaced. It stays valid itself.
    Replace,
}

/// What has been issued.
#[derive(Debug)]
pub(crate) struct Issued {
    /// When it expires: seconds since the epoch.
    pub(crate) expires: i64,
    /// The files, by name.
    pub(crate) files: Vec<String>,
}

/// A CA, and nobody else at work in its directory.
#[derive(Debug)]
pub(crate) struct Authority {
    folder: Folder,
    issuer: Issuer,
    ledger: Ledger,
    /// When this is: seconds since the epoch.
    now: i64,
}

impl Authority {
    /// Makes a new CA, and the directory for it if there is none.
    ///
    /// # Errors
    ///
    /// [`CaError::Exists`], [`CaError::Occupied`], and those of files and OpenSSL.
    pub(crate) fn found(
        directory: &Path,
        foundation: &Foundation,
        now: i64,
    ) -> Result<Self, CaError> {
        let folder = Folder::create(directory)?;
        if folder.contains(LEDGER) {
            return Err(CaError::Exists(folder.path().to_owned()));
        }
        let ours = [CA_CERTIFICATE, CA_KEY, REVOCATION_LIST];
        if let Some(name) = ours.into_iter().find(|name| folder.contains(name)) {
            return Err(CaError::Occupied(folder.path_of(name)));
        }
        let issuer = Issuer::found(foundation.key_size, Period::of_days(now, foundation.days))?;
        let mut ledger = Ledger::new(foundation.list_days);
        let certificate = issuer.to_pem()?;
        let key = issuer.key_to_pem()?;
        let list = next_list(&issuer, &mut ledger, now)?;
        folder.apply(&[
            NewFile::new(CA_CERTIFICATE, certificate, Audience::Everybody),
            NewFile::new(CA_KEY, key, Audience::Owner),
            list,
            ledger_file(&ledger)?,
        ])?;
        Ok(Self {
            folder,
            issuer,
            ledger,
            now,
        })
    }

    /// Opens the CA in a directory. Waits while another process is at work there.
    ///
    /// # Errors
    ///
    /// [`CaError::Missing`], [`CaError::Damaged`], and those of files.
    pub(crate) fn open(directory: &Path, now: i64) -> Result<Self, CaError> {
        let missing = || CaError::Missing(directory.to_owned());
        let folder = Folder::open(directory, LEDGER)?.ok_or_else(missing)?;
        let read = |name: &str| {
            let missing = || CaError::damaged(folder.path_of(name), "file is missing");
            folder.read(name)?.ok_or_else(missing)
        };
        let ledger = Ledger::from_toml(&read(LEDGER)?)
            .map_err(|error| CaError::damaged(folder.path_of(LEDGER), error))?;
        let issuer = Issuer::from_pem(&read(CA_CERTIFICATE)?, &read(CA_KEY)?)
            .map_err(|error| CaError::damaged(folder.path_of(error.file()), error))?;
        Ok(Self {
            folder,
            issuer,
            ledger,
            now,
        })
    }

    /// Issues a certificate, with a new key.
    ///
    /// # Errors
    ///
    /// [`CaError::AlreadyIssued`], [`CaError::Occupied`], [`CaError::Expired`], and those of files and
    /// OpenSSL.
    pub(crate) fn issue(&mut self, order: &Order) -> Result<Issued, CaError> {
        let expires = self.issuer.expires()?;
        if expires <= self.now {
            return Err(CaError::Expired {
                directory: self.folder.path().to_owned(),
                expires,
            });
        }
        let keys = match order.strong {
            Strong::None => &[Algorithm::Rsa][..],
            Strong::Ed25519 => &[Algorithm::Rsa, Algorithm::Ed25519],
        };
        if order.former == Former::Keep {
            self.check_unused(&order.name, keys)?;
        }
        let mut period = Period::of_days(self.now, order.days);
        period.to = period.to.min(expires);
        let mut files = Vec::new();
        for algorithm in keys {
            let key = algorithm.new_key(order.key_size)?;
            let (certificate, serial) = self.issuer.issue(&order.name, &key, period)?;
            let [of_certificate, of_key] = file_names(&order.name, *algorithm);
            let key = key.private_key_to_pem_pkcs8()?;
            files.push(NewFile::new(
                of_certificate,
                certificate,
                Audience::Everybody,
            ));
            files.push(NewFile::new(of_key, key, Audience::Owner));
            self.ledger.add(Entry::new(
                serial,
                &order.name,
                *algorithm,
                self.now,
                period.to,
            ));
        }
        let names = files.iter().map(|file| file.name.clone()).collect();
        files.push(ledger_file(&self.ledger)?);
        self.folder.apply(&files)?;
        Ok(Issued {
            expires: period.to,
            files: names,
        })
    }

    /// Revokes all certificates of a name, and makes a new list. Returns the serial numbers of those
    /// that were not revoked before.
    ///
    /// # Errors
    ///
    /// [`CaError::NotIssued`], and those of files and OpenSSL.
    pub(crate) fn revoke(&mut self, name: &SignerName) -> Result<Vec<String>, CaError> {
        if self.ledger.of(name).next().is_none() {
            return Err(CaError::NotIssued {
                name: name.clone(),
                ledger: self.folder.path_of(LEDGER),
            });
        }
        let revoked = self.ledger.revoke(name, self.now);
        self.write_list()?;
        Ok(revoked)
    }

    /// Makes a new list of what is revoked, because the former one expires; from now on its lists
    /// are valid for `days`, if that is given.
    ///
    /// # Errors
    ///
    /// Those of files and OpenSSL.
    pub(crate) fn renew_list(&mut self, days: Option<u32>) -> Result<(), CaError> {
        if let Some(days) = days {
            self.ledger.list_days = days;
        }
        self.write_list()
    }

    /// Returns when the certificate of the CA expires: seconds since the epoch.
    ///
    /// # Errors
    ///
    /// That of OpenSSL about a date that is none.
    pub(crate) fn expires(&self) -> Result<i64, CaError> {
        Ok(self.issuer.expires()?)
    }

    /// Returns when the list of what is revoked expires: seconds since the epoch.
    pub(crate) fn list_expires(&self) -> i64 {
        self.ledger.list_expires()
    }

    /// Returns how many certificates are revoked.
    pub(crate) fn revoked(&self) -> usize {
        self.ledger.revoked().count()
    }

    /// Returns the absolute path of its directory.
    pub(crate) fn directory(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the absolute path of a file of the CA.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.folder.path_of(name)
    }

    /// Checks that nobody would miss the certificate that a name has, if any.
    fn check_unused(&self, name: &SignerName, keys: &[Algorithm]) -> Result<(), CaError> {
        let mut valid = self.ledger.of(name).filter(|it| it.is_valid(self.now));
        if let Some(entry) = valid.next() {
            return Err(CaError::AlreadyIssued {
                name: name.clone(),
                expires: entry.expires(),
            });
        }
        for algorithm in keys {
            let is_known = self.ledger.of(name).any(|it| it.algorithm == *algorithm);
            let mut files = file_names(name, *algorithm).into_iter();
            if let (false, Some(file)) = (is_known, files.find(|it| self.folder.contains(it))) {
                return Err(CaError::OccupiedByOther(self.folder.path_of(&file)));
            }
        }
        Ok(())
    }

    fn write_list(&mut self) -> Result<(), CaError> {
        let list = next_list(&self.issuer, &mut self.ledger, self.now)?;
        Ok(self.folder.apply(&[list, ledger_file(&self.ledger)?])?)
    }
}

/// Makes the list that follows the last one of `ledger`.
fn next_list(issuer: &Issuer, ledger: &mut Ledger, now: i64) -> Result<NewFile, CaError> {
    let period = Period::of_days(now, ledger.list_days);
    let number = ledger.next_list(period.to);
    let list = issuer.list(number, period, ledger.revoked())?;
    Ok(NewFile::new(REVOCATION_LIST, list, Audience::Everybody))
}

fn ledger_file(ledger: &Ledger) -> Result<NewFile, CaError> {
    let text = ledger.to_toml()?.into_bytes();
    Ok(NewFile::new(LEDGER, text, Audience::Everybody))
}

/// The files of a certificate and its key.
fn file_names(name: &SignerName, algorithm: Algorithm) -> [String; 2] {
    let infix = match algorithm {
        Algorithm::Rsa => "",
        Algorithm::Ed25519 => ".ed25519",
    };
    ["crt", "key"].map(|kind| format!("{name}{infix}.{kind}"))
}
