//! Keys, certificates and revocation lists: whether they are there, of use, and in date.
//!
//! [`super::findings`] calls it; the library reads them as a publisher or a subscriber does.

use fedmsg::{Lifetime, SigningError, check_signing as read_key, check_trust, signing_entries};
use fedmsg_config::{KeyPath, Loaded, Location};
use jiff::Timestamp;

use super::finding::Finding;

/// The settings that say what is signed with.
pub(super) const SIGNING: [&str; 6] = [
    "sign_messages",
    "ssldir",
    "certnames",
    "cert_prefix",
    "strong_signature",
    "name",
];

/// The settings that say what is believed.
pub(super) const VALIDATION: [&str; 4] = [
    "validate_signatures",
    "ca_cert_location",
    "crl_location",
    "crypto_validate_backends",
];

/// How long before its end something is warned about, in seconds: a week.
const WARNING: i64 = 7 * 24 * 60 * 60;

/// Looks at what programs on this host sign with, if they are to sign.
pub(super) fn check_signing(loaded: &Loaded, findings: &mut Vec<Finding>) {
    if !loaded.config.sign_messages {
        return;
    }
    for entry in signing_entries(&loaded.config) {
        match read_key(&loaded.config, &entry) {
            Ok(lifetime) => {
                let key = KeyPath::from(["certnames", &*entry]);
                findings.extend(in_date(loaded, &key, &lifetime));
            }
            Err(error @ SigningError::NoCertificate { .. }) => {
                let key = KeyPath::from("sign_messages");
                findings.push(Finding::error(loaded, key, error));
            }
            Err(error) => {
                let key = KeyPath::from(["certnames", &*entry]);
                findings.push(Finding::error(loaded, key, error));
            }
        }
    }
}

/// Looks at what programs on this host believe, if any of them validates.
pub(super) fn check_validation(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    let consumers = config.consumers.values().filter(|it| it.enabled);
    let mut consumers = consumers.map(|it| it.validate_signatures);
    if !config.validate_signatures && !consumers.any(|it| it == Some(true)) {
        return;
    }
    let of_ca = KeyPath::from("ca_cert_location");
    let of_crl = KeyPath::from("crl_location");
    match check_trust(config) {
        Ok(lifetimes) => {
            for (lifetime, key) in lifetimes.iter().zip([of_ca, of_crl]) {
                findings.extend(in_date(loaded, &key, lifetime));
            }
        }
        Err(error) => {
            let key = KeyPath::from(error.key());
            findings.push(Finding::error(loaded, key, error));
            return;
        }
    }
    let locations = [
        ("ca_cert_location", Some(&config.ca_cert_location)),
        ("crl_location", config.crl_location.as_ref()),
    ];
    for (key, location) in locations {
        if let Some(Location::Https(_)) = location {
            let message = "not checked: it is downloaded when a program starts";
            findings.push(Finding::warning(loaded, KeyPath::from(key), message));
        }
    }
}

/// Says whether something is not good yet, no longer, or not for long.
fn in_date(loaded: &Loaded, key: &KeyPath, lifetime: &Lifetime) -> Option<Finding> {
    let now = Timestamp::now().as_second();
    let Lifetime {
        what,
        location,
        begin,
        end,
        ..
    } = lifetime;
    let time = |seconds: i64| {
        Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |it| it.to_string())
    };
    let is_short = end.saturating_sub(*begin) < 2 * WARNING;
    if now >= *end {
        let message = format!(
            "the {what} {location} has expired on {}: replace it",
            time(*end)
        );
        return Some(Finding::error(loaded, key.clone(), message));
    }
    if now < *begin {
        let message = format!("the {what} {location} is not valid before {}", time(*begin));
        return Some(Finding::error(loaded, key.clone(), message));
    }
    if !is_short && end.saturating_sub(now) < WARNING {
        let message = format!(
            "the {what} {location} expires on {}: replace it",
            time(*end)
        );
        return Some(Finding::warning(loaded, key.clone(), message));
    }
    None
}
