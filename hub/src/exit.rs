//! The exit statuses of every command, after sysexits(3) of BSD where it has one.
//!
//! The table in README.md is the same.

use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was asked has been done.
    Ok = 0,
    /// What was asked for is not there or not well, or was not said (as the original).
    Failed = 1,
    /// The command line is wrong (as the original, and as clap reports it; not EX_USAGE).
    Usage = 2,
    /// The input is wrong, e.g. no JSON (EX_DATAERR).
    Data = 65,
    /// A service is not there: no relay, no free endpoint, no start of a plugin (EX_UNAVAILABLE).
    Unavailable = 69,
    /// Messages were lost, or nothing works any more (EX_SOFTWARE).
    Software = 70,
    /// Reading or writing failed (EX_IOERR).
    Io = 74,
    /// The time was up before the work was done; try again (EX_TEMPFAIL).
    TempFail = 75,
    /// The configuration is wrong (EX_CONFIG).
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
