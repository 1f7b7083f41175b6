//! The files of a new project: the templates, with its names filled in.
//!
//! [`super::make`] writes them.

use std::path::{Path, PathBuf};

use fedmsg_actors::Registry;
use thiserror::Error;
use toml::Value;

use super::What;

/// The longest name: file names and topics are made of it.
const LONGEST: usize = 64;

/// Names that Cargo refuses, or that the templates need for something else.
const TAKEN: [&str; 11] = [
    "test",
    "tests",
    "core",
    "std",
    "alloc",
    "proc-macro",
    "fedmsg",
    "fedmsg-hub",
    "build",
    "deps",
    "examples",
];

/// The keywords of Rust that are written in small letters: a module has the name of the project.
const KEYWORDS: &str = " abstract as async await become box break const continue crate do dyn else enum \
                        extern false final fn for gen if impl in let loop macro match mod move mut override \
                        priv pub ref return self static struct super trait true try type typeof union \
                        unsafe unsized use virtual where while yield main lib ";

/// Why a name does not do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum ProjectNameError {
    #[error(
        "\"{0}\" is no name: use small letters, digits and hyphens, a letter first, at most 64 in all"
    )]
    Malformed(String),
    #[error("\"{0}\" is a word of Rust or Cargo; choose another name")]
    Reserved(String),
    #[error("\"{0}\" is a built-in kind, which yours would replace; choose another name")]
    BuiltIn(String),
}

/// The name of a project, and of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProjectName(String);

impl ProjectName {
    /// Checks a name, for a project beside the kinds of `registry`.
    pub(super) fn try_new(
        name: &str,
        what: What,
        registry: &Registry,
    ) -> Result<Self, ProjectNameError> {
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let has_words = name.split('-').all(|word| !word.is_empty());
        let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !name.chars().all(is_allowed) || !has_words || !begins || name.len() > LONGEST {
            return Err(ProjectNameError::Malformed(name.to_owned()));
        }
        if TAKEN.contains(&name) || KEYWORDS.contains(&format!(" {name} ")) {
            return Err(ProjectNameError::Reserved(name.to_owned()));
        }
        let is_known = match what {
            What::Consumer => registry.consumer_kinds().any(|kind| kind == name),
            What::Producer => registry.producer_kinds().any(|kind| kind == name),
            What::Hub => false,
        };
        if is_known {
            return Err(ProjectNameError::BuiltIn(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }

    /// As a type: `our-hub` is `OurHub`.
    fn type_name(&self) -> String {
        let words = self.0.split('-').map(capitalised);
        words.collect()
    }

    /// As a module or crate: `our-hub` is `our_hub`.
    fn module(&self) -> String {
        self.0.replace('-', "_")
    }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// Returns the files of a project that depends on `sources`: where each is, and what is in it.
pub(super) fn files(what: What, name: &ProjectName, sources: &Path) -> Vec<(PathBuf, String)> {
    let fill = |template: &str, what: What, name: &ProjectName| {
        let path = Value::from(sources.to_string_lossy().into_owned()).to_string();
        let lower = what.to_string();
        let pairs = [
            ("{{name}}", name.0.clone()),
            ("{{type}}", name.type_name()),
            ("{{module}}", name.module()),
            ("{{What}}", capitalised(&lower)),
            ("{{what}}", lower),
            ("{{path}}", path),
        ];
        let mut text = template.to_owned();
        for (placeholder, value) in pairs {
            text = text.replace(placeholder, &value);
        }
        text
    };
    let own = |template: &str| fill(template, what, name);
    let mut files = vec![
        (
            "Cargo.toml",
            own(include_str!("../../../templates/Cargo.toml")),
        ),
        (".gitignore", "/target\n".to_owned()),
        (
            ".cargo/config.toml",
            include_str!("../../../../.cargo/config.toml").to_owned(),
        ),
    ];
    let bus = own(include_str!("../../../templates/bus.toml"));
    let try_it = match what {
        What::Consumer | What::Hub => include_str!("../../../templates/consumer.md"),
        What::Producer => "",
    };
    let readme = own(include_str!("../../../templates/README.md"))
        + try_it
        + include_str!("../../../templates/cargo.md");
    let consumer = include_str!("../../../templates/consumer.rs");
    let producer = include_str!("../../../templates/producer.rs");
    let consumer_toml = include_str!("../../../templates/consumer.toml");
    let producer_toml = include_str!("../../../templates/producer.toml");
    let plugin_source = format!("src/{}.rs", name.module());
    match what {
        What::Consumer | What::Producer => {
            let (source, toml) = match what {
                What::Consumer => (consumer, consumer_toml),
                _ => (producer, producer_toml),
            };
            files.extend([
                ("README.md", readme),
                ("fedmsg.toml", bus + &own(toml)),
                (
                    "src/lib.rs",
                    own(include_str!("../../../templates/plugin_lib.rs")),
                ),
                (
                    "src/main.rs",
                    own(include_str!("../../../templates/plugin_main.rs")),
                ),
                (&plugin_source, own(source)),
            ]);
        }
        What::Hub => {
            let (greeter, ticker) = (ProjectName("greeter".into()), ProjectName("ticker".into()));
            let consumer_toml = fill(consumer_toml, What::Consumer, &greeter);
            let producer_toml = fill(producer_toml, What::Producer, &ticker);
            let service = own(include_str!("../../../templates/service.md"));
            files.extend([
                ("README.md", readme + &service),
                (
                    "fedmsg.toml",
                    format!("{bus}{consumer_toml}\n{producer_toml}"),
                ),
                (
                    "src/main.rs",
                    own(include_str!("../../../templates/hub_main.rs")),
                ),
                ("src/greeter.rs", fill(consumer, What::Consumer, &greeter)),
                ("src/ticker.rs", fill(producer, What::Producer, &ticker)),
            ]);
            let unit = (format!("{}.service", name.0), unit(name));
            let mut files = owned(files);
            files.push((PathBuf::from(unit.0), unit.1));
            return files;
        }
    }
    owned(files)
}

fn owned(files: Vec<(&str, String)>) -> Vec<(PathBuf, String)> {
    let files = files.into_iter();
    files
        .map(|(path, text)| (PathBuf::from(path), text))
        .collect()
}

/// The unit of fedmsg-hub, for another program with a configuration of its own.
fn unit(name: &ProjectName) -> String {
    let name = &name.0;
    let unit = include_str!("../../../../config/systemd/fedmsg-hub.service");
    let lines = unit
        .lines()
        .filter(|line| !line.starts_with("Documentation="));
    let lines = lines.map(|line| match line {
        "Description=fedmsg hub" => format!("Description={name}, a hub of the bus"),
        "ExecStart=/usr/bin/fedmsg-hub" => {
            format!("ExecStart=/usr/bin/{name} --config /etc/fedmsg/{name}.toml")
        }
        line if line.starts_with("# The hub of a machine") => {
            format!("# {name}: consumers and producers as /etc/fedmsg/{name}.toml says.")
        }
        line => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::built_in_kinds;

    #[test]
    fn a_name_is_that_of_a_crate_a_module_and_a_kind() {
        #[track_caller]
        fn check(name: &str, what: What, expected: Result<(&str, &str), ProjectNameError>) {
            let found = ProjectName::try_new(name, what, &built_in_kinds());
            let found = found.map(|name| (name.type_name(), name.module()));
            let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
            assert_eq!(found, expected, "{name}");
        }
        let malformed = |name: &str| Err(ProjectNameError::Malformed(name.to_owned()));
        let reserved = |name: &str| Err(ProjectNameError::Reserved(name.to_owned()));
        check("our-hub2", What::Hub, Ok(("OurHub2", "our_hub2")));
        check("a", What::Consumer, Ok(("A", "a")));
        for name in [
            "", "-", "a-", "a--b", "2a", "A", "a_b", "a/b", "../a", "ä", "a b",
        ] {
            check(name, What::Consumer, malformed(name));
        }
        check(&"a".repeat(65), What::Hub, malformed(&"a".repeat(65)));
        for name in ["fn", "test", "tests", "main", "fedmsg-hub"] {
            check(name, What::Producer, reserved(name));
        }
        let built_in = ProjectNameError::BuiltIn("log".to_owned());
        check("log", What::Consumer, Err(built_in));
        check("log", What::Producer, Ok(("Log", "log")));
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for what in [What::Consumer, What::Producer, What::Hub] {
            let name = ProjectName("our-own".to_owned());
            for (path, text) in files(what, &name, Path::new("/usr/src/fed\"msg")) {
                let path = path.display();
                assert!(!text.contains("{{"), "{path}");
            }
        }
    }
}
