//! Schedules on a clock that the test moves: no drift, no overlap, missed ticks as asked.

use super::*;
use crate::clock::VirtualClock;

const START: &str = "2026-03-28T23:58:30Z";

fn clock() -> VirtualClock {
    VirtualClock::new(START.parse().unwrap())
}

fn every(ms: u64) -> Schedule {
    Schedule::Every(Duration::from_millis(ms))
}

/// Waits for a tick, and lets time pass meanwhile.
async fn tick(ticker: &mut Ticker, clock: &VirtualClock) -> u64 {
    let tick = ticker.tick();
    tokio::pin!(tick);
    loop {
        tokio::select! {
            biased;
            skipped = &mut tick => return skipped,
            () = clock.advance(Duration::from_millis(10), 0) => {}
        }
    }
}

/// Ticks once for each entry of `work_ms`, and lets so much time pass after each tick; returns when
/// each came, in milliseconds, and what was skipped before it.
async fn run(schedule: Schedule, now: bool, missed: Missed, work_ms: &[u64]) -> Vec<(u128, u64)> {
    run_late(schedule, now, missed, 0, work_ms).await
}

/// The same with every tick put off.
async fn run_late(
    schedule: Schedule,
    now: bool,
    missed: Missed,
    offset_ms: u64,
    work_ms: &[u64],
) -> Vec<(u128, u64)> {
    let virtual_clock = clock();
    let clock = Clock::Virtual(virtual_clock.clone());
    let offset = Duration::from_millis(offset_ms);
    let mut ticker = Ticker::new(schedule, now, missed, offset, clock.clone());
    let mut ticks = Vec::new();
    for work in work_ms {
        let skipped = tick(&mut ticker, &virtual_clock).await;
        ticks.push((clock.elapsed().as_millis(), skipped));
        virtual_clock.advance(Duration::from_millis(*work), 0).await;
    }
    ticks
}

#[tokio::test]
async fn the_first_tick_comes_at_once_only_when_asked() {
    assert_eq!(
        run(every(100), true, Missed::Skip, &[0, 0]).await,
        [(0, 0), (100, 0)]
    );
    assert_eq!(
        run(every(100), false, Missed::Skip, &[0, 0]).await,
        [(100, 0), (200, 0)]
    );
}

#[tokio::test]
async fn a_tick_that_is_a_moment_late_is_not_skipped() {
    let virtual_clock = clock();
    let clock = Clock::Virtual(virtual_clock.clone());
    let mut ticker = Ticker::new(every(100), true, Missed::Skip, Duration::ZERO, clock);
    virtual_clock.advance(Duration::from_millis(1), 0).await;
    assert_eq!(
        ticker.tick().await,
        0,
        "the first tick, though a millisecond has passed"
    );
}

#[tokio::test]
async fn work_does_not_make_the_rate_drift() {
    let ticks = run(every(100), false, Missed::Skip, &[30, 90, 10, 0]).await;
    assert_eq!(ticks, [(100, 0), (200, 0), (300, 0), (400, 0)]);
}

#[tokio::test]
async fn missed_ticks_are_skipped_and_counted() {
    let ticks = run(every(100), false, Missed::Skip, &[250, 0, 0]).await;
    // 200 is skipped, 300 comes late, 400 in time.
    assert_eq!(ticks, [(100, 0), (350, 1), (400, 0)]);
}

#[tokio::test]
async fn missed_ticks_are_made_up_for_when_asked() {
    let ticks = run(every(100), false, Missed::CatchUp, &[250, 0, 0, 0]).await;
    assert_eq!(ticks, [(100, 0), (350, 0), (350, 0), (400, 0)]);
}

#[tokio::test]
async fn a_long_sleep_is_not_made_up_for_without_bound() {
    let virtual_clock = clock();
    let clock = Clock::Virtual(virtual_clock.clone());
    let mut ticker = Ticker::new(every(1), true, Missed::CatchUp, Duration::ZERO, clock);
    ticker.tick().await;
    virtual_clock.advance(Duration::from_secs(60), 0).await;
    for _ in 0..MAX_CATCH_UP {
        assert_eq!(ticker.tick().await, 0);
    }
    let skipped = tick(&mut ticker, &virtual_clock).await;
    assert!(skipped > 50_000, "{skipped}");
}

#[tokio::test]
async fn a_calendar_ticks_at_its_moments() {
    let cron = || Schedule::cron("*/2 * * * *", None).unwrap();
    // 23:58:30 → 00:00:00, 00:02:00, 00:04:00
    let ticks = run(cron(), false, Missed::Skip, &[0, 0, 0]).await;
    assert_eq!(ticks, [(90_000, 0), (210_000, 0), (330_000, 0)]);
    let ticks = run(cron(), true, Missed::Skip, &[0, 0]).await;
    assert_eq!(ticks, [(0, 0), (90_000, 0)]);
}

#[tokio::test]
async fn missed_moments_of_a_calendar_are_skipped() {
    let cron = Schedule::cron("* * * * *", None).unwrap();
    // 23:59:00, then work until 00:02:20: midnight and 00:01 are skipped, 00:02 comes late.
    let ticks = run(cron, false, Missed::Skip, &[200_000, 0, 0]).await;
    assert_eq!(ticks, [(30_000, 0), (230_000, 2), (270_000, 0)]);
}

#[tokio::test]
async fn what_is_put_off_keeps_its_rate_and_its_moments() {
    let cron = || Schedule::cron("* * * * *", None).unwrap();
    let late = async |schedule, now, offset, work: &[u64]| {
        run_late(schedule, now, Missed::Skip, offset, work).await
    };
    let ticks = late(every(100), true, 30, &[60, 0, 0]).await;
    assert_eq!(ticks, [(30, 0), (130, 0), (230, 0)]);
    let ticks = late(every(100), false, 250, &[130, 0, 0]).await;
    assert_eq!(ticks, [(350, 0), (480, 0), (550, 0)]);
    // 23:59:20, 00:00:20, 00:01:20
    let ticks = late(cron(), false, 20_000, &[0, 59_000, 0]).await;
    assert_eq!(ticks, [(50_000, 0), (110_000, 0), (170_000, 0)]);
    // 23:59:20, then work until 00:02:30: those of 00:00:20 and 00:01:20 are skipped.
    let ticks = late(cron(), false, 20_000, &[190_000, 0, 0]).await;
    assert_eq!(ticks, [(50_000, 0), (240_000, 2), (290_000, 0)]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_silence_a_calendar() {
    let virtual_clock = clock();
    let clock = Clock::Virtual(virtual_clock.clone());
    let cron = Schedule::cron("*/2 * * * *", None).unwrap();
    let mut ticker = Ticker::new(cron, false, Missed::Skip, Duration::ZERO, clock.clone());
    let mut tick = async || {
        assert_eq!(tick(&mut ticker, &virtual_clock).await, 0);
        clock.elapsed().as_secs()
    };
    // 23:58:30 → 00:00:00
    assert_eq!(tick().await, 90);
    // A little: 23:59:30 → 00:02:00, as it would have been
    virtual_clock.set_back(Duration::from_secs(30));
    assert_eq!(tick().await, 240);
    // A day, which is 00:02:00 → 00:04:00
    virtual_clock.set_back(Duration::from_secs(24 * 3600));
    assert_eq!(tick().await, 360);
    assert_eq!(tick().await, 480);
}

#[tokio::test]
async fn a_clock_that_is_set_back_while_a_calendar_waits_is_noticed_within_a_minute() {
    let virtual_clock = clock();
    let clock = Clock::Virtual(virtual_clock.clone());
    let cron = Schedule::cron("0 3 * * *", None).unwrap();
    let mut ticker = Ticker::new(cron, false, Missed::Skip, Duration::ZERO, clock.clone());
    let next = ticker.tick();
    tokio::pin!(next);
    assert!(futures::poll!(next.as_mut()).is_pending());
    // 23:58:30 of the day before yesterday, where the next 03:00 is as far away.
    virtual_clock.set_back(Duration::from_secs(48 * 3600));
    let advance = virtual_clock.advance(Duration::from_secs(4 * 3600), 1);
    tokio::select! {
        biased;
        skipped = &mut next => assert_eq!(skipped, 0),
        () = advance => panic!("no tick within four hours"),
    }
    assert_eq!(clock.elapsed().as_secs(), 3 * 3600 + 90);
}
