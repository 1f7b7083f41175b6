//! `fedmsg-check`: asks a hub's monitoring socket how it is.

mod emission;
mod judge;
mod metrics;
mod nagios;

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use fedmsg::json::{Object, Value, to_pretty};
use fedmsg::{Bus, Endpoint, MonitoringError};
use fedmsg_config::{Config, MonitoringAddress};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use thiserror::Error;
use tokio::runtime::Builder;
use toml::Table;

use self::emission::{Emission, EmissionError};
use self::judge::{Age, Judgement, Level, Threshold, Wanted};
use super::common::{CommonArgs, complain, counted, print};
use crate::exit::Exit;
use crate::monitoring;

/// The key of the configuration, as complaints name it.
const KEY: &str = "moksha.monitoring.socket";

/// Check a hub: see whether its consumers and producers are there, and well.
///
/// It waits for one message of the monitoring socket, which a hub sends every 5 seconds, and prints it. A
/// consumer goes by its name in the configuration; one of kind "relay" or another that the original has,
/// and with that name, also by the original's: RelayConsumer. It understands the hubs of the original.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-check -c RelayConsumer --process fedmsg-relay
  fedmsg-check --format nagios --backlog 100:1000 --message-age 10m:1h
  fedmsg-check --format prometheus --socket ipc:///run/fedmsg/monitoring-fedmsg-hub.socket

Exit status:
  0   all is well
  1   somebody is missing, not initialized, stuck, given up or beyond a threshold; or nothing was heard
  2   bad command line
  74  the answer cannot be written
  78  the configuration is wrong
With --format nagios it is 0 for OK, 1 for WARNING, 2 for CRITICAL and 3 for UNKNOWN.")]
pub(crate) struct CheckArgs {
    /// A consumer that must be there and initialized; may be repeated
    #[arg(short, long, value_name = "NAME")]
    consumer: Vec<String>,

    /// A producer that must be there and initialized; may be repeated
    #[arg(short, long, value_name = "NAME")]
    producer: Vec<String>,

    /// How long to wait for the hub
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        default_value = "10",
        value_parser = seconds
    )]
    timeout: f64,

    /// What to print, and which exit statuses to use
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Ask at this address instead of that of the configuration
    #[arg(long, value_name = "ADDRESS", help_heading = "Configuration")]
    socket: Option<MonitoringAddress>,

    /// The program that {process} in the address stands for
    #[arg(
        long,
        value_name = "NAME",
        default_value = "fedmsg-hub",
        help_heading = "Configuration"
    )]
    process: String,

    /// Messages that wait for a consumer, or are in its hands
    #[arg(long, value_name = "WARN:CRIT", help_heading = "Thresholds")]
    backlog: Option<Threshold>,

    /// Failures: of a consumer since the message before, of a producer in a row
    #[arg(long, value_name = "WARN:CRIT", help_heading = "Thresholds")]
    exceptions: Option<Threshold>,

    /// How long ago a consumer consumed its last message, such as 60:300 (seconds) or 1m:5m
    #[arg(long, value_name = "WARN:CRIT", help_heading = "Thresholds")]
    message_age: Option<Age>,

    /// How long ago a producer began its last run
    #[arg(long, value_name = "WARN:CRIT", help_heading = "Thresholds")]
    run_age: Option<Age>,

    /// Messages that slow subscribers of a relay or gateway have missed since it started
    #[arg(long, value_name = "WARN:CRIT", help_heading = "Thresholds")]
    missed: Option<Threshold>,

    #[command(flatten)]
    common: CommonArgs,
}

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// What the original prints
    Text,
    /// One line for Nagios and those like it
    Nagios,
    /// One JSON object: state, problems, and what the hub says
    Json,
    /// Metrics for Prometheus
    Prometheus,
}

/// Why a hub cannot be judged.
#[derive(Debug, Error)]
enum CheckError {
    #[error("No monitoring endpoint has been configured: please set \"{KEY}\"")]
    NoEndpoint,
    #[error("{0}")]
    Address(fedmsg_config::MonitoringAddressError),
    #[error("This user may not ask at {}: run it as a member of the group that owns it", .0)]
    Forbidden(String),
    #[error("Failed to receive message from the monitoring endpoint ({0}) in {1} seconds.")]
    Timeout(Endpoint, f64),
    #[error(transparent)]
    Monitoring(#[from] MonitoringError),
    #[error("This is no monitoring endpoint ({0}): {1}")]
    Emission(Endpoint, EmissionError),
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl CheckError {
    /// Silence means that the hub is down or does not turn; anything else, that nobody knows.
    fn level(&self) -> Level {
        match self {
            Self::Timeout(..) => Level::Critical,
            _ => Level::Unknown,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &CheckArgs) -> ExitCode {
    let loaded = args
        .common
        .start_log("warn")
        .and_then(|()| args.common.load(Table::new(), None));
    let config = loaded.and_then(|loaded| {
        args.common.printed(&loaded.config)?;
        Ok(loaded.config)
    });
    let config = match config {
        Ok(config) => config,
        // Nothing else that a plugin ends with is known to Nagios.
        Err(Exit::Config) if args.format == Format::Nagios => {
            let line = nagios::line(Level::Unknown, "the configuration is wrong", None);
            return for_nagios(Level::Unknown, &line);
        }
        Err(exit) => return exit.into(),
    };
    let heard = listen(args, config);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let wanted = Wanted {
        consumers: &args.consumer,
        producers: &args.producer,
        backlog: args.backlog,
        exceptions: args.exceptions,
        message_age: args.message_age,
        run_age: args.run_age,
        missed: args.missed,
        now: now.unwrap_or_default().as_secs_f64(),
    };
    let judgement = heard
        .as_ref()
        .map(|emission| Judgement::of(emission, &wanted));
    let level = match (&heard, &judgement) {
        (Err(error), _) => error.level(),
        (Ok(_), Ok(judgement)) => judgement.level(),
        (Ok(_), Err(_)) => Level::Unknown,
    };
    let judged = heard.as_ref().ok().zip(judgement.as_ref().ok());
    let complaint = heard.as_ref().err().map(ToString::to_string);
    let printed = match args.format {
        Format::Text => text(args, judged, complaint),
        Format::Nagios => {
            let words = complaint.unwrap_or_else(|| words(judged));
            let line = nagios::line(level, &words, judged.map(|(_, judgement)| judgement));
            return for_nagios(level, &line);
        }
        Format::Json => print(&(json(level, judged, complaint) + "\n")),
        Format::Prometheus => {
            complaint.iter().for_each(|complaint| say(complaint));
            print(&metrics::prometheus(judged.map(|(emission, _)| emission)))
        }
    };
    if printed != Exit::Ok {
        return printed.into();
    }
    match level {
        Level::Ok => Exit::Ok.into(),
        _ => Exit::Failed.into(),
    }
}

/// Waits for one emission.
fn listen(args: &CheckArgs, config: Config) -> Result<Emission, CheckError> {
    let address = args.socket.as_ref().or(config.monitoring_socket.as_ref());
    let address = address.ok_or(CheckError::NoEndpoint)?;
    let endpoint = monitoring::endpoint(address, &args.process).map_err(CheckError::Address)?;
    // Otherwise it would be as if nobody was there. Connecting to a socket is writing to it (unix(7)).
    if let Some(path) = endpoint.ipc_path()
        && access(path, Access::WRITE_OK) == Err(Errno::ACCESS)
    {
        return Err(CheckError::Forbidden(path.to_owned()));
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let heard = runtime.block_on(async {
        let bus = Bus::open(config);
        let patience = Duration::from_secs_f64(args.timeout);
        tokio::time::timeout(patience, bus.emission(&endpoint)).await
    });
    runtime.shutdown_background(); // what it has begun and not ended it does not wait for
    match heard {
        Err(_) => Err(CheckError::Timeout(endpoint, args.timeout)),
        Ok(emission) => {
            Emission::parse(&emission?).map_err(|error| CheckError::Emission(endpoint, error))
        }
    }
}

/// Prints what the original prints (fedmsg hub specification §5.12), and what is beyond a threshold;
/// returns how the printing went.
fn text(
    args: &CheckArgs,
    judged: Option<(&Emission, &Judgement)>,
    complaint: Option<String>,
) -> Exit {
    let Some((emission, judgement)) = judged else {
        complaint.iter().for_each(|complaint| say(complaint));
        return Exit::Ok;
    };
    for name in &judgement.missing {
        complain(format_args!("\"{name}\" is not active!"));
    }
    for name in &judgement.uninitialized {
        complain(format_args!("\"{name}\" is not initialized!"));
    }
    if !judgement.missing.is_empty() {
        say("Some consumers and/or producers are missing!");
        return Exit::Ok;
    }
    if !judgement.uninitialized.is_empty() {
        say("Some consumers and/or producers are uninitialized!");
        return Exit::Ok;
    }
    for (_, problem) in &judgement.problems {
        complain(problem.escape_debug());
    }
    if !judgement.problems.is_empty() {
        say("Some consumers and/or producers are stuck, given up or beyond a threshold!");
        return Exit::Ok;
    }
    let headline = if args.consumer.is_empty() && args.producer.is_empty() {
        "No consumers or producers specified so all will be shown."
    } else {
        "All consumers and producers are active!"
    };
    print(&format!("{headline}\n{}\n", indented(&emission.value)))
}

/// What a judgement comes to, in one line.
fn words(judged: Option<(&Emission, &Judgement)>) -> String {
    let Some((emission, judgement)) = judged else {
        return String::new();
    };
    match judgement.complaints() {
        complaints if complaints.is_empty() => format!(
            "{}, {}",
            counted(emission.consumers.len(), "consumer"),
            counted(emission.producers.len(), "producer")
        ),
        complaints => complaints.join("; "),
    }
}

/// The state with its reasons and the emission, as JSON.
fn json(
    level: Level,
    judged: Option<(&Emission, &Judgement)>,
    complaint: Option<String>,
) -> String {
    let problems = judged.map(|(_, judgement)| judgement.complaints());
    let problems = problems.unwrap_or_default().into_iter().chain(complaint);
    let mut object = Object::new();
    object.insert("state", level.name().to_lowercase().as_str());
    object.insert(
        "problems",
        Value::Array(problems.map(|it| Value::from(it.as_str())).collect()),
    );
    let emission = judged.map(|(emission, _)| emission.value.clone());
    object.insert("emission", emission.unwrap_or(Value::Null));
    indented(&Value::Object(object))
}

fn indented(value: &Value) -> String {
    // It nests no deeper than its reader allows, so it can be written.
    to_pretty(value).unwrap_or_default()
}

/// Says what went wrong as the original does.
fn say(complaint: &str) {
    complain(format_args!("Error: {complaint}"));
}

/// Prints the line for Nagios. Nobody knows how the hub is when that cannot be said.
fn for_nagios(level: Level, line: &str) -> ExitCode {
    match print(&format!("{line}\n")) {
        Exit::Ok => nagios_status(level),
        _ => nagios_status(Level::Unknown),
    }
}

fn nagios_status(level: Level) -> ExitCode {
    ExitCode::from(match level {
        Level::Ok => 0,
        Level::Warning => 1,
        Level::Critical => 2,
        Level::Unknown => 3,
    })
}

/// Reads a time-out: more than nothing, and no more than a day.
fn seconds(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(seconds) if 0.0 < seconds && seconds <= 86_400.0 => Ok(seconds),
        _ => Err("expected a number of seconds, more than 0 and at most 86400"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_none_of_several() {
        let one = br#"{"consumers": [{"name": "a", "initialized": true}], "producers": []}"#;
        let emission = Emission::parse(one).unwrap();
        let judgement = Judgement::of(&emission, &Wanted::default());
        let words = words(Some((&emission, &judgement)));
        assert_eq!(words, "1 consumer, 0 producers");
    }
}
