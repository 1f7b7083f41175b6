//! Where a forwarder's subscribers connect: a TCP port or a Unix domain socket.
//!
//! [`super::Forwarder`] binds one and runs its task, which spawns one of [`super::connection`] for each.

use std::io;
use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net as unix;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fedmsg_config::{Endpoint, Scheme, SocketOptions};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::warn;

use super::Shared;
use super::connection::serve;
use super::stream::Stream;

/// How long it waits when the system has no descriptor left for another connection.
const PAUSE: Duration = Duration::from_secs(1);

/// A bound address.
pub(super) struct Listener {
    socket: Socket,
    /// Where the file of a Unix domain socket is, which goes with it.
    path: Option<PathBuf>,
    options: SocketOptions,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds `endpoint`, whose host is an address or `*`; returns it with the address actually bound.
    ///
    /// # Errors
    ///
    /// The address is taken, not of this machine, or `inproc://`, where nobody could connect.
    pub(super) async fn bind(
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> io::Result<(Self, Endpoint)> {
        let (socket, path, bound) = match endpoint.scheme() {
            Scheme::Tcp => {
                let host = match endpoint.host() {
                    Some(host) if host != "*" => host.to_owned(),
                    _ => Ipv4Addr::UNSPECIFIED.to_string(),
                };
                let port = endpoint.port().unwrap_or_default();
                let listener = TcpListener::bind((host, port)).await?;
                let bound = Endpoint::tcp(listener.local_addr()?);
                (Socket::Tcp(listener), None, bound)
            }
            Scheme::Ipc => {
                let (listener, path) = bind_unix(endpoint)?;
                (Socket::Unix(listener), path, endpoint.clone())
            }
            _ => {
                let reason = "a relay or gateway is there for other processes: use tcp or ipc";
                return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
            }
        };
        let options = options.clone();
        let listener = Self {
            socket,
            path,
            options,
        };
        Ok((listener, bound))
    }

    /// Serves whoever connects, until it is dropped, and everybody with it.
    pub(super) async fn run(self, shared: Arc<Shared>) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = shared.closing.notified() => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    connections.spawn(serve(stream, address, Arc::clone(&shared)));
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if let Some(held_back) = shared.refusals.admit() {
                        warn!(name = %shared.name, %error, held_back, "cannot take a connection");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
        drop(self); // nobody is let in any more
        while connections.join_next().await.is_some() {}
    }

    async fn accept(&self) -> io::Result<(Stream, String)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Stream::tcp(stream, &self.options), address.to_string()))
            }
            Socket::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let user = stream.peer_cred().ok();
                let process = user.and_then(|user| user.pid());
                let address =
                    process.map_or("a local process".to_owned(), |pid| format!("pid {pid}"));
                Ok((Stream::Unix(stream), address))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Binds a Unix domain socket; the file of one that nobody listens on any more is replaced.
fn bind_unix(endpoint: &Endpoint) -> io::Result<(UnixListener, Option<PathBuf>)> {
    let (listener, path) = match endpoint.ipc_path() {
        Some(path) => {
            if unix::UnixStream::connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            if std::fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket()) {
                std::fs::remove_file(path)?;
            }
            (unix::UnixListener::bind(path)?, Some(PathBuf::from(path)))
        }
        None => {
            let name = endpoint.as_str().trim_start_matches("ipc://@");
            let address = unix::SocketAddr::from_abstract_name(name)?;
            (unix::UnixListener::bind_addr(&address)?, None)
        }
    };
    listener.set_nonblocking(true)?;
    Ok((UnixListener::from_std(listener)?, path))
}
