//! A publisher in raw libzmq: the source of every measurement, and the unit of publishing.
//!
//! XPUB with `ZMQ_XPUB_NODROP`: a subscriber that cannot keep up holds it up, nothing is lost. It
//! waits for a subscription before it takes orders.

use std::io::{self, BufRead as _};
use std::time::Duration;

use anyhow::Result;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec};

use super::raw_socket::{Batches, bind, open};
use super::{Order, now, written};
use crate::body::{body, topic, topic_of};
use crate::peer::say;
use crate::pki::signed_body;

/// The topic of messages that do not count.
pub(super) const PROBE: &[u8] = b"probe";

/// Publishes what it is told to, bound or connected.
pub(super) fn play(
    connect: Option<&str>,
    batches: Batches,
    signed: bool,
    services: Option<usize>,
) -> Result<()> {
    let context = zmq::Context::new();
    let socket = open(&context, zmq::XPUB, batches)?;
    match connect {
        Some(address) => socket.connect(address)?,
        None => say("bound", &bind(&socket)?)?,
    }
    // A notice of libzmq: byte 1 for a subscription, 0 for the end of one.
    while socket.recv_bytes(0)?.first() != Some(&1) {}
    say("subscribed", "")?;
    let topic = topic()?;
    let topic = topic.as_str().as_bytes();
    let topics: Result<Vec<_>> = (0..services.unwrap_or(0)).map(topic_of).collect();
    let topics = topics?;
    let mut topics = topics.iter().map(|topic| topic.as_str().as_bytes()).cycle();
    for line in io::stdin().lock().lines() {
        match Order::read(&line?)? {
            Order::Burst { messages, bytes } => {
                let body = if signed {
                    signed_body(bytes)?
                } else {
                    body(bytes)?
                };
                for _ in 0..messages {
                    send(&socket, topics.next().unwrap_or(topic), &body)?;
                }
                say("sent", "")?;
            }
            Order::Pace {
                messages,
                bytes,
                interval,
            } => {
                let body = body(bytes)?;
                let mut times = Vec::new();
                let start = now();
                for number in 1..=messages {
                    wait_until(start + number * interval * 1000)?;
                    times.push(now());
                    send(&socket, topic, &body)?;
                }
                say("sent", &written(&times))?;
            }
            Order::Probe => send(&socket, PROBE, b"{}")?,
        }
    }
    Ok(())
}

fn send(socket: &zmq::Socket, topic: &[u8], body: &[u8]) -> Result<(), zmq::Error> {
    socket.send(topic, zmq::SNDMORE)?;
    socket.send(body, 0)
}

fn wait_until(nanoseconds: u64) -> Result<()> {
    let moment = Timespec::try_from(Duration::from_nanos(nanoseconds))?;
    Ok(clock_nanosleep_absolute(ClockId::Monotonic, &moment)?)
}
