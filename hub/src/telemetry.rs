//! Where the log goes: to standard error, as text or as JSON Lines.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::{self, Debug, Write as _};
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::ValueEnum;
use tracing::error;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// The target of what somebody has asked for: it is logged at every level.
pub(crate) const STATUS: &str = "fedmsg_status";

/// Starts logging. `filter` is a level (`info`) or directives per module
/// (`info,fedmsg_actors=debug`).
///
/// # Errors
///
/// The filter is none.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), anyhow::Error> {
    let filter = EnvFilter::try_new(filter)?;
    let filter = filter.add_directive(format!("{STATUS}=info").parse()?);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Log)
        .log_internal_errors(false); // they would be written where nothing can be written
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        LogFormat::Text => log
            .fmt_fields(fields())
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// How many lines of the log could not be written.
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);

/// How many lines of the log could not be written so far: the disk is full, or whoever read them has gone.
pub(crate) fn unwritten_lines() -> u64 {
    UNWRITTEN.load(Ordering::Relaxed)
}

/// Standard error. What cannot be written there is counted, and costs nothing else: a hub does not stop
/// because its log does.
struct Log;

impl io::Write for Log {
    /// Writes a line, which the log hands over whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if io::Write::write_all(&mut io::stderr(), line).is_err() {
            UNWRITTEN.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says in the log, in its form, where something has panicked and why; with a backtrace if `RUST_BACKTRACE`
/// asks for one.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    let thread = thread::current();
    error!(
        thread = thread.name(),
        location = panic.location().map(ToString::to_string),
        reason = panic.payload_as_str(),
        backtrace,
        "panic"
    );
}

/// The form of fields in a text: `name=value`. Control characters are written as escapes: a topic
/// comes from a peer, who could forge lines of the log with them, or play tricks on a terminal.
fn fields() -> impl for<'w> FormatFields<'w> {
    debug_fn(
        |writer: &mut Writer<'_>, field: &Field, value: &dyn Debug| {
            if field.name() != "message" {
                write!(writer, "{}=", field.name())?;
            }
            write!(Escaping(writer), "{value:?}")
        },
    )
    .delimited(" ")
}

/// Passes text on with every control character escaped.
struct Escaping<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(char::is_control) {
            match piece.chars().next_back().filter(|last| last.is_control()) {
                Some(last) => {
                    self.0
                        .write_str(piece.strip_suffix(last).unwrap_or_default())?;
                    write!(self.0, "{}", last.escape_default())?;
                }
                None => self.0.write_str(piece)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_else() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let mut written = String::new();
            Escaping(&mut written).write_str(text).unwrap();
            assert_eq!(written, expected);
        }
        check("", "");
        check(
            "org.example: \"größe\" \\ 😀",
            "org.example: \"größe\" \\ 😀",
        );
        check("a\r\n2026 ERROR b", "a\\r\\n2026 ERROR b");
        check(
            "\u{1b}[31m\u{9b}31m\u{7f}\0",
            "\\u{1b}[31m\\u{9b}31m\\u{7f}\\u{0}",
        );
    }
}
