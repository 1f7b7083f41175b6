//! From a schedule to the moments at which a producer ticks.
//!
//! `producer_actor` waits on it between ticks. Fixed rate: the moments do not drift, however long a
//! tick takes. Of those that pass meanwhile, the last one is made up for at once, and the ones before
//! it are skipped, or made up for as well, as the configuration says. All moments may be put off by the
//! same time.

use std::time::Duration;

use fedmsg_config::{Missed, Schedule};
use jiff::Timestamp;
use tracing::warn;

use crate::clock::Clock;

/// At most this many missed ticks are made up for at once: a host that slept for a week does not
/// wake up to a flood.
const MAX_CATCH_UP: u32 = 1000;

/// How late a tick of a calendar may come (a periodic one: until the next is due), and how far the clock may be
/// set back without being noticed.
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
        /// From when on there is no moment before that.
        after: Timestamp,
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
                Due::Calendar {
                    next,
                    after: now,
                    schedule,
                }
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
            Due::Calendar { .. } => {
                let moment = self.moment_of_calendar().await;
                self.due.go_on_after(moment);
            }
        }
        skipped
    }

    /// Waits for the next moment of the calendar, by a clock that may be set meanwhile.
    async fn moment_of_calendar(&mut self) -> Timestamp {
        loop {
            let now = self.clock.now();
            if self.due.is_behind(now) {
                warn!(%now, "the clock was set back: the next tick comes at the next moment from now on");
                self.due.go_on_after(now);
            }
            let Due::Calendar {
                next: Some(moment), ..
            } = self.due
            else {
                match self.clock.never().await {}
            };
            match Duration::try_from(self.put_off(moment).duration_since(now)) {
                Ok(left) if !left.is_zero() => {
                    let wake = self.clock.elapsed() + left.min(MAX_SLEEP);
                    self.clock.sleep_until(wake).await;
                }
                _ => return moment,
            }
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
            Due::Calendar {
                next,
                after,
                schedule,
            } => {
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
                    (*next, *after) = (schedule.next_after(from), from);
                }
                skipped
            }
        }
    }
}

impl Due {
    /// The next moment of a calendar is the first one after this.
    fn go_on_after(&mut self, moment: Timestamp) {
        if let Self::Calendar {
            next,
            after,
            schedule,
        } = self
        {
            (*next, *after) = (schedule.next_after(moment), moment);
        }
    }

    /// Whether it is so much earlier than when the next moment was looked up that there may be others before
    /// it. A little earlier it is whenever the clock is adjusted.
    fn is_behind(&self, now: Timestamp) -> bool {
        match self {
            Self::Every { .. } => false,
            Self::Calendar { after, .. } => is_stale(now, *after),
        }
    }
}

fn is_stale(moment: Timestamp, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(moment)).is_ok_and(|late| late >= CALENDAR_GRACE)
}

#[cfg(test)]
mod tests;
