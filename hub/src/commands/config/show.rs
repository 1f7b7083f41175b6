//! `fedmsg-config show`: settings as TOML or JSON, with where each comes from if that is asked for.
//!
//! [`super::run`] calls it.

use clap::Args;
use fedmsg_config::{KeyPath, Listing, Origin, Segment, Setting};
use fedmsg_message::json;
use serde::Serialize;
use toml::{Table, Value};

use super::{Format, answer, fail, find};
use crate::exit::Exit;

/// Show settings as TOML, or as JSON.
///
/// TOML is a configuration again: it can be kept as a file. With --origin each setting is on a line of its
/// own, with what it comes from: FILE:LINE, the name of a variable, or "default".
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-config show                      everything, as a configuration
  fedmsg-config show --origin endpoints   one table, and where each of its settings comes from
  fedmsg-config show --format json        everything, as one document

Exit status:
  0   done
  1   there is no such setting, or it has no value
  2   bad command line
  74  the output cannot be written
  78  the configuration is wrong, or cannot be read")]
pub(super) struct ShowArgs {
    /// The setting or the table to show: a path such as endpoints.relay_outbound; everything without it
    key: Option<String>,

    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Toml)]
    format: Format,

    /// Say of each setting where it comes from
    #[arg(long)]
    origin: bool,
}

impl ShowArgs {
    /// Returns what is to be shown.
    pub(super) fn text(&self, listing: &Listing) -> Result<String, Exit> {
        let found = self.key.as_deref().map(|key| find(listing, key));
        let found = found.transpose()?;
        let path = found.as_ref().map(|(path, _)| path.clone());
        match (found, self.format) {
            (_, format) if self.origin => below(listing, &path.unwrap_or_default(), format),
            (Some((path, value)), Format::Toml) => toml(&within(&path, value)),
            (None, Format::Toml) => toml(listing.table()),
            (Some((_, value)), Format::Json) => answer::pretty(value),
            (None, Format::Json) => answer::pretty(listing.table()),
        }
    }
}

/// Returns every setting, or those at `query`, with where they come from.
pub(super) fn with_origins(listing: &Listing, query: Option<&str>) -> Result<String, Exit> {
    let path = match query {
        Some(query) => find(listing, query)?.0,
        None => KeyPath::root(),
    };
    below(listing, &path, Format::Toml)
}

fn below(listing: &Listing, path: &KeyPath, format: Format) -> Result<String, Exit> {
    let settings = listing.settings(path);
    let lines = settings.iter().map(|setting| match format {
        Format::Toml => {
            let Setting { path, value, .. } = setting;
            Ok(format!(
                "{path} = {value}  # {}\n",
                name_of(&setting.origin)
            ))
        }
        Format::Json => {
            let line = Line {
                key: setting.path.to_string(),
                value: setting.value,
                origin: name_of(&setting.origin),
            };
            let line = json::to_value(&line).and_then(|line| json::to_spaced(&line));
            line.map(|line| format!("{line}\n"))
                .map_err(|error| fail(Exit::Software, error))
        }
    });
    lines.collect()
}

/// A setting as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    key: String,
    value: &'a Value,
    origin: String,
}

fn name_of(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        // It ends up in a comment, which ends with its line.
        origin => origin.to_string().replace(char::is_control, "?"),
    }
}

fn toml(table: &Table) -> Result<String, Exit> {
    toml::to_string(table).map_err(|error| fail(Exit::Software, error))
}

/// Returns the value at a path with the tables around it, so that it means the same by itself.
fn within(path: &KeyPath, value: &Value) -> Table {
    let keys = path.segments().iter().filter_map(|segment| match segment {
        Segment::Key(key) => Some(key),
        Segment::Index(_) => None,
    });
    let wrapped = keys.rev().fold(value.clone(), |value, key| {
        Value::Table(Table::from_iter([(key.clone(), value)]))
    });
    match wrapped {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_by_itself_is_a_configuration_too() {
        let path = KeyPath::from(["endpoints", "bodhi.app01"]);
        let table = within(&path, &Value::from("tcp://a:1"));
        assert_eq!(
            table["endpoints"]["bodhi.app01"].as_str(),
            Some("tcp://a:1")
        );
        let value = Value::Table(table.clone());
        assert_eq!(within(&KeyPath::root(), &value), table);
    }

    #[test]
    fn the_name_of_a_file_cannot_break_out_of_its_comment() {
        let origin = Origin::File {
            path: "a\nactive = true".into(),
            position: None,
        };
        assert_eq!(name_of(&origin), "a?active = true");
    }
}
