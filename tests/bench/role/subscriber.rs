//! A subscriber in raw libzmq: the unit of receiving, and the sink of what relays and publishers
//! send.
//!
//! It blocks in `zmq_msg_recv` for each of the two frames and does nothing with them.

use anyhow::{Result, ensure};

use super::raw_publisher::PROBE;
use super::raw_socket::{Batches, open};
use super::{now, wait_for_dismissal, written};
use crate::peer::say;

/// Receives so many messages, then says so.
pub(super) fn play(address: &str, expected: u64, batches: Batches, with_times: bool) -> Result<()> {
    let context = zmq::Context::new();
    let socket = open(&context, zmq::SUB, batches)?;
    socket.set_subscribe(b"")?;
    socket.connect(address)?;
    let mut times = Vec::new();
    let (mut topic, mut body) = (zmq::Message::new(), zmq::Message::new());
    let mut received = 0;
    while received < expected {
        socket.recv(&mut topic, 0)?;
        ensure!(topic.get_more(), "a message of one frame");
        socket.recv(&mut body, 0)?;
        ensure!(!body.get_more(), "a message of more than two frames");
        if with_times {
            times.push(now());
        }
        if &*topic == PROBE {
            say("probed", "")?;
        } else {
            received += 1;
        }
    }
    say("done", &written(&times))?;
    wait_for_dismissal()?;
    let more = socket.recv_bytes(zmq::DONTWAIT);
    ensure!(more.is_err(), "more messages came than were sent");
    Ok(())
}
