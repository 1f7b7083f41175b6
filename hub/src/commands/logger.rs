//! `fedmsg-logger`: publishes lines or JSON through the relay.

use std::io;

use clap::Args;
use fedmsg::Message;
use fedmsg::json::{Object, Value};
use fedmsg_config::ByteSize;

use super::common::{CommonArgs, fail};
use super::input::{InputError, Lines, read_all, stripped};
use super::outlet::Outlet;
use super::timeout::TimeoutArgs;
use crate::exit::Exit;

/// How many times as long as a message a document may be: it may be indented.
const INDENTED: u64 = 4;

/// Publish lines of text, or a JSON document, through the relay.
///
/// Each line of standard input becomes a message {"log": "<line>"}; blank lines are published too. A
/// line may be as long as `zmq_max_message_size`, a document four times that.
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

    #[command(flatten)]
    timeout: TimeoutArgs,

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
    let mut flags = Outlet::flags();
    args.timeout.add_to(&mut flags);
    if let Some(prefix) = &args.cert_prefix {
        flags.insert("cert_prefix".to_owned(), prefix.clone().into());
    }
    let config = args.common.load(flags, None)?.config;
    args.common.printed(&config)?;
    let limit = config.zmq_max_message_size;
    // A document is read and checked before anything is opened.
    let document = args.json_input.then(|| document(args, limit)).transpose()?;
    let outlet = Outlet::open(config)?;
    let message = |payload: Value| {
        Message::new(args.topic.as_str(), payload).with_modname(args.modname.as_str())
    };
    match (document, &args.message) {
        (Some(document), _) => drop(outlet.publish(message(document))?),
        (None, Some(text)) => drop(outlet.publish(message(log_line(text)))?),
        (None, None) => {
            for (number, line) in (1..).zip(Lines::new(io::stdin().lock(), limit)) {
                let line = line.map_err(|error| unreadable(&error, number))?;
                outlet.publish_line(message(log_line(&line)), number)?;
            }
        }
    }
    outlet.close()
}

/// The payload of a line, which the original strips of white space at both ends.
fn log_line(line: &str) -> Value {
    let mut payload = Object::new();
    payload.insert("log", stripped(line));
    Value::Object(payload)
}

fn document(args: &LoggerArgs, limit: ByteSize) -> Result<Value, Exit> {
    let most = limit.bytes().saturating_mul(INDENTED);
    let text = match &args.message {
        Some(message) => message.clone().into_bytes(),
        None => read_all(io::stdin().lock(), ByteSize::new(most))
            .map_err(|error| fail(error.exit(), format_args!("standard input: {error}")))?,
    };
    // A terminal, or echo, ends the document with a line feed, which JSON does not mind.
    Value::parse(&text)
        .map_err(|error| fail(Exit::Data, format_args!("the input is no JSON: {error}")))
}

fn unreadable(error: &InputError, line: u64) -> Exit {
    fail(
        error.exit(),
        format_args!("standard input, line {line}: {error}; the lines before it are published"),
    )
}
