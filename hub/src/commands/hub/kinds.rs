//! `--list-kinds` of a hub: what may stand as `kind` in its configuration, and what `params` each takes.
//!
//! [`super::run`] prints it for the kinds of the program that it is part of: one's own as well.

use std::fmt::Write as _;

use clap::ValueEnum;
use fedmsg_actors::{Kind, Parameter, Registry};

use crate::commands::common::{fail, print};
use crate::exit::Exit;

/// The form of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Text,
    /// A list of objects, each with the JSON Schema of its params
    Json,
    /// One JSON Schema of a whole configuration file, for editors
    Schema,
}

/// Prints the kinds of `registry`.
pub(crate) fn list(registry: &Registry, form: Form) -> Exit {
    let json = match form {
        Form::Text => return print(&text(&registry.kinds())),
        Form::Json => serde_json::to_string_pretty(&registry.kinds()),
        Form::Schema => serde_json::to_string_pretty(&registry.configuration_schema()),
    };
    match json {
        Ok(json) => print(&(json + "\n")),
        Err(error) => fail(Exit::Software, error),
    }
}

fn text(kinds: &[Kind]) -> String {
    let mut text = String::new();
    for kind in kinds {
        let _ = writeln!(text, "[{}.NAME] kind = \"{}\"", kind.table, kind.kind);
        if !kind.about.is_empty() {
            let _ = writeln!(text, "  {}.", kind.about);
        }
        if let Some(source) = kind.source {
            let topics = kind.topics.join(", ");
            let _ = writeln!(text, "  Gets {topics} from {} by default.", source.key());
        }
        if let Some(validates) = kind.validate_signatures {
            let which = if validates { "none" } else { "also those" };
            let _ = writeln!(text, "  Gets {which} without a good signature by default.");
        }
        let parameters = kind.parameters();
        for parameter in &parameters {
            let _ = writeln!(text, "  params.{}: {}", parameter.name, takes(parameter));
            if !parameter.about.is_empty() {
                let _ = writeln!(text, "      {}", parameter.about);
            }
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What a parameter takes, and what it is when it is not given.
fn takes(parameter: &Parameter) -> String {
    let takes = &parameter.takes;
    match (&parameter.default, parameter.required) {
        (_, true) => format!("{takes}; required"),
        (Some(default), false) => format!("{takes}; default {default}"),
        (None, false) => takes.clone(),
    }
}
