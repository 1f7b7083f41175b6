//! What a hub tells systemd: that it runs, how it is, and that it is alive (sd_notify(3)).
//!
//! [`crate::hub`] makes one and runs it. Nothing happens where nobody listens: systemd sets `NOTIFY_SOCKET`
//! for a unit of `Type=notify`, and `WATCHDOG_USEC` where that has `WatchdogSec=`.

use std::env;
use std::fmt::Write as _;
use std::time::Duration;

use fedmsg_actors::{HubStatus, RunningHub};
use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

/// How often the line of `systemctl status` is made anew.
const PERIOD: Duration = Duration::from_secs(5);

/// The watchdog hears of us so often within its time-out (sd_watchdog_enabled(3) says twice).
const FED_IN_TIMEOUT: u32 = 3;

/// The shortest pause between two notifications.
const SHORTEST_PERIOD: Duration = Duration::from_millis(10);

/// What the end may take beyond `stop_timeout`: moments for each part, and `zmq_linger`.
const LAST_MOMENTS: Duration = Duration::from_secs(10);

/// The way to systemd, if it has started this process and wants to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Systemd {
    listens: bool,
    /// How long it waits for a sign of life.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// What the environment says.
    pub(crate) fn from_environment() -> Self {
        let listens = env::var_os("NOTIFY_SOCKET").is_some();
        Self {
            listens,
            watchdog: sd_notify::watchdog_enabled().filter(|_| listens),
        }
    }

    /// Says that the hub runs, then tells how `hub` is, for ever. The watchdog is fed as long as nothing is
    /// stuck, and the hub can be asked.
    pub(crate) async fn attend(self, hub: &RunningHub) {
        if !self.listens {
            return std::future::pending().await;
        }
        let mut told = String::new();
        let mut ready = vec![Notice::Ready];
        let period = self
            .watchdog
            .map_or(PERIOD, |timeout| timeout / FED_IN_TIMEOUT);
        let mut ticks = interval(period.clamp(SHORTEST_PERIOD, PERIOD));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_told = None;
        loop {
            let now = ticks.tick().await;
            let status = hub.status().await;
            let mut notices = std::mem::take(&mut ready);
            if self.watchdog.is_some() && status.read_ms > 0 && status.stuck().is_empty() {
                notices.push(Notice::Alive);
            }
            let is_due = last_told.is_none_or(|told| now.duration_since(told) >= PERIOD);
            let line = line(&status);
            if line != told && (is_due || !status.stuck().is_empty()) {
                last_told = Some(now);
                told.clone_from(&line);
                notices.push(Notice::Status(line));
            }
            send(notices).await;
        }
    }

    /// Says that the hub stops, for which it takes about `stop_timeout`.
    pub(crate) async fn say_stopping(self, stop_timeout: Duration) {
        if self.listens {
            let time = stop_timeout + LAST_MOMENTS;
            let status = "stopping: working off what has arrived".to_owned();
            send(vec![
                Notice::Stopping,
                Notice::Other(format!("EXTEND_TIMEOUT_USEC={}", time.as_micros())),
                Notice::Status(status),
            ])
            .await;
        }
    }

    /// Says that the hub stops, then that it is alive, for ever: what is stuck costs a stop no more than its
    /// time.
    pub(crate) async fn attend_stop(self, stop_timeout: Duration) {
        self.say_stopping(stop_timeout).await;
        let Some(timeout) = self.watchdog else {
            return std::future::pending().await;
        };
        let mut ticks = interval((timeout / FED_IN_TIMEOUT).max(SHORTEST_PERIOD));
        loop {
            ticks.tick().await;
            send(vec![Notice::Alive]).await;
        }
    }
}

/// What may be said.
enum Notice {
    Ready,
    Alive,
    Stopping,
    /// Another variable, with its value.
    Other(String),
    Status(String),
}

impl Notice {
    fn state(&self) -> NotifyState<'_> {
        match self {
            Self::Ready => NotifyState::Ready,
            Self::Alive => NotifyState::Watchdog,
            Self::Stopping => NotifyState::Stopping,
            Self::Other(text) => NotifyState::Custom(text),
            Self::Status(line) => NotifyState::Status(line),
        }
    }
}

/// Sends it all at once, on a thread that may block: systemd may be slow to read.
async fn send(notices: Vec<Notice>) {
    if notices.is_empty() {
        return;
    }
    let send = move || {
        let states: Vec<_> = notices.iter().map(Notice::state).collect();
        sd_notify::notify(&states)
    };
    if let Ok(Err(error)) = tokio::task::spawn_blocking(send).await {
        warn!(%error, "systemd does not listen");
    }
}

/// The state of a hub in one line: what is stuck, or else the totals.
fn line(status: &HubStatus) -> String {
    let stuck = status.stuck();
    if !stuck.is_empty() {
        return format!("stuck: {}", stuck.join(", "));
    }
    let received: u64 = status.sources.iter().map(|it| it.received.messages).sum();
    let backlog: usize = status.consumers.iter().map(|it| it.backlog).sum();
    let over: Vec<_> = status.consumers.iter().filter(|it| it.is_over()).collect();
    let mut line = format!(
        "received {received}, waiting {backlog}, lost {}",
        status.lost()
    );
    if let Some(publisher) = &status.publisher {
        let _ = write!(line, ", published {}", publisher.messages);
    }
    for consumer in over {
        let _ = write!(line, "; {} has ended", consumer.name);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_totals() {
        let line = line(&HubStatus::default());
        assert_eq!(line, "received 0, waiting 0, lost 0");
    }
}
