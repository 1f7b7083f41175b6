//! `MessageTemplate`: what is written of a message, as an operator puts it.
//!
//! A parameter of the consumers [`crate::File`] and [`crate::Webhook`]. A mistake in it is one of the
//! configuration, and found when that is read.

use std::borrow::Cow;
use std::str::FromStr;

use fedmsg::Envelope;
use fedmsg_actors::BoxError;
use fedmsg_config::Config;
use fedmsg_message::text::{MESSAGE_VARIABLES, Processors, Template, TemplateError, Variables};
use fedmsg_message::{EncodeError, to_canonical};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A template of Jinja that may name what those of `fedmsg-tail --format` may.
///
/// ```
/// use fedmsg_consumers::MessageTemplate;
///
/// assert!("{{ topic }} {{ subtitle }}".parse::<MessageTemplate>().is_ok());
/// let error = "{{ tpoic }}".parse::<MessageTemplate>().unwrap_err();
/// assert!(error.to_string().starts_with("line 1, column 4: there is no tpoic"));
/// ```
#[derive(Debug, Clone)]
pub struct MessageTemplate(Template);

impl FromStr for MessageTemplate {
    type Err = TemplateError;

    fn from_str(source: &str) -> Result<Self, TemplateError> {
        Template::compile(source, &MESSAGE_VARIABLES).map(Self)
    }
}

impl<'de> Deserialize<'de> for MessageTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        source.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for MessageTemplate {
    fn schema_name() -> Cow<'static, str> {
        "MessageTemplate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "template", "type": "string", "examples": ["{{ topic }} {{ subtitle }}"] })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Why nothing can be written of a message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderError {
    #[error("its template: {0}")]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Writes messages by a template, or without one as JSON with sorted keys.
pub(crate) struct MessageWriter(Option<(Template, Processors)>);

impl MessageWriter {
    pub(crate) fn new(
        template: Option<MessageTemplate>,
        config: &Config,
    ) -> Result<Self, BoxError> {
        let Some(MessageTemplate(template)) = template else {
            return Ok(Self(None));
        };
        let processors = Processors::for_prefix(&config.topic_prefix)?;
        Ok(Self(Some((template, processors))))
    }

    /// Returns what is written of a message.
    pub(crate) fn write(&self, envelope: &Envelope) -> Result<Vec<u8>, RenderError> {
        let Some((template, processors)) = &self.0 else {
            return Ok(to_canonical(envelope.body())?);
        };
        let variables = Variables::of_message(envelope, processors, template);
        Ok(template.render(&variables)?.into_bytes())
    }
}
