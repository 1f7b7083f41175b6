//! `fedmsg-collectd`: a hub with nothing but a counter of messages.

use std::future::pending;
use std::io::stdout;
use std::num::NonZeroU32;
use std::thread;

use clap::Args;
use fedmsg_config::ConsumerConfig;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::oneshot;

use super::hub::exit;
use super::preset::PresetArgs;
use crate::exit::Exit;
use crate::hub::{Hub, HubError};

/// Count messages for collectd, whose exec plugin runs this.
///
/// Every few seconds it prints a line for each kind of message that it knows, those of `fedmsg-announce`
/// and `fedmsg-logger`, and one for all others, "unhandled": how many came since the line before. Nothing
/// else goes to standard output; the log goes to standard error. Of the configuration it uses the consumers
/// of kind "collectd" only (or one with default settings);
/// those with `enabled = false`, which hubs leave out, where there are no others.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-collectd                           a line for each kind every 2 seconds
  fedmsg-collectd --collectd-interval 10    as often as collectd asks by default
  fedmsg-collectd --config /etc/fedmsg      as the site's configuration says

Exit status:
  0   stopped by SIGTERM, SIGINT or SIGHUP, or nobody reads standard output any more
  2   bad command line
  70  standard output cannot be written, or messages were not counted
  78  the configuration is wrong")]
pub(crate) struct CollectdArgs {
    /// Seconds from one line to the next; 2 unless the configuration says otherwise
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    collectd_interval: Option<NonZeroU32>,

    #[command(flatten)]
    preset: PresetArgs,
}

/// Runs the command.
pub(crate) fn run(args: CollectdArgs) -> Exit {
    let prepared = args.preset.prepare("collectd", |consumer| {
        if let Some(interval) = args.collectd_interval {
            set_interval(consumer, interval);
        }
    });
    match prepared {
        Ok((mut config, loaded)) => {
            // As in the original: it is no service, and several may run beside one.
            config.monitoring_socket = None;
            match Hub::builder(config).run_until(until_unread()) {
                // Its consumer may have noticed first.
                Err(HubError::AllStopped(_)) if is_unread() => Exit::Ok,
                ended => exit(ended, &loaded),
            }
        }
        Err(exit) => exit,
    }
}

/// Reads whole seconds.
fn seconds(text: &str) -> Result<NonZeroU32, String> {
    let seconds = text.parse();
    seconds.map_err(|_| format!("whole seconds, at least 1 and at most {}", u32::MAX))
}

/// Sets the only setting that there is for this kind.
fn set_interval(consumer: &mut ConsumerConfig, interval: NonZeroU32) {
    consumer.params.set("interval", i64::from(interval.get()));
}

/// Resolves when whoever read standard output has gone, without writing anything: the next line may be
/// an hour away.
async fn until_unread() {
    let (gone, reader) = oneshot::channel();
    let watch = move || {
        wait_for_error(None);
        let _ = gone.send(());
    };
    // Without a thread the next line finds out.
    let watching = thread::Builder::new()
        .name("reader".to_owned())
        .spawn(watch);
    if watching.is_err() || reader.await.is_err() {
        pending::<()>().await;
    }
}

/// Whether whoever read standard output has gone.
fn is_unread() -> bool {
    wait_for_error(Some(&Timespec::default()))
}

/// Waits until standard output has an error, as a pipe has that nobody reads (poll(2)). Files never have.
fn wait_for_error(timeout: Option<&Timespec>) -> bool {
    let stdout = stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    let found = poll(&mut watched, timeout);
    found.is_ok_and(|found| found > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_overrides_the_configuration() {
        let mut consumer = ConsumerConfig::new("collectd");
        for interval in [5, 10] {
            set_interval(&mut consumer, NonZeroU32::new(interval).unwrap());
            let params = consumer.params.parse::<toml::Table>().unwrap();
            let found = params.get("interval").and_then(toml::Value::as_integer);
            assert_eq!(found, Some(interval.into()));
        }
    }
}
