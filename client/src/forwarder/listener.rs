//! Where a forwarder's subscribers connect: a TCP port or a Unix domain socket.
//!
//! [`super::Forwarder`] binds one and runs its task, which spawns one of [`super::connection`] for each.

use std::fs::{self, Permissions};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net as unix;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fedmsg_config::{Endpoint, FileMode, Scheme, SocketOptions};
use rustix::process::{Resource, getrlimit};
use socket2::{Domain, SockAddr, Socket as RawSocket, Type};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::warn;

use super::Shared;
use super::connection::serve;
use super::stream::Stream;
use crate::ipc_path::check_ipc_path;

/// How long it waits when the system has no descriptor left for another connection.
const PAUSE: Duration = Duration::from_secs(1);

/// As many connections may wait to be accepted as the system allows (`net.core.somaxconn`).
const BACKLOG: i32 = i32::MAX;

/// Descriptors that are left to the rest of the process: its own connections, files, a monitoring socket.
const RESERVE: u64 = 64;

/// A bound address.
pub(super) struct Listener {
    socket: Socket,
    options: SocketOptions,
}

/// The file of a Unix domain socket; it goes when this is dropped, at once.
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds `endpoint`, whose host is an address or `*`; returns it with the address actually bound, and
    /// with its file if it has one. The file has `mode`, if one is given, before anybody can connect.
    ///
    /// # Errors
    ///
    /// The address is taken, not of this machine, or `inproc://`, where nobody could connect; or its file
    /// does not take the mode.
    pub(super) async fn bind(
        endpoint: &Endpoint,
        options: &SocketOptions,
        mode: Option<FileMode>,
    ) -> io::Result<(Self, Endpoint, Option<SocketFile>)> {
        let (socket, file, bound) = match endpoint.scheme() {
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
                let (listener, file) = bind_unix(endpoint, mode)?;
                (Socket::Unix(listener), file, endpoint.clone())
            }
            _ => {
                let reason = "a relay or gateway is there for other processes: use tcp or ipc";
                return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
            }
        };
        let options = options.clone();
        let listener = Self { socket, options };
        Ok((listener, bound, file))
    }

    /// Serves whoever connects, until it is dropped, and everybody with it.
    pub(super) async fn run(self, shared: Arc<Shared>) {
        let mut connections = JoinSet::new();
        let most = most_connections();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = shared.closing.notified() => break,
            };
            match accepted {
                Ok(_) if connections.len() >= most => {
                    shared.queues().refuse();
                    if let Some(held_back) = shared.refusals.admit() {
                        warn!(name = %shared.name, most, held_back, "too many connections: one refused");
                    }
                }
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

impl SocketFile {
    /// The file that is at `path` now.
    fn of(path: &str) -> io::Result<Self> {
        let made = fs::symlink_metadata(path)?;
        Ok(Self {
            path: PathBuf::from(path),
            device: made.dev(),
            inode: made.ino(),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // What another process has put in its place is not ours.
        if fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode))
        {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn set_mode(path: &str, mode: FileMode) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode.bits())).map_err(|error| {
        let kind = error.kind();
        io::Error::new(kind, format!("its mode cannot be set: {error}"))
    })
}

/// How many connections there may be: what the limit of open files allows, less a reserve for the rest of
/// the process, so that nobody outside uses up what that needs.
fn most_connections() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = limit.saturating_sub(RESERVE).max(limit / 4).max(1);
    usize::try_from(most / 2).unwrap_or(usize::MAX).max(1)
}

/// Binds a Unix domain socket; the file of one that nobody listens on any more is replaced, any other is
/// in the way.
fn bind_unix(
    endpoint: &Endpoint,
    mode: Option<FileMode>,
) -> io::Result<(UnixListener, Option<SocketFile>)> {
    let (listener, file) = match endpoint.ipc_path() {
        Some(path) => {
            check_ipc_path(path)?;
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.bind(&SockAddr::unix(path)?)?;
            let file = SocketFile::of(path)?;
            if let Some(mode) = mode {
                set_mode(path, mode)?;
            }
            // Only now somebody can connect: nobody does whom the mode keeps out.
            socket.listen(BACKLOG)?;
            (unix::UnixListener::from(OwnedFd::from(socket)), Some(file))
        }
        None => {
            let name = endpoint.as_str().trim_start_matches("ipc://@");
            let address = unix::SocketAddr::from_abstract_name(name)?;
            (unix::UnixListener::bind_addr(&address)?, None)
        }
    };
    listener.set_nonblocking(true)?;
    Ok((UnixListener::from_std(listener)?, file))
}
