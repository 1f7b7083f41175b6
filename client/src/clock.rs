//! The time of this machine, as messages and certificates count it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time of this machine in milliseconds since the epoch.
///
/// ```
/// let before = fedmsg::now_ms();
/// assert!(before > 1_700_000_000_000);
/// ```
#[must_use]
pub fn now_ms() -> u64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the time in seconds since the epoch.
pub(crate) fn unix_time() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
