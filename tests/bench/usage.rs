//! What a child process has used, as Linux tells it in /proc (proc(5)).
//!
//! [`crate::peer`] asks for its children.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::param::clock_ticks_per_second;

/// The CPU time of all threads of a living process, exact for those that do not run just now.
///
/// Source: the first number of `/proc/PID/task/TID/schedstat`, nanoseconds.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        if let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) {
            nanoseconds += number(text.split(' ').next())?;
        }
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The CPU time of a process that has ended and has not been waited for, to 20 ms.
///
/// Source: `utime` and `stime`, fields 14 and 15 of `/proc/PID/stat`, in clock ticks, cut off.
pub(crate) fn cpu_time_of_ended(pid: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = text.rsplit_once(") ").context("a command in parentheses")?;
    let mut fields = fields.split(' ').skip(11);
    let ticks = number(fields.next())? + number(fields.next())?;
    Ok(Duration::from_millis(
        ticks * 1000 / clock_ticks_per_second(),
    ))
}

/// The resident memory of a process, in bytes: `VmRSS` of `/proc/PID/status`.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(number(kib)? * 1024)
}

fn number(text: Option<&str>) -> Result<u64> {
    let text = text.context("a number is missing in /proc")?;
    text.trim()
        .parse()
        .with_context(|| format!("no number: {text:?}"))
}
