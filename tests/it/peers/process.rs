//! A child process under test: its lines, its end, its certain death.
//!
//! Started by `Peers` for the programs of the original; any other command will do as well.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fs, io};

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde_json::Value;

/// How long a test waits for anything: much longer than it ever takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running child in a process group of its own, which is killed as a whole when this is dropped.
///
/// Every wait has the same deadline of [`PATIENCE`]. A wait that is not fulfilled panics and shows
/// what the child has written.
pub(crate) struct Process {
    /// The command line, for complaints.
    name: String,
    child: Child,
    group: Pid,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    errors: Option<JoinHandle<String>>,
    exited: Receiver<()>,
    reaped: Option<ExitStatus>,
    seen: Vec<String>,
}

/// What is left of a process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// The lines of its standard output that were not asked for before.
    pub(crate) lines: Vec<String>,
    /// Its whole standard error.
    pub(crate) errors: String,
}

impl Process {
    /// Starts `command` with its standard streams connected to this value.
    pub(crate) fn start(mut command: Command) -> Self {
        let words = [command.get_program()]
            .into_iter()
            .chain(command.get_args());
        let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        let name = words.join(" ");
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let group = Pid::from_child(&child);
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let (lines, output) = mpsc::channel();
        thread::spawn(move || {
            let mut written = stdout.split(b'\n').map_while(Result::ok);
            written.try_for_each(|line| lines.send(String::from_utf8_lossy(&line).into_owned()))
        });
        let errors = thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let (ended, exited) = mpsc::channel();
        thread::spawn(move || {
            // It stays a zombie until `Child::wait`, so the number cannot become somebody else's
            // while this value may still send a signal to it.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let _ = retry_on_intr(|| waitid(WaitId::Pid(group), options));
            let _ = ended.send(());
        });
        let input = child.stdin.take();
        let errors = Some(errors);
        Self {
            name,
            child,
            group,
            input,
            output,
            errors,
            exited,
            reaped: None,
            seen: Vec::new(),
        }
    }

    /// Returns the number by which the system knows it, as in `/proc`.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the most memory that it has had so far, in bytes (`VmHWM` of proc(5)).
    pub(crate) fn peak_memory(&self) -> usize {
        let path = format!("/proc/{}/status", self.id());
        let status = fs::read_to_string(path).expect("it has not been reaped");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        let kilobytes: usize = kilobytes
            .and_then(|peak| peak.parse().ok())
            .expect("it runs");
        kilobytes * 1024
    }

    /// Writes a line to its standard input.
    pub(crate) fn write_line(&mut self, line: &str) {
        if let Err(error) = self.try_write_line(line) {
            self.fail(&format!("does not read its input: {error}"));
        }
    }

    /// Writes a line to its standard input, which it may have closed.
    pub(crate) fn try_write_line(&mut self, line: &str) -> io::Result<()> {
        let input = self.input.as_mut();
        writeln!(
            input.expect("the input is closed only by `finish`"),
            "{line}"
        )
    }

    /// Returns the next line, or `None` if it does not come `within` that time.
    pub(crate) fn line_within(&mut self, within: Duration) -> Option<String> {
        self.receive(Instant::now() + within, Some).ok()
    }

    /// Returns the next line that contains `text`; the lines before it are passed over.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        self.wait_for(&format!("a line with {text:?}"), |line| {
            line.contains(text).then_some(line)
        })
    }

    /// Returns the next line that is a JSON object with this `event`; the lines before it are
    /// passed over.
    pub(crate) fn event(&mut self, event: &str) -> Value {
        self.wait_for(&format!("an event {event:?}"), |line| {
            as_event(&line, event)
        })
    }

    /// Returns the next `count` events of this name, in their order.
    pub(crate) fn events(&mut self, event: &str, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.event(event)).collect()
    }

    /// Returns the next event of this name, or `None` if it does not come `within` that time.
    pub(crate) fn event_within(&mut self, event: &str, within: Duration) -> Option<Value> {
        self.receive(Instant::now() + within, |line| as_event(&line, event))
            .ok()
    }

    /// Sends `signal` to the process group.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process_group(self.group, signal).expect("the child has not been waited for");
    }

    /// Closes its standard input, waits for its end and returns what is left of it.
    ///
    /// A process that leaves another one behind, with its standard output still open, has not
    /// ended.
    pub(crate) fn finish(mut self) -> Finished {
        self.input = None;
        let mut lines = Vec::new();
        let keep = |line| {
            lines.push(line);
            None::<()>
        };
        if self.receive(Instant::now() + PATIENCE, keep) == Err(RecvTimeoutError::Timeout)
            || self.exited.recv_timeout(PATIENCE).is_err()
        {
            self.fail("does not end");
        }
        Finished {
            status: self.reap(),
            lines,
            errors: self.errors(),
        }
    }

    fn wait_for<T>(&mut self, what: &str, take: impl FnMut(String) -> Option<T>) -> T {
        match self.receive(Instant::now() + PATIENCE, take) {
            Ok(found) => found,
            Err(RecvTimeoutError::Timeout) => self.fail(&format!("has not written {what}")),
            Err(RecvTimeoutError::Disconnected) => {
                let _ = self.exited.recv_timeout(PATIENCE); // for its own exit status, not ours
                self.fail(&format!("has ended without writing {what}"))
            }
        }
    }

    fn receive<T>(
        &mut self,
        deadline: Instant,
        mut take: impl FnMut(String) -> Option<T>,
    ) -> Result<T, RecvTimeoutError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.output.recv_timeout(left)?;
            self.seen.push(line.clone());
            if let Some(found) = take(line) {
                return Ok(found);
            }
        }
    }

    /// Panics with all that the child has written.
    fn fail(&mut self, complaint: &str) -> ! {
        let status = self.reap();
        self.seen.extend(self.output.iter());
        let (seen, errors, name) = (self.seen.join("\n"), self.errors(), &self.name);
        panic!("{name} {complaint} ({status})\n--- stdout\n{seen}\n--- stderr\n{errors}");
    }

    /// Kills what is left of the process group and returns how the child ended.
    fn reap(&mut self) -> ExitStatus {
        if let Some(status) = self.reaped {
            return status; // the group's number may be somebody else's by now
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        let status = self.child.wait().expect("a child can be waited for");
        *self.reaped.insert(status)
    }

    /// Returns the standard error of the reaped child.
    fn errors(&mut self) -> String {
        self.errors
            .take()
            .map(|thread| thread.join().unwrap_or_default())
            .unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reap();
    }
}

impl Finished {
    /// Returns itself, or panics with all that the process has written if it failed.
    pub(crate) fn expect_success(self) -> Self {
        assert!(self.status.success(), "{self:#?}");
        self
    }

    /// Returns the events of this name among the lines.
    pub(crate) fn events(&self, event: &str) -> Vec<Value> {
        self.lines
            .iter()
            .filter_map(|line| as_event(line, event))
            .collect()
    }
}

/// Returns the JSON object in `line` if its `event` is that one.
fn as_event(line: &str, event: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(line).ok()?;
    (value.get("event")? == event).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(command)
    }

    #[test]
    fn lines_arrive_in_order_and_what_was_not_asked_for_is_left() {
        let mut process = shell("read word; echo chatter; echo $word; echo rest; echo bad >&2");
        process.write_line("hello");
        assert_eq!(process.line_with("hel"), "hello");
        let finished = process.finish().expect_success();
        assert_eq!(finished.lines, ["rest"]);
        assert_eq!(finished.errors, "bad\n");
    }

    #[test]
    fn events_are_picked_from_between_other_lines() {
        let mut process = shell(
            r#"echo log; echo '{"event": "a"}'; echo '{"event": "b", "n": 1}'
               echo '{"event": "b", "n": 2}'; echo '{"event": "c"}'"#,
        );
        let numbers: Vec<_> = process
            .events("b", 2)
            .iter()
            .map(|b| b["n"].clone())
            .collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(process.finish().events("c").len(), 1);
    }

    #[test]
    fn an_event_that_does_not_come_in_time_is_none() {
        let mut process = shell("echo '{\"event\": \"a\"}'; read word");
        assert!(
            process
                .event_within("b", Duration::from_millis(50))
                .is_none()
        );
    }

    #[test]
    #[should_panic(expected = "has ended without writing a line with \"late\" (exit status: 3)")]
    fn waiting_for_a_line_fails_at_once_when_the_process_ends() {
        shell("echo early; exit 3").line_with("late");
    }

    #[test]
    #[should_panic(expected = "oh no")]
    fn a_failed_process_shows_its_standard_error() {
        shell("echo oh no >&2; exit 1").finish().expect_success();
    }

    #[test]
    fn dropping_a_process_kills_its_whole_group() {
        let mut process = shell("sleep 1000 & echo started; wait");
        process.line_with("started");
        let output = std::mem::replace(&mut process.output, mpsc::channel().1);
        drop(process);
        // The pipe ends when the last process that holds it has ended: the sleep, too.
        let ended = output.recv_timeout(PATIENCE);
        assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn memory_that_was_given_back_still_counts_for_the_peak() {
        let script = "x=$(head -c 30000000 /dev/zero | tr '\\0' x); unset x; echo done; read word";
        let mut process = shell(script);
        process.line_with("done");
        let peak = process.peak_memory();
        assert!((30_000_000..1_000_000_000).contains(&peak), "{peak}");
    }

    #[test]
    fn a_signal_reaches_the_process() {
        let mut process = shell("trap 'echo caught; exit 7' TERM; echo ready; read word");
        process.line_with("ready");
        process.signal(Signal::TERM);
        process.line_with("caught");
        assert_eq!(process.finish().status.code(), Some(7));
    }
}
