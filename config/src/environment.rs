//! Settings from environment variables: `FEDMSG_TIMEOUT=5`.
//!
//! [`crate::Sources`] hands the variables over; each becomes a layer of its own, so that an error
//! names the variable.

use toml::{Table, Value};

use crate::error::ConfigError;
use crate::key_path::KeyPath;
use crate::layer::Layer;
use crate::origin::Origin;
use crate::problem::Problem;

/// What the names of all variables begin with that are settings.
const PREFIX: &str = "FEDMSG_";
/// What stands between the keys of nested tables in the name of a variable.
const NESTING: &str = "__";

/// Keys with dots in them, which the names of variables hardly can have: there a `_` stands for each.
const DOTTED: [&str; 2] = ["moksha.monitoring.socket", "moksha.monitoring.socket.mode"];

/// Returns a layer for each variable that is a setting, in the order of their names, and what is
/// wrong with the others. An empty variable counts as unset.
pub(crate) fn layers(
    variables: &[(String, String)],
    not_settings: &[String],
) -> (Vec<Layer>, Vec<ConfigError>) {
    let is_setting =
        |name: &str| name.starts_with(PREFIX) && !not_settings.iter().any(|it| it == name);
    let mut settings: Vec<_> = variables
        .iter()
        .filter(|(name, value)| is_setting(name) && !value.is_empty())
        .collect();
    settings.sort();
    let (mut layers, mut errors) = (Vec::new(), Vec::new());
    for (name, value) in settings {
        let source = Origin::Variable { name: name.clone() };
        match table(name, value) {
            Ok(table) => layers.push(Layer::new(source, table)),
            Err((path, message)) => {
                errors.push(ConfigError::new(source, path, Problem::Invalid(message)));
            }
        }
    }
    (layers, errors)
}

/// Returns the table that holds nothing but what the variable sets, or what is wrong and at which
/// key.
fn table(name: &str, text: &str) -> Result<Table, (KeyPath, String)> {
    let keys = name
        .strip_prefix(PREFIX)
        .unwrap_or(name)
        .to_ascii_lowercase();
    let dotted = DOTTED.iter().find(|key| key.replace('.', "_") == keys);
    let mut keys: Vec<&str> = match dotted {
        Some(key) => vec![key],
        None => keys.split(NESTING).collect(),
    };
    let path: KeyPath = keys.iter().copied().collect();
    if keys.iter().any(|key| key.is_empty()) {
        let message = format!("the name must be {PREFIX}KEY or {PREFIX}TABLE{NESTING}KEY");
        return Err((KeyPath::root(), message));
    }
    let value = parse(text).map_err(|message| (path, message.to_owned()))?;
    let within = |key: &str, value| Table::from_iter([(key.to_owned(), value)]);
    let innermost = within(keys.pop().unwrap_or_default(), value);
    Ok(keys
        .iter()
        .rev()
        .fold(innermost, |below, key| within(key, Value::Table(below))))
}

/// Reads a number, true or false, a list, a table or a quoted string as TOML does, and anything
/// else as a string as it stands.
fn parse(text: &str) -> Result<Value, &'static str> {
    // What is not UTF-8 arrives with this in the place of each byte that does not fit.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err("not valid UTF-8");
    }
    let as_it_stands = || Value::String(text.to_owned());
    match text.trim().parse() {
        // Dates, inf and nan mean nothing here, but may well be names.
        Ok(Value::Datetime(_)) => Ok(as_it_stands()),
        Ok(Value::Float(number)) if !number.is_finite() => Ok(as_it_stands()),
        Ok(value) => Ok(value),
        Err(_) if text.trim_start().starts_with(['[', '{', '"', '\'']) => {
            Err("begins like a TOML list, table or string, but is none; quote the strings in it")
        }
        Err(_) => Ok(as_it_stands()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, expected: &str) {
        let (layers, errors) = layers(&[(name.to_owned(), value.to_owned())], &[]);
        assert!(errors.is_empty(), "{errors:?}");
        let table = layers
            .into_iter()
            .map(|layer| layer.document.table)
            .next()
            .unwrap_or_default();
        assert_eq!(table, expected.parse::<Table>().unwrap(), "{name}={value}");
    }

    #[track_caller]
    fn refuse(name: &str, value: &str) {
        let (layers, errors) = layers(&[(name.to_owned(), value.to_owned())], &[]);
        assert!(layers.is_empty());
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].origin,
            Origin::Variable {
                name: name.to_owned()
            }
        );
        assert!(!errors[0].to_string().contains(value), "{}", errors[0]);
    }

    #[test]
    fn the_name_of_a_variable_is_the_way_to_a_key() {
        check("FEDMSG_TIMEOUT", "5", "timeout = 5");
        check(
            "FEDMSG_CONSUMERS__AUDIT__KIND",
            "log",
            "consumers.audit.kind = 'log'",
        );
        check(
            "FEDMSG_ENDPOINTS__a.b",
            "tcp://a:1",
            "endpoints.'a.b' = 'tcp://a:1'",
        );
        check(
            "FEDMSG_MOKSHA_MONITORING_SOCKET",
            "tcp://127.0.0.1:1",
            "'moksha.monitoring.socket' = 'tcp://127.0.0.1:1'",
        );
        check(
            "FEDMSG_MOKSHA.MONITORING.SOCKET.MODE",
            "'770'",
            "'moksha.monitoring.socket.mode' = '770'",
        );
        check("TIMEOUT", "5", "");
        check("fedmsg_timeout", "5", "");
        check("FEDMSGX_TIMEOUT", "5", "");
        refuse("FEDMSG_", "value");
        refuse("FEDMSG_CONSUMERS__", "value");
        refuse("FEDMSG___KIND", "value");
    }

    #[test]
    fn a_value_is_toml_or_else_a_string() {
        check("FEDMSG_A", "true", "a = true");
        check("FEDMSG_A", " 0.5 ", "a = 0.5");
        check("FEDMSG_A", "'5'", "a = '5'");
        check("FEDMSG_A", "[\"x\", 'y']", "a = ['x', 'y']");
        check("FEDMSG_A", "{ b = 1 }", "a.b = 1");
        check("FEDMSG_A", "5s", "a = '5s'");
        check("FEDMSG_A", "org.example.#", "a = 'org.example.#'");
        check("FEDMSG_A", "*/5 * * * *", "a = '*/5 * * * *'");
        check("FEDMSG_A", "1\nb = 2", "a = \"1\\nb = 2\"");
        check("FEDMSG_A", "2024-01-01", "a = '2024-01-01'");
        check("FEDMSG_A", "nan", "a = 'nan'");
        refuse("FEDMSG_A", "[tcp://a:1]");
        refuse("FEDMSG_A", "\"x");
        refuse("FEDMSG_A", "caf\u{fffd}");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        check("FEDMSG_NAME", "", "");
        check("FEDMSG_NAME", "''", "name = ''");
    }

    #[test]
    fn variables_come_in_the_order_of_their_names() {
        let variable = |name: &str| (name.to_owned(), "x".to_owned());
        let (layers, _) = layers(
            &[
                variable("FEDMSG_b"),
                variable("FEDMSG_B"),
                variable("FEDMSG_A"),
            ],
            &[],
        );
        let names: Vec<_> = layers
            .iter()
            .map(|layer| layer.source.to_string())
            .collect();
        assert_eq!(names, ["FEDMSG_A", "FEDMSG_B", "FEDMSG_b"]);
    }

    #[test]
    fn variables_with_another_purpose_are_no_settings() {
        let variables = [("FEDMSG_CONFIG".to_owned(), "/etc/x".to_owned())];
        let (layers, errors) = layers(&variables, &["FEDMSG_CONFIG".to_owned()]);
        assert!(layers.is_empty() && errors.is_empty());
    }
}
