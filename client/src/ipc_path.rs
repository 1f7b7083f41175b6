//! The file of a Unix domain socket: whether it may be bound.
//!
//! Asked by [`crate::socket`], because libzmq deletes whatever it finds, and by [`crate::forwarder`].

use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::{fs, io};

/// Checks that no living process owns a path, and that nothing is there but what one that died has left.
///
/// # Errors
///
/// `AddrInUse` where somebody is, or may be; any other where there is a file that is no socket.
pub(crate) fn vacant(path: &str) -> io::Result<()> {
    match UnixStream::connect(path) {
        // Not permitted: nobody knows who is there, so somebody may be.
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {}
        _ => return Err(io::ErrorKind::AddrInUse.into()),
    }
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            Err(io::Error::other("there is a file that is no socket"))
        }
        _ => Ok(()),
    }
}
