//! The command `fedmsg-tail`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fedmsg_hub::cli::run(Some("fedmsg-tail"))
}
