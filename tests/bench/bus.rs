//! `cargo bench --bench bus`: what the bus costs, as ratios to raw libzmq that does the same work.
//!
//! This process measures and prints; what is measured runs in children, so that their CPU time is
//! theirs alone: this very program in a [`Role`], or the real `fedmsg-…` programs. What each figure
//! means, and what it was when somebody looked, is in README.md beside this file.

mod body;
mod case;
mod measure;
mod original;
mod peer;
mod pki;
mod placement;
#[path = "../it/peers/port.rs"]
#[expect(
    clippy::expect_used,
    reason = "it is written for tests, where a panic is a failure"
)]
#[expect(unused_imports, reason = "its own tests run in tests/it")]
mod port;
mod report;
mod role;
mod rounds;
mod spin;
mod usage;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use mimalloc::MiMalloc;

use self::role::Role;
use self::rounds::Rounds;

/// As the programs that it measures.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long a measurement lasts.
const MEASUREMENT: Duration = Duration::from_millis(1200);

/// How long a measurement lasts when it need not be exact.
const QUICK_MEASUREMENT: Duration = Duration::from_millis(200);

/// Measures the bus, as ratios to raw libzmq in the same run.
#[derive(Debug, Parser)]
#[command(name = "bus", args_conflicts_with_subcommands = true)]
struct Args {
    /// Every figure is the median of so many rounds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000)
    )]
    rounds: usize,

    /// Measure only what has this in its name, such as hub or relay/, and raw libzmq beside it; may
    /// be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,

    /// Measure a sixth of the time: to see whether it works and where it roughly stands
    #[arg(long)]
    quick: bool,

    /// Print JSON Lines in place of tables
    #[arg(long)]
    json: bool,

    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,

    #[command(subcommand)]
    role: Option<Role>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(role) = args.role {
        return role.play();
    }
    let groups = case::chosen(&args.only)?;
    let length = if args.quick {
        QUICK_MEASUREMENT
    } else {
        MEASUREMENT
    };
    let results = Rounds::new(args.rounds, length).run(&groups)?;
    if args.json {
        report::print_json(&results)
    } else {
        report::print_tables(&results)
    }
}
