//! What is left of a change, wherever it was interrupted.

use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

use super::*;

fn file(name: &str, text: &str) -> NewFile {
    NewFile::new(name, text.into(), Audience::Everybody)
}

/// The files that people see, and what is in them.
fn seen(directory: &TempDir) -> Vec<(String, String)> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut seen: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with(LOCK))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    seen.sort();
    seen
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = expected.iter();
    pairs
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn a_change_replaces_files_and_leaves_nothing_else() {
    let directory = TempDir::new().unwrap();
    let folder = Folder::create(directory.path()).unwrap();
    folder.apply(&[file("a", "1"), file("b", "1")]).unwrap();
    folder.apply(&[file("b", "2"), file("c", "2")]).unwrap();
    assert_eq!(
        seen(&directory),
        pairs(&[("a", "1"), ("b", "2"), ("c", "2")])
    );
    let left = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 4, "the files and the lock");
}

#[test]
fn a_change_that_was_not_decided_is_forgotten() {
    let directory = TempDir::new().unwrap();
    let folder = Folder::create(directory.path()).unwrap();
    folder.apply(&[file("a", "1")]).unwrap();
    folder.prepare(&[file("a", "2"), file("b", "2")]).unwrap();
    drop(folder);
    let folder = Folder::create(directory.path()).unwrap();
    assert_eq!(seen(&directory), pairs(&[("a", "1")]));
    folder.apply(&[file("a", "3")]).unwrap();
    assert_eq!(seen(&directory), pairs(&[("a", "3")]));
}

#[test]
fn a_change_that_was_decided_is_completed_by_the_next_one_who_comes() {
    let directory = TempDir::new().unwrap();
    let folder = Folder::create(directory.path()).unwrap();
    folder.apply(&[file("a", "1")]).unwrap();
    let change = [file("a", "2"), file("b", "2")];
    folder.prepare(&change).unwrap();
    let decided = folder.path_of(DECIDED);
    fs::rename(folder.path_of(PREPARED), &decided).unwrap();
    // One of two files has arrived.
    fs::rename(decided.join("b"), folder.path_of("b")).unwrap();
    drop(folder);
    assert_eq!(seen(&directory), pairs(&[("a", "1"), ("b", "2")]));
    let folder = Folder::open(directory.path(), "a").unwrap().unwrap();
    assert_eq!(seen(&directory), pairs(&[("a", "2"), ("b", "2")]));
    assert!(!folder.contains(DECIDED));
}

#[test]
fn a_first_change_that_was_decided_is_found() {
    let directory = TempDir::new().unwrap();
    let folder = Folder::create(directory.path()).unwrap();
    folder.prepare(&[file("a", "1")]).unwrap();
    fs::rename(folder.path_of(PREPARED), folder.path_of(DECIDED)).unwrap();
    drop(folder);
    let folder = Folder::open(directory.path(), "a").unwrap().unwrap();
    assert_eq!(folder.read("a").unwrap().unwrap(), b"1");
    assert_eq!(folder.path(), directory.path().canonicalize().unwrap());
}

#[test]
fn a_directory_of_others_is_left_alone() {
    let directory = TempDir::new().unwrap();
    assert!(Folder::open(directory.path(), "a").unwrap().is_none());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    let missing = directory.path().join("missing");
    assert!(Folder::open(&missing, "a").unwrap().is_none());
    assert!(!missing.exists());
}

#[test]
fn one_works_while_the_others_wait() {
    let directory = TempDir::new().unwrap();
    let folder = Folder::create(directory.path()).unwrap();
    folder.apply(&[file("a", "1")]).unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let folder = Folder::open(directory.path(), "a").unwrap().unwrap();
            sender.send(folder.read("a").unwrap().unwrap()).unwrap();
        });
        // Whenever the other one asks for the lock, this has been written before it gets it.
        folder.apply(&[file("a", "2")]).unwrap();
        assert!(receiver.try_recv().is_err());
        drop(folder);
        assert_eq!(receiver.recv().unwrap(), b"2");
    });
}

#[test]
fn a_secret_is_its_owners_and_the_rest_everybodys() {
    let directory = TempDir::new().unwrap();
    let folder = Folder::create(directory.path()).unwrap();
    let secret = NewFile::new("key", b"secret".to_vec(), Audience::Owner);
    folder.apply(&[secret, file("a", "1")]).unwrap();
    let mode = |name| {
        folder
            .path_of(name)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("key"), mode("a")), (0o600, 0o644));
}

#[test]
fn an_error_names_the_file() {
    let directory = TempDir::new().unwrap();
    let folder = Folder::create(directory.path()).unwrap();
    fs::create_dir(folder.path_of("a")).unwrap();
    let error = folder.read("a").unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read /") && error.contains("/a: "),
        "{error}"
    );
    fs::write(directory.path().join("file"), "").unwrap();
    let error = Folder::create(&directory.path().join("file/b")).unwrap_err();
    assert!(error.to_string().contains("file/b"), "{error}");
}
