//! The signals that stop a hub.

use std::io;
use std::process;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;
use tracing::warn;

/// A signal that follows another within this time is the same one: timeout(1) and some service managers
/// signal both a process and its group.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// SIGTERM (what systemd sends), SIGINT (Ctrl-C) and SIGHUP, each of which stops a hub in order.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes the signals over; without this they would end the process.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The name of the next signal. Cancel-safe.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }

    /// From now on a signal ends the process, whatever it is doing.
    pub(crate) fn end_process_at_next(mut self) {
        let first = Instant::now();
        tokio::spawn(async move {
            let mut name = self.next().await;
            while first.elapsed() < SAME_SIGNAL {
                name = self.next().await;
            }
            warn!(
                signal = name,
                "second signal: ending at once, what is queued is lost"
            );
            process::exit(128 + number(name));
        });
    }
}

fn number(name: &str) -> i32 {
    match name {
        "SIGHUP" => 1,
        "SIGINT" => 2,
        _ => 15,
    }
}
