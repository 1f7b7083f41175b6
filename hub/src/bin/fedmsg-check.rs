//! The command `fedmsg-check`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fedmsg_hub::cli::run(Some("fedmsg-check"))
}
