//! What the roles set on a raw libzmq socket.
//!
//! Both high-water marks are 1000, libzmq's own default: a queue that is full holds up the sender.

use std::ffi::c_int;

use anyhow::{Result, ensure};
use clap::ValueEnum;

/// Messages that may wait in each direction of a connection.
const HIGH_WATER_MARK: i32 = 1000;
/// `ZMQ_IN_BATCH_SIZE` and `ZMQ_OUT_BATCH_SIZE` of zmq.h (draft API, hence not in the bindings).
const BATCH_SIZES: [c_int; 2] = [101, 102];
/// What the bus sets them to (client/src/socket.rs).
const LARGE_BATCH: c_int = 64 * 1024;

/// How many bytes libzmq asks of the kernel at a time, and gives to it at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Batches {
    /// 8 KiB, the default: what every program has that does not know better.
    Usual,
    /// 64 KiB, as the bus.
    Large,
}

/// Opens a socket that loses nothing and leaves nothing behind.
pub(super) fn open(
    context: &zmq::Context,
    kind: zmq::SocketType,
    batches: Batches,
) -> Result<zmq::Socket> {
    let mut socket = context.socket(kind)?;
    socket.set_linger(0)?;
    socket.set_sndhwm(HIGH_WATER_MARK)?;
    socket.set_rcvhwm(HIGH_WATER_MARK)?;
    if kind == zmq::XPUB {
        set_option(&mut socket, zmq_sys::ZMQ_XPUB_NODROP as c_int, 1)?;
    }
    if batches == Batches::Large {
        for option in BATCH_SIZES {
            set_option(&mut socket, option, LARGE_BATCH)?;
        }
    }
    Ok(socket)
}

/// Binds to any free port of the loopback interface and returns the address.
pub(super) fn bind(socket: &zmq::Socket) -> Result<String> {
    socket.bind("tcp://127.0.0.1:*")?;
    let address = socket.get_last_endpoint()?;
    address.map_err(|_| anyhow::anyhow!("an address that is not UTF-8"))
}

#[expect(
    unsafe_code,
    reason = "zmq has no general setsockopt, and none for XPUB_NODROP and the batch sizes"
)]
fn set_option(socket: &mut zmq::Socket, option: c_int, value: c_int) -> Result<()> {
    // SAFETY: the pointer is that of a live socket that we hold exclusively, and libzmq copies
    // `size_of::<c_int>()` bytes from `value` before it returns.
    let status = unsafe {
        zmq_sys::zmq_setsockopt(
            socket.as_mut_ptr(),
            option,
            std::ptr::from_ref(&value).cast(),
            size_of::<c_int>(),
        )
    };
    ensure!(status == 0, "libzmq refuses option {option}");
    Ok(())
}
