//! `Reading`: what there is to say about one message.
//!
//! Made by [`super::Processors::read`]; each method is one of the original's `msg2…` functions
//! (fedmsg wire specification §6.3).

use std::collections::{BTreeMap, BTreeSet};

use super::{Missing, Processor};
use crate::json::Value;

/// What there is to say about a message, through the eyes of the processor that knows it.
///
/// No message can make a method fail. Where the message lacks what a text is made of it is empty;
/// where the original raises an error instead, because a member is of another kind than it should be, so
/// is ours.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    processor: &'a dyn Processor,
    message: &'a Value,
}

impl<'a> Reading<'a> {
    pub(super) fn new(processor: &'a dyn Processor, message: &'a Value) -> Reading<'a> {
        Reading { processor, message }
    }

    /// Returns who knows the message (`msg2processor`).
    #[must_use]
    pub fn processor(&self) -> &'a dyn Processor {
        self.processor
    }

    /// Returns title, subtitle and link in a line (`msg2repr`): `logger.log -- hello (ada) `. It is empty
    /// if any of them lacks what it is made of.
    #[must_use]
    pub fn repr(&self) -> String {
        let repr = || {
            let title = self.processor.title(self.message)?;
            let subtitle = self.processor.subtitle(self.message)?;
            let link = self.processor.link(self.message)?.unwrap_or_default();
            Ok(format!("{title} -- {subtitle} {link}"))
        };
        or_empty(repr())
    }

    /// Returns what the message is about (`msg2title`), usually the topic from its fourth component on.
    #[must_use]
    pub fn title(&self) -> String {
        or_empty(self.processor.title(self.message))
    }

    /// Returns what has happened, in a line (`msg2subtitle`). The line may have line feeds in it, as
    /// announcements do.
    #[must_use]
    pub fn subtitle(&self) -> String {
        or_empty(self.processor.subtitle(self.message))
    }

    /// Returns what has happened, at length (`msg2long_form`); else the subtitle.
    #[must_use]
    pub fn long_form(&self) -> String {
        or_empty(self.or_subtitle(self.processor.long_form(self.message)))
    }

    /// Returns what has happened, told to the user `subject` (`msg2subjective`); else the subtitle.
    #[must_use]
    pub fn subjective(&self, subject: Option<&str>) -> String {
        or_empty(self.or_subtitle(self.processor.subjective(self.message, subject)))
    }

    /// Returns where to read more (`msg2link`); `None` where the message says that there is nothing.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        self.processor
            .link(self.message)
            .unwrap_or_else(|Missing| Some(String::new()))
    }

    /// Returns the address of a picture for the program (`msg2icon`).
    #[must_use]
    pub fn icon(&self) -> Option<String> {
        self.processor.icon(self.message)
    }

    /// Returns the address of a picture for this message (`msg2secondary_icon`).
    #[must_use]
    pub fn secondary_icon(&self) -> Option<String> {
        self.processor.secondary_icon(self.message)
    }

    /// Returns the users that the message has to do with (`msg2usernames`).
    #[must_use]
    pub fn usernames(&self) -> BTreeSet<String> {
        self.processor.usernames(self.message)
    }

    /// Returns the packages that the message has to do with (`msg2packages`).
    #[must_use]
    pub fn packages(&self) -> BTreeSet<String> {
        self.processor.packages(self.message)
    }

    /// Returns paths of things that the message has changed (`msg2objects`).
    #[must_use]
    pub fn objects(&self) -> BTreeSet<String> {
        self.processor.objects(self.message)
    }

    /// Returns mail addresses by user (`msg2emails`).
    #[must_use]
    pub fn emails(&self) -> BTreeMap<String, String> {
        self.processor.emails(self.message)
    }

    /// Returns addresses of pictures by user (`msg2avatars`).
    #[must_use]
    pub fn avatars(&self) -> BTreeMap<String, String> {
        self.processor.avatars(self.message)
    }

    /// Returns the language of the long form, as Pygments names it (`msg2lexer`).
    #[must_use]
    pub fn lexer(&self) -> Option<String> {
        self.processor.lexer(self.message)
    }

    /// Returns the user who has done it (`msg2agent`).
    #[must_use]
    pub fn agent(&self) -> Option<String> {
        self.processor.agent(self.message)
    }

    fn or_subtitle(&self, text: Result<String, Missing>) -> Result<String, Missing> {
        match text {
            Ok(text) if text.is_empty() => self.processor.subtitle(self.message),
            other => other,
        }
    }
}

fn or_empty(text: Result<String, Missing>) -> String {
    text.unwrap_or_else(|Missing| String::new())
}
