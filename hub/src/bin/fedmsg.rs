//! The command `fedmsg`, which has all others as subcommands.

use std::process::ExitCode;

fn main() -> ExitCode {
    fedmsg_hub::cli::run(None)
}
