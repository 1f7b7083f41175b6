//! "Did you mean": what to say to somebody who wrote a name that does not exist.
//!
//! [`crate::Problem`] asks for keys and for the named values of a setting, the engine for kinds.

/// Returns the advice that goes with an unknown `word`: the known name that is close to it, else
/// all known names, else nothing when there are none.
///
/// ```
/// use fedmsg_config::advise;
///
/// let kinds = ["log".to_owned(), "relay".to_owned()];
/// assert_eq!(advise("realy", &kinds).as_deref(), Some("did you mean \"relay\"?"));
/// assert_eq!(advise("mail", &kinds).as_deref(), Some("known: log, relay"));
/// ```
#[must_use]
pub fn advise(word: &str, known: &[String]) -> Option<String> {
    if let Some(close) = closest(word, known) {
        return Some(format!("did you mean \"{close}\"?"));
    }
    match known {
        [] => None,
        names => Some(format!("known: {}", names.join(", "))),
    }
}

/// Returns the known name that `word` is most likely a slip of: at most one edit (a letter missing,
/// added, changed, or two swapped) for every three letters, ignoring case.
pub(crate) fn closest<'a>(word: &str, known: &'a [String]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .filter_map(|name| {
            let candidate = name.to_lowercase();
            let length = word.chars().count().max(candidate.chars().count());
            let distance = strsim::osa_distance(&word, &candidate);
            (distance <= length / 3).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, known: &[&str], expected: Option<&str>) {
        let known: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(advise(word, &known).as_deref(), expected, "{word}");
    }

    #[test]
    fn a_slip_is_answered_with_the_name_meant() {
        check("kindd", &["topics", "kind"], Some("did you mean \"kind\"?"));
        check("knid", &["topics", "kind"], Some("did you mean \"kind\"?"));
        check(
            "topic",
            &["topics", "kind"],
            Some("did you mean \"topics\"?"),
        );
        check(
            "Topic-Prefix",
            &["topic_prefix"],
            Some("did you mean \"topic_prefix\"?"),
        );
        check("TOPICS", &["topics"], Some("did you mean \"topics\"?"));
        let keepalive = ["zmq_tcp_keepalive_cnt", "zmq_tcp_keepalive_intvl"];
        check(
            "zmq_tcp_keepalive_intv",
            &keepalive,
            Some("did you mean \"zmq_tcp_keepalive_intvl\"?"),
        );
    }

    #[test]
    fn a_word_like_no_other_is_answered_with_all_names() {
        check("colour", &["kind", "topics"], Some("known: kind, topics"));
        check("kjndx", &["kind"], Some("known: kind"));
        check("a", &["b"], Some("known: b"));
        check("x", &[], None);
    }
}
