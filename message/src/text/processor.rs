//! `Processor`: what somebody knows about the messages of one program.
//!
//! Implemented by those in this folder and by plugins; [`super::Processors`] chooses one for each message, and
//! [`super::Reading`] asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Conglomerator, title_of};
use crate::json::Value;

/// Says in words what the messages of one program mean.
///
/// Its methods get the body of an envelope, which may be any JSON at all: a peer sends what it likes.
/// What a message does not say is [`Missing`]; nothing else can go wrong. A method that is left out
/// says nothing, as the base class of the original does.
///
/// ```
/// use fedmsg_message::text::{About, Missing, Processor, Processors};
/// use fedmsg_message::Value;
///
/// struct Shop;
///
/// impl Processor for Shop {
///     fn about(&self) -> About<'_> {
///         About {
///             name: "shop",
///             description: "what is sold",
///             link: "https://shop.example.org",
///             docs: "https://docs.example.org/shop",
///             obj: "sales",
///             ..About::default()
///         }
///     }
///
///     fn subtitle(&self, message: &Value) -> Result<String, Missing> {
///         let item = message.pointer("/msg/item").and_then(Value::as_str).ok_or(Missing)?;
///         Ok(format!("somebody bought {item}"))
///     }
/// }
///
/// let mut processors = Processors::for_prefix("org.example")?;
/// processors.add(Shop)?;
/// let message = Value::parse(br#"{"topic": "org.example.dev.shop.sale", "msg": {"item": "tea"}}"#)?;
/// assert_eq!(processors.read(&message).repr(), "shop.sale -- somebody bought tea ");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Processor: Send + Sync {
    /// Who it is, and which topics it knows.
    fn about(&self) -> About<'_>;

    /// Says whether the message is one of its own, and which part of the topic it goes by. `rest` is
    /// what comes after its name, if the topic has prefix and name as [`About`] says; that is the answer
    /// unless it knows better.
    fn handle<'t>(&self, topic: &'t str, rest: Option<&'t str>) -> Option<&'t str> {
        let _ = topic;
        rest
    }

    /// What the message is about, in a word or two: the topic from its fourth component on.
    ///
    /// # Errors
    ///
    /// [`Missing`] without a topic.
    fn title(&self, message: &Value) -> Result<String, Missing> {
        title_of(message)
    }

    /// What has happened, in a line.
    ///
    /// # Errors
    ///
    /// [`Missing`], as for all that follow.
    fn subtitle(&self, message: &Value) -> Result<String, Missing> {
        let _ = message;
        Ok(String::new())
    }

    /// What has happened, at length; if that is empty, the subtitle is taken.
    ///
    /// # Errors
    ///
    /// [`Missing`].
    fn long_form(&self, message: &Value) -> Result<String, Missing> {
        let _ = message;
        Ok(String::new())
    }

    /// What has happened, told to `subject`, a user's name; if that is empty, the subtitle is taken.
    ///
    /// # Errors
    ///
    /// [`Missing`].
    fn subjective(&self, message: &Value, subject: Option<&str>) -> Result<String, Missing> {
        let _ = (message, subject);
        Ok(String::new())
    }

    /// Where to read more; `None` where the message says that there is nothing.
    ///
    /// # Errors
    ///
    /// [`Missing`].
    fn link(&self, message: &Value) -> Result<Option<String>, Missing> {
        let _ = message;
        Ok(Some(String::new()))
    }

    /// The address of a picture for the program.
    fn icon(&self, message: &Value) -> Option<String> {
        let _ = message;
        self.about().icon.map(str::to_owned)
    }

    /// The address of a picture for this message, such as that of its user.
    fn secondary_icon(&self, message: &Value) -> Option<String> {
        let _ = message;
        None
    }

    /// The users that the message has to do with.
    fn usernames(&self, message: &Value) -> BTreeSet<String> {
        let _ = message;
        BTreeSet::new()
    }

    /// The packages that the message has to do with.
    fn packages(&self, message: &Value) -> BTreeSet<String> {
        let _ = message;
        BTreeSet::new()
    }

    /// Paths of things that the message has changed, such as `bodhi/update/1`.
    fn objects(&self, message: &Value) -> BTreeSet<String> {
        let _ = message;
        BTreeSet::new()
    }

    /// Mail addresses by user.
    fn emails(&self, message: &Value) -> BTreeMap<String, String> {
        let _ = message;
        BTreeMap::new()
    }

    /// Addresses of pictures by user.
    fn avatars(&self, message: &Value) -> BTreeMap<String, String> {
        let _ = message;
        BTreeMap::new()
    }

    /// The language that the long form is in, by the name of its lexer in Pygments.
    fn lexer(&self, message: &Value) -> Option<String> {
        let _ = message;
        None
    }

    /// The user who has done it: the first of [`Processor::usernames`] unless it knows better.
    fn agent(&self, message: &Value) -> Option<String> {
        self.usernames(message).pop_first()
    }

    /// Those who can make one of several of its messages, in the order in which they are asked.
    fn conglomerators(&self) -> &[Box<dyn Conglomerator>] {
        &[]
    }
}

/// Who a processor is. The first five texts must not be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About<'a> {
    /// Its name; in lower case the component of the topic after the environment.
    pub name: &'a str,
    /// What it is about, in a few words.
    pub description: &'a str,
    /// Where the program is to be found.
    pub link: &'a str,
    /// Where the program is described.
    pub docs: &'a str,
    /// What its messages are about, such as `Package Updates`.
    pub obj: &'a str,
    /// The address of a picture.
    pub icon: Option<&'a str>,
    /// A regular expression for what its topics begin with, in place of that of all.
    pub topic_prefix_re: Option<&'a str>,
}

/// The message does not say what a text is to be made of: a member is not there, or not of the kind
/// that it should be. Whoever asked gets an empty text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message lacks what the text is made of")]
pub struct Missing;

impl fmt::Debug for dyn Processor + '_ {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Processor")
            .field(&self.about().name)
            .finish()
    }
}
