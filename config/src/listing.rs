//! Every setting of a loaded configuration with its value and its origin, to be shown or asked for.
//!
//! `fedmsg-config` shows it; it is made of [`crate::Loaded`] and finds settings by paths as people
//! type them.

use toml::{Table, Value};

use crate::key_path::{KeyPath, Segment};
use crate::load::Loaded;
use crate::origin::Origin;
use crate::origins::Origins;

/// A configuration as a table: all settings in force, each in the form that a file has it in.
///
/// A setting that has neither a value nor a default is not in it.
///
/// ```
/// use fedmsg_config::{Config, Listing, Origin, Sources};
///
/// let sources = Sources {
///     root: "/nonexistent".into(),
///     cwd: "/nonexistent".into(),
///     flags: toml::toml! { endpoints."bodhi.app01" = "tcp://app01:3000" },
///     ..Sources::default()
/// };
/// let listing = Listing::new(&Config::load(&sources)?)?;
/// let (path, value) = listing.find("endpoints.bodhi.app01").expect("a setting");
/// assert_eq!(path.to_string(), r#"endpoints."bodhi.app01""#);
/// assert_eq!(value[0].as_str(), Some("tcp://app01:3000"));
/// assert_eq!(listing.origin(&path), Origin::Flag);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Listing {
    table: Table,
    origins: Origins,
}

/// One setting: a single value, a list, or a table with nothing in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setting<'a> {
    /// Where it sits.
    pub path: KeyPath,
    /// What it is set to.
    pub value: &'a Value,
    /// Where that comes from.
    pub origin: Origin,
}

impl Listing {
    /// Lists the settings of `loaded`.
    ///
    /// # Errors
    ///
    /// A value cannot be written as TOML: none that was read from it.
    pub fn new(loaded: &Loaded) -> Result<Self, toml::ser::Error> {
        Ok(Self {
            table: Table::try_from(&loaded.config)?,
            origins: loaded.origins.clone(),
        })
    }

    /// Returns the same without the settings that have their built-in default.
    #[must_use]
    pub fn without_defaults(self) -> Self {
        let table = self.set_below(&self.table, &KeyPath::root());
        Self { table, ..self }
    }

    /// Returns what is set, and not by default, in the `table` at `path`.
    fn set_below(&self, table: &Table, path: &KeyPath) -> Table {
        let mut set = Table::new();
        for (key, value) in table {
            let path = path.child(key.as_str());
            match value {
                Value::Table(below) if !below.is_empty() => {
                    let below = self.set_below(below, &path);
                    if !below.is_empty() {
                        set.insert(key.clone(), Value::Table(below));
                    }
                }
                value if self.origin(&path) != Origin::Default => {
                    set.insert(key.clone(), value.clone());
                }
                _ => {}
            }
        }
        set
    }

    /// Returns all settings as one table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Returns where the value of a setting comes from; what stands in no source is a default, also
    /// below a table that stands in one.
    pub fn origin(&self, setting: &KeyPath) -> Origin {
        let written = self.origins.written_at(setting);
        written.cloned().unwrap_or(Origin::Default)
    }

    /// Finds what a path means that somebody has typed: keys joined by dots, each as it is or quoted
    /// as in TOML. A key may have dots without being quoted: where several readings lead to a setting,
    /// that with the longest first key is meant. Lists are not entered. `None` means that there is no
    /// such setting, or that it has no value.
    pub fn find(&self, path: &str) -> Option<(KeyPath, &Value)> {
        find(&self.table, path, KeyPath::root())
    }

    /// Returns the settings at and below `path`, in the order of their keys.
    pub fn settings<'a>(&'a self, path: &KeyPath) -> Vec<Setting<'a>> {
        let mut settings = Vec::new();
        match self.value(path) {
            Some(value) => self.collect(value, path, &mut settings),
            None if path.is_root() => self.collect_table(&self.table, path, &mut settings),
            None => {}
        }
        settings
    }

    fn value(&self, path: &KeyPath) -> Option<&Value> {
        let (first, rest) = path.segments().split_first()?;
        let Segment::Key(first) = first else {
            return None;
        };
        rest.iter()
            .try_fold(self.table.get(first)?, |value, segment| match segment {
                Segment::Key(key) => value.get(key),
                Segment::Index(index) => value.get(*index),
            })
    }

    fn collect<'a>(&'a self, value: &'a Value, path: &KeyPath, settings: &mut Vec<Setting<'a>>) {
        match value {
            Value::Table(table) if !table.is_empty() => self.collect_table(table, path, settings),
            value => settings.push(Setting {
                path: path.clone(),
                value,
                origin: self.origin(path),
            }),
        }
    }

    fn collect_table<'a>(
        &'a self,
        table: &'a Table,
        path: &KeyPath,
        settings: &mut Vec<Setting<'a>>,
    ) {
        for (key, value) in table {
            self.collect(value, &path.child(key.as_str()), settings);
        }
    }
}

/// Finds what `path` means below `table`, which sits at `above`. It goes down one table for each call.
fn find<'a>(table: &'a Table, path: &str, above: KeyPath) -> Option<(KeyPath, &'a Value)> {
    if path.starts_with(['"', '\'']) {
        let (key, rest) = quoted_key(path)?;
        return enter(table, &key, rest, &above);
    }
    let dots = path.rmatch_indices('.').map(|(dot, _)| dot);
    let mut ends = std::iter::once(path.len()).chain(dots);
    ends.find_map(|end| {
        let (key, rest) = path.split_at_checked(end)?;
        enter(table, key, rest, &above)
    })
}

/// Enters the `key` of a table; `rest` is what follows it, with its dot.
fn enter<'a>(
    table: &'a Table,
    key: &str,
    rest: &str,
    above: &KeyPath,
) -> Option<(KeyPath, &'a Value)> {
    let value = table.get(key)?;
    let path = above.child(key);
    if rest.is_empty() {
        return Some((path, value));
    }
    match value {
        Value::Table(below) => find(below, rest.strip_prefix('.')?, path),
        _ => None,
    }
}

/// Reads the quoted key that `path` begins with, and returns it with what follows.
fn quoted_key(path: &str) -> Option<(String, &str)> {
    let quote = path.chars().next()?;
    let mut is_escaped = false;
    let end = path.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == quote && !is_escaped;
        is_escaped = c == '\\' && quote == '"' && !is_escaped;
        ends.then_some(at + 1)
    })?;
    let (key, rest) = path.split_at_checked(end)?;
    let Ok(Value::String(key)) = key.parse() else {
        return None;
    };
    Some((key, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::sources::Sources;

    fn listing(flags: &str) -> Listing {
        let sources = Sources {
            root: "/nonexistent".into(),
            cwd: "/nonexistent".into(),
            flags: flags.parse().unwrap(),
            ..Sources::default()
        };
        Listing::new(&Config::load(&sources).unwrap()).unwrap()
    }

    #[test]
    fn a_path_may_have_keys_with_dots_quoted_or_not() {
        let table: Table = "\
            a = 1\n\
            'moksha.monitoring.socket' = 'tcp://x:1'\n\
            'x.y'.z = 2\n\
            x.y.z = 3\n\
            x.w = 4\n\
            [endpoints]\n\
            'bodhi.app01' = ['b']\n\
            'bodhi' = ['c']\n\
            'say \"it\"' = ['d']\n"
            .parse()
            .unwrap();
        let check = |path: &str, expected: Option<&str>| {
            let found = find(&table, path, KeyPath::root());
            let found = found.map(|(path, value)| format!("{path} = {value}"));
            assert_eq!(found.as_deref(), expected, "{path}");
        };
        check("a", Some("a = 1"));
        check(
            "moksha.monitoring.socket",
            Some("\"moksha.monitoring.socket\" = \"tcp://x:1\""),
        );
        check(
            "\"moksha.monitoring.socket\"",
            Some("\"moksha.monitoring.socket\" = \"tcp://x:1\""),
        );
        check("x.y.z", Some("\"x.y\".z = 2"));
        check("x.\"y\".z", Some("x.y.z = 3"));
        check("x.w", Some("x.w = 4"));
        check("endpoints.bodhi", Some("endpoints.bodhi = [\"c\"]"));
        for path in [
            "endpoints.bodhi.app01",
            "endpoints.\"bodhi.app01\"",
            "endpoints.'bodhi.app01'",
            "\"endpoints\".bodhi.app01",
        ] {
            check(path, Some("endpoints.\"bodhi.app01\" = [\"b\"]"));
        }
        check(
            r#"endpoints."say \"it\"""#,
            Some(r#"endpoints."say \"it\"" = ["d"]"#),
        );
        for path in [
            "",
            ".",
            "a.",
            ".a",
            "a.b",
            "b",
            "endpoints.bodhi.0",
            "\"a",
            "'",
            "\"a\"x",
            " a",
            "a,x",
            "endpoints..bodhi",
            "\"a\".",
            "\"\\",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn a_path_of_many_dots_is_found_out_in_no_time() {
        assert!(listing("").find(&".".repeat(100_000)).is_none());
    }

    #[test]
    fn a_setting_that_no_source_has_is_a_default_also_beside_one_that_has_a_source() {
        let listing = listing("timeout = 5\nconsumers.a = { kind = 'log' }");
        let check = |path: &str, expected: Origin| {
            let (path, _) = listing.find(path).unwrap();
            assert_eq!(listing.origin(&path), expected, "{path}");
        };
        check("timeout", Origin::Flag);
        check("environment", Origin::Default);
        check("consumers.a.kind", Origin::Flag);
        check("consumers.a.enabled", Origin::Default);
        let set = listing.without_defaults();
        let expected: Table = "timeout = 5\nconsumers.a.kind = 'log'".parse().unwrap();
        assert_eq!(set.table(), &expected);
    }

    #[test]
    fn settings_are_listed_below_a_path() {
        let listing = listing("endpoints.b = []\nendpoints.'a.x' = 'tcp://a:1'");
        let paths = |path: &KeyPath| -> Vec<_> {
            let settings = listing.settings(path);
            settings.iter().map(|it| it.path.to_string()).collect()
        };
        let endpoints = KeyPath::from("endpoints");
        let expected = [
            "endpoints.\"a.x\"",
            "endpoints.b",
            "endpoints.relay_outbound",
        ];
        assert_eq!(paths(&endpoints), expected);
        assert_eq!(paths(&endpoints.child("b")), ["endpoints.b"]);
        assert_eq!(paths(&endpoints.child("c")), [""; 0]);
        let all = paths(&KeyPath::root());
        assert!(all.contains(&"consumers".to_owned()) && all.contains(&"timeout".to_owned()));
    }
}
