//! The command `fedmsg-logger`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fedmsg_hub::cli::run(Some("fedmsg-logger"))
}
