//! Tests of reading values: every problem found, each at its path, none with a value in it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
struct Sample {
    #[serde(default)]
    text: String,
    #[serde(default)]
    small: u8,
    #[serde(default)]
    ratio: f32,
    #[serde(default)]
    maybe: Option<bool>,
    #[serde(default)]
    list: Vec<u16>,
    #[serde(default)]
    pair: (i8, String),
    #[serde(default)]
    table: BTreeMap<String, Inner>,
    #[serde(default)]
    choice: Choice,
    #[serde(default)]
    address: Option<IpAddr>,
    #[serde(default)]
    raw: toml::Table,
    #[serde(default)]
    nothing: (),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    kind: String,
    #[serde(default)]
    size: u32,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    #[default]
    Plain,
    With {
        port: u16,
    },
    Of(Inner),
    Both(u8, u8),
}

fn read<T: DeserializeOwned>(toml: &str) -> Extraction<T> {
    extract(&toml.parse().unwrap())
}

#[track_caller]
fn accept(toml: &str) -> Sample {
    let Extraction { value, problems } = read(toml);
    assert!(problems.is_empty(), "{toml}: {problems:?}");
    value.unwrap()
}

#[track_caller]
fn check(toml: &str, expected: &[(&str, &str)]) {
    let found = read::<Sample>(toml).problems.into_iter();
    let found: Vec<_> = found
        .map(|(path, problem)| (path.to_string(), problem.to_string()))
        .collect();
    let found: Vec<_> = found
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    assert_eq!(found, expected, "{toml}");
}

#[test]
fn values_of_every_type_are_read() {
    let sample =
        accept("text = 'a'\nsmall = 255\nratio = 1\nmaybe = true\nlist = [1, 2]\npair = [-1, 'b']");
    assert_eq!(
        (sample.text.as_str(), sample.small, sample.ratio),
        ("a", 255, 1.0)
    );
    assert_eq!(
        (sample.maybe, sample.list, sample.pair),
        (Some(true), vec![1, 2], (-1, "b".into()))
    );
    let sample = accept("address = '::1'\n[table.x]\nkind = 'k'\nsize = 1\n[nothing]");
    assert_eq!(
        sample.table["x"],
        Inner {
            kind: "k".into(),
            size: 1
        }
    );
    assert!(sample.address.is_some());
}

#[test]
fn a_choice_is_a_name_or_a_table_with_that_name() {
    assert_eq!(accept("choice = 'plain'").choice, Choice::Plain);
    assert_eq!(
        accept("choice.with.port = 1").choice,
        Choice::With { port: 1 }
    );
    assert_eq!(accept("choice.both = [1, 2]").choice, Choice::Both(1, 2));
    let inner = Inner {
        kind: "k".into(),
        size: 0,
    };
    assert_eq!(accept("choice.of.kind = 'k'").choice, Choice::Of(inner));
    check("choice = 'plan'", &[("choice", "unknown value")]);
    check(
        "choice = 'with'",
        &[("choice", "expected a table with settings under this name")],
    );
    check(
        "choice.plain = 1",
        &[("choice.plain", "expected a plain name, found an integer")],
    );
    check(
        "choice = { with.port = 1, plain = 1 }",
        &[("choice", "expected a table with one key")],
    );
    check(
        "choice.with.port = 'x'",
        &[(
            "choice.with.port",
            "expected an integer from 0 to 65535, found a string",
        )],
    );
    check(
        "choice.of.size = -1",
        &[
            ("choice.of.size", "expected an integer from 0 to 4294967295"),
            ("choice.of.kind", "missing key"),
        ],
    );
    check(
        "choice = 1",
        &[("choice", "expected a string, found an integer")],
    );
}

#[test]
fn a_date_is_a_date_to_toml_and_a_text_to_all_others() {
    let sample = accept("text = 1979-05-27T07:32:00Z\nraw.since = 1979-05-27");
    assert_eq!(sample.text, "1979-05-27T07:32:00Z");
    assert!(sample.raw["since"].is_datetime());
}

#[test]
fn every_problem_is_found_at_its_path() {
    check(
        "text = 1\nsmall = 256\nratio = 'x'\nlist = [1, 'a', 2, -1]\nbogus = 1\n\
         [table.x]\nsize = 'y'\nsiez = 1",
        &[
            ("bogus", "unknown key"),
            (
                "list[1]",
                "expected an integer from 0 to 65535, found a string",
            ),
            ("list[3]", "expected an integer from 0 to 65535"),
            ("ratio", "expected a number, found a string"),
            ("small", "expected an integer from 0 to 255"),
            ("table.x.siez", "unknown key"),
            (
                "table.x.size",
                "expected an integer from 0 to 4294967295, found a string",
            ),
            ("table.x.kind", "missing key"),
            ("text", "expected a string, found an integer"),
        ],
    );
}

#[test]
fn a_wrong_shape_is_named_in_words() {
    check("list = 1", &[("list", "expected a list, found an integer")]);
    check(
        "list = { a = 1 }",
        &[("list", "expected a list, found a table")],
    );
    check("table = []", &[("table", "expected a table, found a list")]);
    check(
        "table.x = 1",
        &[("table.x", "expected a table, found an integer")],
    );
    check(
        "maybe = 1.5",
        &[(
            "maybe",
            "expected true or false, found a floating-point number",
        )],
    );
    check(
        "small = 1979-05-27",
        &[("small", "expected an integer from 0 to 255, found a date")],
    );
    check(
        "table = 1979-05-27",
        &[("table", "expected a table, found a date")],
    );
    check(
        "pair = [1]",
        &[("pair", "expected a tuple of size 2, found 1")],
    );
    check("nothing.x = 1", &[("nothing.x", "unknown key")]);
    check(
        "nothing = 1",
        &[("nothing", "expected an empty table, found an integer")],
    );
    check(
        "address = 'localhost'",
        &[("address", "invalid IP address syntax")],
    );
}

#[test]
fn problems_name_types_and_never_values() {
    for toml in [
        "small = 'hunter2'",
        "ratio = 'hunter2'",
        "maybe = 'hunter2'",
        "choice = 'hunter2'",
    ] {
        let problems = read::<Sample>(toml).problems;
        assert!(!problems[0].1.to_string().contains("hunter2"), "{toml}");
    }
    for toml in [
        "text = 4711",
        "maybe = 4711",
        "small = 4711",
        "list = 4711",
        "choice = 4711",
    ] {
        let problems = read::<Sample>(toml).problems;
        assert!(!format!("{problems:?}").contains("4711"), "{toml}");
    }
}

#[test]
fn a_missing_key_that_no_text_can_stand_in_for_ends_the_reading_of_its_table() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only read")]
        servers: BTreeMap<String, Server>,
        #[expect(dead_code, reason = "only read")]
        name: String,
    }
    #[derive(Debug, Deserialize)]
    struct Server {
        #[expect(dead_code, reason = "only read")]
        port: u16,
    }
    let problems = read::<Outer>("name = 1\n[servers.a]\n[servers.b]\nprot = 1").problems;
    let paths: Vec<_> = problems.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(
        paths,
        ["name", "servers.a.port", "servers.b.prot", "servers.b.port"]
    );
    let problems = read::<Server>("prot = 1").problems;
    let paths: Vec<_> = problems.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths, ["prot", "port"]);
}

#[test]
fn a_reading_ends_however_much_is_wrong() {
    let toml: String = (0..1000).map(|number| format!("k{number} = 1\n")).collect();
    let Extraction { value, problems } = read::<Sample>(&toml);
    assert!(value.is_none());
    assert_eq!(problems.len(), MOST_PROBLEMS + 1);
    assert!(matches!(problems.last(), Some((_, Problem::More))));
}

#[test]
fn whoever_ignores_everything_may() {
    assert!(
        read::<IgnoredAny>("a = 1\n[b]\nc = [1]")
            .problems
            .is_empty()
    );
}

#[test]
fn types_that_read_twice_still_name_the_nearest_place() {
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Either {
        #[expect(dead_code, reason = "only read")]
        Number(u8),
        #[expect(dead_code, reason = "only read")]
        Flag(bool),
    }
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only read")]
        list: Vec<Either>,
    }
    let problems = read::<Outer>("list = [1, true, 'x']").problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].0.to_string(), "list[2]");
}
