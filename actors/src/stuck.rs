//! Who is alive and yet does nothing: a look now and then, compared with the one before.
//!
//! The supervisor has a [`Watch`] for each worker and a [`Turn`] for each thread that reads sockets, and
//! looks every second or so. What is looked at costs its owner no clock: only this reads one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::ArbiterHandle;
use tokio::time::Instant;

/// The thread that reads a source of messages waits for nothing but sockets and mailboxes: when it has not
/// turned for so long, it never will.
pub(crate) const INTAKE_LIMIT: Duration = Duration::from_secs(60);

/// Notices when something that should change does not.
#[derive(Debug)]
pub(crate) struct Watch<T> {
    seen: Option<(T, Instant)>,
    limit: Duration,
}

impl<T: PartialEq> Watch<T> {
    /// Makes a watch that calls it stuck after `limit`; zero means never.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { seen: None, limit }
    }

    /// Compares `work`, which is `None` when there is nothing to do, with what was seen before. Returns
    /// for how long nothing has changed, if that is longer than the limit.
    pub(crate) fn look(&mut self, work: Option<T>, now: Instant) -> Option<Duration> {
        match (&self.seen, work) {
            (Some((seen, since)), Some(work)) if *seen == work => {
                let time = now.saturating_duration_since(*since);
                (!self.limit.is_zero() && time > self.limit).then_some(time)
            }
            (_, work) => {
                self.seen = work.map(|work| (work, now));
                None
            }
        }
    }
}

/// Asks a thread for a sign of life.
pub(crate) struct Turn {
    arbiter: ArbiterHandle,
    answered: Arc<AtomicBool>,
    asked: u64,
}

impl Turn {
    /// For the thread of `arbiter`.
    pub(crate) fn new(arbiter: ArbiterHandle) -> Self {
        Self {
            arbiter,
            answered: Arc::new(AtomicBool::new(true)),
            asked: 0,
        }
    }

    /// The number of the question that it has not answered yet, for a [`Watch`]. Each answer leads to the
    /// next question.
    pub(crate) fn ask(&mut self) -> u64 {
        if self.answered.swap(false, Ordering::Relaxed) {
            self.asked += 1;
            let answered = Arc::clone(&self.answered);
            // It answers nothing when it has ended, which others notice.
            self.arbiter
                .spawn(async move { answered.store(true, Ordering::Relaxed) });
        }
        self.asked
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_does_not_change_for_too_long_is_stuck_until_it_does() {
        let start = Instant::now();
        let mut watch = Watch::new(SECOND * 2);
        let mut check = |work, seconds: u32, expected: Option<u32>| {
            let expected = expected.map(|seconds| SECOND * seconds);
            assert_eq!(watch.look(work, start + SECOND * seconds), expected);
        };
        check(Some(1), 0, None);
        check(Some(1), 2, None);
        check(Some(2), 3, None);
        check(Some(2), 5, None);
        check(Some(2), 6, Some(3));
        check(Some(2), 7, Some(4));
        check(Some(3), 8, None);
        check(Some(3), 9, None);
        // Whoever has nothing to do may do so for ever.
        check(None, 10, None);
        check(None, 100, None);
        check(Some(3), 101, None);
        check(Some(3), 104, Some(3));
        check(None, 105, None);
    }

    #[test]
    fn without_a_limit_nothing_is_stuck() {
        let start = Instant::now();
        let mut watch = Watch::new(Duration::ZERO);
        assert_eq!(watch.look(Some(1), start), None);
        assert_eq!(watch.look(Some(1), start + SECOND * 9999), None);
    }

    #[test]
    fn a_thread_that_is_blocked_does_not_turn() {
        let system = actix_rt::System::new();
        let arbiter = system.block_on(async { actix_rt::Arbiter::new() });
        let mut turn = Turn::new(arbiter.handle());
        assert_eq!(turn.ask(), 1);
        while turn.ask() == 1 {
            std::thread::yield_now();
        }
        let (held, blocked) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        arbiter.spawn_fn(move || {
            let _ = begun.send(());
            let _ = blocked.recv();
        });
        begins.recv().unwrap();
        // One question may have been answered before it was blocked, the next is not.
        turn.ask();
        let asked = turn.ask();
        assert_eq!((turn.ask(), turn.ask()), (asked, asked));
        drop(held);
        while turn.ask() == asked {
            std::thread::yield_now();
        }
        arbiter.stop();
    }
}
