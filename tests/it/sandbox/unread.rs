//! A program of ours one of whose outputs nobody reads.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};

use super::{PATIENCE, PROBE};

/// What a pipe of Linux holds (16 pages, pipe(7)), but for what is lost where lines do not fit in a page.
const NEARLY_FULL: u64 = 60_000;

/// A running child with a pipe that fills up; it is killed when this is dropped.
pub(crate) struct Unread {
    child: Child,
    pipe: File,
}

impl Unread {
    /// Starts `command`; `unread` says which output is not read, the other goes nowhere.
    pub(crate) fn start(mut command: Command, unread: fn(&mut Command)) -> Self {
        command.stdin(Stdio::null());
        unread(&mut command);
        let mut child = command.spawn().expect("a program of ours");
        let output = child.stdout.take().map(OwnedFd::from);
        let pipe = output.or_else(|| child.stderr.take().map(OwnedFd::from));
        let pipe = File::from(pipe.expect("one is piped"));
        Self { child, pipe }
    }

    /// Standard output is not read.
    pub(crate) fn output(command: &mut Command) {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
    }

    /// Standard error is not read.
    pub(crate) fn errors(command: &mut Command) {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
    }

    /// Calls `more`, which makes it write a line that is short or fills a page, until its pipe takes no
    /// more; then some more.
    pub(crate) fn stall(&self, mut more: impl FnMut()) {
        let deadline = Instant::now() + PATIENCE;
        while ioctl_fionread(&self.pipe).expect("a pipe") < NEARLY_FULL {
            more();
            assert!(Instant::now() < deadline, "it does not write");
        }
        (0..1_000).for_each(|_| more());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it has not been waited for");
    }

    /// Sends `signal` again and again until it has ended.
    pub(crate) fn signal_until_it_ends(&mut self, signal: Signal) {
        self.wait(|unread| unread.signal(signal));
    }

    /// Waits for its end and returns how it ended.
    pub(crate) fn status(&mut self) -> ExitStatus {
        self.wait(|_| {})
    }

    fn wait(&mut self, meanwhile: impl Fn(&Self)) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            meanwhile(self);
            thread::park_timeout(PROBE.min(Duration::from_millis(50)));
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
