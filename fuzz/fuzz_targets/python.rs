//! Fuzzes what reads configurations of the original, which are Python programs.
#![no_main]

use std::path::PathBuf;

use fedmsg_config::python::Machine;
use fedmsg_config::{Config, PythonFile, import};
use libfuzzer_sys::fuzz_target;

// Two files, with a NUL between them. Whatever they say, what is made of them loads, and is written as what
// it is; reading them again makes the same of them.
fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let files: Vec<_> = text.split('\0').take(2).map(file).collect();
    let machine = Machine {
        directory: "/srv".to_owned(),
        host: "app01.example.org".to_owned(),
    };
    let imported = import(&files, &machine, &["relay", "dummy"]);
    let toml = imported.to_toml();
    assert!(Config::from_toml(&toml).is_ok(), "{toml}");
    assert_eq!(
        toml.parse::<toml::Table>().ok().as_ref(),
        Some(&imported.table)
    );
    assert_eq!(
        import(&files, &machine, &["relay", "dummy"]).notes,
        imported.notes
    );
});

fn file(text: &str) -> PythonFile {
    PythonFile {
        path: PathBuf::from("fuzz.py"),
        text: text.to_owned(),
    }
}
