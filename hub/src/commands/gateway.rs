//! `fedmsg-gateway`: a hub with nothing but a gateway.

use clap::Args;

use super::preset::PresetArgs;
use crate::exit::Exit;

/// Run a gateway: pass the whole bus on at one address, for clients outside.
///
/// It connects to every address of `endpoints`, as each listener does, and clients connect to its
/// `address`: tcp://127.0.0.1:9940 unless the settings of a consumer of kind "gateway" say otherwise.
/// What a client misses that cannot keep up is counted, and costs the others nothing. Of the
/// configuration it uses the consumers of that kind only (or one with default settings); those
/// with `enabled = false`, which hubs leave out, where there are no others. --high-water-mark is for them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-gateway                          from every endpoint to tcp://127.0.0.1:9940
  fedmsg-gateway --config /etc/fedmsg     as the site's configuration says
  fedmsg-gateway --high-water-mark 160000  for clients that pause for long

Exit status:
  0   stopped by SIGTERM, SIGINT or SIGHUP; every message that reached it was passed on
  2   bad command line
  69  the address is taken
  70  messages that reached it were not passed on
  78  the configuration is wrong")]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    preset: PresetArgs,
}

/// Runs the command.
pub(crate) fn run(args: GatewayArgs) -> Exit {
    let limit = args.preset.high_water_mark();
    args.preset.run("gateway", |consumer| {
        if let Some(limit) = limit {
            consumer.params.set("high_water_mark", i64::from(limit));
        }
    })
}
