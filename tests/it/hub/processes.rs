//! The hub as an operator meets it: a process with a log, an exit status and a size.

use std::iter;
use std::time::Instant;

use rustix::process::Signal;

use crate::peers::free_tcp_port;
use crate::raw::RawSocket;
use crate::sandbox::{PATIENCE, Sandbox, Settings, Speaker};

#[test]
fn a_stuck_consumer_is_named_with_what_it_has_lost_and_the_exit_status_is_70() {
    // It has half a second to give back what it works on; a machine that is busy may need another try.
    let mut stops = iter::repeat_with(lost_with_a_stuck_consumer).take(5);
    let named = stops.find(|(line, _)| line.contains("in_work=0"));
    let (line, sent) = named.expect("a consumer that gives back what it works on");
    for expected in [
        format!("first_msg_id=\"{}\"", sent[0]),
        format!("last_msg_id=\"{}\"", sent[4]),
    ] {
        assert!(line.contains(&expected), "{expected}: {line}");
    }
}

/// Stops a hub with a healthy consumer, and one that is stuck with five messages; returns what is said
/// of these, and their identifiers.
fn lost_with_a_stuck_consumer() -> (String, Vec<String>) {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    // The relay waits with its first message for as long as it is told: here for ever.
    let settings = "
        post_init_sleep = '1h'
        stop_timeout = '200ms'
        [consumers]
        stuck.kind = 'relay'
        healthy = { kind = 'log', source = 'relay_inbound' }";
    let settings = Settings::new().relay(inbound, outbound).with(settings);
    let sandbox = Sandbox::with(&settings);
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    let speaker = Speaker::active(inbound);
    let sent = (0..5).map(|n| speaker.publish("test", "work", n).msg_id);
    let sent: Vec<_> = sent.collect();
    for msg_id in &sent {
        let line = hub.line_with(msg_id);
        assert!(line.contains("healthy"), "{line}");
    }
    hub.signal(Signal::TERM);
    let lost = hub.line_with("messages in its mailbox are lost");
    for expected in ["consumer=stuck", "lost=5"] {
        assert!(lost.contains(expected), "{expected}: {lost}");
    }
    let line = hub.line_with("consumer at the end consumer=healthy");
    assert!(
        line.contains("consumed=5 dropped=0 overflowed=0 undelivered=0"),
        "{line}"
    );
    assert_eq!(hub.finish().status.code(), Some(70));
    (lost, sent)
}

#[test]
fn a_flood_into_a_tiny_mailbox_is_held_back_in_bounded_memory_and_loses_nothing() {
    const COUNT: usize = 100_000;
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    // The relay lets its mailbox fill for a second before it forwards anything.
    let settings = "
        post_init_sleep = 1
        high_water_mark = 0
        [consumers.relay]
        kind = 'relay'
        mailbox.messages = 64";
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, outbound).with(settings));
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    hub.line_with("hub running");
    let listener = RawSocket::subscriber_to(outbound);
    let deadline = Instant::now() + PATIENCE;
    // What comes before the relay has read of the listener is lost.
    loop {
        hub.signal(Signal::USR1);
        let status = hub.line_with("status of a consumer");
        if status.contains("subscribers=1") {
            break;
        }
        assert!(Instant::now() < deadline, "{status}");
    }
    let publisher = RawSocket::publisher_to(inbound);

    let body = format!(r#"{{"topic": "flood", "msg": "{}"}}"#, "x".repeat(1000));
    for n in 0..COUNT {
        publisher.send(&[format!("flood.{n}").as_bytes(), body.as_bytes()]);
    }
    for n in 0..COUNT {
        let frames = listener.receive();
        assert_eq!(String::from_utf8_lossy(&frames[0]), format!("flood.{n}"));
        assert_eq!(frames[1].len(), body.len());
    }
    let peak = hub.peak_memory();
    assert!(
        peak < 48 << 20,
        "{} MiB for 100 MiB of messages",
        peak >> 20
    );
    hub.signal(Signal::TERM);
    let line = hub.line_with("consumer at the end");
    assert!(line.contains("accepted=100000 consumed=100000"), "{line}");
    assert_eq!(hub.finish().status.code(), Some(0));
}
