//! Our JSON against CPython's own `json` module, byte for byte.
//!
//! Some ten thousand generated texts, good and bad, go through one `python3` process; both sides
//! must refuse the same texts and write the others alike in all three styles. Without `python3`
//! the test says so and passes, unless `INTEROP_REQUIRED=1` is set. `PYTHON_JSON_SEED` repeats a
//! run that failed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics; clippy exempts only the functions marked #[test]"
)]

use std::io::Write;
use std::process::{Command, ExitStatus, Stdio};

use fedmsg_message::json::{self, JsonErrorKind, MAX_DEPTH, Value};
use fedmsg_message::to_canonical;

#[path = "python_json/generate.rs"]
mod generate;

const CASES: usize = 12_000;
const DEFAULT_SEED: u64 = 20_261_122;

/// Reads a hexadecimal text from each line; answers with the three styles, or with why not.
const SCRIPT: &str = r#"
import json, sys

def answer(line):
    try:
        value = json.loads(bytes.fromhex(line).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return "refused " + type(error).__name__ + " " + str(error).replace("\n", " ")
    return "\t".join((
        json.dumps(value, sort_keys=True, separators=(",", ":")),
        json.dumps(value),
        json.dumps(value, indent=2).replace("\n", "\r"),
    ))

for line in sys.stdin:
    print(answer(line))
"#;

#[test]
fn python_reads_and_writes_the_same_json() {
    let seed = std::env::var("PYTHON_JSON_SEED").map_or(DEFAULT_SEED, |seed| seed.parse().unwrap());
    let texts = generate::texts(seed, CASES);
    let Some(answers) = ask_python("python_reads_and_writes_the_same_json", &texts) else {
        return;
    };
    assert_eq!(answers.len(), texts.len());
    let mut refused = 0;
    for (text, answer) in texts.iter().zip(&answers) {
        let ours = our_answer(text);
        let is_same = match (&ours, answer.strip_prefix("refused ")) {
            (Ok(ours), None) => ours == answer,
            (Err(_), Some(_)) => true,
            _ => false,
        };
        refused += usize::from(ours.is_err());
        let shown = text.escape_ascii();
        assert!(
            is_same,
            "seed {seed}\ntext {shown}\nPython: {answer}\nours:   {ours:?}"
        );
    }
    // Both kinds have been tried in earnest.
    assert!(
        refused > CASES / 5 && refused < CASES / 2,
        "seed {seed}: {refused} refused"
    );
}

/// The limits that differ on purpose, each with what Python does beyond ours.
#[test]
fn python_differs_where_the_documentation_says_so() {
    let nested = |levels: usize| ("[".repeat(levels) + &"]".repeat(levels)).into_bytes();
    let digits = |count: usize| "7".repeat(count).into_bytes();
    let texts = [
        nested(MAX_DEPTH),
        nested(MAX_DEPTH + 1),
        nested(100_000),
        digits(4300),
        digits(4301),
    ];
    let test = "python_differs_where_the_documentation_says_so";
    let Some(answers) = ask_python(test, &texts) else {
        return;
    };
    let is_refused = |answer: &String| answer.starts_with("refused");
    let theirs: Vec<bool> = answers.iter().map(is_refused).collect();
    let ours: Vec<bool> = texts.iter().map(|text| our_answer(text).is_err()).collect();
    assert_eq!(ours, [false, true, true, false, false]);
    // Python before 3.11 knows no limit of digits.
    assert_eq!(theirs[..4], [false, false, true, false]);
    assert_eq!(
        Value::parse(&texts[1]).unwrap_err().kind,
        JsonErrorKind::TooDeep
    );
}

/// Returns the three styles as the script gives them.
fn our_answer(text: &[u8]) -> Result<String, String> {
    let value = Value::parse(text).map_err(|error| error.to_string())?;
    assert!(json::skim(text).is_ok(), "{}", text.escape_ascii());
    let canonical = String::from_utf8(to_canonical(&value).unwrap()).unwrap();
    let pretty = json::to_pretty(&value).unwrap().replace('\n', "\r");
    Ok([canonical, json::to_spaced(&value).unwrap(), pretty].join("\t"))
}

/// Returns Python's answer to each text; `None`, and says so, if there is no Python and none is
/// required.
fn ask_python(test: &str, texts: &[Vec<u8>]) -> Option<Vec<String>> {
    let child = Command::new("python3")
        .args(["-c", SCRIPT])
        .env("PYTHONIOENCODING", "ascii")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let is_required = std::env::var("INTEROP_REQUIRED").is_ok_and(|value| value == "1");
            assert!(
                !is_required,
                "{test}: INTEROP_REQUIRED=1, but there is no python3"
            );
            // Not through the macros, whose output a passing test keeps to itself.
            let _ = writeln!(std::io::stderr(), "skipped {test}: there is no python3");
            return None;
        }
        child => child.unwrap(),
    };
    let lines: String = texts.iter().map(|text| hexadecimal(text) + "\n").collect();
    let mut stdin = child.stdin.take().unwrap();
    // Written beside the reading, or both pipes would fill up.
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(
        ExitStatus::success(&output.status),
        "python3: {}",
        output.status
    );
    writer.join().unwrap().unwrap();
    Some(
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect(),
    )
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
