//! `Argv`: the parameter of a kind that runs a program of somebody else's.
//!
//! Read with the params of the consumers `exec` and `process` and of the producer `exec`.

use std::borrow::Cow;
use std::fmt;

use fedmsg_config::ParamsError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::Command;

/// A program and its arguments: a list of texts, of which there is at least one.
///
/// Arguments may be secrets; what is shown for debugging is the program.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::Argv;
///
/// let argv: Argv = serde_json::from_str(r#"["curl", "--user", "me:secret"]"#)?;
/// assert_eq!(argv.program(), "curl");
/// assert_eq!(argv.arguments().len(), 2);
/// assert_eq!(format!("{argv:?}"), r#"["curl", ..]"#);
/// assert!(serde_json::from_str::<Argv>("[]").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Argv {
    program: String,
    arguments: Vec<String>,
}

impl Argv {
    /// The program: a path, or a name that is looked up in `PATH`.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// What the program is given, each as it is.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The command that runs it.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.program).args(&self.arguments)
    }

    /// Says whether there is such a program, for the preflight of a kind whose parameter is `argv`.
    ///
    /// # Errors
    ///
    /// As [`Command::find`], with the key.
    pub fn check(&self) -> Result<(), ParamsError> {
        let found = Command::new(&self.program).find();
        found.map_err(|error| ParamsError::invalid("argv", error))
    }
}

impl fmt::Debug for Argv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.arguments.is_empty() {
            true => write!(f, "[{:?}]", self.program),
            false => write!(f, "[{:?}, ..]", self.program),
        }
    }
}

impl<'de> Deserialize<'de> for Argv {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut words = Vec::deserialize(deserializer)?.into_iter();
        let program = words.next();
        Ok(Self {
            program: program.ok_or_else(|| D::Error::custom("`argv` is empty: name a program"))?,
            arguments: words.collect(),
        })
    }
}

impl JsonSchema for Argv {
    fn schema_name() -> Cow<'static, str> {
        "Argv".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": { "type": "string" },
            "minItems": 1,
        })
    }

    fn inline_schema() -> bool {
        true
    }
}
