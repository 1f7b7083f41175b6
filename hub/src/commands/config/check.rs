//! `fedmsg-config check`: everything that can be wrong with a configuration and shows without starting.
//!
//! [`super::run`] calls it with the built-in kinds, a hub with `--check` with those that it knows. Each file
//! of `check/` looks at one thing and adds its [`Finding`]s.

mod addresses;
mod files;
mod finding;
mod kinds;
mod preflight;
mod publishers;
mod socket_file;
mod topics;

use std::collections::HashSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fedmsg_actors::{Registry, StartError};
use fedmsg_config::{Config, ConfigErrors, Examined, KeyPath, Loaded, Origin, Sources};
use toml::Table;

use self::finding::Finding;
pub(super) use self::finding::Severity;
use crate::commands::common::{complain, counted};
use crate::exit::Exit;

/// Check configurations: everything that can be told without starting.
///
/// Each FILE or DIR is a configuration by itself, read as --config reads it, variables included; without
/// any, it is the one that programs started here find. All problems are shown at once, each on a line with
/// file, line and key. The status is 0 when there are none but warnings.
///
/// Nothing is sent and nothing is downloaded. Addresses of this host are bound for a moment, to see whether
/// they are free. Variables that secrets are to be in are those of the hub, and not looked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-config check                 what programs started here find
  fedmsg-config check ./fedmsg.toml   this file
  fedmsg-config check --resolve       with a look at the names of hosts

Exit status:
  0   nothing is wrong; there may be warnings
  2   bad command line
  74  the output cannot be written
  78  the configuration is wrong, or cannot be read")]
pub(super) struct CheckArgs {
    /// The configurations; the usual one if there is none here
    #[arg(value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,

    /// Look the names of hosts up, too
    #[arg(long)]
    resolve: bool,

    /// How to write what is found
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// FILE:LINE: error: KEY: what is wrong
    Text,
    /// One object a line
    Json,
}

/// What a check looks at beside the configuration itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// What the configuration says.
    Text,
    /// That, and this machine: its keys, certificates and ports.
    Machine,
    /// That, and whether host names have addresses.
    Names,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// A program that knows the built-in kinds only, whatever hub the configuration is for.
    Config,
    /// The hub itself.
    Hub,
}

/// What `check` has to say, and how it ends.
pub(super) fn run(
    args: &CheckArgs,
    config: Option<&PathBuf>,
    registry: &Registry,
) -> (String, Exit) {
    let named: Vec<Option<PathBuf>> = if args.paths.is_empty() {
        vec![config.cloned()]
    } else {
        args.paths.iter().cloned().map(Some).collect()
    };
    let scope = if args.resolve {
        Scope::Names
    } else {
        Scope::Machine
    };
    let mut idle = Vec::new();
    let check = |config: Option<PathBuf>| {
        let sources = Sources::from_process(config.clone(), Table::new());
        let examined = Config::examine(&sources);
        if examined.loaded.as_ref().is_some_and(is_idle) {
            idle.push(config);
        }
        in_examined(examined, registry, scope, Asked::Config)
    };
    let mut findings: Vec<Finding> = named.into_iter().flat_map(check).collect();
    // A file may be part of several configurations, and a variable is part of all.
    say_once(&mut findings);
    let (text, exit) = report(&findings, args.format);
    // No warning: those who publish and listen share the file, and have no need of either.
    for config in idle {
        let which = config.map_or_else(String::new, |it| format!("{}: ", it.display()));
        complain(format_args!(
            "{}: note: {which}no consumer and no producer is enabled: a hub would have nothing to do",
            fedmsg::program_name()
        ));
    }
    (text, exit)
}

/// What a hub that knows the kinds of `registry` has to say of its configuration, and how it ends.
pub(crate) fn of_hub(sources: &Sources, registry: &Registry) -> (String, Exit) {
    let examined = Config::examine(sources);
    let idle = examined.loaded.as_ref().filter(|it| is_idle(it));
    let file = idle.and_then(|loaded| loaded.files.last().cloned());
    let mut findings = in_examined(examined, registry, Scope::Machine, Asked::Hub);
    if let Some(path) = file {
        findings.push(Finding {
            severity: Severity::Error,
            origin: Origin::File {
                path,
                position: None,
            },
            key: KeyPath::default(),
            message: StartError::NothingEnabled.to_string(),
        });
    }
    report(&findings, Form::Text)
}

/// Returns the lines of what was found, and the status; counts them on standard error.
fn report(findings: &[Finding], form: Form) -> (String, Exit) {
    let errors = findings.iter().filter(|it| it.severity == Severity::Error);
    let errors = errors.count();
    let text = findings.iter().map(|finding| match form {
        Form::Text => format!("{finding}\n"),
        Form::Json => format!("{}\n", finding.to_json()),
    });
    let text = text.collect();
    let program = fedmsg::program_name();
    let warnings = findings.len() - errors;
    complain(format_args!(
        "{program}: {}, {}",
        counted(errors, "error"),
        counted(warnings, "warning")
    ));
    let exit = if errors == 0 { Exit::Ok } else { Exit::Config };
    (text, exit)
}

/// Looks for everything that is wrong with the configuration of `sources`, for a program that knows the
/// kinds of `registry`.
pub(super) fn findings(sources: &Sources, registry: &Registry, scope: Scope) -> Vec<Finding> {
    in_examined(Config::examine(sources), registry, scope, Asked::Config)
}

fn in_examined(
    examined: Examined,
    registry: &Registry,
    scope: Scope,
    asked: Asked,
) -> Vec<Finding> {
    let errors = examined.errors.iter().flat_map(ConfigErrors::iter);
    let mut findings: Vec<Finding> = errors.map(Finding::from).collect();
    let Some(loaded) = examined.loaded else {
        return findings;
    };
    findings.extend(loaded.warnings.iter().map(|warning| Finding {
        severity: Severity::Warning,
        ..Finding::from(&**warning)
    }));
    // What depends on a setting that is at fault is not known.
    let is_sound = |keys: &[&str]| {
        let mut errors = examined.errors.iter().flat_map(ConfigErrors::iter);
        !errors.any(|error| {
            let first = error.key.segments().first();
            let is = |key: &&str| first == Some(&fedmsg_config::Segment::from(*key));
            keys.iter().any(is) || error.key.is_root()
        })
    };
    kinds::check(&loaded, registry, asked, &mut findings);
    topics::check(&loaded, &mut findings);
    if is_sound(&publishers::KEYS) {
        publishers::check(&loaded, &mut findings);
    }
    if scope != Scope::Text {
        if is_sound(&files::SIGNING) {
            files::check_signing(&loaded, &mut findings);
        }
        if is_sound(&files::VALIDATION) {
            files::check_validation(&loaded, &mut findings);
        }
        preflight::check(&loaded, registry, &mut findings);
    }
    if is_sound(&addresses::KEYS) {
        addresses::check(&loaded, scope, &mut findings);
    }
    findings.sort_by(|a, b| a.origin.cmp(&b.origin));
    say_once(&mut findings);
    findings
}

/// Whether there are files, and a hub that reads them has nothing to do.
fn is_idle(loaded: &Loaded) -> bool {
    let config = &loaded.config;
    let consumers = config.consumers.values().any(|it| it.enabled);
    let producers = config.producers.values().any(|it| it.enabled);
    !loaded.files.is_empty() && !consumers && !producers
}

/// Leaves out what is said for the second time.
fn say_once(findings: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    findings.retain(|finding| seen.insert(finding.to_string()));
}

#[cfg(test)]
mod tests;
