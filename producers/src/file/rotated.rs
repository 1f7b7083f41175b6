//! The files that a log was rotated to: beside it, by its name with `.` or `-` and digits.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;

/// A log has more only if something is wrong with its folder.
const MOST: usize = 10_000;

/// Opens a file to read it; `None` when there is none. What is no file is an error: a pipe would block.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(Some(file)),
        Ok(_) => Err(io::Error::other("it is no file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Finds all that the file at `path` may have been rotated to, newest first.
pub(super) fn files(path: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    files_up_to(MOST, path)
}

fn files_up_to(most: usize, path: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let found = entry.file_name();
        let suffix = found.as_encoded_bytes().strip_prefix(name);
        if !suffix.is_some_and(is_suffix) {
            continue;
        }
        // It may have gone meanwhile.
        if let Ok(metadata) = entry.metadata()
            && metadata.is_file()
            && let Ok(modified) = metadata.modified()
        {
            files.push((modified, entry.path()));
        }
        if files.len() == most {
            break;
        }
    }
    files.sort();
    files.reverse();
    Ok(files)
}

/// Whether it is `.1`, `-20260131`, `.2026-01-31` and the like; not `.gz`, which cannot be read on.
fn is_suffix(suffix: &[u8]) -> bool {
    let is_mark = |byte: &u8| matches!(byte, b'.' | b'-' | b'_');
    suffix.len() > 1
        && suffix.first().is_some_and(is_mark)
        && suffix
            .iter()
            .all(|byte| is_mark(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_none_of_the_log_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let others = (0..100).map(|number| format!("other.{number}"));
        for name in others.chain(["log.1".to_owned(), "log.2".to_owned()]) {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = |most| files_up_to(most, &folder.path().join("log")).unwrap().len();
        assert_eq!((found(2), found(1)), (2, 1));
    }

    #[test]
    fn only_what_is_a_number_or_a_date_is_a_suffix() {
        for good in [".1", ".12", "-20260131", ".2026-01-31", "-2026.01"] {
            assert!(is_suffix(good.as_bytes()), "{good}");
        }
        for bad in ["", ".", "1", ".1.gz", ".bak", "-old", ".1~"] {
            assert!(!is_suffix(bad.as_bytes()), "{bad}");
        }
    }
}
