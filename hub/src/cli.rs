//! The command line: `fedmsg COMMAND`, and each command under its own name.
//!
//! The binaries call [`run`]; it parses, sets up the log and hands over to a file of `commands`.

use std::ffi::OsString;
use std::future::pending;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use fedmsg_config::DEFAULT_HUB;

use crate::commands::common::complain;
use crate::commands::*;
use crate::exit::Exit;
use crate::hub::built_in_kinds;

/// Publish to, listen to and serve a federated message bus.
#[derive(Debug, Parser)]
#[command(
    name = "fedmsg",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    infer_long_args = true,
    after_help = "\
Examples:
  fedmsg hub                   runs a bus on this machine, to try things out
  fedmsg tail                  shows what is on it
  echo hello | fedmsg logger   says something on it

Each command also goes by a name of its own, such as fedmsg-hub.

Exit status:
  0   done, or stopped by a signal
  1   what was asked for is not there or not well, or was not said (as the original)
  2   bad command line
  65  the input is wrong
  69  a service is not there: no relay, no free address
  70  messages were not handled
  74  reading or writing failed
  75  the time was up
  78  the configuration is wrong"
)]
struct Fedmsg {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Hub(hub::HubArgs),
    Relay(relay::RelayArgs),
    SigningRelay(signing_relay::SigningRelayArgs),
    Gateway(gateway::GatewayArgs),
    Tail(tail::TailArgs),
    Logger(logger::LoggerArgs),
    Announce(announce::AnnounceArgs),
    Trigger(trigger::TriggerArgs),
    DgReplay(dg_replay::DgReplayArgs),
    Ca(ca::CaArgs),
    Config(config::ConfigArgs),
    Check(check::CheckArgs),
    New(new::NewArgs),
    Collectd(collectd::CollectdArgs),
}

/// Runs the command that the command line of this process names: as `fedmsg` when `command` is
/// `None`, else as that command, such as `fedmsg-hub`.
#[must_use]
pub fn run(command: Option<&'static str>) -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let parsed = match command {
        None => Fedmsg::try_parse_from(args).map(|fedmsg| fedmsg.command),
        Some(name) => alone(name, args),
    };
    match parsed {
        Ok(command) => execute(command),
        Err(error) => refuse(&error).into(),
    }
}

/// What the original has and ours do not, with what there is in its place (fedmsg hub specification §5).
const REPLACED: [(&str, &str); 3] = [
    (
        "--daemon",
        "no program goes into the background by itself: have systemd run it, as the units in config/systemd do",
    ),
    (
        "--gource",
        "nothing is written for gource any more: `fedmsg-tail --format` and `--jq` make any line of a message",
    ),
    (
        "irc",
        "there is no IRC bot: a consumer of kind \"process\" or \"webhook\" tells a chat what is new",
    ),
];

/// Shows what is wrong with a command line, or the help or version that it asks for.
pub(crate) fn refuse(error: &clap::Error) -> Exit {
    let _ = error.print();
    let refused = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    let refused = refused.into_iter().find_map(|kind| error.get(kind));
    if let Some(ContextValue::String(refused)) = refused
        && let Some((_, replacement)) = REPLACED.iter().find(|(name, _)| name == refused)
    {
        complain(format_args!("\n  {refused}: {replacement}"));
    }
    // Asking for help or the version is no mistake.
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Ok
    }
}

/// Parses the command line of a hub that goes by the name of its own program.
pub(crate) fn hub_args() -> Result<hub::HubArgs, clap::Error> {
    let command = clap::Command::new("hub")
        .version(env!("CARGO_PKG_VERSION"))
        .infer_long_args(true);
    let mut command = hub::HubArgs::augment_args(command);
    if let Some(help) = command.get_after_help() {
        let help = help.to_string();
        command = command.after_help(help.replace("fedmsg-hub", &fedmsg::program_name()));
    }
    let matches = command.try_get_matches()?;
    hub::HubArgs::from_arg_matches(&matches)
}

/// Parses the command line of the command `name`, such as `fedmsg-hub`.
fn alone(name: &'static str, args: Vec<OsString>) -> Result<Command, clap::Error> {
    let short_name = name.trim_start_matches("fedmsg-");
    let mut whole = Fedmsg::command();
    let Some(command) = whole.find_subcommand(short_name).cloned() else {
        return Err(whole.error(ErrorKind::InvalidSubcommand, name));
    };
    let command = command
        .name(name)
        .bin_name(name)
        .version(env!("CARGO_PKG_VERSION"))
        .infer_long_args(true); // as the original's commands do
    let matches = command.try_get_matches_from(args)?;
    match short_name {
        "hub" => hub::HubArgs::from_arg_matches(&matches).map(Command::Hub),
        "relay" => relay::RelayArgs::from_arg_matches(&matches).map(Command::Relay),
        "signing-relay" => {
            signing_relay::SigningRelayArgs::from_arg_matches(&matches).map(Command::SigningRelay)
        }
        "gateway" => gateway::GatewayArgs::from_arg_matches(&matches).map(Command::Gateway),
        "tail" => tail::TailArgs::from_arg_matches(&matches).map(Command::Tail),
        "announce" => announce::AnnounceArgs::from_arg_matches(&matches).map(Command::Announce),
        "trigger" => trigger::TriggerArgs::from_arg_matches(&matches).map(Command::Trigger),
        "new" => new::NewArgs::from_arg_matches(&matches).map(Command::New),
        "check" => check::CheckArgs::from_arg_matches(&matches).map(Command::Check),
        "collectd" => collectd::CollectdArgs::from_arg_matches(&matches).map(Command::Collectd),
        "dg-replay" => dg_replay::DgReplayArgs::from_arg_matches(&matches).map(Command::DgReplay),
        "ca" => ca::CaArgs::from_arg_matches(&matches).map(Command::Ca),
        "config" => config::ConfigArgs::from_arg_matches(&matches).map(Command::Config),
        _ => logger::LoggerArgs::from_arg_matches(&matches).map(Command::Logger),
    }
}

fn execute(command: Command) -> ExitCode {
    let exit = match command {
        Command::Hub(args) => {
            let demonstration = hub::Fallback::Demonstration(DEFAULT_HUB);
            hub::run(args, built_in_kinds(), demonstration, pending())
        }
        Command::Relay(args) => relay::run(args),
        Command::SigningRelay(args) => signing_relay::run(args),
        Command::Gateway(args) => gateway::run(args),
        Command::Tail(args) => tail::run(args),
        Command::Logger(args) => logger::run(args),
        Command::Announce(args) => announce::run(args),
        Command::Trigger(args) => trigger::run(args),
        Command::DgReplay(args) => dg_replay::run(args),
        Command::Ca(args) => ca::run(args),
        Command::Config(args) => config::run(args),
        Command::New(args) => new::run(&args),
        Command::Collectd(args) => collectd::run(args),
        Command::Check(args) => return check::run(&args), // Nagios has statuses of its own
    };
    exit.into()
}
