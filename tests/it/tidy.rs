//! The rules of the house that no compiler knows, as tests over the files of this repository.
//!
//! Each rule is a function from a [`Tree`] to what breaks it; the message says what to do. Rust is
//! looked at as tokens ([`Source`]), so a word in a comment or a string breaks nothing, unless the
//! rule is about comments. `tidy/tests.rs` shows for each rule what it finds and what it lets pass.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod items;
mod manifest;
mod source;
mod tests;
mod tree;

use std::collections::BTreeSet;
use std::fmt;

use self::manifest::Manifest;
use self::source::Source;
use self::tree::Tree;

/// The packages by rank: each may depend on packages of lower rows only (design, "The tree is the
/// diagram").
const ROWS: [&[&str]; 6] = [
    &["fedmsg-hub"],
    &["fedmsg-consumers", "fedmsg-producers"],
    &["fedmsg-actors"],
    &["fedmsg"],
    &["fedmsg-config"],
    &["fedmsg-message"],
];

/// The folders of the packages that are libraries and nothing else.
const LIBRARIES: [&str; 6] = [
    "message",
    "config",
    "client",
    "actors",
    "consumers",
    "producers",
];

/// How long a source file may be, without its tests.
const MAX_LINES: usize = 500;

/// A third-party library that one place of the workspace owns.
struct Owned {
    crates: &'static [&'static str],
    /// The packages whose manifests may name it.
    packages: &'static [&'static str],
    /// Where sources may name it: a file, or a folder with its slash.
    places: &'static [&'static str],
    owner: &'static str,
}

const TRANSPORT: Owned = Owned {
    crates: &["tmq", "zmq", "zmq_sys"],
    packages: &["fedmsg"],
    places: &["client/src/socket.rs", "client/src/socket/"],
    owner: "client/src/socket.rs: use its sockets",
};

const LAYERING: Owned = Owned {
    crates: &["figment"],
    packages: &["fedmsg-config"],
    places: &["config/src/load.rs", "config/src/load/"],
    owner: "config/src/load.rs: use the typed settings that it loads",
};

const ENGINE: Owned = Owned {
    crates: &["actix", "actix_rt"],
    packages: &["fedmsg-actors", "fedmsg-hub"],
    places: &["actors/src/", "hub/src/"],
    owner: "actors/src: plug-ins and applications see no actor type",
};

/// What breaks a rule: where, and what to do about it.
struct Finding {
    place: String,
    advice: String,
}

impl Finding {
    fn new(place: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            advice: advice.into(),
        }
    }

    fn at(source: &Source, line: usize, advice: impl Into<String>) -> Self {
        Self::new(format!("{}:{line}", source.path), advice)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.advice)
    }
}

/// Fails with everything in this repository that breaks `rule`.
#[track_caller]
fn holds(rule: fn(&Tree) -> Vec<Finding>) {
    let findings = rule(Tree::of_this_repository());
    assert!(findings.is_empty(), "{}", report(&findings));
}

/// Returns the findings, one on a line.
fn report(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| format!("\n{finding}"));
    lines.collect()
}

#[test]
fn no_package_depends_on_one_to_its_left() {
    holds(dependencies_point_right);
}

fn dependencies_point_right(tree: &Tree) -> Vec<Finding> {
    let row = |name: &str| ROWS.iter().position(|packages| packages.contains(&name));
    let mut findings = Vec::new();
    for manifest in tree.manifests() {
        let Some(from) = row(&manifest.package) else {
            let advice = format!(
                "give {} a row in ROWS of tests/it/tidy.rs",
                manifest.package
            );
            findings.push(Finding::new(manifest.path, advice));
            continue;
        };
        for dependency in &manifest.dependencies {
            if row(&dependency.package).is_some_and(|to| to <= from) {
                let (package, section) = (&dependency.package, &dependency.section);
                let advice = format!(
                    "[{section}] points to {package}, which is not to the right of {}: move what \
                     both need to a package further right",
                    manifest.package
                );
                findings.push(Finding::new(&manifest.path, advice));
            }
        }
    }
    findings
}

#[test]
fn only_the_socket_names_zeromq() {
    holds(|tree| owned(tree, &TRANSPORT));
}

#[test]
fn only_the_loader_names_figment() {
    holds(|tree| owned(tree, &LAYERING));
}

#[test]
fn only_the_engine_names_actix() {
    holds(|tree| owned(tree, &ENGINE));
}

fn owned(tree: &Tree, library: &Owned) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in tree.manifests() {
        let allowed = library.packages.contains(&manifest.package.as_str());
        for dependency in &manifest.dependencies {
            let name = dependency.package.replace('-', "_");
            let is_test = dependency.section.ends_with("dev-dependencies");
            if library.crates.contains(&name.as_str()) && !allowed && !is_test {
                let advice = format!("{name} belongs to {}", library.owner);
                findings.push(Finding::new(&manifest.path, advice));
            }
        }
    }
    for source in tree.sources().filter(|source| !source.is_in_test_folder()) {
        let at_home = library
            .places
            .iter()
            .any(|place| source.path.starts_with(place));
        let word = source
            .words
            .iter()
            .find(|word| library.crates.contains(&word.text.as_str()));
        if let (Some(word), false) = (word, at_home) {
            let advice = format!("{} belongs to {}", word.text, library.owner);
            findings.push(Finding::at(source, word.line, advice));
        }
    }
    findings
}

#[test]
fn one_file_of_the_hub_starts_the_actor_system() {
    holds(hub_names_actix_once);
}

fn hub_names_actix_once(tree: &Tree) -> Vec<Finding> {
    let names_actix = |source: &&Source| {
        let mut words = source.words.iter();
        source.path.starts_with("hub/src/")
            && words.any(|word| ENGINE.crates.contains(&word.text.as_str()))
    };
    let files: Vec<_> = tree.sources().filter(names_actix).collect();
    let advice = "a second file of the hub names actix: let one start the system for all";
    files
        .iter()
        .skip(1)
        .map(|source| Finding::new(&source.path, advice))
        .collect()
}

#[test]
fn every_file_says_what_it_is_for() {
    holds(files_open_with_a_header);
}

fn files_open_with_a_header(tree: &Tree) -> Vec<Finding> {
    let advice = "open the file with `//!`: its purpose, who calls it, whom it calls";
    let bare = tree.sources().filter(|source| !source.opens_with_header);
    bare.map(|source| Finding::at(source, 1, advice)).collect()
}

#[test]
fn no_file_has_outgrown_its_noun() {
    holds(files_are_short);
}

fn files_are_short(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources().filter(|source| !source.is_test()) {
        let lines = source.lines - source.test_lines;
        if lines > MAX_LINES {
            let advice = format!(
                "{lines} lines without tests, {MAX_LINES} are allowed: split it where the \
                 interface is small"
            );
            findings.push(Finding::new(&source.path, advice));
        }
    }
    findings
}

#[test]
fn modules_are_files_beside_their_folders() {
    holds(no_mod_rs);
}

fn no_mod_rs(tree: &Tree) -> Vec<Finding> {
    let named = tree
        .sources()
        .filter(|source| source.path.ends_with("/mod.rs"));
    named
        .map(|source| Finding::new(&source.path, "name it after its folder, beside it"))
        .collect()
}

#[test]
fn files_are_named_after_what_is_in_them() {
    holds(no_drawers);
}

fn no_drawers(tree: &Tree) -> Vec<Finding> {
    let drawers = ["util", "utils", "helper", "helpers", "misc"];
    let is_drawer = |name: &str| name.split(['_', '-']).any(|word| drawers.contains(&word));
    let mut findings = Vec::new();
    for path in tree
        .paths()
        .filter(|path| path.ends_with(".rs") || path.ends_with(".py"))
    {
        let (names, _extension) = path.rsplit_once('.').unwrap_or((path, ""));
        if names.split('/').any(is_drawer) {
            findings.push(Finding::new(
                path,
                "name the file after the noun that is in it",
            ));
        }
    }
    findings
}

#[test]
fn nothing_is_left_to_do() {
    holds(nothing_is_unfinished);
}

fn nothing_is_unfinished(tree: &Tree) -> Vec<Finding> {
    let advice = "do it now, or open an issue and delete this";
    let is_mark = |comment: &str| {
        let mut words = comment.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        words.any(|word| word == "TODO" || word == "FIXME")
    };
    let mut findings = Vec::new();
    for source in tree.sources() {
        let macros = source
            .words
            .iter()
            .filter(|word| word.is_macro && word.text == "todo");
        findings.extend(macros.map(|word| Finding::at(source, word.line, advice)));
        let comments = source
            .comments
            .lines()
            .zip(1..)
            .filter(|(comment, _)| is_mark(comment));
        findings.extend(comments.map(|(_, line)| Finding::at(source, line, advice)));
    }
    for (path, text) in tree.files_with_hash_comments() {
        for (line, number) in text.lines().zip(1..) {
            if line
                .split_once('#')
                .is_some_and(|(_, comment)| is_mark(comment))
            {
                findings.push(Finding::new(format!("{path}:{number}"), advice));
            }
        }
    }
    findings
}

#[test]
fn no_package_has_cargo_features() {
    holds(no_features);
}

fn no_features(tree: &Tree) -> Vec<Finding> {
    let advice = "no Cargo features until a user asks for one: plug-ins are chosen at run time";
    let with_features = tree.manifests().filter(|manifest| manifest.has_features);
    with_features
        .map(|manifest| Finding::new(manifest.path, advice))
        .collect()
}

#[test]
fn versions_of_dependencies_are_in_the_root_manifest_only() {
    holds(versions_are_shared);
}

fn versions_are_shared(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in tree.manifests() {
        for dependency in manifest
            .dependencies
            .iter()
            .filter(|found| !found.is_shared)
        {
            let name = &dependency.name;
            let advice = format!(
                "put the version of {name} into [workspace.dependencies] of the root manifest and \
                 write `{name}.workspace = true` here"
            );
            findings.push(Finding::new(&manifest.path, advice));
        }
    }
    findings
}

#[test]
fn every_package_obeys_the_lints_of_the_workspace() {
    holds(lints_are_shared);
}

fn lints_are_shared(tree: &Tree) -> Vec<Finding> {
    let without = tree
        .manifests()
        .filter(|manifest| !manifest.has_workspace_lints);
    let advice = "add `[lints]` with `workspace = true`";
    without
        .map(|manifest: Manifest| Finding::new(manifest.path, advice))
        .collect()
}

#[test]
fn libraries_never_print() {
    holds(no_prints_in_libraries);
}

fn no_prints_in_libraries(tree: &Tree) -> Vec<Finding> {
    let prints = ["print", "println", "eprint", "eprintln", "dbg"];
    let is_library = |source: &&Source| {
        LIBRARIES
            .iter()
            .any(|folder| source.path.starts_with(&format!("{folder}/src/")))
    };
    let mut findings = Vec::new();
    for source in tree
        .sources()
        .filter(is_library)
        .filter(|source| !source.is_test())
    {
        let is_print = |word: &&source::Word| {
            word.is_macro && !word.is_in_tests && prints.contains(&word.text.as_str())
        };
        let printed = source.words.iter().filter(is_print);
        let advice = "libraries never print: log with tracing, or return it";
        findings.extend(printed.map(|word| Finding::at(source, word.line, advice)));
    }
    findings
}

#[test]
fn everything_that_plugins_are_written_with_has_an_example() {
    holds(the_plugin_surface_has_examples);
}

fn the_plugin_surface_has_examples(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in ["actors/src/", "hub/src/"] {
        let library = format!("{folder}lib.rs");
        let library = tree.sources().find(|source| source.path == library);
        let names: BTreeSet<_> = library.iter().flat_map(|it| &it.items.exports).collect();
        for name in names {
            // What is re-exported may come from any package; functions and modules have small letters,
            // and those only look like one another.
            let is_type = name.starts_with(char::is_uppercase);
            let in_reach = |source: &&Source| {
                is_ours(&source.path) && (is_type || source.path.starts_with(folder))
            };
            let of_name = tree.sources().filter(in_reach).flat_map(|source| {
                let items = source.items.public.iter().filter(|item| item.name == *name);
                items.map(move |item| (source, item))
            });
            let found: Vec<_> = of_name.collect();
            let is_shown = found.iter().any(|(_, item)| item.has_example);
            if let (Some((source, item)), false) = (found.first(), is_shown) {
                let advice = format!(
                    "{name} is part of the plugin surface: give it an example that is compiled"
                );
                findings.push(Finding::at(source, item.line, advice));
            }
        }
    }
    findings
}

/// Whether a file is part of a library of ours.
fn is_ours(path: &str) -> bool {
    let mut folders = LIBRARIES.iter().chain(&["hub"]);
    folders.any(|folder| path.starts_with(&format!("{folder}/src/")))
}
