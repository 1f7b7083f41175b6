//! `Template`: messages in the words of the user, `--format`.
//!
//! The engine is that of `fedmsg_message::text`. [`super::form`] renders one message at a time.

use std::sync::Arc;

use fedmsg::Envelope;
use fedmsg_message::text::{self, Dialect, MESSAGE_VARIABLES, Processors, Variables};
use jiff::tz::TimeZone;

use super::plain::plain;
use crate::commands::bad_expression::BadExpression;

/// The name of the template, as errors show it.
const NAME: &str = "--format";

/// A template and what it says about messages.
#[derive(Debug)]
pub(super) struct Template {
    template: text::Template,
    processors: Arc<Processors>,
}

impl Template {
    /// Compiles a template, with times of this place. For a terminal the control characters in values
    /// are escaped, not those of the template itself.
    pub(super) fn new(
        source: &str,
        processors: Arc<Processors>,
        is_terminal: bool,
    ) -> Result<Self, BadExpression> {
        let dialect = Dialect::new(&MESSAGE_VARIABLES).zone(TimeZone::system());
        let dialect = if is_terminal {
            dialect.show(|text| plain(text).into_owned())
        } else {
            dialect
        };
        let template = dialect.compile(source).map_err(|error| {
            let reason = error.reason();
            match error.place() {
                Some(place) => BadExpression::at(NAME, source, place, reason),
                None => BadExpression::new(NAME, source, reason),
            }
        })?;
        Ok(Self {
            template,
            processors,
        })
    }

    /// Returns the text about a message.
    ///
    /// # Errors
    ///
    /// A value that is not there is printed or looked into, a filter gets what it cannot use, or a limit
    /// is passed.
    pub(super) fn render(&self, envelope: &Envelope) -> Result<String, String> {
        let variables = Variables::of_message(envelope, &self.processors, &self.template);
        let rendered = self.template.render(&variables);
        rendered.map_err(|error| format!("{NAME}, {error}"))
    }
}

#[cfg(test)]
mod tests;
