//! Whether the keys and certificates that a configuration names are of use, without starting anything.
//!
//! `fedmsg-config check` asks; what a publisher and a subscriber do when they open is done here by the same
//! code.

use fedmsg_config::Config;

use crate::expiry::Expiry;
use crate::identity::host_name;
use crate::signing::{Signing, SigningError, entry};
use crate::trust::{TrustOpenError, read_once};

/// Something that is good for a certain time: a certificate, or a list of revoked ones.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetime {
    /// What it is, in words.
    pub what: &'static str,
    /// Where it is: a path, or a URL.
    pub location: String,
    /// From when it is good, in seconds since the epoch.
    pub begin: i64,
    /// When it is no longer good, in seconds since the epoch.
    pub end: i64,
}

impl From<&Expiry> for Lifetime {
    fn from(expiry: &Expiry) -> Self {
        let (what, location, begin, end) = expiry.parts();
        Self {
            what,
            location: location.to_owned(),
            begin,
            end,
        }
    }
}

/// Returns the entries of `certnames` that programs on this host sign with, sorted: the one that `name`,
/// `cert_prefix` and `active` lead to, where they say enough, and all that name this host. When there are
/// none, that of scripts, `shell.HOST`: what is looked up then, and not found.
pub fn signing_entries(config: &Config) -> Vec<String> {
    entries_on(config, &host_name())
}

fn entries_on(config: &Config, host: &str) -> Vec<String> {
    let of_host = format!(".{host}");
    let names = config.certnames.keys();
    let mut entries: Vec<String> = names.filter(|it| it.ends_with(&of_host)).cloned().collect();
    let name = config.name.as_deref().filter(|_| !config.active);
    let is_known = name.is_some() || config.active || config.cert_prefix.is_some();
    if is_known || entries.is_empty() {
        entries.push(entry(config, name, host));
    }
    entries.sort();
    entries.dedup();
    entries
}

/// Reads the certificate and the key that `certnames` has under `entry`, as a publisher that signs does.
///
/// # Errors
///
/// There is no such entry, a file cannot be read, is no certificate or key, or the key is not that of the
/// certificate. What has expired is none: see [`Lifetime::end`].
pub fn check_signing(config: &Config, entry: &str) -> Result<Lifetime, SigningError> {
    Signing::of_entry(config, entry).map(|signing| Lifetime::from(&signing.expiry))
}

/// Reads the CA certificate and the CRL, as a subscriber that validates does. What is to be downloaded is
/// not: of that, what was kept of the last download is looked at, if there is any.
///
/// # Errors
///
/// A file cannot be read, is no certificate or CRL, or the CRL is not that of the CA.
pub fn check_trust(config: &Config) -> Result<Vec<Lifetime>, TrustOpenError> {
    let expiries = read_once(config)?;
    Ok(expiries.iter().map(Lifetime::from).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn pki() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors/pki")
    }

    #[test]
    fn the_entries_are_those_of_this_host_and_the_one_that_is_asked_for() {
        let check = |toml: &str, expected: &[&str]| {
            let config = Config::from_toml(toml).unwrap();
            assert_eq!(entries_on(&config, "app01"), expected, "{toml}");
        };
        check("", &["shell.app01"]);
        check("name = 'bodhi.app01'", &["bodhi.app01"]);
        check("name = 'bodhi.app01'\nactive = true", &["shell.app01"]);
        check("cert_prefix = 'koji'", &["koji.app01"]);
        let certnames = "[certnames]\n'a.app01' = 'a'\n'b.app02' = 'b'";
        check(certnames, &["a.app01"]);
        check(
            &format!("active = true\n{certnames}"),
            &["a.app01", "shell.app01"],
        );
    }

    #[test]
    fn what_is_of_use_is_so_for_a_time_and_what_is_not_is_an_error() {
        let (ca, crl, dir) = (pki().join("ca.crt"), pki().join("crl.pem"), pki());
        let toml = format!(
            "ca_cert_location = {ca:?}\ncrl_location = {crl:?}\nssldir = {dir:?}\n\
             certnames = {{ a = 'bodhi-app01.test', b = 'no-such' }}"
        );
        let config = Config::from_toml(&toml).unwrap();
        let trust = check_trust(&config).unwrap();
        assert!(trust.iter().all(|it| it.begin < it.end), "{trust:?}");
        assert!(
            check_signing(&config, "a")
                .unwrap()
                .location
                .ends_with("bodhi-app01.test.crt")
        );
        assert!(matches!(
            check_signing(&config, "b"),
            Err(SigningError::Unreadable { .. })
        ));
        assert!(matches!(
            check_signing(&config, "c"),
            Err(SigningError::NoCertificate { .. })
        ));
        assert!(matches!(
            check_trust(&Config::default()),
            Err(TrustOpenError::File(_))
        ));
        let at_fault = |ca: &Path, crl: &Path| {
            let toml = format!("ca_cert_location = {ca:?}\ncrl_location = {crl:?}");
            check_trust(&Config::from_toml(&toml).unwrap())
                .unwrap_err()
                .key()
        };
        let missing = Path::new("/no/such/file");
        assert_eq!(at_fault(missing, &crl), "ca_cert_location");
        assert_eq!(at_fault(&ca, missing), "crl_location");
        assert_eq!(at_fault(&crl, &crl), "ca_cert_location");
        assert_eq!(at_fault(&ca, &ca), "crl_location");
    }
}
