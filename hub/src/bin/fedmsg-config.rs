//! The command `fedmsg-config`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fedmsg_hub::cli::run(Some("fedmsg-config"))
}
