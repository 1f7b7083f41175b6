//! From the configuration files of the original, which are Python, to ours.
//!
//! `fedmsg-config import` calls [`import`]. [`crate::python`] reads the files without running them, they are
//! merged as the original merges them, [`counterpart`] says what each key is called here, and what the result
//! is worth is found out by loading it.

mod counterpart;
mod merge;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use toml::{Table, Value};

use self::counterpart::{Counterpart, Counterparts, Param};
use self::merge::{Merged, Tree};
use crate::config::Config;
use crate::error::ConfigErrors;
use crate::key_path::{KeyPath, Segment};
use crate::monitoring_address::PROCESS;
use crate::problem::Problem;
use crate::python::{self, Machine};

/// How often the result is loaded and what is wrong left out, at most: each time shows a hundred problems.
const ATTEMPTS: usize = 200;

/// The only key that may have the name of the program in it.
const MONITORING: &str = "moksha.monitoring.socket";

/// A file of the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonFile {
    /// What it is called in messages.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// What has become of the files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The settings, which load without errors.
    pub table: Table,
    /// What has to be said about them, in the order of the files and lines.
    pub notes: Vec<Note>,
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
}

/// One thing to be said about an import. It is shown as `FILE:LINE: KEY: text`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// How it matters.
    pub weight: Weight,
    /// The file and the line, from 1; nothing for what is said of all files together.
    pub place: Option<(PathBuf, usize)>,
    /// The key in the original, if it is about one.
    pub key: Option<String>,
    /// What there is to say.
    pub text: String,
}

/// How much a [`Note`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something that the file says is not in the result, and has to be seen to.
    LeftOut,
    /// Something is as it should be, but worth knowing.
    Remark,
}

/// Reads `files`, the one that yields to all others first, for a hub that knows these `kinds` of consumers.
///
/// ```
/// use fedmsg_config::{PythonFile, import, python::Machine};
///
/// let text = "import os\nconfig = {\n  'environment': 'stg',\n  'irc_bot': os.system('true'),\n}";
/// let files = [PythonFile { path: "a.py".into(), text: text.to_owned() }];
/// let imported = import(&files, &Machine::default(), &["relay"]);
/// assert_eq!(imported.table["environment"].as_str(), Some("stg"));
/// assert!(!imported.is_complete());
/// assert!(imported.notes[0].to_string().starts_with("a.py:4: irc_bot: "));
/// ```
pub fn import(files: &[PythonFile], machine: &Machine, kinds: &[&str]) -> Imported {
    let mut import = Import {
        files,
        counterparts: Counterparts::new(kinds),
        table: Table::new(),
        places: BTreeMap::new(),
        notes: Vec::new(),
    };
    let mut merged = Merged::default();
    for (number, file) in files.iter().enumerate() {
        let program = python::read(&file.text, machine);
        for unread in program.unread {
            import.note(Weight::LeftOut, (number, unread.line), None, unread.reason);
        }
        for (line, what) in program.of_machine {
            let text = format!("{what} is written down as it is here");
            import.note(Weight::Remark, (number, line), None, text);
        }
        merged.add(number, program.config);
    }
    import.convert_all(merged);
    import.leave_out_what_does_not_load();
    import.compare_defaults();
    let mut notes = import.notes;
    notes.sort_by(|a, b| (a.place.is_none(), &a.place).cmp(&(b.place.is_none(), &b.place)));
    notes.dedup();
    Imported {
        table: import.table,
        notes,
        files: files.iter().map(|file| file.path.clone()).collect(),
    }
}

/// The number of a file, and a line in it.
type Place = (usize, usize);

struct Import<'a> {
    files: &'a [PythonFile],
    counterparts: Counterparts,
    table: Table,
    /// Where what is in the table comes from.
    places: BTreeMap<KeyPath, (Place, String)>,
    notes: Vec<Note>,
}

impl Import<'_> {
    fn note(&mut self, weight: Weight, place: Place, key: Option<&str>, text: impl Into<String>) {
        let (number, line) = place;
        self.notes.push(Note {
            weight,
            place: self.files.get(number).map(|file| (file.path.clone(), line)),
            key: key.map(str::to_owned),
            text: text.into(),
        });
    }

    fn convert_all(&mut self, merged: Merged) {
        // What consumers take comes after what switches them on.
        let mut params = Vec::new();
        for (key, node) in merged.nodes {
            let place = (node.file, node.line);
            let key = key.as_str();
            match self.counterparts.of(key, &node.tree) {
                Counterpart::Same => {
                    let path = KeyPath::from(key);
                    self.places.insert(path.clone(), (place, key.to_owned()));
                    if let Some(value) = self.convert(node.tree, &path, key, place) {
                        self.table.insert(key.to_owned(), value);
                    }
                }
                Counterpart::Consumer { name, kind } => {
                    let path = KeyPath::from(["consumers", name]);
                    self.places.insert(path, (place, key.to_owned()));
                    let consumers = self.table.entry("consumers");
                    let consumers = consumers.or_insert_with(|| Value::Table(Table::new()));
                    if let Value::Table(consumers) = consumers {
                        let consumer = Table::from_iter([("kind".to_owned(), kind.into())]);
                        consumers.insert(name.to_owned(), Value::Table(consumer));
                    }
                }
                Counterpart::Param { consumer, param } => {
                    params.push(((consumer, param), node.tree, key.to_owned(), place));
                }
                Counterpart::NotNeeded(text) => {
                    self.note(Weight::Remark, place, Some(key), text);
                }
                Counterpart::Missing(text) => {
                    self.note(Weight::LeftOut, place, Some(key), text);
                }
            }
        }
        for (param, tree, key, place) in params {
            self.set_param(param, tree, &key, place);
        }
    }

    /// Sets what a consumer takes. Where its switch has not put it in, it is one that hubs leave out, and the
    /// program with that consumer takes: `fedmsg-gateway` of the original needs no switch, either.
    fn set_param(&mut self, (consumer, param): (&str, Param), tree: Tree, key: &str, place: Place) {
        let name = match param {
            Param::Port => "address",
            Param::Same(name) => name,
        };
        let path = KeyPath::from(["consumers", consumer, "params", name]);
        let Some(value) = self.convert(tree, &path, key, place) else {
            return;
        };
        let value = match (param, &value) {
            (Param::Port, Value::Integer(port)) => Value::String(format!("tcp://*:{port}")),
            _ => value,
        };
        let empty = || Value::Table(Table::new());
        let consumers = self.table.entry("consumers").or_insert_with(empty);
        let Value::Table(consumers) = consumers else {
            return;
        };
        let is_new = !consumers.contains_key(consumer);
        let Value::Table(table) = consumers.entry(consumer).or_insert_with(empty) else {
            return;
        };
        if is_new {
            table.insert("kind".to_owned(), consumer.into());
            table.insert("enabled".to_owned(), false.into());
        }
        if let Value::Table(params) = table.entry("params").or_insert_with(empty) {
            params.insert(name.to_owned(), value);
        }
        if is_new {
            let text = format!(
                "for fedmsg-{consumer}: hubs leave it out, for [consumers.{consumer}] has `enabled = false`"
            );
            self.note(Weight::Remark, place, Some(key), text);
        }
        self.places.insert(path, (place, key.to_owned()));
    }

    /// Returns the value as TOML has it. What is not known is told and left out, also within lists and
    /// tables; `None` is how the original leaves something unset.
    fn convert(&mut self, tree: Tree, path: &KeyPath, key: &str, place: Place) -> Option<Value> {
        match tree {
            Tree::Leaf(value) => self.convert_value(value, path, key, place),
            Tree::Table(nodes) => {
                let mut table = Table::new();
                for (below, node) in nodes {
                    let path = path.child(below.as_str());
                    let shown = format!("{key}.{below}");
                    let place = (node.file, node.line);
                    self.places.insert(path.clone(), (place, shown.clone()));
                    if !self.may_say(&below, &path, &shown, place) {
                        continue;
                    }
                    if let Some(value) = self.convert(node.tree, &path, &shown, place) {
                        table.insert(below, value);
                    }
                }
                Some(Value::Table(table))
            }
        }
    }

    fn convert_value(
        &mut self,
        value: python::Value,
        path: &KeyPath,
        key: &str,
        place: Place,
    ) -> Option<Value> {
        match value {
            python::Value::None => {
                self.note(Weight::Remark, place, Some(key), "None: it is left unset");
                None
            }
            python::Value::Bool(is) => Some(Value::Boolean(is)),
            python::Value::Int(number) => Some(Value::Integer(number)),
            python::Value::Float(number) => Some(Value::Float(number)),
            python::Value::Text(text) => {
                let is_right = self.may_say(&text, path, key, place);
                is_right.then_some(Value::String(text))
            }
            python::Value::List(items) => {
                let mut list = Vec::new();
                for (index, item) in items.into_iter().enumerate() {
                    let path = path.child(index);
                    list.extend(self.convert_value(item, &path, key, place));
                }
                Some(Value::Array(list))
            }
            python::Value::Dict(dict) => {
                let tree = Tree::of(place.0, python::Value::Dict(dict));
                self.convert(tree, path, key, place)
            }
            python::Value::Named(name) => {
                self.note(
                    Weight::LeftOut,
                    place,
                    Some(key),
                    format!("{name} is no literal"),
                );
                None
            }
            python::Value::Unknown(unknown) => {
                let place = (place.0, unknown.line);
                let text = format!("not known without running it: {}", unknown.reason);
                self.note(Weight::LeftOut, place, Some(key), text);
                None
            }
        }
    }

    /// Whether a text may stand at `path`: the name of the program is known in one place only. It is told of.
    fn may_say(&mut self, text: &str, path: &KeyPath, key: &str, place: Place) -> bool {
        if !text.contains(PROCESS) {
            return true;
        }
        let is_known = *path == KeyPath::from(MONITORING);
        let (weight, text) = if is_known {
            let text = format!("{PROCESS} stands for the name of the program");
            (Weight::Remark, text)
        } else {
            let text = "not known without running it: the name of the program";
            (Weight::LeftOut, text.to_owned())
        };
        self.note(weight, place, Some(key), text);
        is_known
    }

    /// Loads the table, and takes out what is at fault until nothing is.
    fn leave_out_what_does_not_load(&mut self) {
        for _ in 0..ATTEMPTS {
            let Err(errors) = load(&self.table) else {
                return;
            };
            let mut faults: Vec<(KeyPath, String)> = Vec::new();
            for error in errors.iter() {
                let key = match error.problem {
                    Problem::MissingKey => error.key.parent().unwrap_or_default(),
                    _ => error.key.clone(),
                };
                let advice = error.suggestion.as_ref();
                let advice = advice.map_or_else(String::new, |advice| format!("; {advice}"));
                faults.push((key, format!("not allowed here: {}{advice}", error.problem)));
            }
            // The last item of a list first, so that the others stay where they are.
            faults.sort_by(|a, b| b.0.cmp(&a.0));
            let mut is_changed = false;
            for (path, text) in faults {
                is_changed |= remove(&mut self.table, path.segments());
                let (place, key) = self.place_of(&path);
                self.note(Weight::LeftOut, place, key.as_deref(), text);
            }
            if !is_changed {
                break;
            }
        }
        if load(&self.table).is_err() {
            self.table = Table::new();
            self.note(
                Weight::LeftOut,
                (0, 1),
                None,
                "nothing that could be loaded",
            );
        }
    }

    fn place_of(&self, path: &KeyPath) -> (Place, Option<String>) {
        let mut path = Some(path.clone());
        while let Some(here) = path {
            if let Some((place, key)) = self.places.get(&here) {
                return (*place, Some(key.clone()));
            }
            path = here.parent();
        }
        ((0, 1), None)
    }

    /// Says where another default matters than the original has.
    fn compare_defaults(&mut self) {
        let mut remark = |key: &str, text: &str| {
            self.notes.push(Note {
                weight: Weight::Remark,
                place: None,
                key: Some(key.to_owned()),
                text: text.to_owned(),
            });
        };
        if !self.table.contains_key("topic_prefix") {
            let text = "not set: the original takes \"org.fedoraproject\" then, here it is \"com.example\"";
            remark("topic_prefix", text);
        }
        if let Some(Value::Table(endpoints)) = self.table.get("endpoints")
            && !endpoints.contains_key("relay_outbound")
        {
            let text = "not set: here it is \"tcp://127.0.0.1:4001\" then, which `relay_outbound = []` undoes";
            remark("endpoints.relay_outbound", text);
        }
    }
}

fn load(table: &Table) -> Result<(), ConfigErrors> {
    Config::from_toml(&table.to_string()).map(drop)
}

/// Removes what is at a path, or as near to it as there is something; returns whether there was.
fn remove(table: &mut Table, path: &[Segment]) -> bool {
    let Some((Segment::Key(first), rest)) = path.split_first() else {
        return false;
    };
    if !rest.is_empty()
        && let Some(below) = table.get_mut(first)
        && remove_below(below, rest)
    {
        return true;
    }
    table.remove(first).is_some()
}

fn remove_below(value: &mut Value, path: &[Segment]) -> bool {
    match (value, path.split_first()) {
        (Value::Table(table), Some(_)) => remove(table, path),
        (Value::Array(list), Some((Segment::Index(index), rest))) => {
            let Some(item) = list.get_mut(*index) else {
                return false;
            };
            if rest.is_empty() || !remove_below(item, rest) {
                list.remove(*index);
            }
            true
        }
        _ => false,
    }
}

impl Imported {
    /// Returns whether everything that the files say is in the result, or not needed.
    pub fn is_complete(&self) -> bool {
        self.notes.iter().all(|note| note.weight == Weight::Remark)
    }

    /// Returns the result as a configuration file, with the notes as comments above it.
    pub fn to_toml(&self) -> String {
        let mut text = String::from("# Made by `fedmsg-config import` of:\n");
        for file in &self.files {
            comment(&mut text, &file.display().to_string());
        }
        let parts = [
            (Weight::LeftOut, "Left out, and to be seen to:"),
            (Weight::Remark, "Worth knowing:"),
        ];
        for (weight, title) in parts {
            let notes: Vec<_> = self.notes.iter().filter(|it| it.weight == weight).collect();
            if !notes.is_empty() {
                let _ = write!(text, "#\n# {title}\n");
            }
            for note in notes {
                comment(&mut text, &note.to_string());
            }
        }
        format!("{text}\n{}", self.table)
    }
}

/// Writes a comment, out of which nothing in `line` can break.
fn comment(text: &mut String, line: &str) {
    let line = line.replace(|c: char| c.is_control(), " ");
    let _ = writeln!(text, "#   {line}");
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((path, line)) = &self.place {
            write!(f, "{}:{line}: ", path.display())?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
