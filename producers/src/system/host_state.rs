//! `HostState`: what Linux says of the host that this runs on.

use std::path::{Path, PathBuf};
use std::{fs, io, thread};

use rustix::fs::statvfs;
use serde::Serialize;
use thiserror::Error;

/// Why the state of the host is not known.
#[derive(Debug, Error)]
pub(super) enum HostStateError {
    #[error("cannot read {file}: {source}")]
    Unreadable {
        file: &'static str,
        source: io::Error,
    },
    #[error("cannot find {what} in {file}")]
    Missing {
        file: &'static str,
        what: &'static str,
    },
}

/// The state of the host.
#[derive(Debug, Serialize)]
pub(super) struct HostState {
    host: String,
    cpus: usize,
    uptime: u64,
    load: [f64; 3],
    memory: Memory,
    swap: Swap,
    disks: Vec<Disk>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Memory {
    total: u64,
    available: u64,
}

#[derive(Debug, PartialEq, Serialize)]
struct Swap {
    total: u64,
    free: u64,
}

#[derive(Debug, Serialize)]
struct Disk {
    mount: PathBuf,
    #[serde(flatten)]
    room: Room,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Room {
    Known {
        total: u64,
        free: u64,
        available: u64,
        inodes: u64,
        inodes_free: u64,
    },
    Unknown {
        error: String,
    },
}

impl HostState {
    /// Reads all of it; blocks for as long as the file systems of `mounts` do.
    pub(super) fn read(mounts: &[PathBuf]) -> Result<Self, HostStateError> {
        let (memory, swap) = memory(&read("/proc/meminfo")?)?;
        Ok(Self {
            host: fedmsg::host_name(),
            cpus: thread::available_parallelism().map_or(1, usize::from),
            uptime: uptime(&read("/proc/uptime")?)?,
            load: load(&read("/proc/loadavg")?)?,
            memory,
            swap,
            disks: mounts.iter().map(|mount| Disk::read(mount)).collect(),
        })
    }

    /// Says why the room of a file system cannot be told; nothing if it can.
    pub(super) fn missing(mount: &Path) -> Option<io::Error> {
        statvfs(mount).err().map(io::Error::from)
    }
}

impl Disk {
    fn read(mount: &Path) -> Self {
        let room = match statvfs(mount) {
            Ok(stat) => Room::Known {
                total: stat.f_blocks.saturating_mul(stat.f_frsize),
                free: stat.f_bfree.saturating_mul(stat.f_frsize),
                available: stat.f_bavail.saturating_mul(stat.f_frsize),
                inodes: stat.f_files,
                inodes_free: stat.f_ffree,
            },
            Err(error) => Room::Unknown {
                error: error.to_string(),
            },
        };
        let mount = mount.to_owned();
        Self { mount, room }
    }
}

fn read(file: &'static str) -> Result<String, HostStateError> {
    fs::read_to_string(file).map_err(|source| HostStateError::Unreadable { file, source })
}

/// From lines such as `MemTotal:       16316412 kB`.
fn memory(meminfo: &str) -> Result<(Memory, Swap), HostStateError> {
    let bytes = |what: &'static str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(what));
        let kib = line.and_then(|line| line.strip_prefix(':')?.split_whitespace().next());
        let bytes = kib.and_then(|kib| kib.parse::<u64>().ok()?.checked_mul(1024));
        let file = "/proc/meminfo";
        bytes.ok_or(HostStateError::Missing { file, what })
    };
    let memory = Memory {
        total: bytes("MemTotal")?,
        available: bytes("MemAvailable")?,
    };
    let swap = Swap {
        total: bytes("SwapTotal")?,
        free: bytes("SwapFree")?,
    };
    Ok((memory, swap))
}

/// From a line such as `350735.47 234388.90`.
fn uptime(uptime: &str) -> Result<u64, HostStateError> {
    let seconds = uptime.split('.').next().and_then(|it| it.parse().ok());
    seconds.ok_or(HostStateError::Missing {
        file: "/proc/uptime",
        what: "seconds",
    })
}

/// From a line such as `0.20 0.18 0.12 1/80 11206`.
fn load(loadavg: &str) -> Result<[f64; 3], HostStateError> {
    let loads = loadavg.split(' ').map_while(|load| load.parse().ok());
    let loads: Vec<f64> = loads.take(3).collect();
    loads.try_into().map_err(|_| HostStateError::Missing {
        file: "/proc/loadavg",
        what: "three loads",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_writes_is_read_and_anything_else_is_named() {
        let text = "MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n\
                    SwapTotal: 0 kB\nSwapFree: 0 kB\n";
        let (total, available) = (2 << 20, 1 << 20);
        let (memory, swap) = memory(text).unwrap();
        assert_eq!(memory, Memory { total, available });
        assert_eq!(swap, Swap { total: 0, free: 0 });
        assert_eq!(uptime("350735.47 234388.90\n").unwrap(), 350_735);
        let expected = [0.2, 0.18, 12.0];
        assert_eq!(load("0.20 0.18 12.00 1/80 11206\n").unwrap(), expected);
        for bad in ["", "0.20 x", "MemTotal: x kB", "MemTotalx: 1 kB"] {
            assert!(super::memory(bad).is_err() && load(bad).is_err());
        }
        assert!(uptime("").is_err());
    }

    #[test]
    fn this_host_has_a_state() {
        let state = HostState::read(&["/".into()]).unwrap();
        assert!(state.cpus > 0 && state.memory.total >= state.memory.available);
    }
}
