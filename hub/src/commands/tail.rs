//! `fedmsg-tail`: shows what is on the bus.

mod about;
mod cow;
mod form;
mod forms;
mod highlight;
mod jq;
mod output;
mod plain;
mod sink;
mod template;

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fedmsg::{Bus, Delivery, LogLimit};
use fedmsg_actors::raise_descriptors;
use fedmsg_config::Config;
use fedmsg_message::text::Processors;
use tokio::sync::mpsc;
use tokio::time::Instant;
use toml::Table;
use tracing::warn;

use self::about::About;
use self::form::{Form, Written};
use self::forms::FormArgs;
use self::output::Output;
use super::common::{CommonArgs, block_on, fail, reached, say_refused, seconds};
use super::filter::{Filter, FilterArgs};
use crate::exit::Exit;
use crate::signals::{Questions, Signals, say_within};

/// How long it takes at most to say that standard output is not read.
const COMPLAINT: Duration = Duration::from_millis(100);

/// How often it is said that a template or an expression fails, at most.
const FAILURES: Duration = Duration::from_secs(10);

/// Show the messages of the bus as they come.
///
/// Listens to every address of `endpoints`. A message is one line of JSON unless a form is asked for;
/// signature and certificate are left out but with --json, --query and --jq. Malformed messages are
/// skipped and counted. Of several forms the last one of the list below is taken; --pretty also changes
/// what --really-pretty and --query see: a readable time, no signature.
///
/// --topic without a wildcard is a plain prefix of the text, as in the original: org.example also shows
/// org.examples.x. With a wildcard it is a pattern of whole words, as in the configuration of a hub:
/// `*` stands for one word (at the end: for one or more), `#` for any number.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-tail --really-pretty                             everything, in colour
  fedmsg-tail --topic 'org.example.*.shop.#' --count 1    the next message of the shop
  fedmsg-tail --format '{{ username }}: {{ subtitle }}'   who does what

Exit status:
  0   interrupted, or --count messages shown, or the time was up without --count
  2   bad command line, such as an expression that is none
  65  the template or the jq expression failed with some messages, which were skipped
  69  the configuration names no endpoint
  74  standard output cannot be written, or is not read when a signal comes
  75  the time was up before --count messages were shown
  78  the configuration is wrong, or there is no CA to validate with")]
pub(crate) struct TailArgs {
    #[command(flatten)]
    filter: FilterArgs,

    /// Show only messages about one of these users. Announcements and lines of a log name the user
    /// who sent them, other messages nobody
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        help_heading = "What to show"
    )]
    users: Vec<String>,

    /// Show only messages about one of these packages. No message that is known here names any
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        help_heading = "What to show"
    )]
    packages: Vec<String>,

    /// End after so many messages
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "What to show"
    )]
    count: Option<u64>,

    /// End after so many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        value_parser = seconds,
        help_heading = "What to show"
    )]
    timeout: Option<Duration>,

    #[command(flatten)]
    form: FormArgs,

    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub(crate) fn run(args: TailArgs) -> Exit {
    match prepare(&args).and_then(|(config, tail)| follow(&args, config, tail)) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn prepare(args: &TailArgs) -> Result<(Config, Tail), Exit> {
    args.common.start_log("warn")?;
    let mut flags = Table::new();
    args.filter.add_to(&mut flags);
    let config = args.common.load(flags, None)?.config;
    args.common.printed(&config)?;
    raise_descriptors();
    let processors = Processors::for_prefix(&config.topic_prefix);
    let processors = Arc::new(processors.map_err(|error| fail(Exit::Config, error))?);
    let about = About::new(&args.users, &args.packages, processors.clone());
    let filter = args.filter.filter()?;
    let form = args.form.form(processors);
    let form = form.map_err(|error| fail(Exit::Usage, error))?;
    let out = BufWriter::new(io::stdout());
    Ok((
        config,
        Tail {
            filter,
            about,
            form,
            out,
            shown: 0,
            skipped: 0,
            failed: 0,
            failures: LogLimit::new(FAILURES),
            count: args.count,
        },
    ))
}

fn follow(args: &TailArgs, config: Config, tail: Tail) -> Result<Exit, Exit> {
    block_on(async {
        let subscriber = args.filter.subscribe(&Bus::open(config))?;
        let inspector = subscriber.inspector().cloned();
        let mut signals = Signals::listen().map_err(|error| fail(Exit::Io, error))?;
        // Taken over, for without this it ends the process; a tail has nothing to say of itself.
        let _questions = Questions::listen().map_err(|error| fail(Exit::Io, error))?;
        // What is too far away never comes.
        let end = args
            .timeout
            .and_then(|time| Instant::now().checked_add(time));
        let output = Output::start(move |batches| tail.show_all(batches));
        let mut output = output.map_err(|error| fail(Exit::Io, error))?;
        let is_interrupted = tokio::select! {
            _ = signals.next() => true,
            () = reached(end) => false,
            () = output.feed(subscriber) => false,
        };
        let shown = if is_interrupted {
            output.finish_soon().await
        } else {
            output.finish(&mut signals).await
        };
        let Some((tail, result)) = shown else {
            // Standard error may be the same pipe.
            say_within(COMPLAINT, || {
                let _ = fail(Exit::Io, "standard output has not taken the last messages");
            });
            return Ok(Exit::Io);
        };
        say_refused(inspector.as_deref(), Some(tail.shown));
        match result {
            Ok(()) if is_interrupted || tail.has_shown_enough() => Ok(tail.end(Exit::Ok)),
            Ok(()) => Ok(tail.end(Exit::TempFail)),
            // Whoever read this has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
            Err(error) => Err(fail(Exit::Io, format_args!("standard output: {error}"))),
        }
    })?
}

/// What shows messages, and how many it has shown.
struct Tail {
    filter: Filter,
    about: About,
    form: Form,
    out: BufWriter<io::Stdout>,
    shown: u64,
    skipped: u64,
    failed: u64,
    failures: LogLimit,
    count: Option<u64>,
}

impl Tail {
    /// Shows what comes until enough has been shown; flushes after each batch. Returns itself, for what
    /// it has counted.
    fn show_all(mut self, batches: mpsc::Receiver<Vec<Delivery>>) -> (Self, io::Result<()>) {
        let shown = self.show_until_enough(batches);
        let flushed = self.out.flush();
        (self, shown.and(flushed))
    }

    fn show_until_enough(&mut self, mut batches: mpsc::Receiver<Vec<Delivery>>) -> io::Result<()> {
        while let Some(batch) = batches.blocking_recv() {
            for delivery in batch {
                self.show(delivery)?;
                if self.count.is_some_and(|count| self.shown >= count) {
                    return Ok(());
                }
            }
            self.out.flush()?;
        }
        Ok(())
    }

    /// Whether it has shown as many as it was to show, if that was said.
    fn has_shown_enough(&self) -> bool {
        self.count.is_none_or(|count| self.shown >= count)
    }

    fn show(&mut self, delivery: Delivery) -> io::Result<()> {
        let is_wanted =
            self.filter.admits(delivery.topic().as_str()) && self.about.admits(delivery.envelope());
        if !is_wanted {
            return Ok(());
        }
        let topic = delivery.topic().clone();
        match self.form.write(delivery.into_envelope(), &mut self.out)? {
            Written::Shown => self.shown += 1,
            Written::Nothing => {}
            Written::Malformed(error) => {
                if self.skipped == 0 {
                    warn!(%topic, %error, "malformed message skipped; further ones are only counted");
                }
                self.skipped += 1;
            }
            Written::Failed { error, has_shown } => {
                self.shown += u64::from(has_shown);
                self.failed += 1;
                if let Some(held_back) = self.failures.admit() {
                    warn!(%topic, %error, held_back, "the expression fails with this message");
                }
            }
        }
        Ok(())
    }

    /// Says what was left out, and with which status to end.
    fn end(&self, exit: Exit) -> Exit {
        let (shown, skipped, failed) = (self.shown, self.skipped, self.failed);
        if skipped > 0 {
            warn!(skipped, shown, "malformed messages were skipped");
        }
        if failed > 0 {
            warn!(failed, shown, "the expression failed with some messages");
        }
        match exit {
            Exit::Ok if failed > 0 => Exit::Data,
            exit => exit,
        }
    }
}
