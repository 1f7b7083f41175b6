//! A relay and who listens behind it, for the commands that publish.

use crate::peers::{Finished, Process, free_tcp_port};
use crate::sandbox::{Listener, Sandbox, Settings, Speaker};

/// A relay, and who listens to it.
pub(super) struct Bus {
    pub(super) sandbox: Sandbox,
    pub(super) listener: Listener,
    pub(super) relay: Process,
}

impl Bus {
    /// Starts it; returns when nothing that is published gets lost any more.
    pub(super) fn start() -> Self {
        Self::with("")
    }

    /// Starts it with more settings for the commands.
    pub(super) fn with(settings: &str) -> Self {
        let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
        let bus = Settings::new().relay(inbound, outbound);
        let bus = bus.with("timeout = 60\npost_init_sleep = 0");
        let sandbox = Sandbox::with(&bus.with(settings));
        let relay = sandbox.start(&["fedmsg-relay"]);
        let listener = Listener::on(outbound);
        Speaker::active(inbound).probe("probe", |time| listener.next_within(time));
        Self {
            sandbox,
            listener,
            relay,
        }
    }

    /// Runs a command to its end.
    pub(super) fn run(&self, words: &[&str], input: &[u8]) -> Finished {
        self.sandbox.run_with_input(words, input)
    }
}
