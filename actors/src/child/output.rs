//! What a program writes to its standard output, up to a limit.
//!
//! The other way to run a [`Command`]: for those who want to know what it has to say.

use std::io;
use std::process::Stdio;

use fedmsg_config::ByteSize;
use rustix::io::{Errno, read};
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;

use super::{Command, CommandError, Outcome, ProcessGroup, Variables};

/// As much as is read at once.
const PIECE: usize = 16 * 1024;

impl Command {
    /// Runs it once, and returns what it has written to its standard output as well: at most `limit`. What
    /// it has started in the background may keep the output open; what that writes after the
    /// program has ended is not waited for.
    ///
    /// ```
    /// use fedmsg_actors::{Command, Outcome};
    /// use fedmsg_config::ByteSize;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), fedmsg_actors::CommandError> {
    /// let sort = Command::new("sort");
    /// let (outcome, output) = sort.output(b"tea\ncake\n", &[], ByteSize::kib(64)).await?;
    /// assert_eq!((outcome, &*output), (Outcome::Success, &b"cake\ntea\n"[..]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// It could not be started, or not be waited for, or it writes more, upon which it is killed with all
    /// that it has started. That it failed is an [`Outcome`].
    pub async fn output(
        &self,
        input: &[u8],
        variables: &Variables,
        limit: ByteSize,
    ) -> Result<(Outcome, Vec<u8>), CommandError> {
        let start = ProcessGroup::spawn(self.process(variables).stdout(Stdio::piped()));
        let (mut child, group) = start.map_err(|source| self.not_started(source))?;
        let mut stdout = child.stdout.take();
        let mut output = Vec::new();
        let too_much = || CommandError::TooMuch {
            program: self.program.clone(),
            limit,
        };
        let collect = async {
            if let Some(stdout) = &mut stdout
                && collect(stdout, &mut output, limit).await
            {
                return too_much();
            }
            // It has closed its output: now only its end counts.
            std::future::pending().await
        };
        let outcome = self.attend(&mut child, group, input, collect).await?;
        if let Some(stdout) = &stdout {
            let rest = collect_rest(stdout, &mut output, limit);
            if rest.map_err(|source| self.not_waited_for(source))? {
                return Err(too_much());
            }
        }
        Ok((outcome, output))
    }
}

/// Reads until the end, or more than `limit`: then the answer is true.
async fn collect(stdout: &mut ChildStdout, output: &mut Vec<u8>, limit: ByteSize) -> bool {
    // A pipe that cannot be read has nothing to say.
    while let Ok(1..) = stdout.read_buf(output).await {
        if output.len() > limit.as_usize() {
            return true;
        }
    }
    false
}

/// Reads what is there already, as [`collect`] does.
fn collect_rest(stdout: &ChildStdout, output: &mut Vec<u8>, limit: ByteSize) -> io::Result<bool> {
    let mut piece = [0; PIECE];
    // Nobody waits on a pipe of tokio: without anything to read it says so.
    loop {
        match read(stdout, &mut piece) {
            Ok(0) | Err(Errno::WOULDBLOCK) => return Ok(false),
            Ok(length) => output.extend(piece.iter().take(length)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if output.len() > limit.as_usize() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    async fn output(script: &str, input: &[u8]) -> Result<(Outcome, Vec<u8>), CommandError> {
        let command = Command::new("/bin/sh").args(["-c", script]);
        let command = command.time_limit(Duration::from_secs(60));
        command.output(input, &[], ByteSize::kib(100)).await
    }

    #[tokio::test]
    async fn what_a_program_writes_is_returned_whole_whatever_it_leaves_running() {
        #[track_caller]
        fn check(result: Result<(Outcome, Vec<u8>), CommandError>, code: i32, expected: &[u8]) {
            let (outcome, output) = result.unwrap();
            assert_eq!(outcome == Outcome::Success, code == 0);
            assert!(output == expected, "{:?}", String::from_utf8_lossy(&output));
        }
        check(output("cat; exit 3", b"a\0\xff").await, 3, b"a\0\xff");
        check(output("exec >&-; sleep 0.05", b"").await, 0, b"");
        let whole = vec![b'x'; 100 * 1024];
        check(output("cat", &whole).await, 0, &whole);
        let start = Instant::now();
        for _ in 0..20 {
            // The one in the background holds the output open.
            let script = "sleep 100 2>/dev/null & head -c 60000 /dev/zero";
            check(output(script, b"").await, 0, &[0; 60_000]);
        }
        assert!(start.elapsed() < Duration::from_secs(100));
    }

    #[tokio::test]
    async fn one_that_writes_without_end_is_ended() {
        for script in [
            "yes",
            "yes & wait",
            "head -c 102401 /dev/zero",
            "trap '' TERM PIPE; while :; do echo flood; done",
        ] {
            let error = output(script, b"").await.unwrap_err();
            assert!(matches!(error, CommandError::TooMuch { .. }), "{error}");
        }
    }
}
