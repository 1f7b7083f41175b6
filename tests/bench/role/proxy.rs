//! libzmq's own `zmq_proxy` in the place of a relay: the unit of passing on.

use std::{process, thread};

use anyhow::Result;

use super::raw_socket::{Batches, bind, open};
use super::wait_for_dismissal;
use crate::peer::say;

/// Passes on from publishers that connect to subscribers that connect.
pub(super) fn play(batches: Batches) -> Result<()> {
    let context = zmq::Context::new();
    let inbound = open(&context, zmq::XSUB, batches)?;
    let outbound = open(&context, zmq::XPUB, batches)?;
    say(
        "bound",
        &format!("{} {}", bind(&inbound)?, bind(&outbound)?),
    )?;
    // A proxy ends only with its context, or with its process.
    thread::spawn(|| process::exit(i32::from(wait_for_dismissal().is_err())));
    Ok(zmq::proxy(&inbound, &outbound)?)
}
