//! Hubs that host a thousand of something.
//!
//! [`crate::case`] lists them beside hubs that host ten, or bare timers.

use anyhow::Result;

use super::{Meter, Sample, Setting, burst, percentile, raw_publisher_with, times, word};
use crate::peer::Peer;
use crate::role::Timer;

/// How often each of them ticks while it is measured.
const TICKS: &str = "5";
/// How many tick at a time.
const TICKERS: &str = "1000";

/// Whom the messages are for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audience {
    /// Always the same one of all consumers.
    One,
    /// Each of them in turn.
    Each,
}

/// How fast a hub with so many consumers takes what a raw publisher sends, each message for one of them.
pub(crate) fn consumers(setting: &Setting, count: usize, audience: Audience) -> Result<Sample> {
    let services = match audience {
        Audience::One => 1,
        Audience::Each => count,
    };
    let (mut publisher, address) =
        raw_publisher_with(setting, &["--services", &services.to_string()])?;
    let words = [
        "crowd",
        &address,
        &setting.messages.to_string(),
        &count.to_string(),
    ];
    let mut hub = Peer::role(setting.placement.subject(), &words)?;
    publisher.hear("subscribed")?;
    let meter = Meter::start(&hub)?;
    publisher.tell(&burst(setting))?;
    let (end, _) = hub.hear("done")?;
    let sample = meter.stop(end, hub.cpu_time()?, setting.messages);
    hub.dismiss()?;
    publisher.dismiss()?;
    Ok(sample)
}

/// How late a thousand are that tick each second.
pub(crate) fn ticks(timer: Timer) -> Result<Sample> {
    let mut hub = Peer::role(None, &["ticks", &word(&timer), TICKERS, TICKS])?;
    hub.hear("done")?;
    hub.hang_up();
    let mut late = times(&hub.hear("late")?.1)?;
    late.sort_unstable();
    hub.dismiss()?;
    Ok(Sample {
        main: percentile(&late, 50) / 1e3,
        beside: percentile(&late, 99) / 1e3,
    })
}
