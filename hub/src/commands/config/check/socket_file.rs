//! The file of a Unix domain socket: what keeps it from being made where the configuration wants it.
//!
//! [`super::addresses`] asks. What binds asks again, of the same things.

use std::io::ErrorKind;
use std::path::Path;

use fedmsg::check_ipc_path;
use rustix::fs::{Access, access};

use super::finding::Severity;

/// Where directories are gone after each start of the machine, and made by what needs them.
const VOLATILE: [&str; 2] = ["/run", "/var/run"];

/// Says what stands in the way of a socket at `path`, and whether it is in the way of the bus for certain.
pub(super) fn obstacle(path: &Path) -> Option<(Severity, String)> {
    let parent = path.parent().filter(|it| *it != Path::new(""));
    let directory = parent.unwrap_or(Path::new("."));
    if directory.is_dir() {
        return in_the_way(path).or_else(|| locked(directory));
    }
    let message = format!("there is no directory {} for it", directory.display());
    Some(if VOLATILE.iter().any(|it| directory.starts_with(it)) {
        let maker = "RuntimeDirectory= of a systemd unit makes one when the unit starts";
        (Severity::Warning, format!("{message} now; {maker}"))
    } else {
        (Severity::Error, message)
    })
}

/// Looks at what is there, as who binds does.
fn in_the_way(path: &Path) -> Option<(Severity, String)> {
    let error = check_ipc_path(path.to_str()?).err()?;
    let shown = path.display();
    Some(match error.kind() {
        ErrorKind::AddrInUse => {
            let who = "it may be by a program of this bus that runs already";
            (Severity::Warning, format!("{shown} is in use now; {who}"))
        }
        ErrorKind::PermissionDenied => {
            let advice = "check as the one that the hub runs as";
            (Severity::Warning, format!("{shown}: {error}; {advice}"))
        }
        ErrorKind::Other => {
            let message = format!("{shown} is a file that is no socket, and is not replaced");
            (Severity::Error, message)
        }
        _ => (Severity::Error, format!("{shown}: {error}")),
    })
}

fn locked(directory: &Path) -> Option<(Severity, String)> {
    let error = access(directory, Access::WRITE_OK | Access::EXEC_OK).err()?;
    let message = format!(
        "this user cannot make a file in {}: {error}; check as the one that the hub runs as",
        directory.display()
    );
    Some((Severity::Warning, message))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_can_be_made_where_nothing_is_or_a_dead_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        assert_eq!(obstacle(&path), None);
        let listener = UnixListener::bind(&path).unwrap();
        let (severity, message) = obstacle(&path).unwrap();
        assert_eq!(severity, Severity::Warning);
        assert!(message.contains("is in use now"), "{message}");
        drop(listener);
        assert!(path.exists());
        assert_eq!(obstacle(&path), None);
    }

    #[test]
    fn whatever_else_is_there_is_in_its_way() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("file"), "").unwrap();
        fs::create_dir(at("folder")).unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        for name in ["file", "folder", "link", "dangling"] {
            let (severity, message) = obstacle(&at(name)).unwrap();
            assert_eq!(severity, Severity::Error, "{name}");
            assert!(message.contains("no socket"), "{name}: {message}");
        }
    }

    #[test]
    fn a_missing_directory_is_made_below_run_only() {
        let missing = |path: &str| obstacle(Path::new(path)).unwrap();
        let (severity, message) = missing("/var/run/no-such-fedmsg/a.socket");
        assert_eq!(severity, Severity::Warning);
        assert!(message.contains("RuntimeDirectory"), "{message}");
        assert_eq!(missing("/run/no-such-fedmsg/a").0, Severity::Warning);
        let (severity, message) = missing("/no-such-fedmsg/run/a.socket");
        assert_eq!(severity, Severity::Error);
        assert_eq!(message, "there is no directory /no-such-fedmsg/run for it");
    }

    #[test]
    fn a_directory_that_is_not_this_users_may_be_that_of_the_hub() {
        let directory = tempfile::tempdir().unwrap();
        let locked = directory.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
        if fs::write(locked.join("file"), "").is_ok() {
            return; // root may do anything
        }
        let (severity, message) = obstacle(&locked.join("socket")).unwrap();
        assert_eq!(severity, Severity::Warning);
        assert!(message.contains("this user cannot"), "{message}");
    }
}
