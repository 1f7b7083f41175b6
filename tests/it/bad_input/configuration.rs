//! A configuration in which anything is of the wrong type, one key at a time.

use fedmsg_config::REFERENCE;
use toml::{Table, Value};

use crate::sandbox::Sandbox;

/// The reference with every setting in effect that is commented out there, a line each.
fn reference() -> Vec<String> {
    let setting = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line != "#";
    let uncomment = |line: &'static str| if setting(line) { &line[1..] } else { line };
    REFERENCE
        .lines()
        .map(|line| uncomment(line).to_owned())
        .collect()
}

/// A key of the reference: where it stands, counted from 0, and its path.
struct Key {
    line: usize,
    path: String,
    name: String,
    value: Value,
}

fn keys(lines: &[String]) -> Vec<Key> {
    let mut table = String::new();
    let mut keys = Vec::new();
    for (line, text) in lines.iter().enumerate() {
        if let Some(header) = text.strip_prefix('[') {
            header.trim_end_matches(']').clone_into(&mut table);
        } else if !text.starts_with('#')
            && let Some((name, _)) = text.split_once(" = ")
        {
            let parsed: Table = text.parse().expect("a line of its own");
            let path = if table.is_empty() {
                name.to_owned()
            } else {
                format!("{table}.{name}")
            };
            let mut value = parsed.into_iter().next().expect("a setting").1;
            if name.starts_with("params.")
                && let Value::Table(params) = value
            {
                value = params.into_iter().next().expect("a parameter").1;
            }
            let name = name.to_owned();
            keys.push(Key {
                line,
                path,
                name,
                value,
            });
        }
    }
    keys
}

/// Values of every type that the key does not take.
fn wrong_values(key: &Key) -> Vec<&'static str> {
    let all = [
        "true",
        "-7",
        "'\u{1F980}'",
        "1.5",
        "1979-05-27",
        "[{}]",
        "[[]]",
        "{ strange = 1 }",
    ];
    let is_right = |text: &&str| match (&key.value, *text) {
        // A payload may be anything, and so may what a program of somebody else's is told.
        _ if key.path == "producers.template.params.msg" => true,
        (_, "{ strange = 1 }") if key.path == "consumers.process.params.settings" => true,
        (Value::Boolean(_), "true") => true,
        // A time may be in seconds, and a switch 0 or 1.
        (Value::Integer(_) | Value::Float(_), "1.5") => true,
        // Whoever takes a text takes a date as it is written.
        (Value::String(_) | Value::Array(_), "'\u{1F980}'" | "1979-05-27") => true,
        _ => false,
    };
    all.into_iter().filter(|text| !is_right(text)).collect()
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_file_line_and_key() {
    let lines = reference();
    let keys = keys(&lines);
    assert!(keys.len() > 45, "{}", keys.len());
    let sandbox = Sandbox::new();
    let mut accepted = Vec::new();
    for key in &keys {
        for wrong in wrong_values(key) {
            let mut lines = lines.clone();
            lines[key.line] = format!("{} = {wrong}", key.name);
            sandbox.write("wrong.toml", &lines.join("\n"));
            // What a kind knows of its parameters counts only where it is looked up.
            let (words, weight): (&[_], _) = match key.name.starts_with("params.") {
                true => (&["fedmsg-config", "check", "wrong.toml"], "error: "),
                false => (
                    &["fedmsg-hub", "--config", "wrong.toml", "--print-config"],
                    "",
                ),
            };
            let finished = sandbox.start(words).finish();
            if finished.status.success() {
                accepted.push(format!("{} = {wrong}", key.path));
                continue;
            }
            let place = format!("wrong.toml:{}: {weight}{}", key.line + 1, key.path);
            let complaints = [&finished.errors, &finished.lines.join("\n")];
            assert!(
                complaints.iter().any(|text| text.contains(&place)),
                "{place} = {wrong}: {finished:#?}"
            );
            assert_eq!(finished.status.code(), Some(78), "{place} = {wrong}");
        }
    }
    assert_eq!(accepted, [""; 0]);
}
