//! A hub with many producers that all tick each second and publish, and as many bare timers of tokio.
//!
//! Both tell how late each tick was.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use clap::ValueEnum;
use fedmsg_hub::{BoxError, Config, Hub, Producer, ProducerContext};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use toml::{Table, Value};

use super::{dismissal, written};
use crate::measure::free_address;
use crate::peer::say;

/// The time between two ticks.
const PERIOD: Duration = Duration::from_secs(1);

/// What makes them tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Timer {
    /// Timers of tokio, on a thread for each core, that do nothing.
    Tokio,
    /// Producers with `every`: each ticks at its own part of a second.
    Every,
    /// Producers with `cron`: all tick at once.
    Cron,
}

/// When each of them has ticked, since the epoch.
static TICKS: Mutex<Vec<Vec<Duration>>> = Mutex::new(Vec::new());

/// Publishes a number at each tick.
struct Clock {
    number: usize,
    ticks: usize,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    number: usize,
    ticks: usize,
}

impl Producer for Clock {
    const KIND: &'static str = "clock";
    type Params = Params;

    async fn from_params(params: Params, _: &ProducerContext) -> Result<Self, BoxError> {
        Ok(Self {
            number: params.number,
            ticks: params.ticks,
        })
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        if note(self.number, self.ticks) {
            say("done", "")?;
        }
        context.publish("tick", self.number).await?;
        Ok(())
    }
}

/// Notes that one of them has ticked; whether all of them have ticked often enough now.
fn note(number: usize, enough: usize) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut ticks = TICKS.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(own), Ok(now)) = (ticks.get_mut(number), now) {
        own.push(now);
        let has_enough = own.len() == enough;
        return has_enough && ticks.iter().all(|own| own.len() >= enough);
    }
    false
}

/// Ticks so many seconds, and tells how late each tick was, in nanoseconds.
pub(super) fn play(timer: Timer, tickers: usize, seconds: usize) -> Result<()> {
    *TICKS.lock().unwrap_or_else(PoisonError::into_inner) = vec![Vec::new(); tickers];
    match timer {
        Timer::Tokio => run_timers(tickers, seconds)?,
        Timer::Every => run_hub("every = '1s'", tickers, seconds)?,
        Timer::Cron => run_hub("cron = '* * * * * *'", tickers, seconds)?,
    }
    let ticks = TICKS.lock().unwrap_or_else(PoisonError::into_inner);
    let late = ticks.iter().flat_map(|own| lateness(own, timer));
    let late: Vec<u64> = late.collect();
    Ok(say("late", &written(&late))?)
}

/// How late each tick of one of them was: after the full second, or after the moments that follow from
/// its earliest tick.
fn lateness(own: &[Duration], timer: Timer) -> Vec<u64> {
    let period = PERIOD.as_nanos();
    let phases = own.iter().enumerate().map(|(count, tick)| match timer {
        Timer::Cron => tick.as_nanos() % period,
        // One after the other, so that a late one is not taken for an early one of the next second.
        _ => tick.as_nanos() - count as u128 * period,
    });
    let phases: Vec<u128> = phases.collect();
    let earliest = match timer {
        Timer::Cron => 0,
        _ => phases.iter().copied().min().unwrap_or(0),
    };
    let late = phases.iter().map(|phase| phase - earliest);
    late.map(|late| u64::try_from(late).unwrap_or(u64::MAX))
        .collect()
}

fn run_timers(tickers: usize, seconds: usize) -> Result<()> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for number in 0..tickers {
            all.spawn(async move {
                let mut interval = interval_at(Instant::now() + PERIOD, PERIOD);
                interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
                for _ in 0..seconds {
                    interval.tick().await;
                    note(number, seconds);
                }
            });
        }
        all.join_all().await;
    });
    Ok(say("done", "")?)
}

fn run_hub(schedule: &str, tickers: usize, seconds: usize) -> Result<()> {
    let producers = (0..tickers).map(|number| {
        let producer: Table = format!(
            "kind = 'clock'\n{schedule}\nparams = {{ number = {number}, ticks = {seconds} }}"
        )
        .parse()?;
        Ok((format!("clock-{number}"), Value::Table(producer)))
    });
    let producers: Table = producers.collect::<Result<_>>()?;
    let producers = Table::from_iter([("producers".to_owned(), producers.into())]);
    let address = free_address();
    let config = Config::from_toml(&format!(
        "name = 'bench'\npost_init_sleep = 0\n\
         [endpoints]\nrelay_outbound = []\nbench = '{address}'\n{producers}"
    ))?;
    let report = Hub::builder(config)
        .producer::<Clock>()
        .run_until(dismissal())?;
    let skipped: u64 = report.status.producers.iter().map(|one| one.skipped).sum();
    ensure!(skipped == 0, "{skipped} ticks were left out");
    ensure!(report.is_clean(), "the hub has lost messages: {report:?}");
    Ok(())
}
