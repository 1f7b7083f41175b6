//! What systemd hears: the test has its socket (sd_notify(3)).

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{PATIENCE, Sandbox, Settings, Speaker};

/// The time-out of the watchdog.
const WATCHDOG: Duration = Duration::from_millis(600);

/// Systemd, as far as a service sees it.
struct Systemd {
    socket: UnixDatagram,
    /// Lines heard and not yet looked at.
    heard: Vec<String>,
}

impl Systemd {
    /// Starts a program as the main process of a unit with a watchdog.
    fn start(sandbox: &Sandbox, words: &[&str]) -> (Self, Process) {
        let path = sandbox.path().join("notify.socket");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let watchdog = WATCHDOG.as_micros().to_string();
        let path = path.to_str().expect("a path in UTF-8");
        let variables = [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", &watchdog)];
        let process = sandbox.start_logging_with(words, &variables);
        let heard = Vec::new();
        (Self { socket, heard }, process)
    }

    /// The next line, or `None` if there is none within that time.
    fn line_within(&mut self, within: Duration) -> Option<String> {
        if self.heard.is_empty() {
            self.socket.set_read_timeout(Some(within)).expect("a time");
            let mut datagram = [0; 4096];
            match self.socket.recv(&mut datagram) {
                Ok(length) => {
                    let text = String::from_utf8_lossy(&datagram[..length]);
                    self.heard = text.lines().rev().map(str::to_owned).collect();
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        self.heard.pop()
    }

    /// Waits for a line that begins like this.
    fn line(&mut self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        while let Some(line) = self.line_within(deadline.saturating_duration_since(Instant::now()))
        {
            if line.starts_with(start) {
                return line;
            }
        }
        panic!("systemd has not heard {start}");
    }
}

fn settings(more: &str) -> (Sandbox, u16) {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let settings = Settings::new().relay(inbound, outbound).with(more);
    (Sandbox::with(&settings), inbound)
}

#[test]
fn systemd_hears_that_a_hub_runs_how_it_is_and_that_it_stops() {
    let (sandbox, inbound) = settings("[consumers.audit]\nkind = 'log'\nsource = 'relay_inbound'");
    let (mut systemd, mut hub) = Systemd::start(&sandbox, &["fedmsg-hub"]);
    assert_eq!(
        systemd.line_within(PATIENCE).as_deref(),
        Some("READY=1"),
        "and nothing before"
    );
    systemd.line("STATUS=received 0, waiting 0, lost 0");
    for _ in 0..5 {
        systemd.line("WATCHDOG=1");
    }
    let speaker = Speaker::active(inbound);
    speaker.publish("test", "work", 1);
    hub.line_with("test.work");
    systemd.line("STATUS=received 1, waiting 0, lost 0");
    hub.signal(Signal::TERM);
    systemd.line("STOPPING=1");
    let more: u64 = systemd.line("EXTEND_TIMEOUT_USEC=")["EXTEND_TIMEOUT_USEC=".len()..]
        .parse()
        .expect("a number");
    assert!(more > 10_000_000, "longer than stop_timeout");
    assert_eq!(hub.finish().status.code(), Some(0));
}

#[test]
fn a_watchdog_is_starved_by_a_stuck_consumer_which_is_named() {
    // The relay waits with its first message for as long as it is told: here for ever.
    let (sandbox, inbound) = settings(
        "post_init_sleep = '1h'
        stop_timeout = '1s'
        [consumers]
        held = { kind = 'relay', stuck_after = '300ms', mailbox.messages = 1 }
        audit = { kind = 'log', source = 'relay_inbound' }",
    );
    let (mut systemd, mut hub) = Systemd::start(&sandbox, &["fedmsg-hub"]);
    for _ in 0..3 {
        systemd.line("WATCHDOG=1");
    }
    // One is in its hands, the next waits, the one after that holds up the intake.
    let speaker = Speaker::active(inbound);
    for n in 0..3 {
        speaker.publish("test", "work", n);
    }
    let line = hub.line_with("stuck: it has work");
    assert!(line.contains("part=\"consumer\" name=\"held\""), "{line}");
    assert_eq!(systemd.line("STATUS=stuck"), "STATUS=stuck: consumer held");
    let end = Instant::now() + WATCHDOG * 3;
    while let Some(left) = end
        .checked_duration_since(Instant::now())
        .filter(|it| !it.is_zero())
    {
        let line = systemd.line_within(left);
        assert_ne!(
            line.as_deref(),
            Some("WATCHDOG=1"),
            "fed while a consumer is stuck"
        );
    }
    hub.signal(Signal::TERM);
    systemd.line("STOPPING=1");
    systemd.line("WATCHDOG=1"); // a stop is given its time, whoever is stuck
    hub.line_with("messages in its mailbox are lost");
    assert_eq!(hub.finish().status.code(), Some(70));
}
