//! `fedmsg-hub`: hosts the consumers and producers of the configuration.

pub(crate) mod kinds;

use std::sync::Arc;

use clap::Args;
use fedmsg::{PublishError, SigningError};
use fedmsg_actors::{BoxError, PlanError, Registry, StartError, StopReport, raise_descriptors};
use fedmsg_config::{Config, KeyPath, Loaded};
use toml::Table;
use tracing::info;

use self::kinds::Form;
use super::common::{CommonArgs, fail, print};
use super::config::check;
use super::located::settings_at_fault;
use super::timeout::TimeoutArgs;
use crate::exit::Exit;
use crate::hub::{HubBuilder, HubError};
use crate::monitoring::MonitoringStartError;

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
  fedmsg-hub --check                      what is wrong with it, without starting anything
  fedmsg-hub --list-kinds                 what a consumer or producer may be, and its params

Exit status:
  0   stopped by SIGTERM, SIGINT or SIGHUP; every message that reached it was handled
  2   bad command line
  69  an address is taken, no relay or endpoint to publish through, or a plugin does not start
  70  messages that reached it were not handled, or every consumer has given up
  78  the configuration is wrong, or enables nothing")]
pub(crate) struct HubArgs {
    /// Run only these consumers, by their names in the configuration; producers run as ever
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    with_consumers: Vec<String>,

    /// Do what `fedmsg-config check` does, with the kinds that this hub knows, and exit
    #[arg(long, conflicts_with_all = ["list_kinds", "print_config", "with_consumers"])]
    check: bool,

    /// List the kinds of consumers and producers with what params they take, and exit
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text"
    )]
    list_kinds: Option<Form>,

    /// Of the original: there is no web socket server here
    #[arg(long, value_name = "PORT", hide = true)]
    websocket_server_port: Option<String>,

    #[command(flatten)]
    timeout: TimeoutArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl HubArgs {
    /// Says what is wrong with the configuration, and starts nothing.
    fn check(&self, registry: &Registry, fallback: Fallback) -> Exit {
        let mut flags = Table::new();
        self.timeout.add_to(&mut flags);
        let sources = self.common.sources(flags, Some(fallback.toml()));
        let (text, exit) = check::of_hub(&sources, registry);
        match print(&text) {
            Exit::Ok => exit,
            failed => failed,
        }
    }

    fn refuse_websocket(&self) -> Result<(), Exit> {
        match self.websocket_server_port {
            None => Ok(()),
            Some(_) => Err(fail(
                Exit::Usage,
                "--websocket-server-port: this hub has no web socket server; let clients outside connect \
                 to a fedmsg-gateway",
            )),
        }
    }

    /// Leaves only the consumers that were asked for.
    fn choose_consumers(&self, config: &mut Config) -> Result<(), Exit> {
        if self.with_consumers.is_empty() {
            return Ok(());
        }
        let is_there = |name: &&String| config.consumers.contains_key(name.as_str());
        if let Some(name) = self.with_consumers.iter().find(|name| !is_there(name)) {
            let known: Vec<_> = config.consumers.keys().map(String::as_str).collect();
            let known = match known.is_empty() {
                true => "none".to_owned(),
                false => known.join(", "),
            };
            let text =
                format!("--with-consumers: no consumer {name:?}; the configuration has {known}");
            return Err(fail(Exit::Usage, text));
        }
        let is_wanted = |name: &String| self.with_consumers.contains(name);
        config.consumers.retain(|name, _| is_wanted(name));
        Ok(())
    }
}

/// What takes the place of the configuration where there is no file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fallback {
    /// Something to play with.
    Demonstration(&'static str),
    /// What the author of the program has put in.
    OfTheProgram(&'static str),
}

impl Fallback {
    fn toml(self) -> &'static str {
        let (Self::Demonstration(toml) | Self::OfTheProgram(toml)) = self;
        toml
    }
}

/// Runs the command, with the kinds of `registry`, until a signal or `end`.
pub(crate) fn run(
    args: HubArgs,
    registry: Registry,
    fallback: Fallback,
    end: impl Future<Output = ()>,
) -> Exit {
    if let Some(form) = args.list_kinds {
        return kinds::list(&registry, form);
    }
    if args.check {
        return args.check(&registry, fallback);
    }
    let prepared = args.common.start_log("info").and_then(|()| {
        args.refuse_websocket()?;
        let mut flags = Table::new();
        args.timeout.add_to(&mut flags);
        let mut loaded = args.common.load(flags, Some(fallback.toml()))?;
        args.choose_consumers(&mut loaded.config)?;
        args.common.printed(&loaded.config)?;
        raise_descriptors();
        Ok(loaded)
    });
    match prepared {
        Ok(loaded) => {
            announce(&loaded, fallback);
            let hub = HubBuilder::new(Arc::new(loaded.config.clone()), registry);
            exit(hub.run_until(end), &loaded)
        }
        Err(exit) => exit,
    }
}

fn announce(loaded: &Loaded, fallback: Fallback) {
    if loaded.used_fallback {
        let relay = loaded.config.relay_inbound.iter().map(ToString::to_string);
        match fallback {
            Fallback::Demonstration(_) => info!(
                relay = %relay.collect::<Vec<_>>().join(" "),
                "no configuration file found: running the built-in demonstration; \
                 try: echo hello | fedmsg-logger"
            ),
            Fallback::OfTheProgram(_) => {
                info!("no configuration file found: running with what the program brings along");
            }
        }
    } else {
        for file in &loaded.files {
            info!(file = %file.display(), "configuration read");
        }
    }
}

/// Says how a hub ended; `loaded` knows where each setting comes from.
pub(crate) fn exit(ended: Result<StopReport, HubError>, loaded: &Loaded) -> Exit {
    match ended {
        Ok(report) if report.is_clean() => Exit::Ok,
        Ok(_) => Exit::Software,
        Err(HubError::Start(StartError::Plan(errors))) => {
            for error in errors {
                fail(Exit::Config, located(error, loaded));
            }
            Exit::Config
        }
        Err(HubError::Start(StartError::Build {
            table,
            name,
            source,
        })) => match settings_at_fault(loaded, table, &name, source) {
            Ok(errors) => fail(Exit::Config, errors),
            Err(source) => {
                let built = StartError::Build {
                    table,
                    name,
                    source,
                };
                let error = HubError::Start(built);
                fail(exit_of(&error), &error)
            }
        },
        Err(HubError::Start(StartError::Trust(error))) => {
            let place = loaded.origins.of(&KeyPath::from(error.key()));
            let error = StartError::Trust(error);
            fail(Exit::Config, format_args!("{place}: {error}"))
        }
        Err(error) => fail(exit_of(&error), &error),
    }
}

/// An error of the plan with the file and line that it is about.
fn located(error: PlanError, loaded: &Loaded) -> String {
    let origins = &loaded.origins;
    let key = match error {
        PlanError::Params {
            table: "consumers",
            name,
            source,
        } => return origins.consumer_errors(&name, source).to_string(),
        PlanError::Params { name, source, .. } => {
            return origins.producer_errors(&name, source).to_string();
        }
        PlanError::UnknownKind {
            table, ref name, ..
        } => KeyPath::from([table, name, "kind"]),
        PlanError::Schedule {
            ref name,
            ref source,
        } => {
            let producer = KeyPath::from(["producers", name]);
            source
                .key()
                .map_or(producer.clone(), |key| producer.child(key))
        }
    };
    format!("{}: {error}", origins.of(&key))
}

/// Whether a plugin did not start for want of a setting, rather than of a free address.
fn is_misconfigured(source: &BoxError) -> bool {
    let own = source.downcast_ref::<PublishError>();
    let shared = source.downcast_ref::<Arc<PublishError>>();
    let error = own.or(shared.map(|shared| &**shared));
    if source.is::<SigningError>() {
        return true;
    }
    matches!(
        error,
        Some(PublishError::Signing(_) | PublishError::UnknownName { .. })
    )
}

fn exit_of(error: &HubError) -> Exit {
    match error {
        HubError::Config(_) => Exit::Config,
        HubError::Start(StartError::NothingEnabled | StartError::Plan(_)) => Exit::Config,
        HubError::Start(StartError::Trust(_)) => Exit::Config,
        HubError::Start(StartError::Publish(error))
            if matches!(**error, PublishError::Signing(_)) =>
        {
            Exit::Config
        }
        HubError::Start(StartError::Build { source, .. }) if is_misconfigured(source) => {
            Exit::Config
        }
        HubError::Start(StartError::Died(_)) => Exit::Software,
        HubError::Start(_) => Exit::Unavailable,
        HubError::Monitoring(MonitoringStartError::Address(_)) => Exit::Config,
        HubError::Monitoring(MonitoringStartError::Bind(_)) => Exit::Unavailable,
        HubError::System(_) => Exit::Io,
        HubError::AllStopped(_) => Exit::Software,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use fedmsg_config::{ScheduleError, Sources};

    use super::*;

    #[test]
    fn an_error_of_a_schedule_has_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.toml");
        let text = "[producers.x]\nkind = 'heartbeat'\nevery = '1s'\n";
        std::fs::write(&file, text).unwrap();
        let loaded = Config::load(&Sources {
            config: Some(file.clone()),
            ..Sources::default()
        });
        let error = PlanError::Schedule {
            name: "x".to_owned(),
            source: ScheduleError::TooOften,
        };
        let told = located(error, &loaded.unwrap());
        let start = format!("{}:3: producers.x: ", file.display());
        assert!(told.starts_with(&start), "{told}");
    }

    #[test]
    fn each_way_to_end_has_its_exit_status() {
        #[track_caller]
        fn check(error: impl Into<HubError>, expected: Exit) {
            assert_eq!(exit_of(&error.into()), expected);
        }
        let built = StartError::Build {
            table: "consumers",
            name: "relay".to_owned(),
            source: "taken".into(),
        };
        let wrong = fedmsg_config::Config::from_toml("active = 2").unwrap_err();
        check(wrong, Exit::Config);
        check(StartError::NothingEnabled, Exit::Config);
        check(StartError::Plan(Vec::new()), Exit::Config);
        check(built, Exit::Unavailable);
        check(
            StartError::Died("consumers.relay".to_owned()),
            Exit::Software,
        );
        check(io::Error::other("no descriptors left"), Exit::Io);
        check(HubError::AllStopped(Box::default()), Exit::Software);
    }
}
