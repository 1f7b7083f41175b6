//! Frames of ZMTP 2 and 3: what a subscriber sends, and what is sent to it.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;

/// More frames follow that belong to the same message.
const MORE: u8 = 1;
/// The length is eight bytes, not one.
const LONG: u8 = 2;
/// The frame is a command, not part of a message.
const COMMAND: u8 = 4;

/// The largest frame that a subscriber may send: a subscription is a topic, and a topic is not long.
const LONGEST: u64 = 8 * 1024;

/// A subscriber sends what no subscriber has to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum InboxError {
    /// A bit is set that has no meaning.
    #[error("it sent a frame with unknown flags ({0:#04x})")]
    Flags(u8),
    /// A frame that is too large for any subscription.
    #[error("it sent a frame of {0} bytes, at most {LONGEST} are taken")]
    TooLong(u64),
}

/// What a subscriber says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// It wants what begins with this.
    Subscribe(Bytes),
    /// It does not want it any more.
    Cancel(Bytes),
    /// It wants this back in a PONG.
    Ping(Bytes),
    /// Something that a publisher has nothing to do with.
    Other,
}

/// A frame as it was received.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    flags: u8,
    body: Bytes,
}

impl Frame {
    /// The body of a command.
    pub(super) fn command(&self) -> Option<&[u8]> {
        (self.flags & COMMAND != 0).then_some(&self.body)
    }

    fn read(&self) -> Inbound {
        let rest = |start: usize| self.body.slice(start.min(self.body.len())..);
        match (self.command(), self.body.first()) {
            (Some(body), _) if body.starts_with(b"\x09SUBSCRIBE") => Inbound::Subscribe(rest(10)),
            (Some(body), _) if body.starts_with(b"\x06CANCEL") => Inbound::Cancel(rest(7)),
            // Two bytes of time to live, which only one who receives may care for.
            (Some(body), _) if body.starts_with(b"\x04PING") => Inbound::Ping(rest(7)),
            (None, Some(1)) if self.flags & MORE == 0 => Inbound::Subscribe(rest(1)),
            (None, Some(0)) if self.flags & MORE == 0 => Inbound::Cancel(rest(1)),
            _ => Inbound::Other,
        }
    }
}

/// The length of the head of a frame, and that of its body; `None` while the head is not complete.
fn head(bytes: &[u8]) -> Option<(usize, u64)> {
    if bytes.first()? & LONG == 0 {
        return Some((2, u64::from(*bytes.get(1)?)));
    }
    let length = bytes.get(1..)?.first_chunk::<8>()?;
    Some((9, u64::from_be_bytes(*length)))
}

/// How many messages are whole in `bytes`, which begin with one and may end within another.
pub(crate) fn whole_messages(mut bytes: &[u8]) -> u64 {
    let mut messages = 0;
    while let Some((head, length)) = head(bytes)
        && let Some(flags) = bytes.first()
        && let Some(end) = usize::try_from(length)
            .ok()
            .and_then(|it| it.checked_add(head))
        && let Some(rest) = bytes.get(end..)
    {
        messages += u64::from(flags & (MORE | COMMAND) == 0);
        bytes = rest;
    }
    messages
}

/// What has been received and not been taken apart.
#[derive(Debug, Default)]
pub(crate) struct Inbox(BytesMut);

impl Inbox {
    /// The bytes, to add to.
    pub(crate) fn bytes(&mut self) -> &mut BytesMut {
        &mut self.0
    }

    /// What the subscriber says next; `None` while that is not complete.
    ///
    /// # Errors
    ///
    /// What follows cannot be understood: the connection is of no use any more.
    pub(crate) fn next(&mut self) -> Result<Option<Inbound>, InboxError> {
        Ok(self.next_frame()?.map(|frame| frame.read()))
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, InboxError> {
        let Some(&flags) = self.0.first() else {
            return Ok(None);
        };
        if flags & !(MORE | LONG | COMMAND) != 0 {
            return Err(InboxError::Flags(flags));
        }
        let Some((head, length)) = head(&self.0) else {
            return Ok(None);
        };
        if length > LONGEST {
            return Err(InboxError::TooLong(length));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if self.0.len() < head + length {
            return Ok(None);
        }
        self.0.advance(head);
        // A copy: a slice would keep whatever else has been received.
        let body = Bytes::copy_from_slice(self.0.get(..length).unwrap_or_default());
        self.0.advance(length);
        Ok(Some(Frame { flags, body }))
    }
}

/// Writes a message of two frames, topic and body.
#[inline]
pub(crate) fn data(out: &mut BytesMut, topic: &[u8], body: &[u8]) {
    frame(out, MORE, topic);
    frame(out, 0, body);
}

/// Writes a message of one frame.
pub(crate) fn single(out: &mut BytesMut, body: &[u8]) {
    frame(out, 0, body);
}

/// Writes the answer to a PING.
pub(crate) fn pong(context: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    frame(&mut out, COMMAND, &[b"\x04PONG", context].concat());
    out.freeze()
}

#[inline]
fn frame(out: &mut BytesMut, flags: u8, body: &[u8]) {
    match u8::try_from(body.len()) {
        Ok(length) => out.put_slice(&[flags, length]),
        Err(_) => {
            out.put_u8(flags | LONG);
            out.put_u64(body.len() as u64);
        }
    }
    out.put_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Inbound>, InboxError> {
        let mut inbox = Inbox(bytes.into());
        let mut said = Vec::new();
        while let Some(inbound) = inbox.next()? {
            said.push(inbound);
        }
        Ok(said)
    }

    #[test]
    fn messages_are_counted_that_are_whole() {
        let mut bytes = BytesMut::new();
        let mut ends = Vec::new();
        for length in [0, 1, 255, 256, 70_000] {
            data(&mut bytes, b"topic", &vec![MORE; length]);
            ends.push(bytes.len());
            single(&mut bytes, b"one");
            ends.push(bytes.len());
        }
        for cut in 0..=bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(whole_messages(&bytes[..cut]), whole as u64, "{cut}");
        }
        assert_eq!(whole_messages(&pong(b"hi")), 0);
        assert_eq!(
            whole_messages(&[LONG, 255, 255, 255, 255, 255, 255, 255, 255]),
            0
        );
    }

    #[test]
    fn subscriptions_are_read_in_both_spellings() {
        let org = || Bytes::from_static(b"org");
        for (bytes, expected) in [
            (&b"\x00\x04\x01org"[..], Inbound::Subscribe(org())),
            (b"\x00\x04\x00org", Inbound::Cancel(org())),
            (b"\x00\x01\x01", Inbound::Subscribe(Bytes::new())),
            (b"\x02\0\0\0\0\0\0\0\x04\x01org", Inbound::Subscribe(org())),
            (b"\x04\x0d\x09SUBSCRIBEorg", Inbound::Subscribe(org())),
            (b"\x04\x0a\x06CANCELorg", Inbound::Cancel(org())),
            (b"\x04\x0a\x04PING\0\x0aorg", Inbound::Ping(org())),
            (b"\x04\x05\x04PONG", Inbound::Other),
            (b"\x01\x04\x01org", Inbound::Other), // the first frame of something longer
            (b"\x00\x00", Inbound::Other),
        ] {
            assert_eq!(read(bytes), Ok(vec![expected.clone()]), "{bytes:02x?}");
            assert_eq!(
                read(&[bytes, bytes].concat()),
                Ok(vec![expected.clone(), expected])
            );
            for end in 0..bytes.len() {
                assert_eq!(read(&bytes[..end]), Ok(vec![]), "{end} of {bytes:02x?}");
            }
        }
    }

    #[test]
    fn what_no_subscriber_sends_is_an_error() {
        assert_eq!(read(&[8, 0]), Err(InboxError::Flags(8)));
        assert_eq!(read(b"GET / "), Err(InboxError::Flags(b'G')));
        let huge = [&[2][..], &u64::MAX.to_be_bytes()].concat();
        assert_eq!(read(&huge), Err(InboxError::TooLong(u64::MAX)));
    }

    proptest::proptest! {
        #[test]
        fn it_does_not_matter_how_the_network_cuts_what_is_said(
            bytes in proptest::collection::vec(
                proptest::sample::select(&[0_u8, 1, 2, 4, 6, 9, b'S', 255][..]), 0..200
            ),
            cut in 0_usize..200,
        ) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut inbox = Inbox(first.into());
            let mut said = Vec::new();
            let mut end = None;
            for more in [&[][..], second] {
                inbox.bytes().extend_from_slice(more);
                while end.is_none() {
                    match inbox.next() {
                        Ok(Some(inbound)) => said.push(inbound),
                        Ok(None) => break,
                        Err(error) => end = Some(error),
                    }
                }
            }
            match end {
                None => assert_eq!(read(&bytes), Ok(said)),
                Some(error) => assert_eq!(read(&bytes), Err(error)),
            }
        }
    }

    #[test]
    fn a_message_is_written_as_libzmq_writes_it() {
        // The worked example of the wire specification, section 1.3.
        let mut out = BytesMut::new();
        data(&mut out, b"org.x", br#"{"a":1}"#);
        assert_eq!(out, &b"\x01\x05org.x\x00\x07{\"a\":1}"[..]);
        out.clear();
        data(&mut out, b"org.x", &[b' '; 256]);
        assert_eq!(out[..16], *b"\x01\x05org.x\x02\0\0\0\0\0\0\x01\0");
        assert_eq!(out.len(), 16 + 256);
    }
}
