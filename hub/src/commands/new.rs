//! `fedmsg-new`: begins a plugin or a hub of one's own, as a project that compiles and has a test.
//!
//! What it writes is in `hub/templates`; [`project`] puts it together.

mod project;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use self::project::{ProjectName, files};
use super::common::{fail, print};
use crate::exit::Exit;
use crate::hub::built_in_kinds;

/// Where the sources of this program were when it was built.
const SOURCES: &str = env!("CARGO_MANIFEST_DIR");

/// Begin a plugin or a hub of your own: a project with a test, a configuration and a README.
///
/// Nothing that exists is changed: the directory must not be there yet. The name is that of the project,
/// and of the kind of consumer or producer: small letters, digits and hyphens, a letter first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-new consumer greeter         makes ./greeter, a consumer, and a hub to try it with
  fedmsg-new producer ticker --path /usr/src/fedmsg
  fedmsg-new hub our-hub --dir /srv/our-hub

Exit status:
  0   the project is there: cd into it and run cargo test
  2   bad command line
  65  the name is not allowed, or the directory is there already
  74  a file could not be written, or the sources are not where --path says")]
pub(crate) struct NewArgs {
    /// What to begin
    #[arg(value_enum)]
    what: What,

    /// What to call it
    name: String,

    /// The directory to make [default: NAME]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// The sources of fedmsg-hub, on which the project depends [default: those of this program]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

/// What a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// A kind of consumer, and a hub that knows it
    Consumer,
    /// A kind of producer, and a hub that knows it
    Producer,
    /// A hub with a consumer and a producer, and a unit for systemd
    Hub,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consumer => "consumer",
            Self::Producer => "producer",
            Self::Hub => "hub",
        })
    }
}

/// Runs the command.
pub(crate) fn run(args: &NewArgs) -> Exit {
    match make(args) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn make(args: &NewArgs) -> Result<(), Exit> {
    let name = ProjectName::try_new(&args.name, args.what, &built_in_kinds())
        .map_err(|error| fail(Exit::Data, error))?;
    let sources = sources(args.path.as_deref())?;
    let directory = args
        .dir
        .clone()
        .unwrap_or_else(|| PathBuf::from(&args.name));
    let failed = |path: &Path, error: io::Error| {
        let exit = match error.kind() {
            io::ErrorKind::AlreadyExists => Exit::Data,
            _ => Exit::Io,
        };
        fail(exit, format_args!("{}: {error}", path.display()))
    };
    fs::create_dir(&directory).map_err(|error| failed(&directory, error))?;
    let filled = fill(&directory, &files(args.what, &name, &sources), &sources);
    if let Err((path, error)) = filled {
        // Half a project is of no use, and would be in the way of the next attempt. It is all ours.
        let _ = fs::remove_dir_all(&directory);
        return Err(failed(&path, error));
    }
    let directory = directory.display();
    match print(&format!("made {directory}: cd there and run cargo test\n")) {
        Exit::Ok => Ok(()),
        exit => Err(exit),
    }
}

/// Writes the files of a project; an error names the one that could not be written.
fn fill(
    directory: &Path,
    files: &[(PathBuf, String)],
    sources: &Path,
) -> Result<(), (PathBuf, io::Error)> {
    for (path, text) in files {
        let path = directory.join(path);
        write(&path, text).map_err(|error| (path, error))?;
    }
    // The versions that this program was tested with.
    let (from, to) = (sources.join("Cargo.lock"), directory.join("Cargo.lock"));
    if from.is_file() {
        fs::copy(from, &to).map_err(|error| (to, error))?;
    }
    Ok(())
}

/// Finds the sources of fedmsg-hub.
fn sources(path: Option<&Path>) -> Result<PathBuf, Exit> {
    let path = path.unwrap_or(Path::new(SOURCES));
    let manifest = path.join("Cargo.toml");
    let is_it = fs::read_to_string(&manifest)
        .is_ok_and(|manifest| manifest.contains("name = \"fedmsg-hub\""));
    let absolute = path.canonicalize().ok().filter(|_| is_it);
    absolute.ok_or_else(|| {
        let path = path.display();
        let text =
            format!("{path}: the sources of fedmsg-hub are not there; say where with --path");
        fail(Exit::Io, text)
    })
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create_new(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        // The directory can be made, but paths of files in it are longer than Linux takes (PATH_MAX).
        let mut dir = folder.path().to_str().unwrap().to_owned() + "/";
        while dir.len() < 4085 {
            dir += "./";
        }
        dir += "made";
        let args = NewArgs {
            what: What::Hub,
            name: "our-hub".to_owned(),
            dir: Some(dir.into()),
            path: None,
        };
        assert_eq!(run(&args), Exit::Io);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
