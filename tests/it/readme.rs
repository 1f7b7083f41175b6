//! What the README says, held against what is there: every command, every block, every table.

mod blocks;
mod commands;
mod signing;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

/// The README, as it is read.
fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).expect("the README")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The contents of its blocks in the language `language`, in order.
fn blocks(language: &str) -> Vec<String> {
    let (mut blocks, mut open) = (Vec::new(), None::<(bool, String)>);
    for line in readme().lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(opened)) => open = Some((opened == language, String::new())),
            (Some((wanted, text)), Some(_)) => {
                if *wanted {
                    blocks.push(std::mem::take(text));
                }
                open = None;
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(!blocks.is_empty(), "no block in {language}");
    blocks
}

/// The cells of the table below `heading`, row by row, without its head; its first one is `columns`.
fn table(columns: &str) -> Vec<Vec<String>> {
    let readme = readme();
    let (_, after) = readme
        .split_once(columns)
        .expect("a table with these columns");
    let rows = after
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let row = row.trim_start_matches('|').trim_end_matches('|');
        row.split('|').map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

#[test]
fn every_file_that_the_documents_name_is_there() {
    let folders = fs::read_dir(repository()).expect("the repository");
    let folders = folders.map(|entry| entry.expect("an entry").file_name());
    let folders: Vec<_> = folders
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let mut named = 0;
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(repository().join(document)).expect("a document");
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let code = text.split('`').skip(1).step_by(2);
        for name in links.chain(code).filter(|name| !name.contains("://")) {
            let is_path = name.split_once('/').is_some_and(|(first, rest)| {
                !rest.contains([' ', '*']) && folders.iter().any(|folder| folder == first)
            });
            if is_path || name.ends_with(".md") {
                assert!(repository().join(name).exists(), "{document}: {name}");
                named += 1;
            }
        }
    }
    assert!(named > 40, "{named}");
}
