//! Bodies that are a thousand times as long once they are indented.

use super::rig::{MAX_MEMORY, until_shown};
use crate::peers::{Process, free_tcp_port};
use crate::raw::RawSocket;
use crate::sandbox::{Sandbox, Settings, in_shell};

/// Runs the program, and passes on only those of its lines that name a topic or have an `x`: nobody wants
/// to keep the others.
const SIEVE: &str = r#"
mkfifo lines && { grep --line-buffered '"topic"\|x' <lines & }
exec "$0" "$@" >lines"#;

/// A body of 200 kB, and of more than 100 MB when it is indented.
fn deep() -> String {
    let (open, close) = ("[".repeat(510), "]".repeat(510));
    let items = "1,".repeat(100_000);
    format!(r#"{{"topic": "com.example.deep", "msg": {open}{items}"x"{close}}}"#)
}

#[test]
fn tail_never_holds_the_whole_indented_text() {
    for form in ["--pretty", "--really-pretty"] {
        let port = free_tcp_port();
        let publisher = RawSocket::publisher_on(port);
        let sandbox = Sandbox::with(&Settings::new().endpoint("evil", port));
        let command = sandbox.command(&["fedmsg-tail", form]);
        let mut tail = Process::start(in_shell(SIEVE, &command));
        until_shown(&publisher, &mut tail, "com.example.probe");
        publisher.send(&["com.example.deep", &deep()]);
        tail.line_with("com.example.deep");
        assert_eq!(tail.line_with("\"x\"").len(), 2 * 511 + 3, "{form}");
        publisher.publish("com.example.proper", "after");
        tail.line_with("com.example.proper");
        let peak = tail.peak_memory();
        assert!(peak < MAX_MEMORY, "{form}: {} MiB", peak >> 20);
    }
}
