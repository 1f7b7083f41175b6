//! The built-in producers as an operator meets them: a hub that TOML alone makes watch, while what it
//! watches hangs, floods, breaks and is rotated.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod follow;
mod tell;
mod watch;

use rustix::process::Signal;

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{Listener, Sandbox, Settings};

/// A hub with these producers, which publishes at once, and whoever listens to it.
struct Watcher {
    sandbox: Sandbox,
    hub: Process,
    listener: Listener,
}

impl Watcher {
    fn start(producers: &str) -> Self {
        Self::start_in(Sandbox::new(), producers)
    }

    fn start_in(sandbox: Sandbox, producers: &str) -> Self {
        let port = free_tcp_port();
        let bus = Settings::new().endpoint("svc.host", port);
        // Its first message waits for the listener, which tries anew ten times a second.
        let listener = Listener::open(&bus.clone().with("zmq_reconnect_ivl_max = 0"));
        let settings = bus
            .with("name = 'svc.host'\npost_init_sleep = 1")
            .with(producers);
        sandbox.write("fedmsg.toml", &settings.to_string());
        let hub = sandbox.start_logging(&["fedmsg-hub"]);
        Self {
            sandbox,
            hub,
            listener,
        }
    }
}

#[test]
fn a_first_tick_that_waits_until_its_publisher_has_settled_is_no_slow_one() {
    let producers = "post_init_sleep = 4\n[producers.pulse]\nkind = 'heartbeat'\nevery = '3s'";
    let watcher = Watcher::start(producers);
    // What is said of a tick is said before the next.
    watcher.listener.take_about("heartbeat", 2);
    watcher.hub.signal(Signal::TERM);
    let log = watcher.hub.finish().expect_success().lines;
    let slow: Vec<_> = log.iter().filter(|it| it.contains("took longer")).collect();
    assert!(slow.is_empty(), "{slow:?}");
}
