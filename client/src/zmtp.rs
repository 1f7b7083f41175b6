//! The bytes of ZMTP, the protocol of ZeroMQ, as far as one who publishes needs them.
//!
//! [`crate::forwarder`] speaks it with its subscribers; no I/O happens here. Sources: RFC 23 (ZMTP 3.0)
//! and 37 (3.1) of rfc.zeromq.org, RFC 15 (2.0), and what libzmq 4.3.4 was seen to send.

mod frame;
mod greeting;

pub(crate) use self::frame::{Inbound, Inbox, InboxError, data, pong, single, whole_messages};
pub(crate) use self::greeting::{
    GREETING_END, GREETING_START, Handshake, READY, Refusal, Revision, V2_GREETING_END,
};
