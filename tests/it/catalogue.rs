//! The catalogue of kinds, KINDS.md: it is written from what the kinds say of themselves.
//!
//! `UPDATE=1 cargo test --test it catalogue` writes it anew; without that it is only compared.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use fedmsg_hub::{Config, Kind, Parameter, Registry};

const HEAD: &str = "\
# Kinds

What may stand as `kind` in a configuration, with a block to copy for each. A hub with kinds of its own prints them with `--list-kinds`.
What every consumer and producer has beside `params` is in [`config/fedmsg.toml`](config/fedmsg.toml). This file is written by
`UPDATE=1 cargo test --test it catalogue`, from the types of the parameters; what is wrong in it is wrong there.

In a block, what has a `#` before it is the default; a time is a number and a unit, such as `\"90s\"` or `\"1h 30m\"`, a size such as
`\"64 MiB\"`.

";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("KINDS.md")
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    fedmsg_consumers::register(&mut registry);
    fedmsg_producers::register(&mut registry);
    registry
}

#[test]
fn the_catalogue_says_what_the_kinds_say() {
    let written = catalogue(&registry().kinds());
    if env::var_os("UPDATE").is_some() {
        fs::write(path(), &written).expect("a place for KINDS.md");
    }
    let there = fs::read_to_string(path()).unwrap_or_default();
    let differs = there.lines().zip(written.lines()).find(|(a, b)| a != b);
    assert!(
        there == written,
        "KINDS.md is out of date, from {differs:?} on: run UPDATE=1 cargo test --test it catalogue"
    );
}

#[test]
fn every_block_of_the_catalogue_is_a_configuration_as_it_is_and_with_all_in_force() {
    let registry = registry();
    for kind in registry.kinds() {
        let block = block(&kind);
        let missing = [block.clone(), in_force(&block)].map(|toml| {
            let config = Config::from_toml(&toml);
            let config = config.unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
            let errors = registry.check(&config);
            assert!(errors.is_empty(), "{errors:?}\n{toml}");
            let missing = registry.preflight(&config);
            missing.iter().map(ToString::to_string).collect::<Vec<_>>()
        });
        // The programs and folders of a block need not be here, but its defaults want nothing more.
        assert_eq!(missing[0], missing[1], "{block}");
    }
}

/// A block without the `#` at the start of its lines.
fn in_force(block: &str) -> String {
    let lines = block.lines().map(|line| line.trim_start_matches('#'));
    lines.collect::<Vec<_>>().join("\n")
}

fn catalogue(kinds: &[Kind]) -> String {
    let mut text = HEAD.to_owned();
    for (table, title) in [("consumers", "Consumers"), ("producers", "Producers")] {
        let kinds: Vec<_> = kinds.iter().filter(|it| it.table == table).collect();
        let _ = writeln!(text, "## {title}\n\n| kind | does |\n|---|---|");
        for kind in &kinds {
            let name = kind.kind;
            let _ = writeln!(text, "| [`{name}`](#{}) | {} |", anchor(kind), kind.about);
        }
        for kind in &kinds {
            let _ = write!(
                text,
                "\n### {} `{}`\n\n{}.",
                singular(kind),
                kind.kind,
                kind.about
            );
            if let Some(source) = kind.source {
                let topics = kind.topics.join("`, `");
                let _ = write!(
                    text,
                    " By default it gets `{topics}` from `{}`",
                    source.key()
                );
                text.push_str(match kind.validate_signatures {
                    Some(true) => ", if the signature is good.",
                    Some(false) => ", whatever the signature.",
                    None => ".",
                });
            }
            let _ = write!(text, "\n\n```toml\n{}```\n", block(kind));
            text.push_str(&parameters(kind));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn singular(kind: &Kind) -> &'static str {
    match kind.table {
        "consumers" => "Consumer",
        _ => "Producer",
    }
}

/// What GitHub calls the heading of a kind.
fn anchor(kind: &Kind) -> String {
    format!("{}-{}", singular(kind).to_lowercase(), kind.kind)
}

/// A configuration with one instance: what it needs in force, and all defaults behind `#`.
fn block(kind: &Kind) -> String {
    let (table, name) = (kind.table, kind.kind);
    let mut text = format!("[{table}.{name}]\nkind = \"{name}\"\n");
    if table == "producers" {
        text.push_str("every = \"1m\"\n");
    }
    let parameters = kind.parameters();
    let shown = parameters.iter().filter_map(|it| Some((it, value(it)?)));
    for (index, (parameter, value)) in shown.enumerate() {
        if index == 0 {
            let is_needed = parameter.required;
            let mark = if is_needed { "" } else { "#" };
            let _ = writeln!(text, "\n{mark}[{table}.{name}.params]");
        }
        let mark = if parameter.required { "" } else { "#" };
        let _ = writeln!(text, "{mark}{} = {value}", parameter.name);
    }
    text
}

/// What to copy for a parameter: its default, or a value that its author or its type suggests.
fn value(parameter: &Parameter) -> Option<String> {
    let known = match parameter.required {
        true => parameter.example.as_ref(),
        false => parameter.default.as_ref(),
    };
    if let Some(value) = known {
        let value = toml::Value::try_from(value).expect("a value of TOML");
        return Some(value.to_string());
    }
    let suggestion = match parameter.takes.as_str() {
        _ if !parameter.required => return None,
        "text" => "\"…\"",
        "time" => "\"5s\"",
        "size" => "\"64 MiB\"",
        "true or false" => "true",
        "list of text" => "[\"…\"]",
        takes if takes.starts_with("integer") => "1",
        takes => panic!(
            "{}: #[schemars(example = …)] is needed for {takes}",
            parameter.name
        ),
    };
    Some(suggestion.to_owned())
}

fn parameters(kind: &Kind) -> String {
    let parameters = kind.parameters();
    if parameters.is_empty() {
        return "\nIt has no parameters.\n".to_owned();
    }
    let mut text = "\n| parameter | takes | default | is |\n|---|---|---|---|\n".to_owned();
    for parameter in &parameters {
        let default = match (&parameter.default, parameter.required) {
            (_, true) => "required".to_owned(),
            (Some(default), false) => format!("`{default}`"),
            (None, false) => String::new(),
        };
        let Parameter {
            name, takes, about, ..
        } = parameter;
        let cells = [format!("`{name}`"), takes.clone(), default, about.clone()];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}
