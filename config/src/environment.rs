//! Settings from environment variables: `FEDMSG_TIMEOUT=5`.
//!
//! [`crate::Sources`] hands the variables over, [`crate::load`] asks; each becomes a layer of its own, so that
//! an error names the variable.

use toml::{Table, Value};

use crate::config::Config;
use crate::error::ConfigError;
use crate::extract::extract;
use crate::key_path::{KeyPath, Segment};
use crate::layer::Layer;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::suggestion::closest;

/// What the names of all variables begin with that are settings.
const PREFIX: &str = "FEDMSG_";
/// What stands between the keys of nested tables in the name of a variable.
const NESTING: &str = "__";

/// Keys with dots in them, which the names of variables hardly can have: there a `_` stands for each.
const DOTTED: [&str; 2] = ["moksha.monitoring.socket", "moksha.monitoring.socket.mode"];

/// What the variables come to.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// A layer for each that is a setting, in the order of their names.
    pub(crate) layers: Vec<Layer>,
    /// What is wrong with those that are meant as settings.
    pub(crate) errors: Vec<ConfigError>,
    /// Those that are hardly meant as such: what another program has there stops nobody.
    pub(crate) warnings: Vec<ConfigError>,
}

impl Environment {
    /// Reads the variables, for a configuration that has the `known` keys at its top. An empty one counts as
    /// unset.
    pub(crate) fn read(
        variables: &[(String, String)],
        not_settings: &[String],
        known: &[String],
    ) -> Self {
        let is_setting =
            |name: &str| name.starts_with(PREFIX) && !not_settings.iter().any(|it| it == name);
        let mut settings: Vec<_> = variables
            .iter()
            .filter(|(name, value)| is_setting(name) && !value.is_empty())
            .collect();
        settings.sort();
        let mut environment = Self::default();
        for (name, value) in settings {
            environment.add(name, value, known);
        }
        environment
    }

    fn add(&mut self, name: &str, value: &str, known: &[String]) {
        let source = Origin::Variable {
            name: name.to_owned(),
        };
        let path = match path(name) {
            Ok(path) => path,
            Err(problem) => {
                let error = ConfigError::new(source, KeyPath::root(), problem);
                return self.errors.push(error);
            }
        };
        // A slip is found with those of the files.
        if let Some(Segment::Key(first)) = path.segments().first()
            && !known.contains(first)
            && closest(first, known).is_none()
        {
            let message = "no setting, and without effect; `fedmsg-config schema` has all";
            let problem = Problem::Invalid(message.to_owned());
            let warning = ConfigError::new(source, KeyPath::root(), problem);
            return self.warnings.push(warning);
        }
        match table(&path, value) {
            Ok(table) => self.layers.push(Layer::new(source, table)),
            Err(message) => {
                let problem = Problem::Invalid(message.to_owned());
                self.errors.push(ConfigError::new(source, path, problem));
            }
        }
    }
}

/// Returns the way to the key that a variable of this name sets.
fn path(name: &str) -> Result<KeyPath, Problem> {
    let keys = name
        .strip_prefix(PREFIX)
        .unwrap_or(name)
        .to_ascii_lowercase();
    if let Some(dotted) = DOTTED.iter().find(|key| key.replace('.', "_") == keys) {
        return Ok(KeyPath::from(*dotted));
    }
    if keys.split(NESTING).any(str::is_empty) {
        let message = format!("the name must be {PREFIX}KEY or {PREFIX}TABLE{NESTING}KEY");
        return Err(Problem::Invalid(message));
    }
    Ok(keys.split(NESTING).collect())
}

/// Returns the table that holds nothing but what the variable sets, or what is wrong with its value. A number,
/// true or false is the text that it is written as where the key is one.
fn table(path: &KeyPath, text: &str) -> Result<Table, &'static str> {
    let value = parse(text)?;
    let is_plain = matches!(
        value,
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_)
    );
    let table = within(path, value);
    if is_plain && is_to_be_text(path, &table) {
        return Ok(within(path, Value::String(text.to_owned())));
    }
    Ok(table)
}

fn within(path: &KeyPath, value: Value) -> Table {
    let keys = path.segments().iter().filter_map(|segment| match segment {
        Segment::Key(key) => Some(key),
        Segment::Index(_) => None,
    });
    let nested = keys.rev().fold(value, |value, key| {
        Value::Table(Table::from_iter([(key.clone(), value)]))
    });
    match nested {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

/// Whether the key at `path` takes texts only.
fn is_to_be_text(path: &KeyPath, table: &Table) -> bool {
    let problems = extract::<Config>(table).problems;
    problems.iter().any(|(at, problem)| {
        let Problem::WrongType { expected, .. } = problem else {
            return false;
        };
        at == path && expected.contains("string")
    })
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

    /// Reads one variable; beside the keys that there are, `a` is known.
    fn read(name: &str, value: &str) -> Environment {
        let known = ["a", "timeout", "consumers", "endpoints", "name"].map(str::to_owned);
        let known = [&known[..], &DOTTED.map(str::to_owned)].concat();
        Environment::read(&[(name.to_owned(), value.to_owned())], &[], &known)
    }

    #[track_caller]
    fn check(name: &str, value: &str, expected: &str) {
        let Environment {
            layers,
            errors,
            warnings,
        } = read(name, value);
        assert!(errors.is_empty() && warnings.is_empty(), "{errors:?}");
        let table = layers
            .into_iter()
            .map(|layer| layer.document.table)
            .next()
            .unwrap_or_default();
        assert_eq!(table, expected.parse::<Table>().unwrap(), "{name}={value}");
    }

    #[track_caller]
    fn refuse(name: &str, value: &str) {
        let Environment { layers, errors, .. } = read(name, value);
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
    fn what_looks_like_a_number_is_text_where_a_text_is_wanted() {
        check("FEDMSG_NAME", "1", "name = '1'");
        check("FEDMSG_NAME", "0.50", "name = '0.50'");
        check("FEDMSG_NAME", "true", "name = 'true'");
        check(
            "FEDMSG_MOKSHA_MONITORING_SOCKET_MODE",
            "770",
            "'moksha.monitoring.socket.mode' = '770'",
        );
        check("FEDMSG_CONSUMERS__X__KIND", "5", "consumers.x.kind = '5'");
        check("FEDMSG_NAME", "[1]", "name = [1]");
        check(
            "FEDMSG_CONSUMERS__X__ENABLED",
            "false",
            "consumers.x.enabled = false",
        );
    }

    #[test]
    fn a_slip_is_read_and_what_resembles_no_key_a_warning() {
        for slip in ["FEDMSG_TIMOUT", "FEDMSG_CONSUMER__X__KIND"] {
            let read = read(slip, "1");
            assert!(read.errors.is_empty() && read.warnings.is_empty());
            let [layer] = &read.layers[..] else {
                panic!("{slip}: {:?}", read.layers);
            };
            // Whoever reads the layer finds it.
            let problems = extract::<Config>(&layer.document.table).problems;
            assert!(matches!(problems[0].1, Problem::UnknownKey { .. }));
        }
        for foreign in ["FEDMSG_BRIDGE_HOME", "FEDMSG_BRIDGE__X", "FEDMSG__BRIDGE"] {
            let Environment {
                layers,
                errors,
                warnings,
            } = read(foreign, "[no TOML");
            assert!(layers.is_empty() && errors.is_empty(), "{errors:?}");
            let warning = warnings[0].to_string();
            assert!(warning.starts_with(&format!("{foreign}: ")), "{warning}");
            assert!(warning.len() < 100, "{warning}");
        }
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        check("FEDMSG_NAME", "", "");
        check("FEDMSG_NAME", "''", "name = ''");
    }

    #[test]
    fn variables_come_in_the_order_of_their_names() {
        let variable = |name: &str| (name.to_owned(), "x".to_owned());
        let environment = Environment::read(
            &[
                variable("FEDMSG_b"),
                variable("FEDMSG_B"),
                variable("FEDMSG_A"),
            ],
            &[],
            &["a".to_owned(), "b".to_owned()],
        );
        let names: Vec<_> = environment
            .layers
            .iter()
            .map(|layer| layer.source.to_string())
            .collect();
        assert_eq!(names, ["FEDMSG_A", "FEDMSG_B", "FEDMSG_b"]);
    }

    #[test]
    fn variables_with_another_purpose_are_no_settings() {
        let variables = [("FEDMSG_CONFIG".to_owned(), "/etc/x".to_owned())];
        let read = Environment::read(&variables, &["FEDMSG_CONFIG".to_owned()], &[]);
        assert!(read.layers.is_empty() && read.errors.is_empty() && read.warnings.is_empty());
    }
}
