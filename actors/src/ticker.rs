//! From a schedule to the moments at which a producer ticks.
//!
//! `producer_actor` waits on it between ticks. Fixed rate: the moments do not drift, however long a
//! tick takes. Of those that pass meanwhile, the last one is made up for at once, and the ones before
//! it are skipped, or made up for as well, as the configuration says. All moments may be put off by the
//! same time.

use std::time::Duration;

use fedmsg_config::{Missed, Schedule};
use jiff::Timestamp;

use crate::clock::Clock;

/// At most this many missed ticks are made up for at once: a host that slept for a week does not
/// wake up to a flood.
const MAX_CATCH_UP: u32 = 1000;

/// How late a tick of a calendar may come (a periodic one: until the next is due).
const CALENDAR_GRACE: Duration = Duration::from_secs(60);

/// The longest sleep towards a moment of the calendar, so that a clock that is set, or a host that
/// was suspended, is noticed.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// Waits for one tick after the other.
pub(crate) struct Ticker {
    due: Due,
    /// How long after its moment each tick comes.
    offset: Duration,
    missed: Missed,
    clock: Clock,
    caught_up: u32,
}

enum Due {
    /// Every `period`; the next at `next`, as the clock counts.
    Every { next: Duration, period: Duration },
    /// At the moments of a calendar.
    Calendar {
        next: Option<Timestamp>,
        schedule: Schedule,
    },
}

impl Ticker {
    /// Starts now: the first tick comes at once (`immediately`) or at the first regular moment; all
    /// come later by `offset`.
    pub(crate) fn new(
        schedule: Schedule,
        immediately: bool,
        missed: Missed,
        offset: Duration,
        clock: Clock,
    ) -> Self {
        let due = match schedule {
            Schedule::Every(period) => {
                let now = clock.elapsed();
                Due::Every {
                    next: if immediately { now } else { now + period } + offset,
                    period,
                }
            }
            schedule => {
                let now = clock.now();
                let next = if immediately {
                    Some(now)
                } else {
                    schedule.next_after(now)
                };
                Due::Calendar { next, schedule }
            }
        };
        Self {
            due,
            offset,
            missed,
            clock,
            caught_up: 0,
        }
    }

    /// Waits for the next tick and returns how many were skipped before it. Cancel-safe.
    ///
    /// A calendar that has no further moment waits for ever.
    pub(crate) async fn tick(&mut self) -> u64 {
        self.caught_up = if self.is_late() {
            self.caught_up.saturating_add(1)
        } else {
            0
        };
        let skips = self.missed == Missed::Skip || self.caught_up > MAX_CATCH_UP;
        let skipped = if skips { self.skip_missed() } else { 0 };
        match &mut self.due {
            Due::Every { next, period } => {
                self.clock.sleep_until(*next).await;
                *next += *period;
            }
            Due::Calendar { next: None, .. } => match self.clock.never().await {},
            Due::Calendar {
                next: Some(moment), ..
            } => {
                let moment = *moment;
                self.sleep_until(self.put_off(moment)).await;
                if let Due::Calendar { next, schedule } = &mut self.due {
                    *next = schedule.next_after(moment);
                }
            }
        }
        skipped
    }

    async fn sleep_until(&self, moment: Timestamp) {
        while let Ok(left) = Duration::try_from(moment.duration_since(self.clock.now()))
            && !left.is_zero()
        {
            self.clock
                .sleep_until(self.clock.elapsed() + left.min(MAX_SLEEP))
                .await;
        }
    }

    /// Whether the next moment has passed already.
    fn is_late(&self) -> bool {
        match &self.due {
            Due::Every { next, .. } => *next < self.clock.elapsed(),
            Due::Calendar { next, .. } => {
                next.is_some_and(|next| self.put_off(next) < self.clock.now())
            }
        }
    }

    /// When the tick of a moment of the calendar comes.
    fn put_off(&self, moment: Timestamp) -> Timestamp {
        moment.saturating_add(self.offset).unwrap_or(Timestamp::MAX)
    }

    /// Leaves out the moments that have passed too long ago to be worth a late tick; returns how many.
    fn skip_missed(&mut self) -> u64 {
        match &mut self.due {
            Due::Every { next, period } => {
                let late = self.clock.elapsed().saturating_sub(*next);
                let passed = late.as_nanos() / period.as_nanos().max(1);
                *next += period.saturating_mul(u32::try_from(passed).unwrap_or(u32::MAX));
                u64::try_from(passed).unwrap_or(u64::MAX)
            }
            Due::Calendar { next, schedule } => {
                // What is put off is as late as if it were not, that much earlier.
                let now = self.clock.now();
                let now = now.saturating_sub(self.offset).unwrap_or(now);
                let mut skipped = 0;
                while let Some(moment) = next.filter(|moment| is_stale(*moment, now)) {
                    skipped += 1;
                    // A long absence is not counted out moment by moment.
                    let from = if skipped < u64::from(MAX_CATCH_UP) {
                        moment
                    } else {
                        now
                    };
                    *next = schedule.next_after(from);
                }
                skipped
            }
        }
    }
}

fn is_stale(moment: Timestamp, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(moment)).is_ok_and(|late| late >= CALENDAR_GRACE)
}

#[cfg(test)]
mod tests;
