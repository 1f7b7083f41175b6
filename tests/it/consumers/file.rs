//! Files on a disk that is full, and files that somebody else has.

use std::fs;

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{Sandbox, Settings, Speaker, in_shell};

/// Lets no file grow beyond some KiB: the write that does fails, after what fits.
const SMALL_DISK: &str = r#"trap '' XFSZ; ulimit -f 8; exec "$0" "$@" 2>&1 >/dev/null"#;

const HUB: [&str; 1] = ["fedmsg-hub"];

fn bus() -> (Sandbox, Speaker) {
    let port = free_tcp_port();
    let settings = Settings::new().endpoint("svc.host", port);
    let settings = settings.with(
        "[consumers.x]\nkind = 'file'\nparams.path = 'bus'\n\
         retry = { attempts = 2, first_delay = '1ms' }",
    );
    (Sandbox::with(&settings), Speaker::bound(port))
}

#[test]
fn a_full_disk_costs_messages_by_name_and_leaves_no_half_of_a_line() {
    let (sandbox, speaker) = bus();
    let mut hub = Process::start(in_shell(SMALL_DISK, &sandbox.command(&HUB)));
    speaker.wait_for("org.fedoraproject.dev.a.b");
    for _ in 0..40 {
        speaker.publish("a", "b", "x".repeat(500));
    }
    hub.line_with("cannot write to bus");
    hub.line_with("message dropped");
    let written = fs::read_to_string(sandbox.path().join("bus")).unwrap();
    assert!(
        written.ends_with("}\n") && written.len() > 1000,
        "{written}"
    );
    for line in written.lines() {
        check_line(line);
    }
}

/// Fails unless the line is a message of this test.
fn check_line(line: &str) {
    let body = fedmsg_message::Value::parse(line.as_bytes()).unwrap();
    assert_eq!(
        body.get("msg").and_then(|msg| msg.as_str()).map(str::len),
        Some(500)
    );
}

#[test]
fn a_second_hub_does_not_write_to_the_file_of_the_first() {
    let (sandbox, speaker) = bus();
    let mut first = sandbox.start_logging(&HUB);
    speaker.wait_for("org.fedoraproject.dev.a.b");
    let second = sandbox.run(&HUB);
    assert!(!second.status.success());
    assert!(
        second
            .errors
            .contains("another program, or another worker, writes to bus"),
        "{second:?}"
    );
    assert!(
        first
            .line_within(std::time::Duration::ZERO)
            .is_none_or(|line| !line.contains("ERROR"))
    );
}
