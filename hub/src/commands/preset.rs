//! A hub with consumers of one kind only: what `fedmsg-relay` and its like run.

use clap::Args;
use fedmsg_actors::raise_descriptors;
use fedmsg_config::{Config, ConsumerConfig, Loaded};
use toml::Table;
use tracing::info;

use super::common::CommonArgs;
use super::hub::exit;
use super::timeout::TimeoutArgs;
use crate::exit::Exit;
use crate::hub::Hub;

/// Options of every preset.
#[derive(Debug, Args)]
pub(crate) struct PresetArgs {
    #[command(flatten)]
    timeout: TimeoutArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl PresetArgs {
    /// `--high-water-mark`, if it was given.
    pub(crate) fn high_water_mark(&self) -> Option<u32> {
        self.common.high_water_mark()
    }

    /// Runs the consumers of kind `kind` that the configuration has, or one with default settings, as `adjust`
    /// leaves them.
    pub(crate) fn run(&self, kind: &'static str, adjust: impl Fn(&mut ConsumerConfig)) -> Exit {
        match self.prepare(kind, adjust) {
            Ok((config, loaded)) => exit(Hub::builder(config).run(), &loaded),
            Err(exit) => exit,
        }
    }

    /// Starts the log and returns the configuration to run with, those consumers as `adjust` leaves them,
    /// and the one that was loaded.
    pub(crate) fn prepare(
        &self,
        kind: &'static str,
        adjust: impl Fn(&mut ConsumerConfig),
    ) -> Result<(Config, Loaded), Exit> {
        let mut flags = Table::new();
        self.timeout.add_to(&mut flags);
        self.common.start_log("info")?;
        let loaded = self.common.load(flags, None)?;
        let mut config = preset(loaded.config.clone(), kind);
        for (name, consumer) in config.consumers.iter_mut().filter(|it| !it.1.enabled) {
            info!(
                consumer = name,
                "enabled here: this program runs nothing else"
            );
            consumer.enabled = true;
        }
        config.consumers.values_mut().for_each(adjust);
        self.common.printed(&config)?;
        raise_descriptors();
        Ok((config, loaded))
    }
}

/// Leaves nothing in `config` but consumers of this kind: those that are enabled, or where none is, those that
/// are not. `enabled = false` is how a configuration keeps them out of hubs, which take all of it. Puts one in,
/// by the name of its kind, if there is none.
fn preset(mut config: Config, kind: &str) -> Config {
    config.producers.clear();
    config.consumers.retain(|_, consumer| consumer.kind == kind);
    if config.consumers.values().any(|consumer| consumer.enabled) {
        config.consumers.retain(|_, consumer| consumer.enabled);
    }
    if config.consumers.is_empty() {
        config
            .consumers
            .insert(kind.to_owned(), ConsumerConfig::new(kind));
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_has_one_kind_and_nothing_else() {
        let config = Config::from_toml(
            "[consumers.audit]\nkind = 'log'\n[consumers.mine]\nkind = 'relay'\n\
             [producers.beat]\nkind = 'heartbeat'\nevery = '5s'",
        )
        .unwrap();
        let relay = preset(config, "relay");
        assert_eq!(relay.consumers.keys().collect::<Vec<_>>(), ["mine"]);
        assert!(relay.producers.is_empty());
        let gateway = preset(Config::default(), "gateway");
        assert_eq!(gateway.consumers.keys().collect::<Vec<_>>(), ["gateway"]);
    }

    #[test]
    fn what_hubs_leave_out_is_taken_where_there_is_nothing_else() {
        let names = |toml: &str| {
            let config = preset(Config::from_toml(toml).unwrap(), "gateway");
            config.consumers.into_keys().collect::<Vec<_>>()
        };
        let disabled = "[consumers.theirs]\nkind = 'gateway'\nenabled = false\n";
        assert_eq!(names(disabled), ["theirs"]);
        let both = format!("{disabled}[consumers.ours]\nkind = 'gateway'");
        assert_eq!(names(&both), ["ours"]);
    }
}
