//! Which messages `fedmsg-tail` shows by what they are about: users and packages.
//!
//! [`super::Tail`] asks it about messages whose topic is wanted.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedmsg::Envelope;
use fedmsg_message::text::Processors;

/// Two lists of names; an empty one admits all.
#[derive(Debug)]
pub(super) struct About {
    users: BTreeSet<String>,
    packages: BTreeSet<String>,
    processors: Arc<Processors>,
}

impl About {
    /// Admits messages that have to do with one of `users`, if there are some, and with one of
    /// `packages`, if there are some.
    pub(super) fn new(users: &[String], packages: &[String], processors: Arc<Processors>) -> Self {
        let names = |names: &[String]| names.iter().map(|name| name.trim().to_owned()).collect();
        Self {
            users: names(users),
            packages: names(packages),
            processors,
        }
    }

    /// Whether a message is shown. It looks into the body only if that is asked for.
    pub(super) fn admits(&self, envelope: &Envelope) -> bool {
        if self.users.is_empty() && self.packages.is_empty() {
            return true;
        }
        let reading = self.processors.read(envelope.body());
        let meet = |wanted: &BTreeSet<String>, found: BTreeSet<String>| {
            wanted.is_empty() || !wanted.is_disjoint(&found)
        };
        meet(&self.users, reading.usernames()) && meet(&self.packages, reading.packages())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_those_that_the_text_names() {
        #[track_caller]
        fn check(users: &[&str], packages: &[&str], body: &str, expected: bool) {
            let [users, packages] =
                [users, packages].map(|names| names.iter().map(|it| (*it).to_owned()));
            let (users, packages) = (Vec::from_iter(users), Vec::from_iter(packages));
            let processors = Processors::for_prefix("org").unwrap();
            let about = About::new(&users, &packages, Arc::new(processors));
            let topic = "org.dev.logger.log".into();
            let message = Envelope::from_frames(topic, body.to_owned().into()).unwrap();
            assert_eq!(about.admits(&message), expected, "{body}");
        }
        let ada = r#"{"topic": "org.dev.logger.log", "username": "ada", "msg": {}}"#;
        check(&["bob", " ada "], &[], ada, true);
        check(&["bob"], &[], ada, false);
        check(&["ada"], &["vim"], ada, false);
        check(&[], &["vim"], ada, false);
        // Nobody knows this topic, so nobody says whom it is about.
        check(
            &["ada"],
            &[],
            r#"{"topic": "org.git", "username": "ada"}"#,
            false,
        );
        check(&["ada"], &[], "no json", false);
    }
}
