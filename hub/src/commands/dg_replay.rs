//! `fedmsg-dg-replay`: publishes a message of the archive again, through the relay.

use std::fmt::Display;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use clap::Args;
use fedmsg::{Fetch, FetchError};
use fedmsg_config::{ByteSize, Config};
use tokio::time::{Instant, sleep};
use toml::Table;
use tracing::warn;

use self::archived::Archived;
use super::common::{CommonArgs, block_on, fail, print};
use super::outlet::Outlet;
use super::timeout::TimeoutArgs;
use crate::exit::Exit;

mod archived;

/// The archive of Fedora, which the original asks unless told otherwise.
const DATAGREPPER: &str = "https://apps.fedoraproject.org/datagrepper";

/// How long the archive may take, with all attempts, unless --timeout says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the archive is asked, and the pause after the first failure; it doubles.
const ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// How many times as long as a message an answer may be: it may be indented.
const INDENTED: u64 = 4;

/// Publish a message of the archive again, through the relay.
///
/// It asks datagrepper for the message and publishes its payload as a new message: with another msg_id,
/// time and user, under the topic prefix and environment of this machine and the rest of its topic, from
/// the fourth word on. With --raw it sends the message itself, as it was signed.
///
/// A server that does not answer, or has a fault, is asked up to four times, within --timeout or else
/// 30 seconds.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-dg-replay --msg-id 2026-6ba7b810-9dad-41d1-80b4-00c04fd430c8
  fedmsg-dg-replay --msg-id 2026-1 --datagrepper-url https://example.org/datagrepper
  fedmsg-dg-replay --msg-id 2026-1 --raw     the message itself, with its signature

Exit status:
  0   the message was handed to a relay
  1   no --msg-id
  2   bad command line, or datagrepper answered with another status than 200
  65  what datagrepper answered is not that message, or too large
  69  datagrepper was not reached, no relay took the message, or it went away meanwhile
  74  the system gave no event loop
  75  datagrepper has not answered in time
  78  the configuration is wrong, or there is nothing to sign with")]
pub(crate) struct DgReplayArgs {
    /// Which message
    #[arg(long, value_name = "ID")]
    msg_id: Option<String>,

    /// Send the message as it is in the archive, less what the archive has added
    #[arg(long)]
    raw: bool,

    /// The archive [datagrepper_url]
    #[arg(long, value_name = "URL", help_heading = "Configuration")]
    datagrepper_url: Option<String>,

    #[command(flatten)]
    timeout: TimeoutArgs,

    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub(crate) fn run(args: DgReplayArgs) -> Exit {
    match replay(&args) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn replay(args: &DgReplayArgs) -> Result<(), Exit> {
    args.common.start_log("warn")?;
    let config = args.common.load(flags(args), None)?.config;
    args.common.printed(&config)?;
    let id = args.msg_id.as_deref().filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| fail(Exit::Failed, "--msg-id is required"))?;
    let patience = if args.timeout.is_given() {
        config.timeout
    } else {
        PATIENCE
    };
    say(format_args!("Retrieving '{id}'"))?;
    let answer = retrieve(id, &config, patience)?;
    let archived = Archived::read(&answer, id)
        .map_err(|error| fail(Exit::Data, format_args!("'{id}' from datagrepper: {error}")))?;
    say(format_args!("Broadcasting '{id}'"))?;
    broadcast(args, archived, config)?;
    say("OK.")
}

fn say(line: impl Display) -> Result<(), Exit> {
    match print(&format!("{line}\n")) {
        Exit::Ok => Ok(()),
        failed => Err(failed),
    }
}

fn flags(args: &DgReplayArgs) -> Table {
    let mut flags = Outlet::flags();
    args.timeout.add_to(&mut flags);
    if let Some(url) = &args.datagrepper_url {
        flags.insert("datagrepper_url".to_owned(), url.clone().into());
    }
    if args.raw {
        // What is sent has been signed by somebody else, or not at all.
        flags.insert("sign_messages".to_owned(), false.into());
    }
    flags
}

fn broadcast(args: &DgReplayArgs, archived: Archived, config: Config) -> Result<(), Exit> {
    let not_sent = |error| fail(Exit::Data, format_args!("not published: {error}"));
    let timeout = config.timeout;
    if args.raw {
        let envelope = archived.envelope().map_err(not_sent)?;
        let outlet = Outlet::open(config)?;
        outlet.forward(&envelope, timeout)?;
        outlet.close()
    } else {
        let message = archived.message().map_err(not_sent)?;
        let outlet = Outlet::open(config)?;
        outlet.publish(message)?;
        outlet.close()
    }
}

/// Asks the archive until it answers, at most [`ATTEMPTS`] times and for as long as `patience`.
fn retrieve(id: &str, config: &Config, patience: Duration) -> Result<Vec<u8>, Exit> {
    let most = config.zmq_max_message_size.bytes().saturating_mul(INDENTED);
    let url = id_url(config.datagrepper_url.as_deref().unwrap_or(DATAGREPPER));
    if url.contains(['?', '#']) {
        let what = "datagrepper_url: the address of the archive, without `?` and what follows";
        return Err(fail(Exit::Config, what));
    }
    let fetch = Fetch::new(&url)
        .map_err(|error| fail(Exit::Config, format_args!("datagrepper_url: {error}")))?
        .parameter("id", id)
        .max_size(ByteSize::new(most));
    let answer = block_on(ask(fetch, patience))?;
    answer.map_err(|error| match error {
        FetchError::Status { status } => {
            let text = format_args!("datagrepper request of '{id}' failed. Status: {status}");
            fail(Exit::Usage, text) // the original's text and status
        }
        error => {
            let exit = match &error {
                FetchError::TooLarge { .. } => Exit::Data,
                FetchError::Timeout { .. } => Exit::TempFail,
                _ => Exit::Unavailable,
            };
            let text = format_args!("datagrepper request of '{id}' failed: {error}");
            fail(exit, text)
        }
    })
}

async fn ask(fetch: Fetch, patience: Duration) -> Result<Vec<u8>, FetchError> {
    let deadline = Instant::now() + patience;
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSE)
        .with_max_times(ATTEMPTS - 1)
        .with_jitter()
        .build();
    let mut before = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let error = match fetch.clone().timeout(left).send().await {
            // What went wrong before says more than that no time was left.
            Err(FetchError::Timeout { .. }) => {
                let timeout = patience;
                return Err(before.unwrap_or(FetchError::Timeout { timeout }));
            }
            Err(error) if error.is_transient() => error,
            done => return done,
        };
        let pause = pauses.next();
        let pause = pause.filter(|pause| Instant::now() + *pause < deadline);
        let Some(retry_in) = pause else {
            return Err(error);
        };
        warn!(%error, ?retry_in, "datagrepper has not answered");
        before = Some(error);
        sleep(retry_in).await;
    }
}

/// The URL that answers for one message. Consumers of the original have the archive's search (`/raw`)
/// under the same key.
fn id_url(base: &str) -> String {
    let base = base.trim();
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix("/raw").unwrap_or(rest);
    format!("{scheme}://{}/id", rest.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_of_the_archive_is_as_good_as_its_base() {
        #[track_caller]
        fn check(base: &str, expected: &str) {
            assert_eq!(id_url(base), expected);
        }
        check(DATAGREPPER, "https://apps.fedoraproject.org/datagrepper/id");
        check("https://x.org/d/raw", "https://x.org/d/id");
        check("https://x.org/d/raw/", "https://x.org/d/id");
        check("https://x.org/d//", "https://x.org/d/id");
        check("http://localhost:5000", "http://localhost:5000/id");
        check(" x.org/draw ", "https://x.org/draw/id");
    }
}
