//! How a connection begins: who speaks which revision, and that the other side is a subscriber.
//!
//! The first bytes are sent at once, the rest when the other side has said what it understands, so that
//! libzmq 3 (ZMTP 2.0) is served as well.

use bytes::{Buf, BytesMut};
use thiserror::Error;

use super::frame::{Frame, Inbox, InboxError};

/// The signature, and the revision that we speak: 3. Everybody since ZMTP 2.0 begins with these.
pub(crate) const GREETING_START: [u8; 11] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3];

/// The rest of the greeting of ZMTP 3.1: minor 1, mechanism NULL, not a server, filler.
pub(crate) const GREETING_END: [u8; 53] = *b"\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The rest of the greeting of ZMTP 2.0: a PUB socket, with an empty identity.
pub(crate) const V2_GREETING_END: [u8; 3] = [1, 0, 0];

/// The command that ends the handshake of ZMTP 3: this is a PUB socket.
pub(crate) const READY: [u8; 27] = *b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB";

/// Bytes of a whole greeting of ZMTP 3.
const GREETING: usize = 64;
/// Where a greeting has the mechanism, which is 20 bytes.
const MECHANISM: std::ops::Range<usize> = 12..32;
/// SUB and XSUB in the greeting of ZMTP 2.0.
const V2_SUBSCRIBERS: [u8; 2] = [2, 10];

/// Why a connection is not one of a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    /// The first bytes are of another protocol, or of ZeroMQ 2.
    #[error("it does not speak ZMTP 2 or newer")]
    NotZmtp,
    /// It wants to be authenticated, or to encrypt.
    #[error("it wants another security mechanism than NULL")]
    Mechanism,
    /// It is another kind of socket than SUB.
    #[error("it is not a subscriber")]
    NotSubscriber,
    /// The frames after the greeting make no sense.
    #[error(transparent)]
    Frames(#[from] InboxError),
}

/// What the other side understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revision {
    /// ZMTP 2.0 (libzmq 3).
    V2,
    /// ZMTP 3 (libzmq 4).
    V3,
}

/// How far the other side has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// Its revision is not known yet.
    Revision,
    /// Its greeting is not complete.
    Greeting(Revision),
    /// Its READY, or identity, has not come.
    Ready(Revision),
    /// It is a subscriber; from here on it may send subscriptions.
    Done,
}

impl Handshake {
    /// Takes what `inbox` has of the handshake, by one step; `false` when it has not enough for one.
    ///
    /// # Errors
    ///
    /// Whoever is there is no subscriber that can be served.
    pub(crate) fn step(&mut self, inbox: &mut Inbox) -> Result<bool, Refusal> {
        let next = match *self {
            Self::Revision => revision(inbox.bytes())?.map(Self::Greeting),
            Self::Greeting(Revision::V3) => greeted(inbox.bytes())?,
            Self::Greeting(Revision::V2) => greeted_v2(inbox.bytes())?,
            Self::Ready(revision) => match (revision, inbox.next_frame()?) {
                (_, None) => None,
                (Revision::V2, Some(_)) => Some(Self::Done), // its identity
                (Revision::V3, Some(frame)) => Some(ready(&frame)?),
            },
            Self::Done => None,
        };
        if let Some(next) = next {
            *self = next;
        }
        Ok(next.is_some())
    }
}

fn revision(bytes: &BytesMut) -> Result<Option<Revision>, Refusal> {
    if bytes.first().is_some_and(|first| *first != 0xff)
        || bytes.get(9).is_some_and(|last| last & 1 == 0)
    {
        return Err(Refusal::NotZmtp);
    }
    match bytes.get(10) {
        None => Ok(None),
        Some(0) => Err(Refusal::NotZmtp),
        Some(1 | 2) => Ok(Some(Revision::V2)),
        Some(_) => Ok(Some(Revision::V3)),
    }
}

fn greeted(bytes: &mut BytesMut) -> Result<Option<Handshake>, Refusal> {
    if bytes.len() < GREETING {
        return Ok(None);
    }
    let mechanism = bytes.get(MECHANISM).unwrap_or_default();
    let name = mechanism.split(|byte| *byte == 0).next();
    if name != Some(b"NULL") {
        return Err(Refusal::Mechanism);
    }
    bytes.advance(GREETING);
    Ok(Some(Handshake::Ready(Revision::V3)))
}

fn greeted_v2(bytes: &mut BytesMut) -> Result<Option<Handshake>, Refusal> {
    let Some(kind) = bytes.get(11) else {
        return Ok(None);
    };
    if !V2_SUBSCRIBERS.contains(kind) {
        return Err(Refusal::NotSubscriber);
    }
    bytes.advance(12);
    Ok(Some(Handshake::Ready(Revision::V2)))
}

/// Reads a READY command: its name, then properties of a name (one byte of length) and a value (four).
fn ready(frame: &Frame) -> Result<Handshake, Refusal> {
    let mut rest = frame
        .command()
        .and_then(|command| command.strip_prefix(b"\x05READY"))
        .ok_or(Refusal::NotSubscriber)?;
    while let Some((name, value, after)) = property(rest) {
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            return match value {
                b"SUB" | b"XSUB" => Ok(Handshake::Done),
                _ => Err(Refusal::NotSubscriber),
            };
        }
        rest = after;
    }
    Err(Refusal::NotSubscriber)
}

fn property(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (value, rest) = rest.split_at_checked(length)?;
    Some((name, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libzmq 4.3.4 sends for a SUB socket (wire specification, section 1.3).
    fn of_libzmq(socket: &str) -> Vec<u8> {
        let mut bytes = [&GREETING_START[..], &GREETING_END[..]].concat();
        let ready = format!(
            "\x05READY\x0bSocket-Type\0\0\0{}{socket}",
            socket.len() as u8 as char
        );
        bytes.extend([4, ready.len() as u8]);
        bytes.extend(ready.as_bytes());
        bytes
    }

    /// Gives the bytes one by one, as a slow network would, and says how it ends.
    fn check(bytes: &[u8], expected: Result<Handshake, Refusal>) {
        let (mut inbox, mut handshake) = (Inbox::default(), Handshake::Revision);
        let mut result = Ok(());
        for byte in bytes {
            inbox.bytes().extend_from_slice(&[*byte]);
            result = loop {
                match handshake.step(&mut inbox) {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(refusal) => break Err(refusal),
                }
            };
            if result.is_err() {
                break;
            }
        }
        assert_eq!(result.map(|()| handshake), expected, "{bytes:02x?}");
    }

    #[test]
    fn a_subscriber_of_any_age_is_let_in() {
        check(&of_libzmq("SUB"), Ok(Handshake::Done));
        check(&of_libzmq("XSUB"), Ok(Handshake::Done));
        let signature = &GREETING_START[..10];
        check(&[signature, &[1, 2, 0, 0]].concat(), Ok(Handshake::Done));
        check(
            &[signature, &[1, 2]].concat(),
            Ok(Handshake::Ready(Revision::V2)),
        );
    }

    #[test]
    fn who_is_no_subscriber_is_refused() {
        check(&of_libzmq("PUB"), Err(Refusal::NotSubscriber));
        check(b"GET / HTTP/1.1\r\n", Err(Refusal::NotZmtp));
        check(&[1, 0, 2], Err(Refusal::NotZmtp)); // ZMTP 1.0: an empty identity
        let mut encrypting = of_libzmq("SUB");
        encrypting[12..17].copy_from_slice(b"CURVE");
        check(&encrypting, Err(Refusal::Mechanism));
        let mut other = of_libzmq("SUB");
        other[64] = 0; // a message in the place of the command
        check(&other, Err(Refusal::NotSubscriber));
        check(
            &[&GREETING_START[..10], &[1, 1]].concat(),
            Err(Refusal::NotSubscriber),
        );
    }

    #[test]
    fn what_we_say_is_what_libzmq_says() {
        assert_eq!(
            of_libzmq("PUB"),
            [&GREETING_START[..], &GREETING_END, &READY].concat()
        );
    }
}
