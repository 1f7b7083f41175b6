//! The options that every command has, how each of them loads its configuration, and what several do.

use std::fmt;
use std::future::pending;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fedmsg::Inspector;
use fedmsg_config::{Config, Loaded, Sources};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep_until};
use toml::{Table, Value};
use tracing::level_filters::LevelFilter;
use tracing::warn;

use crate::exit::Exit;
use crate::telemetry::{self, LogFormat};

/// Options of every command. Those with a key of the configuration in brackets override it.
#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    /// Read this file, or the files of this directory, instead of the usual ones
    #[arg(
        long,
        alias = "config-filename",
        value_name = "FILE|DIR",
        help_heading = "Configuration"
    )]
    config: Option<PathBuf>,

    /// Print the configuration that results, as TOML, and exit
    #[arg(long, help_heading = "Configuration")]
    print_config: bool,

    /// Start of every topic published [topic_prefix]
    #[arg(long, value_name = "TEXT", help_heading = "Configuration")]
    topic_prefix: Option<String>,

    /// ZeroMQ I/O threads [io_threads]
    #[arg(long, value_name = "N", help_heading = "Configuration")]
    io_threads: Option<u16>,

    /// How long a bound publisher waits before its first message [post_init_sleep]
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        help_heading = "Configuration"
    )]
    post_init_sleep: Option<f64>,

    /// Messages queued for each subscriber; 0 is no limit [high_water_mark]
    #[arg(long, value_name = "N", help_heading = "Configuration")]
    high_water_mark: Option<u32>,

    /// How long unsent messages are kept when a command ends [zmq_linger]
    #[arg(
        long,
        value_name = "MILLISECONDS",
        allow_negative_numbers = true,
        help_heading = "Configuration"
    )]
    linger: Option<u32>,

    /// What to log: a level, or levels by module such as info,fedmsg_actors=debug
    #[arg(long, value_name = "LEVEL", help_heading = "Logging")]
    log: Option<String>,

    /// Form of the log, which goes to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text, help_heading = "Logging")]
    log_format: LogFormat,
}

impl CommonArgs {
    /// `--high-water-mark`, if it was given.
    pub(crate) fn high_water_mark(&self) -> Option<u32> {
        self.high_water_mark
    }

    /// Starts the log, at `level` unless `--log` or RUST_LOG says otherwise.
    pub(crate) fn start_log(&self, level: &str) -> Result<(), Exit> {
        let variable = std::env::var("RUST_LOG")
            .ok()
            .filter(|filter| !filter.is_empty());
        let (flag, filter) = match &self.log {
            Some(filter) => ("--log", filter.clone()),
            None => ("RUST_LOG", variable.unwrap_or_else(|| level.to_owned())),
        };
        if let Some(word) = unknown_level(&filter) {
            let levels = "off, error, warn, info, debug or trace";
            let what = format_args!(
                "{flag}: \"{word}\" is no level: {levels}; one module is {word}=debug"
            );
            return Err(fail(Exit::Usage, what));
        }
        telemetry::start(&filter, self.log_format)
            .map_err(|error| fail(Exit::Usage, format_args!("{flag} {filter}: {error}")))
    }

    /// Loads the configuration, with `flags` of the command itself on top. `fallback` takes the place
    /// of the files when there are none.
    pub(crate) fn load(
        &self,
        flags: Table,
        fallback: Option<&'static str>,
    ) -> Result<Loaded, Exit> {
        let loaded = read(&self.sources(flags, fallback))?;
        for warning in &loaded.warnings {
            warn!("{warning}");
        }
        Ok(loaded)
    }

    /// Returns where [`CommonArgs::load`] would find the configuration.
    pub(crate) fn sources(&self, flags: Table, fallback: Option<&'static str>) -> Sources {
        let mut sources = Sources::from_process(self.config.clone(), self.flags(flags));
        sources.fallback = fallback;
        sources
    }

    /// Prints the configuration if that is what was asked for; the command is done then.
    pub(crate) fn printed(&self, config: &Config) -> Result<(), Exit> {
        if !self.print_config {
            return Ok(());
        }
        match toml::to_string(config) {
            Ok(text) => Err(print(&text)),
            Err(error) => Err(fail(Exit::Software, error)),
        }
    }

    fn flags(&self, mut flags: Table) -> Table {
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                flags.insert(key.to_owned(), value);
            }
        };
        set("topic_prefix", self.topic_prefix.clone().map(Value::from));
        set(
            "io_threads",
            self.io_threads.map(|n| Value::from(i64::from(n))),
        );
        set("post_init_sleep", self.post_init_sleep.map(Value::from));
        set(
            "high_water_mark",
            self.high_water_mark.map(|n| Value::from(i64::from(n))),
        );
        set("zmq_linger", self.linger.map(|n| Value::from(i64::from(n))));
        flags
    }
}

/// Loads the configuration that `--config` names, or the usual one, for a command without a log.
pub(crate) fn load(config: Option<PathBuf>) -> Result<Loaded, Exit> {
    let loaded = read(&Sources::from_process(config, Table::new()))?;
    for warning in &loaded.warnings {
        let program = fedmsg::program_name();
        complain(format_args!("{program}: warning: {warning}"));
    }
    Ok(loaded)
}

fn read(sources: &Sources) -> Result<Loaded, Exit> {
    Config::load(sources).map_err(|errors| fail(Exit::Config, errors))
}

/// Returns the first part of a filter that is a lone word but no level. It would be taken for a module, and
/// all others be silent.
fn unknown_level(filter: &str) -> Option<&str> {
    let parts = filter.split(',').map(str::trim);
    let mut lone = parts.filter(|part| !part.is_empty() && !part.contains(['=', '[']));
    if filter.split(',').all(|part| part.trim().is_empty()) {
        return Some(filter); // nothing at all would be logged
    }
    lone.find(|part| part.parse::<LevelFilter>().is_err())
}

/// Runs what a command does on an event loop of its own. What still blocks another thread then, such as the look-up
/// of a name that nobody answers, is not waited for: signals would do nothing meanwhile.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Exit> {
    let runtime = runtime()?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}

/// Makes the event loop of a command.
pub(crate) fn runtime() -> Result<Runtime, Exit> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| fail(Exit::Io, error))
}

/// Reads a time in seconds, as arguments have it.
pub(crate) fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or("expected a number of seconds, such as 0.5 or 60")
}

/// Waits for a moment; for ever if there is none.
pub(crate) async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// Says in the log how many messages were refused, if any were, and how many were `shown`, if that counts.
pub(crate) fn say_refused(inspector: Option<&Inspector>, shown: Option<u64>) {
    let refused = inspector.map_or(0, |it| it.refusals().total());
    if refused > 0 {
        warn!(refused, shown, "messages were refused");
    }
}

/// Returns a number with what it counts: `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Says on standard error what went wrong, and returns the status to end with.
pub(crate) fn fail(exit: Exit, message: impl fmt::Display) -> Exit {
    complain(format_args!("{}: {message}", fedmsg::program_name()));
    exit
}

/// Writes a line to standard error. Where that cannot be written there is nobody to tell.
pub(crate) fn complain(line: impl fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Writes `text` to standard output as it is: nothing in it is decoration.
pub(crate) fn print(text: &str) -> Exit {
    use std::io::{ErrorKind, Write as _};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Ok,
        // Whoever read this has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Ok,
        Err(error) => fail(Exit::Io, format_args!("standard output: {error}")),
    }
}
