//! The file of a Unix domain socket: whether it may be bound.
//!
//! Asked by [`crate::socket`], because libzmq deletes whatever it finds, by [`crate::forwarder`], and by those who
//! check a configuration.

use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt as _;
use std::{fs, io};

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

/// Checks that no living process owns a path, and that nothing is there but what one that died has left.
/// Never waits.
///
/// # Errors
///
/// `AddrInUse` where somebody is, `PermissionDenied` where this user may not know, `Other` where there is
/// a file that is no socket; any other where there can be none.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("bus.socket");
/// let path = path.to_str().unwrap();
/// fedmsg::check_ipc_path(path)?;
/// let _owner = std::os::unix::net::UnixListener::bind(path)?;
/// let error = fedmsg::check_ipc_path(path).unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn check_ipc_path(path: &str) -> io::Result<()> {
    match connect(path) {
        Ok(()) => return Err(ErrorKind::AddrInUse.into()),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {}
            kind @ ErrorKind::PermissionDenied => {
                let reason = format!("this user may not know whether somebody has it: {error}");
                return Err(io::Error::new(kind, reason));
            }
            _ if is_owned(&error) => return Err(ErrorKind::AddrInUse.into()),
            _ => return Err(error),
        },
    }
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            Err(io::Error::other("there is a file that is no socket"))
        }
        _ => Ok(()),
    }
}

/// Connects, but does not wait for an owner that has as many connections waiting as it allows.
fn connect(path: &str) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Whether an error comes from an owner that lives (unix(7), connect(2)).
fn is_owned(error: &io::Error) -> bool {
    let alive = [
        Errno::AGAIN,     // too many connections wait
        Errno::PROTOTYPE, // it is there for datagrams, or for packets
    ];
    Errno::from_io_error(error).is_some_and(|reason| alive.contains(&reason))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use super::*;

    /// Asks of a path in a directory that is made ready by `prepare`, whose result lives meanwhile.
    fn check<T>(prepare: impl FnOnce(&str) -> T, expected: Result<(), ErrorKind>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let path = path.to_str().unwrap();
        let prepared = prepare(path);
        let answer = check_ipc_path(path).map_err(|error| error.kind());
        assert_eq!(answer, expected);
        drop(prepared);
    }

    #[test]
    fn what_is_not_there_or_dead_is_vacant() {
        check(|_| (), Ok(()));
        check(|path| drop(UnixListener::bind(path).unwrap()), Ok(()));
        check(|path| drop(UnixDatagram::bind(path).unwrap()), Ok(()));
    }

    #[test]
    fn whoever_lives_is_left_alone() {
        let in_use = Err(ErrorKind::AddrInUse);
        check(|path| UnixListener::bind(path).unwrap(), in_use);
        check(|path| UnixDatagram::bind(path).unwrap(), in_use);
        let packets = |path: &str| {
            let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
            socket.bind(&SockAddr::unix(path).unwrap()).unwrap();
            socket.listen(1).unwrap();
            socket
        };
        check(packets, in_use);
    }

    #[test]
    fn an_owner_that_has_no_room_for_another_connection_is_not_waited_for() {
        let full = |path: &str| {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            socket.bind(&SockAddr::unix(path).unwrap()).unwrap();
            socket.listen(0).unwrap();
            let waiting: Vec<_> = std::iter::repeat_with(|| {
                let one = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
                one.set_nonblocking(true).unwrap();
                let connected = one.connect(&SockAddr::unix(path).unwrap());
                connected.ok().map(|()| one)
            })
            .map_while(|one| one)
            .take(100)
            .collect();
            assert!(waiting.len() < 100);
            (socket, waiting)
        };
        check(full, Err(ErrorKind::AddrInUse));
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let file = |path: &str| fs::write(path, "precious").unwrap();
        check(file, Err(ErrorKind::Other));
        let directory = |path: &str| fs::create_dir(path).unwrap();
        check(directory, Err(ErrorKind::Other));
        let astray = |path: &str| std::os::unix::fs::symlink("nowhere", path).unwrap();
        check(astray, Err(ErrorKind::Other));
        let refused = |path: &str| check_ipc_path(path).map_err(|error| error.kind());
        assert_eq!(refused("/dev/null/s"), Err(ErrorKind::NotADirectory));
        assert_eq!(refused(&"s".repeat(200)), Err(ErrorKind::InvalidInput));
    }
}
