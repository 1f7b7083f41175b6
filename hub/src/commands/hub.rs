//! `fedmsg-hub`: hosts the consumers and producers of the configuration.

use clap::Args;
use fedmsg_actors::{PlanError, StartError};
use fedmsg_config::{Config, DEFAULT_HUB, KeyPath, Loaded};
use toml::Table;
use tracing::info;

use super::common::{CommonArgs, fail};
use crate::exit::Exit;
use crate::hub::{Hub, HubError};

/// Run a hub: host the consumers and producers of the configuration.
///
/// Without any configuration file it runs a demonstration on the loopback interface: a relay, a
/// heartbeat every five seconds, and a consumer that logs everything. Try fedmsg-logger and
/// fedmsg-tail beside it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-hub                              the demonstration, or what /etc/fedmsg says
  fedmsg-hub --config ./fedmsg.toml       what this file says
  fedmsg-hub --log debug --log-format json

Exit status:
  0   stopped by SIGTERM, SIGINT or SIGHUP; every message that reached it was handled
  2   bad command line
  69  an address is taken, or no relay or endpoint to publish through
  70  messages that reached it were not handled, or every consumer has given up
  78  the configuration is wrong, or enables nothing")]
pub(crate) struct HubArgs {
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub(crate) fn run(args: HubArgs) -> Exit {
    let prepared = args.common.start_log("info").and_then(|()| {
        let loaded = args.common.load(Table::new(), Some(DEFAULT_HUB))?;
        args.common.printed(&loaded.config)?;
        Ok(loaded)
    });
    match prepared {
        Ok(loaded) => {
            announce(&loaded);
            serve(loaded.config.clone(), &loaded)
        }
        Err(exit) => exit,
    }
}

fn announce(loaded: &Loaded) {
    if loaded.used_fallback {
        let relay = loaded.config.relay_inbound.iter().map(ToString::to_string);
        info!(
            relay = %relay.collect::<Vec<_>>().join(" "),
            "no configuration file found: running the built-in demonstration; \
             try: echo hello | fedmsg-logger"
        );
    } else {
        for file in &loaded.files {
            info!(file = %file.display(), "configuration read");
        }
    }
}

/// Runs a hub under `config` and says how it ended; `loaded` knows where each setting comes from.
pub(crate) fn serve(config: Config, loaded: &Loaded) -> Exit {
    match Hub::builder(config).run() {
        Ok(report) if report.is_clean() => Exit::Ok,
        Ok(_) => Exit::Software,
        Err(HubError::Start(StartError::Plan(errors))) => {
            for error in errors {
                fail(Exit::Config, located(error, loaded));
            }
            Exit::Config
        }
        Err(error) => fail(exit_of(&error), &error),
    }
}

/// An error of the plan with the file and line that it is about.
fn located(error: PlanError, loaded: &Loaded) -> String {
    let key = |table, name: &str, key| loaded.origins.of(&KeyPath::from([table, name, key]));
    match error {
        PlanError::Params {
            table: "consumers",
            name,
            source,
        } => loaded.origins.consumer_errors(&name, source).to_string(),
        PlanError::Params { name, source, .. } => {
            loaded.origins.producer_errors(&name, source).to_string()
        }
        PlanError::UnknownKind {
            table, ref name, ..
        } => {
            format!("{}: {error}", key(table, name, "kind"))
        }
        PlanError::Schedule { .. } => error.to_string(),
    }
}

fn exit_of(error: &HubError) -> Exit {
    match error {
        HubError::Config(_) => Exit::Config,
        HubError::Start(StartError::NothingEnabled | StartError::Plan(_)) => Exit::Config,
        HubError::Start(StartError::Died(_)) => Exit::Software,
        HubError::Start(_) => Exit::Unavailable,
        HubError::System(_) => Exit::Io,
        HubError::AllStopped(_) => Exit::Software,
    }
}
