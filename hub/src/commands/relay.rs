//! `fedmsg-relay`: a hub with nothing but a relay.

use clap::Args;

use super::preset::PresetArgs;
use crate::exit::Exit;

/// Run a relay: let short-lived programs publish.
///
/// Publishers connect to the addresses of `relay_inbound`, of which it binds all; subscribers of the bus
/// connect to the first free address of `endpoints.relay_outbound`. Messages are forwarded byte for byte.
/// Of the configuration it uses the consumers of kind "relay" only (or one with default settings);
/// those with `enabled = false`, which hubs leave out, where there are no others.
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
    preset: PresetArgs,
}

/// Runs the command.
pub(crate) fn run(args: RelayArgs) -> Exit {
    args.preset.run("relay", |_| {})
}
