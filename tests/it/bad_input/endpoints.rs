//! Addresses that lead nowhere, that belong to others, or that are none.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use rustix::process::Signal;

use crate::peers::{Process, free_tcp_port};
use crate::raw::RawSocket;
use crate::sandbox::{Sandbox, Settings, in_shell, loopback};

#[test]
fn addresses_that_do_not_resolve_or_answer_keep_nobody_from_the_others() {
    let port = free_tcp_port();
    let settings = Settings::new().endpoint("good", port).with(
        "[endpoints]
         unknown = 'tcp://no-such-host.invalid:3000'
         silent = 'tcp://127.0.0.1:1'
         strange = 'tcp://[::1]:1'
         nowhere = 'ipc:///nonexistent/bus.sock'
         inside = 'inproc://nobody'",
    );
    let sandbox = Sandbox::with(&settings.with("consumers.all.kind = 'log'"));
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    let line = hub.line_with("cannot connect");
    assert!(line.contains("endpoint=unknown"), "{line}");
    assert!(
        line.contains("host no-such-host.invalid of tcp://no-such-host.invalid:3000"),
        "{line}"
    );
    assert!(line.contains("does not resolve"), "{line}");
    let mut tail = sandbox.start(&["fedmsg-tail"]);
    let good = RawSocket::publisher_on(port);
    for (program, text) in [(&mut hub, "for-the-hub."), (&mut tail, "for-the-tail.")] {
        super::rig::until_shown(&good, program, text);
    }
    hub.signal(Signal::TERM);
    assert_eq!(hub.finish().status.code(), Some(0));
    tail.signal(Signal::INT);
    tail.finish().expect_success();
}

/// Starts `program` under `settings` and expects it to fail with `status`, and to name `words`.
#[track_caller]
fn check_refused(words: &[&str], settings: Settings, status: i32, expected: &[&str]) {
    let finished = Sandbox::with(&settings).start(words).finish();
    assert_eq!(finished.status.code(), Some(status), "{finished:#?}");
    for text in expected {
        assert!(finished.errors.contains(text), "{text}: {finished:#?}");
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = holder.local_addr().unwrap().port();
    let (free, address) = (free_tcp_port(), loopback(taken));
    let relay = |inbound, outbound| Settings::new().relay(inbound, outbound);
    check_refused(
        &["fedmsg-relay"],
        relay(taken, free),
        69,
        &[&address, "relay_inbound"],
    );
    check_refused(
        &["fedmsg-relay"],
        relay(free, taken),
        69,
        &[&address, "relay_outbound"],
    );
    let settings = Settings::new().endpoint("shop", taken).with(
        "name = 'shop'
         producers.beat = { kind = 'heartbeat', every = '1s' }",
    );
    check_refused(&["fedmsg-hub"], settings, 69, &[&address, "shop"]);
}

#[test]
fn an_address_of_another_host_cannot_be_bound_and_is_named() {
    // TEST-NET-1 (RFC 5737) is nobody's.
    let settings = Settings::new().with(
        "relay_inbound = 'tcp://192.0.2.1:2001'
         endpoints.relay_outbound = 'tcp://192.0.2.1:4001'",
    );
    check_refused(&["fedmsg-relay"], settings, 69, &["tcp://192.0.2.1:4001"]);
    let settings = Settings::new().with("relay_inbound = 'tcp://no-such-host.invalid:2001'");
    let settings = settings.endpoint("relay_outbound", free_tcp_port());
    check_refused(&["fedmsg-relay"], settings, 69, &["no-such-host.invalid"]);
}

#[test]
fn a_text_that_is_no_address_is_a_configuration_error_with_its_place() {
    for garbage in [
        "",
        "garbage",
        "tcp://",
        "tcp://host",
        "tcp://host:",
        "tcp://host:0x7f",
        "tcp://host:65536",
        "tcp://host:-1",
        "tcp://:3000",
        "udp://host:3000",
        "http://host:80",
        "tcp:host:3000",
        "ipc://",
        "inproc://",
        "tcp://host:3000/path",
        "tcp://ho st:3000",
        "tcp://host:30\\u000000",
        "tipc://{5555,0,0}",
        "pgm://eth0;239.192.1.1:5555",
        "tcp://[::1:3000",
        "tcp://*:*",
    ] {
        let sandbox = Sandbox::new();
        let toml =
            format!("\n[endpoints]\nshop = [\"{garbage}\"]\n[consumers.all]\nkind = \"log\"\n");
        sandbox.write("fedmsg.toml", &toml);
        let finished = sandbox
            .start(&["fedmsg-hub", "--config", "fedmsg.toml"])
            .finish();
        assert_eq!(
            finished.status.code(),
            Some(78),
            "{garbage:?}: {finished:#?}"
        );
        let place = "fedmsg.toml:3: endpoints.shop[0]: ";
        assert!(
            finished.errors.contains(place),
            "{garbage:?}: {finished:#?}"
        );
    }
}

#[test]
fn a_hub_listens_to_more_addresses_than_the_customary_limit_of_open_files_allows() {
    let port = free_tcp_port();
    let mut settings = Settings::new().endpoint("last", port);
    for n in 0..100 {
        // Nobody listens on the ports below the ephemeral ones; nobody needs to.
        settings = settings.endpoint(&format!("e{n}"), 1 + n);
    }
    let sandbox = Sandbox::with(&settings.with("consumers.all.kind = 'log'"));
    let script = "ulimit -S -n 128; exec \"$0\" \"$@\" 2>&1 >/dev/null";
    let command = sandbox.command(&["fedmsg-hub"]);
    let mut hub = Process::start(in_shell(script, &command));
    let publisher = RawSocket::publisher_on(port);
    super::rig::until_shown(&publisher, &mut hub, "heard.");
    let descriptors = format!("/proc/{}/fd", hub.id());
    let descriptors = fs::read_dir(descriptors).expect("it runs").count();
    assert!(
        descriptors > 200,
        "{descriptors}: two or three for each address"
    );
    hub.signal(Signal::TERM);
    assert_eq!(hub.finish().status.code(), Some(0));
}
