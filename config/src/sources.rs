//! Where settings may come from: which files, which variables, which flags.
//!
//! The command line makes one with [`Sources::from_process`], a test by hand;
//! [`crate::Config::load`] reads it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use toml::Table;

/// The variable that names the configuration to read instead of the usual files.
pub(crate) const CONFIG_VARIABLE: &str = "FEDMSG_CONFIG";

/// The variables that tell a program of the message that it is run for (`fedmsg-trigger`, consumers of
/// kind `exec`). They are no settings: such a program may well be one on the bus itself.
pub const MESSAGE_VARIABLES: [&str; 4] = [
    "FEDMSG_TOPIC",
    "FEDMSG_MSG_ID",
    "FEDMSG_TIMESTAMP",
    "FEDMSG_USERNAME",
];

/// All that a configuration is read from. Each later source wins over the earlier ones; tables are
/// merged key by key, lists and single values replaced.
///
/// 1. what is built in ([`crate::Config::default`]),
/// 2. `/usr/lib/fedmsg/conf.d/*.toml`, `/etc/fedmsg/fedmsg.toml`, `/etc/fedmsg/conf.d/*.toml`,
///    `fedmsg/fedmsg.toml` in the user's configuration directory, `./fedmsg.toml`; files of a
///    directory in the order of their names, hidden ones left out,
/// 3. `FEDMSG_*` variables of the environment,
/// 4. flags.
///
/// A configuration named by `--config` or by `FEDMSG_CONFIG` takes the place of the second group: a
/// file, or a directory, of which `fedmsg.toml` and then `conf.d/*.toml` are read or, where it has
/// neither, `*.toml`.
///
/// A variable names a key in capitals, `__` leading into tables:
/// `FEDMSG_CONSUMERS__AUDIT__KIND=log`. Its value is read as TOML (a number, true or false, a list,
/// a quoted string) and else, or where the key takes nothing but text, taken as a string; an empty one
/// counts as unset. One that resembles no key is a warning. Keys with capitals or
/// `__` in them cannot be written so, and most shells and service managers refuse dots, so endpoint
/// names belong into files.
///
/// ```
/// use fedmsg_config::{Config, Sources};
///
/// let sources = Sources {
///     root: "/nonexistent".into(),
///     cwd: "/nonexistent".into(),
///     env: vec![("FEDMSG_ENVIRONMENT".into(), "stg".into())],
///     flags: toml::toml! { active = true },
///     ..Sources::default()
/// };
/// let loaded = Config::load(&sources)?;
/// assert_eq!(loaded.config.environment, "stg");
/// assert!(loaded.config.active);
/// assert!(loaded.files.is_empty());
/// # Ok::<(), fedmsg_config::ConfigErrors>(())
/// ```
#[derive(Clone, Default)]
pub struct Sources {
    /// The file or directory named by `--config`; wins over `FEDMSG_CONFIG`. Relative to `cwd`.
    pub config: Option<PathBuf>,
    /// The environment. Variables that do not begin with `FEDMSG_` have no effect.
    pub env: Vec<(String, String)>,
    /// Variables that begin with `FEDMSG_` and are no settings, because the program uses them for
    /// something else. `FEDMSG_CONFIG` is always one of them, for a process [`MESSAGE_VARIABLES`] are.
    pub not_settings: Vec<String>,
    /// What the flags of the command line set, as a table of keys.
    pub flags: Table,
    /// Where `/usr` and `/etc` are found: normally `/`.
    pub root: PathBuf,
    /// The working directory; empty stands for that of the process.
    pub cwd: PathBuf,
    /// The directory of the user's own configuration: `$XDG_CONFIG_HOME`, by default `~/.config`.
    /// None for a user without a home.
    pub xdg_config_home: Option<PathBuf>,
    /// Where the original looks for its files, which are Python and not read: where there is no other
    /// file, [`crate::Loaded::warnings`] names those of them that exist. Relative to `cwd`.
    pub original: Vec<PathBuf>,
    /// The TOML text that takes the place of the files when there is none at all, such as
    /// [`crate::DEFAULT_HUB`]: what a newcomer starts with.
    pub fallback: Option<&'static str>,
}

impl Sources {
    /// Returns the sources of this process: its environment, its working directory, and what the
    /// command line says.
    ///
    /// The user's directory is `$XDG_CONFIG_HOME` where that is an absolute path, else `~/.config`
    /// (XDG Base Directory Specification).
    pub fn from_process(config: Option<PathBuf>, flags: Table) -> Self {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        Self {
            config,
            env: std::env::vars_os()
                .map(|(name, value)| (text(name), text(value)))
                .filter(|(name, _)| name.starts_with("FEDMSG_"))
                .collect(),
            not_settings: MESSAGE_VARIABLES.map(str::to_owned).to_vec(),
            flags,
            root: "/".into(),
            xdg_config_home: user_directory(|name| std::env::var_os(name)),
            original: of_original(|name| std::env::var_os(name)),
            ..Self::default()
        }
    }

    /// Returns the file or directory to read instead of the usual files, if one is named.
    pub(crate) fn named(&self) -> Option<PathBuf> {
        let from_variable = || {
            let is_it =
                |(name, value): &&(String, String)| name == CONFIG_VARIABLE && !value.is_empty();
            self.env
                .iter()
                .find(is_it)
                .map(|(_, value)| PathBuf::from(value))
        };
        self.config.clone().or_else(from_variable)
    }
}

/// Returns the directory of the user's own configuration; `variable` gives the environment.
fn user_directory(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))
}

/// Returns where the original looks for its files (fedmsg configuration specification, section 2.1);
/// `variable` gives the environment.
fn of_original(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let below = |name: &str, path: &str| {
        let directory = variable(name).map(PathBuf::from);
        directory
            .filter(|it| it.is_absolute())
            .map(|it| it.join(path))
    };
    let places = [
        Some("/etc/fedmsg.d".into()),
        below("HOME", ".fedmsg.d"),
        Some("fedmsg.d".into()),
        below("VIRTUAL_ENV", "etc/fedmsg.d"),
        Some("/etc/fedmsg-config.py".into()),
        below("HOME", ".fedmsg-config.py"),
        Some("fedmsg-config.py".into()),
    ];
    places.into_iter().flatten().collect()
}

// Values of variables and flags may be secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("config", &self.config)
            .field(
                "env",
                &self.env.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .field("not_settings", &self.not_settings)
            .field("flags", &self.flags.keys().collect::<Vec<_>>())
            .field("root", &self.root)
            .field("cwd", &self.cwd)
            .field("xdg_config_home", &self.xdg_config_home)
            .field("original", &self.original)
            .field("fallback", &self.fallback.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_configuration_comes_from_the_flag_or_else_from_the_variable() {
        let variable = |value: &str| vec![("FEDMSG_CONFIG".to_owned(), value.to_owned())];
        let sources = Sources {
            env: variable("/from/variable"),
            ..Sources::default()
        };
        assert_eq!(sources.named(), Some("/from/variable".into()));
        let sources = Sources {
            config: Some("/from/flag".into()),
            ..sources
        };
        assert_eq!(sources.named(), Some("/from/flag".into()));
        let sources = Sources {
            env: variable(""),
            ..Sources::default()
        };
        assert_eq!(sources.named(), None);
    }

    #[test]
    fn debugging_shows_no_values() {
        let sources = Sources {
            env: vec![("FEDMSG_X".to_owned(), "hunter2".to_owned())],
            flags: toml::toml! { secret = "hunter2" },
            ..Sources::default()
        };
        let shown = format!("{sources:?}");
        assert!(
            !shown.contains("hunter2") && shown.contains("FEDMSG_X"),
            "{shown}"
        );
    }

    #[test]
    fn the_process_gives_its_own_environment_and_directories() {
        let sources = Sources::from_process(None, Table::new());
        assert_eq!(sources.root, PathBuf::from("/"));
        assert!(
            sources
                .env
                .iter()
                .all(|(name, _)| name.starts_with("FEDMSG_"))
        );
        assert!(sources.cwd.as_os_str().is_empty());
    }

    #[test]
    fn the_original_looks_in_the_system_the_home_and_the_working_directory() {
        let variable = |name: &str| (name == "HOME").then(|| OsString::from("/home/u"));
        let expected = [
            "/etc/fedmsg.d",
            "/home/u/.fedmsg.d",
            "fedmsg.d",
            "/etc/fedmsg-config.py",
            "/home/u/.fedmsg-config.py",
            "fedmsg-config.py",
        ];
        assert_eq!(of_original(variable), expected.map(PathBuf::from));
    }

    #[test]
    fn the_users_directory_is_the_one_named_or_else_below_home() {
        let check = |named: Option<&str>, home: Option<&str>, expected: Option<&str>| {
            let variable = |name: &str| match name {
                "XDG_CONFIG_HOME" => named.map(OsString::from),
                "HOME" => home.map(OsString::from),
                _ => None,
            };
            assert_eq!(user_directory(variable), expected.map(PathBuf::from));
        };
        check(Some("/x"), Some("/home/u"), Some("/x"));
        check(None, Some("/home/u"), Some("/home/u/.config"));
        check(Some(""), Some("/home/u"), Some("/home/u/.config"));
        check(Some("relative"), Some("/home/u"), Some("/home/u/.config"));
        check(None, Some(""), None);
        check(None, None, None);
    }
}
