//! `fedmsg-logger`: publishes lines or JSON through the relay.

use std::io::{self, BufRead, Read};

use clap::Args;
use fedmsg::blocking::{BlockingError, Publisher};
use fedmsg::json::{Object, Value};
use fedmsg::{Message, PublishError};
use toml::Table;

use super::common::{CommonArgs, fail};
use crate::exit::Exit;

/// Publish lines of text, or a JSON document, through the relay.
///
/// Each line of standard input becomes a message {"log": "<line>"}; blank lines are published too.
/// It waits for the relay up to --timeout and fails when none takes the message.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo hello | fedmsg-logger
  fedmsg-logger --message 'backup done' --topic backup.done
  echo '{\"answer\": 42}' | fedmsg-logger --json-input --modname deep --topic thought

Exit status:
  0   everything was handed to a relay
  2   bad command line
  65  the input is no JSON, no UTF-8, or too large
  69  no relay took it, or it went away meanwhile
  74  standard input could not be read
  78  the configuration is wrong, or there is nothing to sign with")]
pub(crate) struct LoggerArgs {
    /// Publish this instead of standard input
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,

    /// The input is one JSON document, which becomes the payload as it is
    #[arg(long)]
    json_input: bool,

    /// Last part of the topic
    #[arg(long, default_value = "log")]
    topic: String,

    /// Module, the part of the topic before that
    #[arg(long, value_name = "NAME", default_value = "logger")]
    modname: String,

    /// Sign with the entry of certnames for this word and the host, "shell" unless the
    /// configuration says otherwise [cert_prefix]
    #[arg(long, value_name = "WORD", help_heading = "Configuration")]
    cert_prefix: Option<String>,

    /// How long to wait for the relay [timeout]
    #[arg(long, value_name = "SECONDS", help_heading = "Configuration")]
    timeout: Option<f64>,

    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub(crate) fn run(args: LoggerArgs) -> Exit {
    match log(&args) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn log(args: &LoggerArgs) -> Result<(), Exit> {
    args.common.start_log("warn")?;
    let mut flags = Table::from_iter([("active".to_owned(), true.into())]);
    if let Some(timeout) = args.timeout {
        flags.insert("timeout".to_owned(), timeout.into());
    }
    if let Some(prefix) = &args.cert_prefix {
        flags.insert("cert_prefix".to_owned(), prefix.clone().into());
    }
    let config = args.common.load(flags, None)?.config;
    args.common.printed(&config)?;
    // A document is read and checked before anything is opened.
    let document = args.json_input.then(|| document(args)).transpose()?;
    let publisher = Publisher::open(config).map_err(|error| unpublished(&error, None))?;
    let publish = |payload: Value, line: Option<u64>| {
        let message =
            Message::new(args.topic.as_str(), payload).with_modname(args.modname.as_str());
        publisher
            .publish(message)
            .map(drop)
            .map_err(|error| unpublished(&error, line))
    };
    match (document, &args.message) {
        (Some(document), _) => publish(document, None)?,
        (None, Some(text)) => publish(log_line(text), None)?,
        (None, None) => {
            for (number, line) in (1..).zip(io::stdin().lock().lines()) {
                let line = line.map_err(|error| unreadable(&error, number))?;
                publish(log_line(&line), Some(number))?;
            }
        }
    }
    match publisher.flush().deserted {
        0 => Ok(()),
        times => Err(fail(
            Exit::Unavailable,
            format_args!("the relay went away ({times}): lines sent just before may be lost"),
        )),
    }
}

/// The payload of a line, which the original strips of white space at both ends.
fn log_line(line: &str) -> Value {
    let mut payload = Object::new();
    payload.insert("log", line.trim());
    Value::Object(payload)
}

fn document(args: &LoggerArgs) -> Result<Value, Exit> {
    let mut text = Vec::new();
    match &args.message {
        Some(message) => text.extend_from_slice(message.as_bytes()),
        None => {
            io::stdin()
                .lock()
                .read_to_end(&mut text)
                .map_err(|error| fail(Exit::Io, format_args!("standard input: {error}")))?;
        }
    }
    // A terminal, or echo, ends the document with a line feed, which JSON does not mind.
    Value::parse(&text)
        .map_err(|error| fail(Exit::Data, format_args!("the input is no JSON: {error}")))
}

fn unreadable(error: &io::Error, line: u64) -> Exit {
    let exit = if error.kind() == io::ErrorKind::InvalidData {
        Exit::Data
    } else {
        Exit::Io
    };
    fail(
        exit,
        format_args!("standard input, line {line}: {error}; the lines before it are published"),
    )
}

fn unpublished(error: &BlockingError, line: Option<u64>) -> Exit {
    let exit = match error {
        BlockingError::Publish(
            PublishError::Encode(_) | PublishError::Topic(_) | PublishError::TooLarge { .. },
        ) => Exit::Data,
        BlockingError::Publish(PublishError::Signing(_)) => Exit::Config,
        BlockingError::Runtime(_) => Exit::Io,
        _ => Exit::Unavailable,
    };
    match line {
        Some(line) => fail(
            exit,
            format_args!("line {line} and what follows not published: {error}"),
        ),
        None => fail(exit, format_args!("not published: {error}")),
    }
}
