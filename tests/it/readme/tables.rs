//! The tables.

use std::fs;
use std::process::Command;

use fedmsg_hub::{TopicFilter, TopicPattern};
use toml::Table;

use super::{repository, table};
use crate::examples::commands::scripts;
use crate::sandbox::Sandbox;

#[test]
fn the_table_of_commands_has_every_binary_and_what_its_help_says() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).expect("a manifest");
    let manifest: Table = manifest.parse().expect("TOML");
    let binaries = manifest["bin"].as_array().expect("binaries").iter();
    let mut binaries: Vec<_> = binaries.filter_map(|it| it["name"].as_str()).collect();
    binaries.sort_unstable();

    let rows = table("| command | does | example |");
    let mut named: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    for (name, row) in named.iter().zip(&rows) {
        let help = Sandbox::new()
            .start(&[name, "--help"])
            .finish()
            .expect_success();
        assert_eq!(help.lines[0].trim_end_matches('.'), row[1], "{name} --help");
        let script = format!("[{name}.sh](examples/commands/{name}.sh)");
        assert_eq!(row[2], script, "what `tests/it/examples/commands.rs` runs");
    }
    named.sort_unstable();
    assert_eq!(named, binaries);
    let scripts = scripts();
    let mut scripts: Vec<_> = scripts
        .iter()
        .filter_map(|path| path.file_stem()?.to_str())
        .collect();
    scripts.sort_unstable();
    assert_eq!(scripts, binaries, "examples/commands");
}

#[test]
fn the_table_of_exit_statuses_is_that_of_the_code() {
    let source = fs::read_to_string(repository().join("hub/src/exit.rs")).expect("a source");
    let (mut documented, mut comment) = (Vec::new(), "");
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            comment = text.trim_end_matches('.');
        } else if let Some((_, number)) = line.trim_end_matches(',').split_once(" = ") {
            documented.push([number.to_owned(), comment.to_owned()].to_vec());
        }
    }
    assert!(documented.len() >= 8, "{documented:?}");
    assert_eq!(table("| status | means |"), documented);
}

#[test]
fn the_table_of_patterns_is_true() {
    let head = "| pattern | in | `org.t` | `org.tt` | `org.t.x` | `org.t.x.y` | `org.u.x` |";
    let topics = ["org.t", "org.tt", "org.t.x", "org.t.x.y", "org.u.x"];
    let yes = |matches: bool| if matches { "yes" } else { "" };
    for row in table(head) {
        let pattern = row[0].trim_matches('`');
        let expected = topics.map(|topic| match row[1].as_str() {
            "TOML" => match pattern.parse::<TopicPattern>() {
                Ok(pattern) => yes(pattern.matches(topic)),
                Err(_) => "error",
            },
            "`--topic`" => match pattern.parse::<TopicFilter>() {
                Ok(filter) => yes(filter.matches(topic)),
                Err(_) => "error",
            },
            // fedmsg hub specification, section 1.6.
            "the original" => yes(topic.starts_with(&pattern.replace('*', ""))),
            other => panic!("who is {other}?"),
        });
        assert_eq!(row[2..], expected, "{pattern} in {}", row[1]);
    }
}

#[test]
fn the_layers_of_the_configuration_are_those_of_the_code() {
    let readme = super::readme();
    let (_, section) = readme.split_once("## Configuration").expect("a section");
    let (section, _) = section.split_once("## Topics").expect("a section");
    let paths = section.lines().filter_map(|line| {
        let (number, text) = line.split_once(". `")?;
        number.parse::<u32>().ok()?;
        text.split('`').next()
    });
    let paths: Vec<_> = paths.collect();
    let expected = [
        "/usr/lib/fedmsg/conf.d/*.toml",
        "/etc/fedmsg/fedmsg.toml",
        "/etc/fedmsg/conf.d/*.toml",
        "~/.config/fedmsg/fedmsg.toml",
        "./fedmsg.toml",
    ];
    assert_eq!(paths, expected);
    // Those that a test may write are really read, in this order.
    let sandbox = Sandbox::new();
    let shown = |variables: &[(&str, &str)], flags: &[&str]| {
        let words = [&["fedmsg-hub", "--print-config"], flags].concat();
        let mut command: Command = sandbox.command(&words);
        command.env_remove("FEDMSG_CONFIG");
        command.envs(variables.iter().copied());
        let output = command.output().expect("our program");
        assert!(output.status.success(), "{output:?}");
        let config: Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
        config["topic_prefix"].as_str().unwrap().to_owned()
    };
    sandbox.write(".config/fedmsg/fedmsg.toml", "topic_prefix = 'home'");
    assert_eq!(shown(&[], &[]), "home");
    sandbox.write("fedmsg.toml", "topic_prefix = 'here'");
    assert_eq!(shown(&[], &[]), "here");
    let variable = [("FEDMSG_TOPIC_PREFIX", "variable")];
    assert_eq!(shown(&variable, &[]), "variable");
    assert_eq!(shown(&variable, &["--topic-prefix", "flag"]), "flag");
    sandbox.write("named.toml", "environment = 'stg'");
    let named = [("FEDMSG_CONFIG", "named.toml")];
    assert_eq!(shown(&named, &[]), "com.example", "in place of the files");
}
