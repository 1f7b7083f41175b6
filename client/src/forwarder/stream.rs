//! A connection to a subscriber, over TCP or a Unix domain socket.
//!
//! [`super::listener`] accepts it, [`super::connection`] reads and writes it when it is ready.

use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::BytesMut;
use fedmsg_config::SocketOptions;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream};

/// At most so many bytes are read at a time.
const READ_BYTES: usize = 4096;

/// Either kind of stream.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// A stream that sends at once, and notices a peer that is gone as `options` say.
    pub(super) fn tcp(stream: TcpStream, options: &SocketOptions) -> Self {
        // Nothing of this fails but for a connection that is gone, which says so when it is read.
        let _ = stream.set_nodelay(true);
        if options.tcp_keepalive == 1 {
            let seconds = |number: i32| Duration::from_secs(u64::try_from(number).unwrap_or(1));
            let keepalive = TcpKeepalive::new()
                .with_time(seconds(options.tcp_keepalive_idle))
                .with_interval(seconds(options.tcp_keepalive_intvl))
                .with_retries(u32::try_from(options.tcp_keepalive_cnt).unwrap_or(1));
            let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        }
        Self::Tcp(stream)
    }

    /// Waits until there is something to read. Cancel-safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }

    /// Waits until there is room to write. Cancel-safe.
    pub(super) async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.writable().await,
            Self::Unix(stream) => stream.writable().await,
        }
    }

    /// Reads what there is, up to a few kilobytes; `false` when there is nothing.
    ///
    /// # Errors
    ///
    /// The connection has ended, in order or not.
    pub(super) fn read(&self, into: &mut BytesMut) -> io::Result<bool> {
        into.reserve(READ_BYTES);
        let read = match self {
            Self::Tcp(stream) => stream.try_read_buf(into),
            Self::Unix(stream) => stream.try_read_buf(into),
        };
        match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes some of `slices` and returns how many bytes; 0 when there is no room.
    pub(super) fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = match self {
            Self::Tcp(stream) => stream.try_write_vectored(slices),
            Self::Unix(stream) => stream.try_write_vectored(slices),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Writes all of `bytes`.
    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.write(&[IoSlice::new(bytes)])?;
            bytes = bytes.get(written..).unwrap_or_default();
            if !bytes.is_empty() {
                self.writable().await?;
            }
        }
        Ok(())
    }
}
