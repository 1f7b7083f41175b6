//! The signals that stop a program, the second of them, which ends it whatever it is doing, and the one
//! that asks how it is.
//!
//! Called by [`crate::hub`] and the commands that run until they are told to end.

use std::io;
use std::process;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fedmsg_actors::ProcessGroup;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

/// A signal that follows another within this time is the same one: timeout(1) and some service managers
/// signal both a process and its group.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// How long the end waits for its line in the log: whoever should read it may have stopped doing so.
const LAST_LINE: Duration = Duration::from_millis(100);

/// SIGTERM (what systemd sends), SIGINT (Ctrl-C) and SIGHUP, each of which stops a program in order.
///
/// The second of them ends the process, and the programs that it runs. A thread of its own sees to that for as long as this value
/// is there: the others may be blocked, by a standard output or error that nobody reads.
pub(crate) struct Signals {
    streams: Streams,
    /// Whether the next signal is the second one in any case.
    stopping: watch::Sender<bool>,
}

impl Signals {
    /// Takes the signals over; without this they would end the process.
    pub(crate) fn listen() -> io::Result<Self> {
        let (streams, watched) = (Streams::open()?, Streams::open()?);
        let (stopping, is_stopping) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || end_at_second(&runtime, watched, is_stopping))?;
        Ok(Self { streams, stopping })
    }

    /// The name of the next signal. Cancel-safe.
    pub(crate) async fn next(&mut self) -> &'static str {
        self.streams.next().await
    }

    /// From now on a signal ends the process, even if there has been none.
    pub(crate) fn end_process_at_next(&self) {
        self.stopping.send_replace(true);
    }
}

/// SIGUSR1: somebody wants to know how this program is.
pub(crate) struct Questions(Signal);

impl Questions {
    /// Takes the signal over; without this it would end the process.
    pub(crate) fn listen() -> io::Result<Self> {
        signal(SignalKind::user_defined1()).map(Self)
    }

    /// Waits for the next one. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// What arrives of each signal.
struct Streams {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Streams {
    fn open() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }
}

/// Ends the process at the second signal; returns when nobody waits for signals any more.
fn end_at_second(runtime: &Runtime, mut streams: Streams, mut stopping: watch::Receiver<bool>) {
    let second = runtime.block_on(async {
        tokio::select! {
            _ = streams.next() => {}
            changed = stopping.changed() => changed.ok()?,
        }
        let first = Instant::now();
        loop {
            tokio::select! {
                name = streams.next() => {
                    if first.elapsed() >= SAME_SIGNAL {
                        return Some(name);
                    }
                }
                () = abandoned(&mut stopping) => return None,
            }
        }
    });
    if let Some(signal) = second {
        say_within(LAST_LINE, move || {
            warn!(
                signal,
                "second signal: ending at once, what is queued is lost"
            );
        });
        // They have groups of their own, which whoever signals ours does not reach.
        ProcessGroup::kill_all();
        process::exit(128 + number(signal));
    }
}

/// Resolves when the other half is gone.
async fn abandoned(stopping: &mut watch::Receiver<bool>) {
    while stopping.changed().await.is_ok() {}
}

/// Lets `say` write to standard error, which may block; returns when it has, or after `patience`.
pub(crate) fn say_within(patience: Duration, say: impl FnOnce() + Send + 'static) {
    let (said, done) = mpsc::channel();
    let speaker = thread::Builder::new().spawn(move || {
        say();
        let _ = said.send(());
    });
    if speaker.is_ok() {
        let _ = done.recv_timeout(patience);
    }
}

fn number(name: &str) -> i32 {
    match name {
        "SIGHUP" => 1,
        "SIGINT" => 2,
        _ => 15,
    }
}
