//! A child process: what it is told, what it says, what it costs, its certain end.
//!
//! [`crate::measure`] starts them. A child in a [`crate::role`] is told things by lines on its
//! standard input and answers with lines that begin with a word; see [`say`] for the other end.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use anyhow::{Context as _, Result, bail};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::usage;

/// How long a child may take for anything: much longer than it ever does.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which of its streams a child speaks on; the other is thrown away, or shown if it is the standard
/// error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// The standard output.
    Output,
    /// The standard error: programs log there.
    Log,
    /// None.
    Silent,
}

/// A running child, killed when this is dropped.
pub(crate) struct Peer {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<(Instant, String)>,
    ended: Receiver<Instant>,
}

/// Writes a line that begins with `word` to whoever started this process.
pub(crate) fn say(word: &str, rest: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{word} {rest}")
}

impl Peer {
    /// Starts this program in a role, on `core` if there is one.
    pub(crate) fn role(core: Option<usize>, words: &[&str]) -> Result<Self> {
        let args: Vec<OsString> = words.iter().map(OsString::from).collect();
        Self::start(core, &env::current_exe()?, args, Voice::Output)
    }

    /// Starts a program under the configuration in `config` and no other, on `core` if there is one.
    pub(crate) fn program(
        core: Option<usize>,
        program: &str,
        config: &Path,
        words: &[&str],
        voice: Voice,
    ) -> Result<Self> {
        let mut args = vec!["--config".into(), config.into()];
        args.extend(words.iter().map(OsString::from));
        Self::start(core, Path::new(program), args, voice)
    }

    /// Starts a program of somebody else in a directory, with these variables besides ours.
    pub(crate) fn elsewhere(
        core: Option<usize>,
        program: &Path,
        directory: &Path,
        words: &[&str],
        variables: &[(&str, PathBuf)],
    ) -> Result<Self> {
        let args: Vec<OsString> = words.iter().map(OsString::from).collect();
        let mut command = command(core, program)?;
        command
            .current_dir(directory)
            .envs(variables.iter().map(|(name, value)| (name, value)));
        Self::spawn(command, program, args, Voice::Output)
    }

    fn start(
        core: Option<usize>,
        program: &Path,
        args: Vec<OsString>,
        voice: Voice,
    ) -> Result<Self> {
        Self::spawn(command(core, program)?, program, args, voice)
    }

    fn spawn(
        mut command: Command,
        program: &Path,
        args: Vec<OsString>,
        voice: Voice,
    ) -> Result<Self> {
        let name = [program.as_os_str().to_owned()]
            .into_iter()
            .chain(args.clone());
        let name: Vec<_> = name
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let piped_if = |is_voice, other: Stdio| if is_voice { Stdio::piped() } else { other };
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(piped_if(voice == Voice::Output, Stdio::null()))
            .stderr(piped_if(voice == Voice::Log, Stdio::inherit()));
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let lines = match (child.stdout.take(), child.stderr.take()) {
            (Some(output), _) => lines(output),
            (None, Some(log)) => lines(log),
            (None, None) => mpsc::channel().1,
        };
        Ok(Self {
            name: name.join(" "),
            input: child.stdin.take(),
            lines,
            ended: end(&child),
            child,
        })
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("its input is closed")?;
        writeln!(input, "{line}").with_context(|| format!("{} does not listen", self.name))
    }

    /// The rest of the next line that begins with `word`, and when it came. Other lines are passed
    /// over.
    pub(crate) fn hear(&mut self, word: &str) -> Result<(Instant, String)> {
        match self.hear_within(word, PATIENCE)? {
            Some(heard) => Ok(heard),
            None => bail!("{} has not said {word:?} within {PATIENCE:?}", self.name),
        }
    }

    /// As [`Peer::hear`], but `None` if nothing comes within that time.
    pub(crate) fn hear_within(
        &mut self,
        word: &str,
        time: Duration,
    ) -> Result<Option<(Instant, String)>> {
        self.next_line(time, |line| {
            line.strip_prefix(word).map(|rest| rest.trim().to_owned())
        })
        .with_context(|| format!("waiting for {word:?}"))
    }

    /// When the next line with `text` anywhere in it came.
    pub(crate) fn hear_of(&mut self, text: &str) -> Result<Instant> {
        let heard = self.next_line(PATIENCE, |line| line.contains(text).then(String::new))?;
        match heard {
            Some((when, _)) => Ok(when),
            None => bail!("{} has not logged {text:?} within {PATIENCE:?}", self.name),
        }
    }

    fn next_line(
        &mut self,
        time: Duration,
        take: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<(Instant, String)>> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((when, line)) => {
                    if let Some(taken) = take(&line) {
                        return Ok(Some((when, taken)));
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait()?;
                    bail!("{} has ended too early ({status})", self.name);
                }
            }
        }
    }

    /// The CPU time that it has used so far.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        usage::cpu_time(self.child.id())
    }

    /// The memory that it occupies now, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        usage::resident_bytes(self.child.id())
    }

    /// Waits until it ends by itself, and returns when that was and the CPU time that it has used
    /// in its life.
    pub(crate) fn run_out(mut self) -> Result<(Instant, Duration)> {
        let ended = self.ended.recv_timeout(PATIENCE);
        let ended = ended.with_context(|| format!("{} does not end", self.name))?;
        let cpu_time = usage::cpu_time_of_ended(self.child.id())?;
        self.expect_success()?;
        Ok((ended, cpu_time))
    }

    /// Closes its input, which ends a role, and fails if that has something to complain about.
    pub(crate) fn dismiss(mut self) -> Result<()> {
        self.hang_up();
        self.run_out().map(drop)
    }

    /// Has nothing more to tell it: it ends, when it has said what it still has to say.
    pub(crate) fn hang_up(&mut self) {
        self.input = None;
    }

    /// Sends SIGTERM, which ends a service, and fails if that has lost something.
    pub(crate) fn terminate(self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.run_out().map(drop)
    }

    fn expect_success(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait()?;
        if !status.success() {
            bail!("{} failed ({status})", self.name);
        }
        Ok(status)
    }
}

/// The command that runs a program, on `core` if there is one, without variables that change what
/// our programs do.
fn command(core: Option<usize>, program: &Path) -> Result<Command> {
    let mut command = match core {
        Some(core) => {
            let mut command = Command::new(env::current_exe()?);
            command.args(["pinned", &core.to_string()]).arg(program);
            command
        }
        None => Command::new(program),
    };
    for (variable, _) in env::vars_os() {
        if variable.to_string_lossy().starts_with("FEDMSG_") || variable == "RUST_LOG" {
            command.env_remove(variable);
        }
    }
    Ok(command)
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail for a process that has ended and been waited for, as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream with the time at which each was read.
fn lines(stream: impl Read + Send + 'static) -> Receiver<(Instant, String)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.try_for_each(|line| sender.send((Instant::now(), line)))
    });
    receiver
}

/// The time at which a child ends. It is not waited for: what is known of it stays in /proc.
fn end(child: &Child) -> Receiver<Instant> {
    let (sender, receiver) = mpsc::channel();
    let pid = Pid::from_child(child);
    thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = retry_on_intr(|| waitid(WaitId::Pid(pid), options));
        sender.send(Instant::now())
    });
    receiver
}
