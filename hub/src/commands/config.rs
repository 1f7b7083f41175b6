//! `fedmsg-config`: shows the configuration and where it comes from, checks it, and imports the original's.

mod answer;
pub(crate) mod check;
mod import;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use fedmsg_config::{KeyPath, Listing};

use self::check::CheckArgs;
use self::import::ImportArgs;
use self::show::ShowArgs;
use super::common::{complain, fail, load, print};
use super::hub::kinds::{self, Form};
use crate::exit::Exit;
use crate::hub::built_in_kinds;

/// Show the configuration, and where it comes from.
///
/// Without a subcommand it does what the original's does, for scripts that read it: all settings as JSON,
/// or the one that --query names. A list is one item a line then, a text is bare, anything else is JSON.
///
/// A path is keys joined by dots. A key that has dots itself may be written as it is or in quotes:
/// endpoints.bodhi.app01 or 'endpoints."bodhi.app01"'.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-config --query relay_inbound         the addresses of the relay, one a line
  fedmsg-config --origin                      every setting, and the file and line it comes from
  fedmsg-config --origin --query endpoints    those of one table
  fedmsg-config --config ./fedmsg.toml        what this file makes of the defaults, as JSON

Exit status:
  0   done
  1   there is no such setting, or it has no value
  2   bad command line
  65  import has left something out, or is given no file of the original
  74  the output cannot be written, or import cannot read a file
  78  the configuration is wrong, or cannot be read")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Option<Action>,

    /// Show only the setting at this path, bare, for scripts
    #[arg(long, value_name = "PATH")]
    query: Option<String>,

    /// Show each setting with where it comes from, as `show --origin` does
    #[arg(long)]
    origin: bool,

    /// Leave out what has its built-in default
    #[arg(long, global = true)]
    disable_defaults: bool,

    /// Read this file, or the files of this directory, instead of the usual ones
    #[arg(
        long,
        alias = "config-filename",
        global = true,
        value_name = "FILE|DIR",
        help_heading = "Configuration"
    )]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Show(ShowArgs),
    Check(CheckArgs),
    Import(ImportArgs),
    /// Print the JSON Schema (2020-12) of a configuration file, for editors
    ///
    /// It knows every setting and the params of every built-in kind. For a hub with kinds of your own, its
    /// own flag --list-kinds=schema prints it. An editor completes and checks a file that begins with
    /// #:schema PATH (taplo and Even Better TOML).
    #[command(after_help = "\
Examples:
  fedmsg-config schema > fedmsg.schema.json   for an editor

Exit status:
  0   done
  2   bad command line
  74  the output cannot be written")]
    Schema(Unread),
}

/// The flags of those who read the configuration, where it is not read: they are refused.
#[derive(Debug, Args)]
struct Unread {
    #[arg(long, alias = "config-filename", hide = true)]
    config: Option<PathBuf>,

    #[arg(long, hide = true)]
    disable_defaults: bool,
}

impl Unread {
    /// Says which of them is given.
    fn refused(&self) -> Result<(), Exit> {
        let flag = match (&self.config, self.disable_defaults) {
            (Some(_), _) => "--config",
            (None, true) => "--disable-defaults",
            (None, false) => return Ok(()),
        };
        let message = format_args!("{flag} is not for this: it reads no configuration");
        Err(fail(Exit::Usage, message))
    }
}

/// How settings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As a configuration file
    Toml,
    /// As one document, or one line for each setting with --origin
    Json,
}

/// Runs the command.
pub(crate) fn run(args: ConfigArgs) -> Exit {
    if args.action.is_some() && (args.query.is_some() || args.origin) {
        return fail(
            Exit::Usage,
            "--query and --origin go with no subcommand: write `fedmsg-config show --origin KEY` or \
             `fedmsg-config --query KEY`",
        );
    }
    let shown = match &args.action {
        Some(Action::Check(check)) => {
            let (text, exit) = check::run(check, args.config.as_ref(), &built_in_kinds());
            return match print(&text) {
                Exit::Ok => exit,
                failed => failed,
            };
        }
        Some(Action::Schema(unread)) => {
            return match unread.refused() {
                Ok(()) => kinds::list(&built_in_kinds(), Form::Schema),
                Err(exit) => exit,
            };
        }
        Some(Action::Import(files)) => return import::run(files, &built_in_kinds()),
        Some(Action::Show(show)) => listing(&args).and_then(|it| show.text(&it)),
        None if args.origin => {
            listing(&args).and_then(|it| show::with_origins(&it, args.query.as_deref()))
        }
        None => listing(&args).and_then(|it| answer::text(&it, args.query.as_deref())),
    };
    match shown {
        Ok(text) => print(&text),
        Err(exit) => exit,
    }
}

/// Loads the configuration.
fn listing(args: &ConfigArgs) -> Result<Listing, Exit> {
    let loaded = load(args.config.clone())?;
    let listing = Listing::new(&loaded).map_err(|error| fail(Exit::Software, error))?;
    Ok(if args.disable_defaults {
        listing.without_defaults()
    } else {
        listing
    })
}

/// Finds a setting, or says in the words of the original that there is none: scripts look for them.
fn find<'a>(listing: &'a Listing, path: &str) -> Result<(KeyPath, &'a toml::Value), Exit> {
    listing.find(path).ok_or_else(|| {
        complain(format_args!("Key `{path}` does not exist in config"));
        Exit::Failed
    })
}
