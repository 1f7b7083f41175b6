//! `fedmsg-relay`: a hub with nothing but a relay.

use clap::Args;
use fedmsg_config::{Config, ConsumerConfig};
use toml::Table;

use super::common::CommonArgs;
use super::hub::exit;
use crate::exit::Exit;
use crate::hub::Hub;
use crate::limits::raise_descriptors;

/// The kind of consumer that a relay is, and the name of its instance if the configuration has none.
const RELAY: &str = "relay";

/// Run a relay: let short-lived programs publish.
///
/// Publishers connect to the addresses of `relay_inbound`, of which it binds all; subscribers of the bus
/// connect to the first free address of `endpoints.relay_outbound`. Messages are forwarded byte for byte.
/// Of the configuration it uses the consumers of kind "relay" only (or one with default settings).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-relay                            from tcp://127.0.0.1:2001 to tcp://127.0.0.1:4001
  fedmsg-relay --config /etc/fedmsg       as the site's configuration says
  fedmsg-relay --high-water-mark 0        lose nothing, whatever memory slow subscribers take

Exit status:
  0   stopped by SIGTERM, SIGINT or SIGHUP; every message that reached it was forwarded
  2   bad command line
  69  an address is taken
  70  messages that reached it were not forwarded
  78  the configuration is wrong")]
pub(crate) struct RelayArgs {
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub(crate) fn run(args: RelayArgs) -> Exit {
    let prepared = args.common.start_log("info").and_then(|()| {
        let loaded = args.common.load(Table::new(), None)?;
        let config = preset(loaded.config.clone());
        args.common.printed(&config)?;
        raise_descriptors();
        Ok((config, loaded))
    });
    match prepared {
        Ok((config, loaded)) => exit(Hub::builder(config).run(), &loaded),
        Err(exit) => exit,
    }
}

/// Leaves nothing in `config` but relays, and puts one in if there is none.
fn preset(mut config: Config) -> Config {
    config.producers.clear();
    config
        .consumers
        .retain(|_, consumer| consumer.kind == RELAY && consumer.enabled);
    if config.consumers.is_empty() {
        config
            .consumers
            .insert(RELAY.to_owned(), ConsumerConfig::new(RELAY));
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_has_relays_and_nothing_else() {
        let config = Config::from_toml(
            "[consumers.audit]\nkind = 'log'\n[consumers.mine]\nkind = 'relay'\n\
             [producers.beat]\nkind = 'heartbeat'\nevery = '5s'",
        )
        .unwrap();
        let preset = super::preset(config);
        assert_eq!(preset.consumers.keys().collect::<Vec<_>>(), ["mine"]);
        assert!(preset.producers.is_empty());
        let preset = super::preset(Config::default());
        assert_eq!(preset.consumers.keys().collect::<Vec<_>>(), ["relay"]);
    }
}
