//! The processor for messages that no other one knows.
//!
//! [`super::Processors`] asks it last.

use super::{About, Processor};

/// Knows every topic, and nothing about any.
pub(super) struct Unhandled;

impl Processor for Unhandled {
    fn about(&self) -> About<'_> {
        About {
            name: "unhandled",
            description: "unknown message",
            link: "https://fedmsg.readthedocs.io",
            docs: "https://fedmsg.readthedocs.io",
            obj: "unknown messages",
            ..About::default()
        }
    }

    fn handle<'t>(&self, topic: &'t str, _: Option<&'t str>) -> Option<&'t str> {
        Some(topic)
    }
}
