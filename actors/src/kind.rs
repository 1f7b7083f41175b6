//! What is known of a kind of consumer or producer: for whoever writes a configuration.
//!
//! [`crate::Registry::kinds`] makes them; `fedmsg-hub --list-kinds` and the catalogue of the documentation
//! show them. Everything comes from the plugin's own type, so that it cannot be out of date.

mod parameter;

use fedmsg_config::Source;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

pub use self::parameter::Parameter;
use crate::configuration_schema::without_nulls;

/// A kind of consumer or producer.
///
/// ```
/// use fedmsg_actors::Registry;
/// # use fedmsg_actors::{BoxError, NoParams, Producer, ProducerContext};
/// # struct Clock;
/// # impl Producer for Clock {
/// #     const KIND: &'static str = "clock";
/// #     const ABOUT: &'static str = "Says what time it is";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ProducerContext) -> Result<Self, BoxError> { Ok(Clock) }
/// #     async fn tick(&mut self, _: &ProducerContext) -> Result<(), BoxError> { Ok(()) }
/// # }
///
/// let mut registry = Registry::default();
/// registry.producer::<Clock>();
/// let kinds = registry.kinds();
/// assert_eq!((kinds[0].kind, kinds[0].about), ("clock", "Says what time it is"));
/// assert!(kinds[0].parameters().is_empty());
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Kind {
    /// Where instances of it stand in the configuration: `consumers` or `producers`.
    pub table: &'static str,
    /// Its name.
    pub kind: &'static str,
    /// What it does, in a line; empty if its author has not said so.
    pub about: &'static str,
    /// Where its messages come from by default; `None` for a producer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The topic patterns that it subscribes to by default; empty for a producer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Whether it gets only messages whose signature is good, where it has an opinion of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_signatures: Option<bool>,
    /// The JSON Schema (2020-12) of its `params`.
    pub params: Schema,
}

impl Kind {
    /// Its parameters, the required ones first, then by name. Those in a table of their own have its name
    /// before theirs, with a dot between.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        parameter::all(&self.params)
    }

    /// The schema of params of type `P`, by itself.
    pub(crate) fn params_schema<P: JsonSchema>() -> Schema {
        let settings = SchemaSettings::draft2020_12();
        let mut schema = settings.into_generator().into_root_schema_for::<P>();
        without_nulls(&mut schema);
        schema
    }
}
