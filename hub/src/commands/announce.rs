//! `fedmsg-announce`: publishes an announcement through the relay.

use std::io;

use clap::Args;
use fedmsg::Message;
use fedmsg::json::{Object, Value};
use fedmsg_config::ByteSize;

use super::common::{CommonArgs, fail};
use super::input::{InputError, read_all, stripped};
use super::outlet::Outlet;
use super::timeout::TimeoutArgs;
use crate::exit::Exit;

/// Publish an announcement, read from standard input, through the relay.
///
/// The whole input becomes one message {"message": "<text>", "link": "<URL>"} with the topic
/// announce.announcement, its lines stripped of blanks at their ends. It may be as long as
/// `zmq_max_message_size`, and is signed with the entry of `certnames` for "announce" and the host.
/// It waits for the relay up to --timeout and fails when none takes the message.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo 'Back at 10:00' | fedmsg-announce
  fedmsg-announce --link https://example.org/outage < outage.txt
  fedmsg-announce --timeout 10 < outage.txt    waits longer for the relay

Exit status:
  0   the announcement was handed to a relay
  2   bad command line
  65  the input is no UTF-8, or too large
  69  no relay took it, or it went away meanwhile
  74  standard input could not be read
  78  the configuration is wrong, or there is nothing to sign with")]
pub(crate) struct AnnounceArgs {
    /// Where to read more about it
    #[arg(long, value_name = "URL")]
    link: Option<String>,

    #[command(flatten)]
    timeout: TimeoutArgs,

    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub(crate) fn run(args: AnnounceArgs) -> Exit {
    match announce(&args) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn announce(args: &AnnounceArgs) -> Result<(), Exit> {
    args.common.start_log("warn")?;
    let mut flags = Outlet::flags();
    flags.insert("cert_prefix".to_owned(), "announce".into());
    args.timeout.add_to(&mut flags);
    let config = args.common.load(flags, None)?.config;
    args.common.printed(&config)?;
    // The text is read and checked before anything is opened.
    let text = input(config.zmq_max_message_size)
        .map_err(|error| fail(error.exit(), format_args!("standard input: {error}")))?;
    let outlet = Outlet::open(config)?;
    let message = Message::new("announcement", payload(&text, args.link.as_deref()));
    outlet.publish(message.with_modname("announce"))?;
    outlet.close()
}

fn input(limit: ByteSize) -> Result<String, InputError> {
    let all = read_all(io::stdin().lock(), limit)?;
    String::from_utf8(all).map_err(|_| InputError::NotUtf8)
}

/// The payload of an announcement. Lines end as Python's do: at line feeds, carriage returns, or both.
fn payload(text: &str, link: Option<&str>) -> Value {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<_> = text.split_terminator(['\n', '\r']).map(stripped).collect();
    Value::Object(Object::from_iter([
        ("message", Value::from(lines.join("\n"))),
        ("link", link.map_or(Value::Null, Value::from)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_stripped_and_joined() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let payload = payload(text, None);
            assert_eq!(
                payload.get("message").and_then(Value::as_str),
                Some(expected)
            );
            assert!(payload.get("link").is_some_and(Value::is_null));
        }
        check("", "");
        check("\n", "");
        check(" a \n\n\tb\t\n", "a\n\nb");
        check("a\r\nb\rc", "a\nb\nc");
        check("a\n\n", "a\n");
        check("größe \u{2028} x", "größe \u{2028} x");
    }

    #[test]
    fn the_link_is_passed_on_as_it_is() {
        let payload = payload("x", Some("https://example.org/?a=\"b\""));
        let link = payload.get("link").and_then(Value::as_str);
        assert_eq!(link, Some("https://example.org/?a=\"b\""));
    }
}
