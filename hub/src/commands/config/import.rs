//! `fedmsg-config import`: the Python files of the original as one TOML file.
//!
//! [`super::run`] calls it; `fedmsg_config::import` does it, here files are found, read and written.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use fedmsg_actors::Registry;
use fedmsg_config::python::{MAX_SIZE, Machine};
use fedmsg_config::{Imported, PythonFile, Sources, Weight, import};

use super::check::{self, Scope, Severity};
use super::{Unread, complain, fail, print};
use crate::exit::Exit;

/// Where nothing is.
const NOWHERE: &str = "/nonexistent";

/// The most files that a directory may have: the original's has some dozens.
const MOST_FILES: usize = 1000;

/// Make a configuration of the original's Python files.
///
/// Of a directory, the files *.py are read in the order of their names, as the original does; files and
/// directories that come later win. Nothing in them is run: literals, names and what such files have by custom
/// is understood, anything else is left out. What is left out is named on standard error and in comments.
///
/// The status is 0 when everything is carried over or has no need to be, and 65 when something is left out
/// that has to be seen to.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-config import /etc/fedmsg.d                        what comes of it
  fedmsg-config import /etc/fedmsg.d --output fedmsg.toml   the same, as a new file
  fedmsg-config import fedmsg.d fedmsg-config.py            what comes later wins

Exit status:
  0   everything is carried over, or has no need to be
  2   bad command line
  65  something is left out, or what is named is no file of the original
  74  a file cannot be read, or the output not written")]
pub(super) struct ImportArgs {
    /// The files of the original, and directories of them such as /etc/fedmsg.d
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,

    /// Write to this file, which must not exist, instead of to standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    unread: Unread,
}

/// Runs the subcommand, for a hub that knows the kinds of `registry`.
pub(super) fn run(args: &ImportArgs, registry: &Registry) -> Exit {
    let refused = args.unread.refused();
    match refused.and_then(|()| imported(args, registry)) {
        Ok(imported) => finish(args, &imported, registry),
        Err(exit) => exit,
    }
}

fn imported(args: &ImportArgs, registry: &Registry) -> Result<Imported, Exit> {
    let mut files = Vec::new();
    for path in &args.paths {
        if path.is_dir() {
            for path in python_files(path)? {
                files.push(read(path)?);
            }
        } else {
            files.push(read(path.clone())?);
        }
    }
    let directory = std::env::current_dir().unwrap_or_default();
    let machine = Machine {
        directory: directory.to_string_lossy().into_owned(),
        host: gethostname::gethostname().to_string_lossy().into_owned(),
    };
    let kinds: Vec<_> = registry.consumer_kinds().collect();
    Ok(import(&files, &machine, &kinds))
}

/// Returns the files of a directory in the order in which the original reads them.
fn python_files(directory: &Path) -> Result<Vec<PathBuf>, Exit> {
    let failed =
        |error: io::Error| fail(Exit::Io, format_args!("{}: {error}", directory.display()));
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_python = path.extension().is_some_and(|extension| extension == "py");
        if is_python && !path.is_dir() {
            paths.push(path);
        }
    }
    if paths.is_empty() || paths.len() > MOST_FILES {
        let count = paths.len();
        let message = format!(
            "{}: {count} files *.py in this directory",
            directory.display()
        );
        return Err(fail(Exit::Data, message));
    }
    paths.sort();
    Ok(paths)
}

fn read(path: PathBuf) -> Result<PythonFile, Exit> {
    let failed = |error: io::Error| fail(Exit::Io, format_args!("{}: {error}", path.display()));
    let is_file = fs::metadata(&path).map_err(failed)?.is_file();
    if !is_file {
        return Err(fail(
            Exit::Data,
            format_args!("{}: not a file", path.display()),
        ));
    }
    let mut bytes = Vec::new();
    let limit = MAX_SIZE as u64 + 1;
    let file = File::open(&path).map_err(failed)?;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_SIZE {
        let message = format!(
            "{}: larger than 1 MiB: this is no configuration",
            path.display()
        );
        return Err(fail(Exit::Data, message));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(PythonFile { path, text }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let message = format!("{}: not UTF-8 at byte {at}", path.display());
            Err(fail(Exit::Data, message))
        }
    }
}

/// Writes the result, and says what there is to say about it.
fn finish(args: &ImportArgs, imported: &Imported, registry: &Registry) -> Exit {
    for note in &imported.notes {
        match note.weight {
            Weight::LeftOut => complain(format_args!("left out: {note}")),
            Weight::Remark => complain(format_args!("remark: {note}")),
        }
    }
    let text = imported.to_toml();
    // The result alone, without what this machine has.
    let sources = Sources {
        root: NOWHERE.into(),
        cwd: NOWHERE.into(),
        flags: imported.table.clone(),
        ..Sources::default()
    };
    let findings = check::findings(&sources, registry, Scope::Text);
    for finding in &findings {
        let severity = match finding.severity {
            Severity::Error => "wrong",
            Severity::Warning => "remark",
        };
        complain(format_args!(
            "{severity}: {}: {}",
            finding.key, finding.message
        ));
    }
    let is_right = findings.iter().all(|it| it.severity == Severity::Warning);
    let written = match &args.output {
        None => print(&text),
        Some(path) => write(path, &text),
    };
    match written {
        Exit::Ok if imported.is_complete() && is_right => Exit::Ok,
        Exit::Ok => Exit::Data,
        failed => failed,
    }
}

/// Writes a new file: what an operator has in its place stays. Nothing is left of one that cannot be written
/// to its end: half a configuration may well be one, too.
fn write(path: &Path, text: &str) -> Exit {
    let written = File::create_new(path).and_then(|mut file| {
        let written = file.write_all(text.as_bytes());
        written.and_then(|()| file.sync_all()).inspect_err(|_| {
            let _ = fs::remove_file(path);
        })
    });
    match written {
        Ok(()) => Exit::Ok,
        Err(error) => fail(Exit::Io, format_args!("{}: {error}", path.display())),
    }
}
