//! `fedmsg-signing-relay`: a hub with nothing but a relay that signs.

use clap::Args;

use super::preset::PresetArgs;
use crate::exit::Exit;

/// Run a relay that signs what it forwards, for publishers without a certificate.
///
/// As fedmsg-relay, but each message leaves with the signature of the certificate that
/// `certnames.signing_relay` names; one that it has already is taken off. Who may reach `relay_inbound`
/// is trusted. Of the configuration it uses the consumers of kind "signing-relay" only (or one with
/// default settings); those with `enabled = false`, which hubs leave out, where there are no others.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmsg-signing-relay --config /etc/fedmsg
  fedmsg-signing-relay --config ./signing.toml --log debug
  FEDMSG_CERTNAMES__SIGNING_RELAY=relay-app01 fedmsg-signing-relay

Exit status:
  0   stopped by SIGTERM, SIGINT or SIGHUP; every message that reached it was forwarded
  2   bad command line
  69  an address is taken
  70  messages that reached it were not forwarded
  78  the configuration is wrong, or there is nothing to sign with")]
pub(crate) struct SigningRelayArgs {
    #[command(flatten)]
    preset: PresetArgs,
}

/// Runs the command.
pub(crate) fn run(args: SigningRelayArgs) -> Exit {
    args.preset.run("signing-relay", |_| {})
}
