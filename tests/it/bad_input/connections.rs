//! Peers that speak something else, or nothing, or that come and go by the thousand.

use std::io::Write as _;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, iter, thread};

use rustix::process::Signal;

use super::Rig;
use crate::peers::{Process, free_tcp_port};
use crate::raw::RawSocket;
use crate::sandbox::{PATIENCE, Sandbox, Settings, in_shell};

/// What one who is no publisher says to whoever connects.
type Line = fn(&mut TcpStream);

fn http(stream: &mut TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

fn noise(stream: &mut TcpStream) {
    let mut state = 0x2545_f491_u32;
    let noise: Vec<u8> = (0..100_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    let _ = stream.write_all(&noise);
}

/// The start of a greeting of ZMTP 3 (its specification, "Framing"), and then something else.
fn broken_greeting(stream: &mut TcpStream) {
    let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    greeting.extend([0xee; 4096]);
    let _ = stream.write_all(&greeting);
}

/// A greeting of ZMTP 3 with the mechanism NULL, and then a command of 2^62 bytes.
fn endless_command(stream: &mut TcpStream) {
    let mut greeting = [0_u8; 64];
    greeting[..16].copy_from_slice(b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL");
    let _ = stream.write_all(&greeting);
    let _ = stream.write_all(b"\x06\x3f\xff\xff\xff\xff\xff\xff\xff\x05READY");
}

fn goodbye(stream: &mut TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}

fn nothing(_: &mut TcpStream) {}

/// Somebody at an address of the bus who is no publisher; gone, with all connections, when dropped.
struct Stranger {
    port: u16,
    connected: Receiver<()>,
    /// The connections; `None` when no more are wanted.
    streams: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Stranger {
    fn at(port: u16, line: Line) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
        let (connect, connected) = mpsc::channel();
        let streams = Arc::new(Mutex::new(Some(Vec::new())));
        let kept = Arc::clone(&streams);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                line(&mut stream);
                match &mut *kept.lock().unwrap() {
                    Some(streams) => streams.push(stream),
                    None => return,
                }
                let _ = connect.send(());
            }
        });
        Self {
            port,
            connected,
            streams,
        }
    }

    fn wait_for_connections(&self, count: usize) {
        for _ in 0..count {
            self.connected.recv_timeout(PATIENCE).expect("a connection");
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.streams.lock().unwrap().take();
        // Wakes the thread, which closes the listener.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        while self.connected.recv().is_ok() {}
    }
}

/// Puts somebody else in the place of a publisher, and then the publisher.
fn check_stranger(line: Line) {
    let mut rig = Rig::without_evil();
    let stranger = Stranger::at(rig.evil_port, line);
    stranger.wait_for_connections(2); // one of each program
    rig.still_works();
    drop(stranger);
    rig.evil = Some(RawSocket::publisher_on(rig.evil_port));
    rig.wait_for_evil();
    rig.still_works();
    rig.stop();
}

#[test]
fn a_web_server_in_the_place_of_a_publisher_keeps_nobody_from_anything() {
    check_stranger(http);
}

#[test]
fn noise_in_the_place_of_a_publisher_keeps_nobody_from_anything() {
    check_stranger(noise);
}

#[test]
fn a_broken_greeting_keeps_nobody_from_anything() {
    check_stranger(broken_greeting);
}

#[test]
fn a_command_without_end_keeps_nobody_from_anything() {
    check_stranger(endless_command);
}

#[test]
fn a_peer_that_hangs_up_at_once_keeps_nobody_from_anything() {
    check_stranger(goodbye);
}

#[test]
fn a_peer_that_says_nothing_keeps_nobody_from_anything() {
    check_stranger(nothing);
}

/// A relay, and how to see that it works.
struct RelayRig {
    relay: Process,
    inbound: u16,
    listener: RawSocket,
    messages: u32,
    _sandbox: Sandbox,
}

impl RelayRig {
    /// Starts a relay that may open so many descriptors.
    fn with_descriptors(limit: u32) -> Self {
        let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
        let settings = Settings::new().relay(inbound, outbound);
        let sandbox = Sandbox::with(&settings.with("post_init_sleep = 0"));
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\" 2>&1 >/dev/null");
        let command = sandbox.command(&["fedmsg-relay"]);
        let mut relay = Process::start(in_shell(&script, &command));
        relay.line_with("hub running");
        let listener = RawSocket::subscriber_to(outbound);
        let mut rig = Self {
            relay,
            inbound,
            listener,
            messages: 0,
            _sandbox: sandbox,
        };
        rig.works();
        rig
    }

    /// Sends messages through the relay until one arrives.
    fn works(&mut self) {
        let publisher = RawSocket::publisher_to(self.inbound);
        self.messages += 1;
        let text = format!("proper-{}.", self.messages);
        let deadline = Instant::now() + PATIENCE;
        // The relay forwards to nobody what comes before it has read of the listener.
        let arrived = iter::repeat_with(|| {
            publisher.publish("com.example.proper", &text);
            self.listener.receive_within(Duration::from_secs(1))
        })
        .take_while(|_| Instant::now() < deadline)
        .flatten()
        .any(|frames| String::from_utf8_lossy(&frames[1]).contains(&text));
        assert!(arrived, "nothing comes through the relay any more");
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.inbound)).expect("the relay listens")
    }

    fn descriptors(&self) -> usize {
        let descriptors = format!("/proc/{}/fd", self.relay.id());
        fs::read_dir(descriptors).expect("it runs").count()
    }

    fn stop(mut self) {
        let peak = self.relay.peak_memory();
        assert!(peak < 96 << 20, "{} MiB", peak >> 20);
        self.relay.signal(Signal::TERM);
        self.relay.line_with("hub stopped");
        assert_eq!(self.relay.finish().status.code(), Some(0));
    }
}

#[test]
fn strangers_at_the_door_of_a_relay_keep_no_publisher_out() {
    let mut rig = RelayRig::with_descriptors(1024);
    let mut streams = Vec::new();
    for line in [
        http,
        noise,
        broken_greeting,
        endless_command,
        goodbye,
        nothing,
    ] {
        for _ in 0..50 {
            let mut stream = rig.connect();
            line(&mut stream);
            streams.push(stream);
        }
        rig.works();
    }
    rig.stop();
}

#[test]
fn thousands_of_connections_opened_and_closed_leave_nothing_behind() {
    let mut rig = RelayRig::with_descriptors(1024);
    let before = rig.descriptors();
    for n in 0..5000 {
        let mut stream = rig.connect();
        if n % 2 == 0 {
            broken_greeting(&mut stream);
        }
    }
    rig.works();
    // What was closed last may still be on its way out.
    let left = (0..1000).find(|_| {
        rig.works();
        rig.descriptors() <= before + 2
    });
    assert!(
        left.is_some(),
        "{before} descriptors before, {} after",
        rig.descriptors()
    );
    rig.stop();
}

#[test]
fn more_connections_than_descriptors_are_survived() {
    let mut rig = RelayRig::with_descriptors(128);
    // A hundred of them can be accepted, the rest waits in the system's queue of a hundred.
    let streams: Vec<_> = (0..180).map(|_| rig.connect()).collect();
    assert!(rig.descriptors() > 100);
    drop(streams);
    rig.works();
    rig.stop();
}
