//! The command `fedmsg-hub`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fedmsg_hub::cli::run(Some("fedmsg-hub"))
}
