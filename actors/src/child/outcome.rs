//! What became of a program that was run for a message.

use std::fmt;
use std::time::Duration;

use super::CommandError;

/// How one run of a program ended. Its text says so: "returned error code 3".
///
/// # Examples
///
/// ```
/// use fedmsg_actors::Outcome;
///
/// assert_eq!(Outcome::Failed { code: 3 }.to_string(), "returned error code 3");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With exit status 0.
    Success,
    /// With another exit status.
    Failed {
        /// The exit status, 1 to 255.
        code: i32,
    },
    /// By a signal.
    Killed {
        /// The number of the signal, such as 9.
        signal: i32,
    },
    /// Its time was up, and it was ended.
    TimedOut {
        /// The time that it had.
        after: Duration,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("succeeded"),
            Self::Failed { code } => write!(f, "returned error code {code}"),
            Self::Killed { signal } => write!(f, "was ended by signal {signal}"),
            Self::TimedOut { after } => write!(f, "took longer than {after:?} and was ended"),
        }
    }
}

/// All attempts to run a program for one message.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::{Outcome, Run};
///
/// let run = Run { result: Ok(Outcome::Success), attempts: 2, took: Duration::from_secs(1) };
/// assert!(run.is_success());
/// ```
#[derive(Debug)]
pub struct Run {
    /// How the last attempt ended.
    pub result: Result<Outcome, CommandError>,
    /// How many attempts there were, at least one.
    pub attempts: u32,
    /// How long they took, with the pauses in between.
    pub took: Duration,
}

impl Run {
    /// Says whether the last attempt succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self.result, Ok(Outcome::Success))
    }
}
