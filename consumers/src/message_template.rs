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
    #[error("params.{parameter}: {source}")]
    Template {
        parameter: &'static str,
        source: TemplateError,
    },
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Writes messages by a template, or without one as JSON with sorted keys.
pub(crate) struct MessageWriter {
    /// Which parameter has the template.
    parameter: &'static str,
    template: Option<(Template, Processors)>,
}

impl MessageWriter {
    pub(crate) fn new(
        parameter: &'static str,
        template: Option<MessageTemplate>,
        config: &Config,
    ) -> Result<Self, BoxError> {
        let template = match template {
            None => None,
            Some(MessageTemplate(template)) => {
                Some((template, Processors::for_prefix(&config.topic_prefix)?))
            }
        };
        Ok(Self {
            parameter,
            template,
        })
    }

    /// Returns what is written of a message.
    pub(crate) fn write(&self, envelope: &Envelope) -> Result<Vec<u8>, RenderError> {
        let Some((template, processors)) = &self.template else {
            return Ok(to_canonical(envelope.body())?);
        };
        let variables = Variables::of_message(envelope, processors, template);
        let rendered = template.render(&variables);
        let text = rendered.map_err(|source| RenderError::Template {
            parameter: self.parameter,
            source,
        })?;
        Ok(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_a_message_does_not_have_is_named_with_the_parameter() {
        let template = "{{ msg.k }}".parse().unwrap();
        let writer = MessageWriter::new("body", Some(template), &Config::default()).unwrap();
        let body = Bytes::from_static(b"{\"topic\":\"a.b\",\"msg\":{}}");
        let envelope = Envelope::from_frames(Bytes::from_static(b"a.b"), body).unwrap();
        let error = writer.write(&envelope).unwrap_err().to_string();
        assert!(error.starts_with("params.body: line 1, column "), "{error}");
        assert!(error.ends_with("`msg.k` is undefined"), "{error}");
    }
}
