//! `fedmsg-trigger`: runs a command for each message of the bus.

mod queue;
mod runner;

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use fedmsg::Bus;
use fedmsg_actors::{Command, raise_descriptors};
use fedmsg_config::{Config, RetryConfig};
use toml::Table;
use tracing::info;

use self::queue::Queue;
use self::runner::{Input, Runner};
use super::common::{CommonArgs, block_on, fail, say_refused, seconds};
use super::filter::FilterArgs;
use crate::exit::Exit;
use crate::signals::{Questions, Signals};

/// The pause before a command that failed is run again, and the longest one; it doubles.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Run a command for each message of the bus.
///
/// The command gets the message on standard input, as one line of JSON with sorted keys, and
/// FEDMSG_TOPIC, FEDMSG_MSG_ID, FEDMSG_TIMESTAMP and FEDMSG_USERNAME in its environment, where the message
/// has them. No shell is involved: nothing that a message says is ever run. What runs is --command,
/// split into words as a shell does (quotes, backslashes and # comments, nothing else), or what follows `--`.
///
/// Messages are handled in the order of arrival. Up to 10000, or 64 MiB, wait for their command; with
/// more, no more are read, and those who publish queue. A message is lost to the trigger when the command
/// fails (what it returned is logged), when the trigger is killed, or at the second signal. The first one
/// has what waits handled, for at most `stop_timeout`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-trigger --topic org.example.prod.git --command 'deploy \"our wiki\"'
  fedmsg-trigger --wait-for 60 --time-limit 600 -- make -C /srv/site    when it is quiet
  fedmsg-trigger --once --topic 'org.example.*.build.done' -- tee message.json

Exit status:
  0   stopped by a signal, or --once; every command succeeded
  1   there is no command
  2   bad command line
  69  the configuration names no endpoint, or the command is not there
  70  a command failed, or messages were not handled before the end
  74  the system gave no event loop
  78  the configuration is wrong, or there is no CA to validate with")]
pub(crate) struct TriggerArgs {
    /// The command, in one text; its words are split, but not expanded, as by a shell
    #[arg(long, value_name = "COMMAND", conflicts_with = "words")]
    command: Option<String>,

    /// Have /bin/sh run the text of --command
    #[arg(long, requires = "command", conflicts_with = "words")]
    shell: bool,

    /// The command and its arguments, each as it is
    #[arg(last = true, value_name = "PROGRAM ARGUMENT")]
    words: Vec<OsString>,

    /// Give it the bytes of the message as they came, without a line feed
    #[arg(long, help_heading = "The command")]
    raw: bool,

    /// Leave nothing in its environment but PATH and what is said of the message
    #[arg(long, help_heading = "The command")]
    clear_env: bool,

    /// How long it may take; then it is ended, with all that it has started; 0 is no limit
    #[arg(
        long,
        alias = "timeout-command",
        value_name = "SECONDS",
        allow_negative_numbers = true,
        value_parser = seconds,
        help_heading = "The command"
    )]
    time_limit: Option<Duration>,

    /// How often it is run again when it fails, after 1 second and then up to 60
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(..1000),
        help_heading = "The command"
    )]
    retry: u32,

    /// How many may run at a time; with more than one they end in any order
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=1024),
        help_heading = "The command"
    )]
    concurrency: u16,

    /// End after the command for the first message
    #[arg(long, conflicts_with = "wait_for", help_heading = "The command")]
    once: bool,

    #[command(flatten)]
    filter: FilterArgs,

    /// Wait until no message has come for so long, then run the command for each that has
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        default_value = "0",
        value_parser = seconds,
        help_heading = "The messages"
    )]
    wait_for: Duration,

    /// Stop waiting when more than so many have come; 0 is as many as may wait
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        help_heading = "The messages"
    )]
    max_queue_size: usize,

    /// Of the original, where it has no effect either
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        hide = true
    )]
    timeout: Option<f64>,

    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub(crate) fn run(args: TriggerArgs) -> Exit {
    match prepare(&args).and_then(|(config, runner)| follow(&args, config, runner)) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn prepare(args: &TriggerArgs) -> Result<(Config, Runner), Exit> {
    args.common.start_log("info")?;
    let mut flags = Table::new();
    args.filter.add_to(&mut flags);
    let config = args.common.load(flags, None)?.config;
    args.common.printed(&config)?;
    raise_descriptors();
    let filter = args.filter.filter()?;
    let mut command = command(args)?.retry(RetryConfig {
        attempts: args.retry.saturating_add(1),
        first_delay: PAUSES.0,
        max_delay: PAUSES.1,
    });
    command
        .find()
        .map_err(|error| fail(Exit::Unavailable, error))?;
    if args.clear_env {
        command = command.clear_env();
    }
    if let Some(limit) = args.time_limit.filter(|limit| !limit.is_zero()) {
        command = command.time_limit(limit);
    }
    let input = if args.raw { Input::Raw } else { Input::Line };
    let queue = Queue::new(args.wait_for, args.max_queue_size);
    let runner = Runner::new(command, filter, queue, input)
        .concurrency(args.concurrency.into())
        .stop_timeout(config.stop_timeout);
    Ok((config, if args.once { runner.once() } else { runner }))
}

/// The command that was asked for.
fn command(args: &TriggerArgs) -> Result<Command, Exit> {
    let words = match &args.command {
        Some(text) if args.shell => vec!["/bin/sh".into(), "-c".into(), text.into()],
        Some(text) => {
            let words = shlex::split(text).ok_or_else(|| {
                let complaint =
                    "--command: a quotation has no end, or a backslash nothing after it";
                fail(Exit::Usage, complaint)
            })?;
            words.into_iter().map(OsString::from).collect()
        }
        None => args.words.clone(),
    };
    match words.split_first() {
        Some((program, arguments)) if !program.is_empty() => {
            Ok(Command::new(program).args(arguments))
        }
        // The words of the original, whose status it is, too.
        _ => Err(fail(Exit::Failed, "You must provide a --command to run.")),
    }
}

fn follow(args: &TriggerArgs, config: Config, runner: Runner) -> Result<Exit, Exit> {
    block_on(async {
        let subscriber = args.filter.subscribe(&Bus::open(config))?;
        let inspector = subscriber.inspector().cloned();
        let signals = Signals::listen().map_err(|error| fail(Exit::Io, error))?;
        let questions = Questions::listen().map_err(|error| fail(Exit::Io, error))?;
        info!("waiting for messages");
        let exit = runner.run(subscriber, signals, questions).await;
        say_refused(inspector.as_deref(), None);
        Ok(exit)
    })?
}
