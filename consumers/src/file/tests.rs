//! What is in the files, whatever happens to them meanwhile.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use fedmsg_actors::TestBus;
use tempfile::TempDir;

use super::*;

/// A folder with the file, and settings that make each line a number.
struct Rig {
    folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self, more: &str) -> String {
        let path = self.path("bus");
        format!(
            "params.path = {path:?}\nparams.format = '{{{{ msg }}}}'\n{more}\n\
             retry = {{ attempts = 3, first_delay = '1ms' }}"
        )
    }

    fn params(&self, more: &str) -> FileParams {
        toml::from_str(&format!("path = {:?}\n{more}", self.path("bus"))).unwrap()
    }

    /// Has these numbers written one by one.
    fn run(&self, more: &str, numbers: std::ops::Range<u64>) {
        let bus = TestBus::new().consumer::<File>("x", &self.settings(more));
        let report = bus.run(async |bus| {
            for number in numbers {
                bus.publish("org.example.dev.n", number).await;
                bus.settle().await;
            }
        });
        assert!(report.is_clean());
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn refused(settings: &str) -> String {
    let bus = TestBus::new().consumer::<File>("x", settings);
    bus.try_run(async |_| ()).unwrap_err().to_string()
}

#[test]
fn lines_are_appended_and_survive_the_hub() {
    for sync in ["always", "never", "1ms"] {
        let rig = Rig::new();
        let more = format!("params.sync = '{sync}'\nparams.mode = '600'");
        rig.run(&more, 0..3);
        rig.run(&more, 3..5);
        assert_eq!(rig.read("bus"), "0\n1\n2\n3\n4\n");
        let mode = fs::metadata(rig.path("bus")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_new_file_is_begun_when_one_is_full_and_the_oldest_goes() {
    let rig = Rig::new();
    rig.run("params.max_size = '4B'\nparams.keep = 2", 0..9);
    assert_eq!(rig.names(), ["bus", "bus.1", "bus.2"]);
    let read = ["bus.2", "bus.1", "bus"].map(|name| rig.read(name));
    assert_eq!(read, ["4\n5\n", "6\n7\n", "8\n"]);
    rig.run("params.max_size = '4B'\nparams.keep = 0", 9..12);
    assert_eq!(rig.read("bus"), "10\n11\n");
    assert_eq!(rig.read("bus.1"), "6\n7\n");
}

#[test]
fn lines_of_one_batch_go_to_as_many_files_as_they_need() {
    let rig = Rig::new();
    let mut journal = Journal::open(rig.params("max_size = '4B'")).unwrap();
    let lines: Vec<_> = (0..5).map(|n| format!("{n}\n").into_bytes()).collect();
    journal.append(&lines).unwrap();
    let read = ["bus.2", "bus.1", "bus"].map(|name| rig.read(name));
    assert_eq!(read, ["0\n1\n", "2\n3\n", "4\n"]);
}

#[test]
fn a_new_file_is_begun_when_one_is_old() {
    let rig = Rig::new();
    rig.run("params.max_age = '1ns'", 0..3);
    assert_eq!(rig.names(), ["bus", "bus.1", "bus.2"]);
    rig.run("params.max_age = '1d'", 3..5);
    assert_eq!(rig.read("bus"), "2\n3\n4\n");
}

#[test]
fn half_a_line_is_taken_back_at_the_start() {
    #[track_caller]
    fn check(before: &str, after: &str) {
        let rig = Rig::new();
        fs::write(rig.path("bus"), before).unwrap();
        rig.run("", 7..8);
        assert_eq!(rig.read("bus"), after);
    }
    check("", "7\n");
    check("1\n", "1\n7\n");
    check("1\n2", "1\n7\n");
    check("half", "7\n");
    let long = "x".repeat(200_000);
    check(&format!("1\n{long}"), "1\n7\n");
    check(&long, "7\n");
}

#[test]
fn a_file_of_somebody_else_is_not_cut() {
    #[track_caller]
    fn check(before: &[u8], params: &str) {
        let rig = Rig::new();
        fs::write(rig.path("bus"), before).unwrap();
        let settings = format!("params.path = {:?}\n{params}", rig.path("bus"));
        let error = refused(&settings);
        assert!(error.contains("params.path: "), "{error}");
        assert!(error.contains("no line of messages"), "{error}");
        let params = rig.params(&params.replace("params.", ""));
        assert!(File::preflight(&params, &Config::default()).is_err());
        assert_eq!(fs::read(rig.path("bus")).unwrap(), before);
    }
    check(b"{\"name\":\"precious\"}", "");
    check(b"[1, 2]", "");
    check(b"first\nlast", "");
    check(b"\x7fELF\x01\n\xff\xfe", "");
    check(b"\x7fELF\x01\n\xff\xfe", "params.format = '{{ msg }}'");
}

#[test]
fn what_a_crash_leaves_of_a_line_is_cut() {
    #[track_caller]
    fn check(tail: &[u8]) {
        let rig = Rig::new();
        let before = [b"{\"msg\":1}\n", tail].concat();
        fs::write(rig.path("bus"), before).unwrap();
        Journal::open(rig.params("")).unwrap().close();
        assert_eq!(rig.read("bus"), "{\"msg\":1}\n");
    }
    check(b"{\"certificate\":\"LS0t");
    check(b"{\"i\":1,\"msg\":{}}");
    check(b"{\"i\":1,\0\0\0");
    check(&[0; 100_000]);
}

#[test]
fn a_birth_in_the_future_is_now() {
    let rig = Rig::new();
    let mut journal = Journal::open(rig.params("max_age = '1h'")).unwrap();
    journal.was_born(SystemTime::now() + Duration::from_secs(24 * 3600));
    journal.append(&[b"1\n".to_vec()]).unwrap();
    journal.append(&[b"2\n".to_vec()]).unwrap();
    assert!(
        journal.born() <= SystemTime::now(),
        "and an hour later it is over"
    );
    assert_eq!(rig.names(), ["bus"]);
}

#[test]
fn a_file_that_is_moved_away_or_removed_is_made_anew() {
    let rig = Rig::new();
    let bus = TestBus::new().consumer::<File>("x", &rig.settings(""));
    bus.run(async |bus| {
        bus.publish("org.example.dev.n", 1).await;
        bus.settle().await;
        fs::rename(rig.path("bus"), rig.path("moved")).unwrap();
        bus.publish("org.example.dev.n", 2).await;
        bus.settle().await;
        fs::remove_file(rig.path("bus")).unwrap();
        bus.publish("org.example.dev.n", 3).await;
        bus.settle().await;
    });
    assert_eq!(
        (rig.read("moved"), rig.read("bus")),
        ("1\n".into(), "3\n".into())
    );
}

#[test]
fn a_file_that_somebody_else_changes_still_is_whole_lines_and_as_large_as_it_is() {
    #[track_caller]
    fn check(between: &str, after: &str) {
        let rig = Rig::new();
        let params = rig.params("max_size = '4B'\nformat = '{{ msg }}'");
        let mut journal = Journal::open(params).unwrap();
        journal.append(&[b"1\n".to_vec(), b"2\n".to_vec()]).unwrap();
        let same = fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(rig.path("bus"));
        same.unwrap().write_all(between.as_bytes()).unwrap();
        journal.append(&[b"3\n".to_vec()]).unwrap();
        assert_eq!(rig.read("bus"), after);
    }
    check("", "3\n"); // neither full nor old
    check("1\n", "1\n3\n");
    check("1\n2", "1\n3\n");
    check("1\n2\n4\n", "3\n"); // full
    check("1\n2\n4", "3\n");
}

#[test]
fn what_somebody_else_has_left_without_an_end_is_kept_and_ours_goes_behind_it() {
    let rig = Rig::new();
    let mut journal = Journal::open(rig.params("")).unwrap();
    journal.append(&[b"{\"msg\":1}\n".to_vec()]).unwrap();
    let other = fs::OpenOptions::new().append(true).open(rig.path("bus"));
    other.unwrap().write_all(b"foreign").unwrap();
    for _ in 0..2 {
        journal.append(&[b"{\"msg\":2}\n".to_vec()]).unwrap();
    }
    let expected = "{\"msg\":1}\nforeign\n{\"msg\":2}\n{\"msg\":2}\n";
    assert_eq!(rig.read("bus"), expected);
}

#[test]
fn only_one_writes_to_a_file() {
    let rig = Rig::new();
    let journal = Journal::open(rig.params("")).unwrap();
    let error = refused(&rig.settings(""));
    assert!(
        error.contains("another program, or another worker"),
        "{error}"
    );
    journal.close();
    rig.run("", 0..1);
}

#[test]
fn a_folder_that_is_gone_costs_a_retry_and_no_message() {
    let rig = Rig::new();
    let away = rig.folder.path().with_extension("away");
    let settings = rig.settings("").replace("attempts = 3", "attempts = 1000");
    let bus = TestBus::new().consumer::<File>("x", &settings);
    bus.run(async |bus| {
        fs::rename(rig.folder.path(), &away).unwrap();
        bus.publish("org.example.dev.n", 1).await;
        bus.until(|status| status.consumer("x").unwrap().errors > 0)
            .await;
        fs::rename(&away, rig.folder.path()).unwrap();
        bus.settle().await;
    });
    assert_eq!(rig.read("bus"), "1\n");
}

#[test]
fn a_peer_cannot_forge_lines() {
    let rig = Rig::new();
    let bus = TestBus::new().consumer::<File>("x", &rig.settings(""));
    let report = bus.run(async |bus| {
        bus.publish("org.example.dev.n", "a\nb\r\nc").await;
        bus.settle().await;
    });
    assert_eq!(rig.read("bus"), "a b  c\n");
    assert_eq!(report.status.consumer("x").unwrap().consumed, 1);
}

#[test]
fn a_message_that_has_no_line_costs_no_other() {
    let rig = Rig::new();
    let settings = rig.settings("").replace("{{ msg }}", "{{ msg.a }}");
    let bus = TestBus::new().consumer::<File>("x", &settings);
    let report = bus.run(async |bus| {
        for msg in [r#"{"a":1}"#, "{}", r#"{"a":2}"#] {
            let msg = fedmsg_message::Value::parse(msg.as_bytes()).unwrap();
            bus.publish("org.example.dev.n", msg).await;
        }
        bus.settle().await;
    });
    let status = report.status.consumer("x").unwrap();
    assert_eq!((status.consumed, status.dropped), (2, 1));
    assert_eq!(rig.read("bus"), "1\n2\n");
}

#[test]
fn what_cannot_be_opened_is_told_without_making_a_file() {
    let rig = Rig::new();
    #[track_caller]
    fn check(params: &str, expected: Option<&str>) {
        let params = toml::from_str(params).unwrap();
        let told = File::preflight(&params, &Config::default());
        let told = told.err().map(|error| error.to_string());
        assert_eq!(told.as_deref(), expected);
    }
    check("path = 'a-bare-name'", None);
    check(&format!("path = {:?}", rig.path("bus")), None);
    assert!(rig.names().is_empty());
    rig.run("", 0..1);
    check(&format!("path = {:?}", rig.path("bus")), None);
    check(
        "path = '/no/such/folder/bus'",
        Some(
            "params.path: cannot open /no/such/folder/bus: No such file or directory (os error 2)",
        ),
    );
    let within = rig.path("bus").join("x");
    check(
        &format!("path = {within:?}"),
        Some(&format!(
            "params.path: cannot open {}: Not a directory (os error 20)",
            within.display()
        )),
    );
    check(
        "path = '/dev/null'",
        Some("params.path: /dev/null is no regular file"),
    );
    check("path = '/'", Some("params.path: / is no regular file"));
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let rig = Rig::new();
    #[track_caller]
    fn check(settings: &str, words: &str) {
        let error = refused(settings);
        assert!(error.contains(words), "{error}");
    }
    check(
        "params.path = '/no/such/folder/bus'",
        "cannot open /no/such/folder/bus",
    );
    check("params.path = '/dev/null'", "/dev/null is no regular file");
    check("params.path = '/tmp'", "/tmp is no regular file");
    check(
        &rig.settings("params.mode = '9'"),
        "params.mode: expected the octal",
    );
    check(
        &rig.settings("params.sync = 'often'"),
        "params.sync: expected \"always\"",
    );
    let settings = rig.settings("").replace("{{ msg }}", "{{ mgs }}");
    check(
        &settings,
        "params.format: line 1, column 4: there is no mgs",
    );
}

#[test]
fn a_file_that_two_would_write_to_is_refused_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let check = |others: &str, expected: bool| {
        let toml = format!("[consumers.a]\nkind = 'file'\nparams.path = {path:?}\n{others}");
        let config = Config::from_toml(&toml.replace("PATH", &format!("{path:?}"))).unwrap();
        let params = config.consumers["a"].params.parse().unwrap();
        assert_eq!(
            File::preflight(&params, &config).is_ok(),
            expected,
            "{toml}"
        );
    };
    check("", true);
    check("workers = 2", false);
    check("[consumers.b]\nkind = 'file'\nparams.path = PATH", false);
    check(
        "[consumers.b]\nkind = 'file'\nenabled = false\nparams.path = PATH",
        true,
    );
    check("[consumers.b]\nkind = 'log'", true);
}
