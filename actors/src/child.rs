//! `Command`: a program of somebody else's that is run for a message, never through a shell.
//!
//! `fedmsg-trigger` and the consumer `exec` run one for each message, the producer `exec` at its moments. Messages are hostile: what they
//! say reaches a program as bytes of its standard input and values of its environment, nothing else.

mod argv;
mod descriptors;
mod exit;
mod group;
mod notes;
mod outcome;
mod output;
mod program_log;
mod variables;

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::future::pending;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{env, fmt, fs};

use backon::{BackoffBuilder, ExponentialBuilder};
use fedmsg_config::{ByteSize, RetryConfig};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::process::Signal;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command as Process};
use tokio::time::{Instant, sleep};
use tracing::warn;

pub use self::argv::Argv;
pub use self::descriptors::raise_descriptors;
pub use self::exit::Exit;
pub use self::group::ProcessGroup;
use self::notes::Notes;
pub use self::outcome::{Outcome, Run};
pub use self::program_log::ProgramLog;
pub use self::variables::{Variables, message_variables};

/// How long a program that has used up its time has to end by itself, unless set otherwise.
const GRACE: Duration = Duration::from_secs(2);

/// Why a program could not be run.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{Command, CommandError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let nobody = Command::new("/nonexistent/program").attempt(b"", &[]).await;
/// assert!(matches!(nobody, Err(CommandError::Start { .. })));
/// # }
/// ```
#[derive(Debug, Error)]
pub enum CommandError {
    /// It is not there, or may not be executed, or the system has no room for it.
    #[error("cannot run {}: {source}", program.display())]
    Start {
        /// The program as it was named.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// It was started, and then the system did not say what became of it.
    #[error("cannot wait for {}: {source}", program.display())]
    Wait {
        /// The program as it was named.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// It wrote more than is wanted of it, and was ended.
    #[error("{} writes more than {limit}", program.display())]
    TooMuch {
        /// The program as it was named.
        program: OsString,
        /// The most that is read.
        limit: ByteSize,
    },
}

/// A program with its arguments, and how it is run.
///
/// | of the program | is |
/// |---|---|
/// | standard input | what it is given for this run, then its end; it need not read it |
/// | standard output | that of this process, or what [`Command::output`] returns; or lines of a log, see [`Command::logged`] |
/// | standard error | that of this process, or lines of a log |
/// | other descriptors | none that this process has opened; as many as it may open before [`raise_descriptors`] |
/// | environment | that of this process (or only `PATH`), and the variables of this run |
/// | working directory | that of this process |
/// | process group | one of its own, so that Ctrl-C at a terminal does not reach it |
///
/// A run is over when the program itself has ended. What it has started in the background goes on, even
/// if that holds the standard input, unless [`Command::ends_group`] says otherwise. A program that takes longer than its time limit gets SIGTERM, as
/// its whole process group does, and when it has ended, or after the grace, what is left of the group
/// gets SIGKILL. Dropping the future of a run kills the group at once.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{Command, Outcome};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), fedmsg_actors::CommandError> {
/// let grep = Command::new("grep").args(["-q", "tea"]).time_limit(Duration::from_secs(5));
/// assert_eq!(grep.attempt(b"a cup of tea", &[]).await?, Outcome::Success);
/// assert_eq!(grep.attempt(b"$(rm -rf /)", &[]).await?, Outcome::Failed { code: 1 });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Command {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    is_bare: bool,
    time_limit: Option<Duration>,
    grace: Duration,
    retry: RetryConfig,
    log: Option<ProgramLog>,
    ends_group: bool,
}

impl Command {
    /// Returns the command that runs `program` without arguments: a path, or a name that is looked up
    /// in `PATH`. It has no time limit, and is run once.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            is_bare: false,
            time_limit: None,
            grace: GRACE,
            retry: RetryConfig {
                attempts: 1,
                ..RetryConfig::default()
            },
            log: None,
            ends_group: false,
        }
    }

    /// Adds arguments. Each reaches the program as it is.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Leaves nothing in the environment but `PATH` and what is set here and for a run.
    #[must_use]
    pub fn clear_env(mut self) -> Self {
        self.is_bare = true;
        self
    }

    /// Sets how long a run may take.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Sets how long a program whose time is up has between SIGTERM and SIGKILL. Default 2 s.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how often [`Command::run`] tries, and how long it waits in between. Default once.
    #[must_use]
    pub fn retry(mut self, retry: RetryConfig) -> Self {
        self.retry = retry;
        self
    }

    /// Logs what it writes to standard error, as warnings, and to standard output, as information, where
    /// [`Command::output`] does not return that.
    #[must_use]
    pub fn logged(mut self, log: ProgramLog) -> Self {
        self.log = Some(log);
        self
    }

    /// Lets a run leave nothing behind: what is left of its process group when the program has ended, however
    /// that was, gets SIGKILL.
    #[must_use]
    pub fn ends_group(mut self) -> Self {
        self.ends_group = true;
        self
    }

    /// The program as it was named.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// Says whether there is a program of this name that may be executed, so that a mistake is found
    /// before the first message.
    ///
    /// # Errors
    ///
    /// [`CommandError::Start`], as a run would fail.
    pub fn find(&self) -> Result<(), CommandError> {
        self.located().map(drop)
    }

    /// Returns the path of the program, found as [`Command::find`] does.
    ///
    /// # Errors
    ///
    /// As [`Command::find`].
    pub fn located(&self) -> Result<PathBuf, CommandError> {
        let name = Path::new(&self.program);
        let found = if self.program.as_encoded_bytes().contains(&b'/') {
            executable(name.to_owned())
        } else {
            let path = env::var_os("PATH").unwrap_or_default();
            let mut best = Err(io::Error::from(Errno::NOENT));
            for folder in env::split_paths(&path) {
                match executable(folder.join(name)) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    found => best = found,
                }
                if best.is_ok() {
                    break;
                }
            }
            best
        };
        found.map_err(|source| self.not_started(source))
    }

    /// Runs it until it succeeds, at most as often as [`Command::retry`] says, with pauses that grow.
    /// An attempt that failed and is not the last is logged. A `variable` without a value is taken out
    /// of the environment.
    pub async fn run(&self, input: &[u8], variables: &Variables) -> Run {
        let start = Instant::now();
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(self.retry.first_delay)
            .with_max_delay(self.retry.max_delay)
            .with_max_times(self.retry.attempts.saturating_sub(1) as usize)
            .with_jitter()
            .build();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let result = self.attempt(input, variables).await;
            let is_success = matches!(result, Ok(Outcome::Success));
            let pause = pauses.next().filter(|_| !is_success);
            let Some(retry_in) = pause else {
                let took = start.elapsed();
                return Run {
                    result,
                    attempts,
                    took,
                };
            };
            match &result {
                Ok(outcome) => warn!(attempts, ?retry_in, "Command {outcome}: trying again"),
                Err(error) => warn!(attempts, ?retry_in, %error, "trying again"),
            }
            sleep(retry_in).await;
        }
    }

    /// Runs it once.
    ///
    /// # Errors
    ///
    /// It could not be started, or not be waited for. That it failed is an [`Outcome`].
    pub async fn attempt(
        &self,
        input: &[u8],
        variables: &Variables,
    ) -> Result<Outcome, CommandError> {
        let start = ProcessGroup::spawn(&mut self.process(variables));
        let (mut child, group) = start.map_err(|source| self.not_started(source))?;
        self.attend(&mut child, group, input, pending()).await
    }

    /// Sees to a program that runs, until it has ended, its time is up, or `enough` says that there is
    /// no more to wait for and why.
    async fn attend(
        &self,
        child: &mut Child,
        mut group: ProcessGroup,
        input: &[u8],
        enough: impl Future<Output = CommandError>,
    ) -> Result<Outcome, CommandError> {
        let mut stdin = child.stdin.take();
        let mut notes = Notes::of(child, self.log.as_ref());
        let feed = async {
            if let Some(mut stdin) = stdin.take() {
                // It may have seen enough before the end, or never look at it.
                let _ = stdin.write_all(input).await;
            }
            pending::<Infallible>().await
        };
        let ended = tokio::select! {
            ended = self.ended(child, &group) => Some(ended),
            never = feed => match never {},
            never = notes.hear() => match never {},
            reason = enough => return Err(reason), // whereupon the group is killed
            () = expire(self.time_limit) => None,
        };
        let waited = match ended {
            Some(Ok(status)) => Ok(outcome(status)),
            Some(Err(error)) => return Err(self.not_waited_for(error)), // whereupon the group is killed
            None => self.end(child, &group).await,
        };
        group.is_gone();
        notes.rest();
        waited.map_err(|source| self.not_waited_for(source))
    }

    /// Waits for the end of a program, and sees to what is left of its group then.
    async fn ended(&self, child: &mut Child, group: &ProcessGroup) -> io::Result<ExitStatus> {
        if self.ends_group {
            Exit::of(child)?.wait().await;
            // It has not been waited for, so that the number is still that of its group.
            group.signal(Signal::KILL);
        }
        child.wait().await
    }

    fn process(&self, variables: &Variables) -> Process {
        let mut process = Process::new(&self.program);
        if self.is_bare {
            process.env_clear();
            process.envs(env::var_os("PATH").map(|path| ("PATH", path)));
        }
        process
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped());
        if self.log.is_some() {
            process.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        for (name, value) in variables {
            match value {
                Some(value) => process.env(name, value),
                None => process.env_remove(name),
            };
        }
        process
    }

    /// Ends a program whose time is up, and its group.
    async fn end(&self, child: &mut Child, group: &ProcessGroup) -> io::Result<Outcome> {
        group.signal(Signal::TERM);
        group.leader_ended(self.grace).await;
        group.signal(Signal::KILL);
        child.wait().await?;
        let after = self.time_limit.unwrap_or_default();
        Ok(Outcome::TimedOut { after })
    }

    fn not_waited_for(&self, source: io::Error) -> CommandError {
        let program = self.program.clone();
        CommandError::Wait { program, source }
    }

    fn not_started(&self, source: io::Error) -> CommandError {
        let program = self.program.clone();
        CommandError::Start { program, source }
    }
}

// Arguments and variables may be secrets.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

async fn expire(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => pending().await,
    }
}

fn outcome(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Success,
        (Some(code), _) => Outcome::Failed { code },
        (None, signal) => Outcome::Killed {
            signal: signal.unwrap_or_default(),
        },
    }
}

/// Returns the path of a file that may be executed, if it is one.
fn executable(path: PathBuf) -> io::Result<PathBuf> {
    if !fs::metadata(&path)?.is_file() {
        return Err(Errno::ACCESS.into());
    }
    access(&path, Access::EXEC_OK)?;
    Ok(path)
}

#[cfg(test)]
mod tests;
