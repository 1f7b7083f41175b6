//! The processor for what `fedmsg-announce` publishes.
//!
//! Built into [`super::Processors`]. Payload: `{"message": "…", "link": "…" or null}` (fedmsg wire
//! specification §6.4).

use std::collections::BTreeSet;

use super::python::{is_falsy, to_text};
use super::{About, Missing, Processor, sender};
use crate::json::Value;

/// Knows announcements.
pub(super) struct Announce;

impl Processor for Announce {
    fn about(&self) -> About<'_> {
        About {
            name: "announce",
            description: "official announcements",
            link: "https://fedmsg.readthedocs.io",
            docs: "https://fedmsg.readthedocs.io",
            obj: "announcements",
            ..About::default()
        }
    }

    fn subtitle(&self, message: &Value) -> Result<String, Missing> {
        Ok(to_text(member(message, "message")?))
    }

    fn link(&self, message: &Value) -> Result<Option<String>, Missing> {
        match member(message, "link")? {
            link if is_falsy(link) => Ok(None),
            link => Ok(Some(to_text(link))),
        }
    }

    fn usernames(&self, message: &Value) -> BTreeSet<String> {
        sender(message)
    }
}

fn member<'v>(message: &'v Value, name: &str) -> Result<&'v Value, Missing> {
    let payload = message.get("msg").ok_or(Missing)?;
    payload.get(name).ok_or(Missing)
}
