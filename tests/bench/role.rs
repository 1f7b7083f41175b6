//! What a child of the benchmark does: this program, started once more.
//!
//! [`crate::measure`] starts them as [`crate::peer::Peer`]s. Each says on its standard output how
//! far it is, is told what to do on its standard input, and ends in order when that is closed.

mod crowd;
mod hub;
mod proxy;
mod publisher;
mod raw_publisher;
mod raw_rsa;
mod raw_socket;
mod subscriber;
mod ticks;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

pub(crate) use self::hub::Reaction;
pub(crate) use self::raw_rsa::Operation;
pub(crate) use self::raw_socket::Batches;
pub(crate) use self::ticks::Timer;
use crate::placement::pin;

/// A role, as it stands on the command line of a child.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub(crate) enum Role {
    /// Runs a program, and whatever it starts, on one core.
    Pinned {
        core: usize,
        program: OsString,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Sends with `zmq_send`; bound, or connected to an address.
    RawPublisher {
        #[arg(long)]
        connect: Option<String>,
        #[arg(long, value_enum, default_value_t = Batches::Usual)]
        batches: Batches,
        /// Send a message that was signed before.
        #[arg(long)]
        signed: bool,
        /// Send in the name of so many services in turn.
        #[arg(long)]
        services: Option<usize>,
    },
    /// Sends with `fedmsg::Publisher`.
    Publisher {
        /// Sign each message.
        #[arg(long)]
        signed: bool,
    },
    /// Does nothing but the RSA operation.
    RawRsa {
        #[arg(value_enum)]
        operation: Operation,
        threads: usize,
    },
    /// Receives with `zmq_recv`, blocking.
    Subscriber {
        address: String,
        expected: u64,
        #[arg(long, value_enum, default_value_t = Batches::Usual)]
        batches: Batches,
        /// Tell when each message came.
        #[arg(long)]
        times: bool,
    },
    /// Passes on with `zmq_proxy`.
    Proxy {
        #[arg(long, value_enum, default_value_t = Batches::Usual)]
        batches: Batches,
    },
    /// Receives in a hub with one consumer.
    Hub {
        address: String,
        expected: u64,
        #[arg(value_enum)]
        reaction: Reaction,
        /// Validate each message.
        #[arg(long)]
        validate: bool,
    },
    /// Receives in a hub with many consumers.
    Crowd {
        address: String,
        expected: u64,
        consumers: usize,
    },
    /// Ticks each second, many times at once.
    Ticks {
        #[arg(value_enum)]
        timer: Timer,
        tickers: usize,
        seconds: usize,
    },
}

impl Role {
    /// Plays the role to its end.
    pub(crate) fn play(self) -> Result<()> {
        match self {
            Self::Pinned {
                core,
                program,
                args,
            } => {
                pin(core)?;
                let failure = Command::new(&program).args(args).exec();
                Err(failure).with_context(|| program.to_string_lossy().into_owned())
            }
            Self::RawPublisher {
                connect,
                batches,
                signed,
                services,
            } => raw_publisher::play(connect.as_deref(), batches, signed, services),
            Self::Publisher { signed } => publisher::play(signed),
            Self::RawRsa { operation, threads } => raw_rsa::play(operation, threads),
            Self::Subscriber {
                address,
                expected,
                batches,
                times,
            } => subscriber::play(&address, expected, batches, times),
            Self::Proxy { batches } => proxy::play(batches),
            Self::Hub {
                address,
                expected,
                reaction,
                validate,
            } => hub::play(&address, expected, reaction, validate),
            Self::Crowd {
                address,
                expected,
                consumers,
            } => crowd::play(&address, expected, consumers),
            Self::Ticks {
                timer,
                tickers,
                seconds,
            } => ticks::play(timer, tickers, seconds),
        }
    }
}

/// What a publisher is told.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// So many messages with a body of so many bytes, as fast as they go.
    Burst { messages: u64, bytes: usize },
    /// The same, one each so many microseconds.
    Pace {
        messages: u64,
        bytes: usize,
        interval: u64,
    },
    /// One message that does not count.
    Probe,
}

impl Order {
    fn read(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        match *words {
            ["burst", messages, bytes] => Ok(Self::Burst {
                messages: messages.parse()?,
                bytes: bytes.parse()?,
            }),
            ["pace", messages, bytes, interval] => Ok(Self::Pace {
                messages: messages.parse()?,
                bytes: bytes.parse()?,
                interval: interval.parse()?,
            }),
            ["probe"] => Ok(Self::Probe),
            _ => anyhow::bail!("what is {line:?}?"),
        }
    }
}

/// Waits until whoever started this process wants it to end.
fn wait_for_dismissal() -> io::Result<()> {
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}

/// Resolves when whoever started this process wants it to end.
fn dismissal() -> impl Future<Output = ()> {
    let (dismiss, dismissed) = oneshot::channel::<()>();
    thread::spawn(move || {
        let _ = wait_for_dismissal();
        drop(dismiss);
    });
    async {
        let _ = dismissed.await;
    }
}

/// Nanoseconds on the clock that all processes of this machine share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds * 1_000_000_000 + nanoseconds
}

/// Times as a line that [`crate::measure`] can read.
fn written(times: &[u64]) -> String {
    let words: Vec<_> = times.iter().map(u64::to_string).collect();
    words.join(" ")
}
