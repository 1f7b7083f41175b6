//! The command `fedmsg-dg-replay`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Messages are made on one thread and dropped on another, which costs the system's allocator a lock.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    fedmsg_hub::cli::run(Some("fedmsg-dg-replay"))
}
