//! `Program`: one run of a program that consumes, from its start to its end with all that it has started.
//!
//! [`super::Process`] starts one, writes to it and stops it. A task looks after it: hears what it says
//! ([`super::listener`]) and says in the [`Ledger`] how it ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{env, io};

use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span};

use super::ledger::{Ending, Ledger};
use super::line::STOP;
use super::listener::Listener;
use fedmsg_actors::{Exit, ProcessGroup};

/// How long a program has between SIGTERM and SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long what a program has said is still read after its end: something of it may hold the pipe.
const REST: Duration = Duration::from_secs(1);

/// How a program is started.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    /// Names of variables that it gets as this process has them.
    pub(super) passed: Vec<String>,
    pub(super) folder: Option<PathBuf>,
}

impl Start {
    fn command(&self) -> Command {
        let passed = self.passed.iter();
        let passed = passed.filter_map(|name| Some((name, env::var_os(name)?)));
        let own = self.environment.iter();
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(passed)
            .envs(own.map(|(name, value)| (name, OsString::from(value))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// A program that runs. Dropping it kills its process group at once.
pub(super) struct Program {
    pub(super) ledger: Arc<Ledger>,
    stdin: Option<ChildStdin>,
    /// Lines for it, from `written` on; bounded by the window.
    out: Vec<u8>,
    written: usize,
    /// Since when it does not take what is written.
    pub(super) deaf_since: Option<Instant>,
    group: Arc<Mutex<ProcessGroup>>,
    attending: JoinSet<()>,
}

impl Program {
    /// Starts it.
    pub(super) fn start(
        start: &Start,
        ledger: &Arc<Ledger>,
        listener: Listener,
    ) -> io::Result<Self> {
        let (mut child, group) = ProcessGroup::spawn(&mut start.command())?;
        let group = Arc::new(Mutex::new(group));
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut attending = JoinSet::new();
        if let (Some(stdout), Some(stderr)) = (stdout, stderr) {
            let exit = Exit::of(&child)?;
            let attendant = Attendant {
                child,
                group: Arc::clone(&group),
                ledger: Arc::clone(ledger),
                listener,
            };
            let attend = attendant.attend(exit, stdout, stderr);
            attending.spawn(attend.instrument(Span::current()));
        }
        Ok(Self {
            ledger: Arc::clone(ledger),
            stdin,
            out: Vec::new(),
            written: 0,
            deaf_since: None,
            group,
            attending,
        })
    }

    /// Where lines for it are put; [`Program::write`] writes them.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
        &mut self.out
    }

    /// Whether there is something to be written that it may take.
    pub(super) fn has_unwritten(&self) -> bool {
        self.written < self.out.len() && self.deaf_since.is_none()
    }

    /// Writes what it takes now, at least something. Nothing is lost if this is given up.
    pub(super) async fn write(&mut self) {
        let unwritten = self.out.get(self.written..).unwrap_or_default();
        let written = match &mut self.stdin {
            Some(stdin) => stdin.write(unwritten).await,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        match written {
            Ok(count @ 1..) => self.written += count,
            Ok(0) | Err(_) => self.deaf_since = Some(Instant::now()),
        }
    }

    /// Ends it at once, and says why.
    pub(super) fn kill(&self, reason: String) {
        self.ledger.end(Ending::Failed(reason));
        signal(&self.group, Signal::KILL);
    }

    /// Lets it end: tells it to, waits, and then ends it.
    pub(super) async fn stop(mut self, grace: Duration) {
        let goodbye = async {
            while self.has_unwritten() {
                self.write().await;
            }
            self.out().extend_from_slice(STOP);
            while self.has_unwritten() {
                self.write().await;
            }
            self.stdin = None;
            self.attending.join_next().await;
        };
        if timeout(grace, goodbye).await.is_ok() {
            return;
        }
        signal(&self.group, Signal::TERM);
        if timeout(TERM_GRACE, self.attending.join_next())
            .await
            .is_ok()
        {
            return;
        }
        signal(&self.group, Signal::KILL);
        self.attending.join_next().await;
    }
}

fn signal(group: &Mutex<ProcessGroup>, signal: Signal) {
    let group = group.lock().unwrap_or_else(PoisonError::into_inner);
    group.signal(signal);
}

/// Who looks after a program.
struct Attendant {
    /// Before the child, which is waited for when it is dropped: what is given up is dropped in this order.
    group: Arc<Mutex<ProcessGroup>>,
    child: Child,
    ledger: Arc<Ledger>,
    listener: Listener,
}

impl Attendant {
    async fn attend(mut self, exit: Exit, stdout: ChildStdout, stderr: ChildStderr) {
        let hearing = async {
            if let Err(reason) = self.listener.hear(stdout).await {
                self.ledger.end(Ending::Failed(reason));
                return false;
            }
            true
        };
        let noting = self.listener.note(stderr);
        let exited = exit.wait();
        tokio::pin!(hearing, noting, exited);
        let (mut heard, mut noted) = (None, false);
        loop {
            tokio::select! {
                () = &mut exited => break,
                is_end = &mut hearing, if heard.is_none() => {
                    heard = Some(is_end);
                    break;
                }
                () = &mut noting, if !noted => noted = true,
            }
        }
        if heard == Some(true) && timeout(REST, &mut exited).await.is_err() {
            let reason = "it has closed its standard output".to_owned();
            self.ledger.end(Ending::Failed(reason));
        }
        // All that it has started, and itself if it is still there. It has not been waited for, so that
        // the number is still that of its group.
        signal(&self.group, Signal::KILL);
        let rest = async {
            tokio::join!(
                async {
                    if heard.is_none() {
                        hearing.await;
                    }
                },
                async {
                    if !noted {
                        noting.await;
                    }
                }
            );
        };
        let _ = timeout(REST, rest).await;
        self.group
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_gone();
        let how = match self.child.wait().await {
            Ok(status) => ended(status),
            Err(error) => format!("it cannot be waited for: {error}"),
        };
        self.ledger.end(Ending::Failed(how));
    }
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with status {code}"),
        (None, signal) => format!("it was ended by signal {}", signal.unwrap_or_default()),
    }
}
