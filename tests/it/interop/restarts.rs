//! A relay that is killed and started again: everybody of ours comes back without being told to.

use std::time::Duration;

use crate::peers::{Peers, Process, free_tcp_port};
use crate::sandbox::{Listener, Sandbox, Settings, Speaker};

#[test]
fn our_publisher_and_subscribers_survive_the_death_of_our_relay() {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, outbound));
    check(inbound, outbound, || sandbox.start(&["fedmsg-relay"]));
}

#[test]
fn our_publisher_and_subscribers_survive_the_death_of_the_real_relay() {
    let Some(peers) = Peers::find() else { return };
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let config = peers.config().relay(inbound, outbound).write();
    check(inbound, outbound, || peers.daemon("fedmsg-relay", &config));
}

/// Kills the relay that `start` starts and starts another, twice.
fn check(inbound: u16, outbound: u16, start: impl Fn() -> Process) {
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, outbound));
    let speaker = Speaker::active(inbound);
    let listener = Listener::on(outbound);
    let mut tail = sandbox.start(&["fedmsg-tail", "--query", "msg"]);
    for life in 1..=3_u64 {
        let relay = start();
        let probe = format!("probe.{life}");
        let heard = |time: Duration| {
            let delivery = listener.next_within(time)?;
            (delivery.topic().as_str() == probe).then_some(())
        };
        speaker.probe(&probe, heard);
        speaker.probe(&probe, |time| {
            tail.line_within(time).filter(|line| line == &probe)
        });

        let numbers = life * 1000..life * 1000 + 100;
        for number in numbers.clone() {
            speaker.publish("interop", "count", number);
        }
        for number in numbers {
            let delivery = listener.next_about("interop.count");
            assert_eq!(delivery.msg().as_u64(), Some(number));
            let number = number.to_string();
            let line = tail.line_with(&number);
            assert_eq!(line, number);
        }
        drop(relay); // SIGKILL
    }
}
