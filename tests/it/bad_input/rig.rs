//! A real hub and a real tail that listen to two publishers, of which one is up to no good.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::peers::{Finished, Process, free_tcp_port};
use crate::raw::RawSocket;
use crate::sandbox::{PATIENCE, PROBE, Sandbox, Settings};

/// More than our programs need, whatever they are sent.
pub(super) const MAX_MEMORY: usize = 96 << 20;

/// Our programs, and the publishers that they listen to.
pub(super) struct Rig {
    /// One that behaves.
    pub(super) good: RawSocket,
    /// One that does not; absent while its port is in other hands.
    pub(super) evil: Option<RawSocket>,
    pub(super) evil_port: u16,
    /// `fedmsg-hub` with a consumer that logs every message; its lines are its log.
    pub(super) hub: Process,
    /// `fedmsg-tail --json`.
    pub(super) tail: Process,
    _sandbox: Sandbox,
    messages: u32,
}

/// How our programs ended.
pub(super) struct Ended {
    /// What the hub says of its consumer at the end.
    pub(super) summary: String,
    pub(super) tail: Finished,
}

impl Rig {
    /// Starts everything and waits until both programs listen to both publishers.
    pub(super) fn new() -> Self {
        let mut rig = Self::without_evil();
        rig.evil = Some(RawSocket::publisher_on(rig.evil_port));
        rig.wait_for_evil();
        rig
    }

    /// The same, but nobody is at the address of the second publisher yet.
    pub(super) fn without_evil() -> Self {
        let (port, evil_port) = (free_tcp_port(), free_tcp_port());
        let settings = Settings::new()
            .endpoint("good", port)
            .endpoint("evil", evil_port)
            .with("consumers.all = { kind = 'log', topics = '#' }");
        let sandbox = Sandbox::with(&settings);
        let good = RawSocket::publisher_on(port);
        let hub = sandbox.start_logging(&["fedmsg-hub"]);
        let tail = sandbox.start(&["fedmsg-tail", "--json"]);
        let (evil, messages) = (None, 0);
        let mut rig = Self {
            good,
            evil,
            evil_port,
            hub,
            tail,
            _sandbox: sandbox,
            messages,
        };
        let Self {
            good, hub, tail, ..
        } = &mut rig;
        probe(good, [hub, tail]);
        rig
    }

    /// The second publisher.
    pub(super) fn evil(&self) -> &RawSocket {
        self.evil.as_ref().expect("a second publisher")
    }

    /// Waits until both programs listen to the second publisher (again).
    pub(super) fn wait_for_evil(&mut self) {
        let evil = self.evil.as_ref().expect("a second publisher");
        probe(evil, [&mut self.hub, &mut self.tail]);
    }

    /// Publishes a proper message through each publisher there is, and waits until both programs
    /// have shown it: what was sent before has been dealt with then, and nobody is the worse for it.
    pub(super) fn still_works(&mut self) {
        for publisher in [Some(&self.good), self.evil.as_ref()].into_iter().flatten() {
            self.messages += 1;
            let text = format!("proper-{}", self.messages);
            publisher.publish("com.example.proper", &text);
            self.hub.line_with(&text);
            self.tail.line_with(&text);
        }
        for program in [&self.hub, &self.tail] {
            let peak = program.peak_memory();
            assert!(peak < MAX_MEMORY, "{} MiB", peak >> 20);
        }
    }

    /// Stops both programs, which have nothing to complain of.
    pub(super) fn stop(mut self) -> Ended {
        self.hub.signal(Signal::TERM);
        let summary = self.hub.line_with("consumer at the end");
        assert_eq!(self.hub.finish().status.code(), Some(0));
        self.tail.signal(Signal::INT);
        let tail = self.tail.finish().expect_success();
        Ended { summary, tail }
    }
}

/// Publishes until each of `programs` has shown it.
fn probe(publisher: &RawSocket, programs: [&mut Process; 2]) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    for program in programs {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        until_shown(publisher, program, &format!("probe-{number}."));
    }
}

/// Publishes `text` until `program` has shown it: it listens to the publisher then.
pub(super) fn until_shown(publisher: &RawSocket, program: &mut Process, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !shows(program, text, PROBE) {
        publisher.publish("com.example.probe", text);
        assert!(Instant::now() < deadline, "nothing is heard of {text}");
    }
}

/// Returns whether a line with `text` comes `within` that time.
fn shows(program: &mut Process, text: &str, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match program.line_within(left) {
            Some(line) if line.contains(text) => return true,
            Some(_) => {}
            None => return false,
        }
    }
}
