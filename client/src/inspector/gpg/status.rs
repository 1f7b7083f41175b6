//! What gpg has said of a signature, in the lines of `--status-fd` (doc/DETAILS of GnuPG, "Status codes").
//!
//! Read by [`super::Gpg`]. The exit status does not tell: it is 0 also where the key has been revoked.

/// What each line begins with.
const PREFIX: &str = "[GNUPG:] ";

/// What is said of a signature that counts for nothing, or of its key. The first four come with `VALIDSIG`.
const BAD: [&str; 6] = [
    "REVKEYSIG",
    "KEYREVOKED",
    "EXPKEYSIG",
    "EXPSIG",
    "BADSIG",
    "ERRSIG",
];

/// Returns the fingerprint of the key that made the signature, if there is one signature and no more,
/// it is good, and neither it nor its key has expired or been revoked.
pub(super) fn signer(said: &str) -> Option<&str> {
    let (mut begun, mut good, mut valid) = (0, 0, 0);
    let mut fingerprint = None;
    for line in said.lines().filter_map(|line| line.strip_prefix(PREFIX)) {
        let mut words = line.split(' ');
        match words.next() {
            Some("NEWSIG") => begun += 1,
            Some("GOODSIG") => good += 1,
            Some("VALIDSIG") => {
                valid += 1;
                fingerprint = words.next();
            }
            Some(word) if BAD.contains(&word) => return None,
            _ => {}
        }
    }
    // gpg 2.0 does not say where a signature begins.
    fingerprint.filter(|_| begun <= 1 && (good, valid) == (1, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "[GNUPG:] NEWSIG tea@example.org\n";
    const GOOD: &str = "[GNUPG:] GOODSIG C024 Tea <tea@example.org>\n";
    const VALID: &str = "[GNUPG:] VALIDSIG 87A9C024 2026-11-28 1795866771 0 4 0 1 10 00 87A9C024\n";

    fn check(lines: &[&str], expected: Option<&str>) {
        assert_eq!(signer(&lines.concat()), expected, "{lines:?}");
    }

    #[test]
    fn one_good_signature_has_a_signer() {
        check(&[NEW, GOOD, VALID], Some("87A9C024"));
        check(&[GOOD, VALID], Some("87A9C024"));
        let trust = "[GNUPG:] TRUST_UNDEFINED 0 pgp\n";
        check(&["other\n", NEW, GOOD, VALID, trust], Some("87A9C024"));
    }

    #[test]
    fn nothing_less_and_nothing_more_has() {
        check(&[], None);
        check(&[NEW, VALID], None);
        check(&[NEW, GOOD], None);
        check(&[NEW, GOOD, VALID, NEW], None);
        check(&[GOOD, VALID, GOOD, VALID], None);
        check(&["GOODSIG C024 x\nVALIDSIG 87A9C024 x\n"], None);
    }

    #[test]
    fn what_counts_for_nothing_is_enough_to_refuse() {
        for word in BAD {
            let bad = format!("[GNUPG:] {word} C024 x\n");
            check(&[NEW, &bad, VALID], None);
            check(&[NEW, GOOD, VALID, &bad], None);
            check(&[NEW, GOOD, VALID, bad.trim_end()], None);
        }
        check(&[NEW, GOOD, VALID, "[GNUPG:] KEYREVOKED\n"], None);
    }
}
