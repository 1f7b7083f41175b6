//! A log that grows, is rotated in either way, goes and comes, while its reader starts anew: every line once.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fedmsg_actors::{Delivery, ProducerConformance, TestBus, World};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::follower::Line;
use super::*;

/// A log, and who reads it.
struct Scene {
    folder: TempDir,
    follower: Follower,
    lost: u64,
}

impl Scene {
    /// A log with this, read from its end or start.
    fn new(text: &str, is_at_end: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let state = state_file(folder.path().join("state"), &folder.path().join("log"));
        let follower = Follower::new(folder.path().join("log"), 100, state.clone());
        let scene = Self {
            folder,
            follower,
            lost: 0,
        };
        scene.append("log", text);
        let position = Follower::beginning(&scene.path("log"), is_at_end).unwrap();
        state.save(&position).unwrap();
        scene
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// As logrotate does with `copytruncate`.
    fn copy_and_truncate(&self, to: &str) {
        fs::copy(self.path("log"), self.path(to)).unwrap();
        fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(self.path("log"))
            .unwrap();
    }

    /// Gives a file a time that is older than that of those that are younger.
    fn age(&self, name: &str, seconds: u64) {
        let file = fs::File::open(self.path(name)).unwrap();
        let time = std::time::SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    }

    /// The hub is killed, and starts anew.
    fn restart(&mut self) {
        let state = state_file(self.path("state"), &self.path("log"));
        self.follower = Follower::new(self.path("log"), 100, state);
    }

    /// Looks as often as it takes to be sure that there is nothing more; returns the new lines.
    fn look(&mut self) -> String {
        let mut texts = Vec::new();
        for _ in 0..3 {
            loop {
                let batch = self.follower.read().unwrap();
                self.lost += batch.files_lost;
                if batch.is_empty() {
                    break;
                }
                texts.extend(batch.lines.into_iter().map(|line: Line| line.text));
                self.follower.note(batch.end).unwrap();
            }
        }
        texts.join(",")
    }
}

#[test]
fn complete_lines_are_read_once_and_the_last_one_waits_for_its_end() {
    let mut scene = Scene::new("a\nb\nc", false);
    assert_eq!(scene.look(), "a,b");
    scene.append("log", "c");
    assert_eq!(scene.look(), "");
    scene.append("log", "c\r\n\nd\u{0}\n");
    assert_eq!(scene.look(), "ccc,,d\u{0}");
    scene.restart();
    assert_eq!(scene.look(), "");
    let mut scene = Scene::new("old\nbegun", true);
    assert_eq!(scene.look(), "");
    scene.append("log", " before\nnew\n");
    assert_eq!(scene.look(), "new", "a line that had begun is not ours");
}

#[test]
fn what_is_not_noted_comes_again_and_what_is_does_not() {
    let mut scene = Scene::new("a\nb\nc\n", false);
    let batch = scene.follower.read().unwrap();
    scene
        .follower
        .note(Some(batch.lines[1].end.clone()))
        .unwrap();
    scene.restart();
    assert_eq!(scene.look(), "c");
    let mut scene = Scene::new("a\nb\n", false);
    scene.follower.read().unwrap();
    assert_eq!(scene.look(), "a,b");
}

#[test]
fn a_file_that_is_renamed_is_read_to_its_end_first_also_over_a_restart() {
    for restarts in [false, true] {
        let mut scene = Scene::new("a\n", false);
        assert_eq!(scene.look(), "a");
        scene.append("log", "b\n");
        scene.rename("log", "log.1");
        scene.append("log.1", "c\nlast");
        if restarts {
            scene.restart();
        }
        assert_eq!(scene.look(), "b,c", "nothing has taken its place");
        scene.append("log", "d\n");
        if restarts {
            scene.restart();
        }
        assert_eq!(scene.look(), "last,d");
        scene.append("log", "e\n");
        assert_eq!((scene.look(), scene.lost), ("e".to_owned(), 0));
    }
}

#[test]
fn the_writer_gets_a_moment_to_notice_that_its_file_was_renamed() {
    let mut scene = Scene::new("a\n", false);
    assert_eq!(scene.look(), "a");
    scene.rename("log", "log.1");
    scene.append("log", "c\n");
    assert!(scene.follower.read().unwrap().is_empty());
    scene.append("log.1", "b\n");
    assert_eq!(scene.look(), "b,c");
}

#[test]
fn files_that_were_rotated_while_nobody_looked_are_read_in_order() {
    let mut scene = Scene::new("a\n", false);
    assert_eq!(scene.look(), "a");
    scene.append("log", "b\n");
    scene.rename("log", "log.2");
    scene.append("log.1", "c\n");
    scene.append("log", "d\n");
    for (name, age) in [
        ("log.3", 40),
        ("log.2", 30),
        ("log.1", 20),
        ("log.old", 15),
        ("log", 10),
    ] {
        scene.append(name, "");
        scene.age(name, age);
    }
    scene.append("log.old", "x\n");
    scene.restart();
    assert_eq!((scene.look(), scene.lost), ("b,c,d".to_owned(), 0));
}

#[test]
fn a_file_that_is_copied_and_emptied_goes_on_in_the_copy() {
    for restarts in [false, true] {
        for after in [
            "",
            "c\n",
            "c\nwhich is longer than all that was there before\n",
        ] {
            let mut scene = Scene::new("a\n", false);
            assert_eq!(scene.look(), "a");
            scene.append("log", "b\n");
            scene.copy_and_truncate("log.1");
            scene.append("log", after);
            if restarts {
                scene.restart();
            }
            let expected = format!("b,{}", after.trim_end().replace('\n', ","));
            assert_eq!(scene.look(), expected.trim_end_matches(','), "{after:?}");
            scene.append("log", "d\n");
            assert_eq!((scene.look(), scene.lost), ("d".to_owned(), 0));
        }
    }
}

#[test]
fn a_reader_that_is_behind_both_kinds_of_rotation_reads_all_in_order() {
    for restarts in [false, true] {
        let mut scene = Scene::new("a\n", false);
        assert_eq!(scene.look(), "a");
        scene.append("log", "b\n");
        scene.copy_and_truncate("log.1000");
        scene.append("log", "c\nand so on\n");
        scene.rename("log", "log.1500");
        scene.append("log", "d\n");
        for (name, age) in [("log.1000", 30), ("log.1500", 20), ("log", 10)] {
            scene.age(name, age);
        }
        if restarts {
            scene.restart();
        }
        assert_eq!(
            (scene.look(), scene.lost),
            ("b,c,and so on,d".to_owned(), 0)
        );
    }
}

#[test]
fn a_file_that_has_gone_or_was_emptied_is_noted_and_the_next_is_read_from_its_start() {
    let mut scene = Scene::new("a\n", false);
    assert_eq!(scene.look(), "a");
    fs::remove_file(scene.path("log")).unwrap();
    assert_eq!((scene.look(), scene.lost), (String::new(), 0));
    scene.append("log", "b\n");
    assert_eq!(
        (scene.look(), scene.lost),
        ("b".to_owned(), 0),
        "it was held open"
    );
    fs::write(scene.path("log"), "").unwrap();
    scene.append("log", "c\n");
    fs::write(scene.path("log"), "d\nd\n").unwrap();
    assert_eq!((scene.look(), scene.lost), ("d,d".to_owned(), 1));
    scene.rename("log", "log.gone");
    scene.restart();
    assert_eq!((scene.look(), scene.lost), (String::new(), 1));
    scene.append("log", "e\n");
    assert_eq!((scene.look(), scene.lost), ("e".to_owned(), 2));
}

#[test]
fn a_file_that_comes_later_is_read_from_its_start_and_what_is_none_is_an_error() {
    let mut scene = Scene::new("", true);
    fs::remove_file(scene.path("log")).unwrap();
    let nowhere = Follower::beginning(&scene.path("log"), true).unwrap();
    scene.follower.note(Some(nowhere)).unwrap();
    scene.restart();
    assert_eq!(scene.look(), "");
    fs::create_dir(scene.path("log")).unwrap();
    assert!(scene.follower.read().is_err());
    fs::remove_dir(scene.path("log")).unwrap();
    let (kind, mode) = (FileType::Fifo, Mode::from_raw_mode(0o600));
    mknodat(CWD, scene.path("log"), kind, mode, 0).unwrap();
    assert!(scene.follower.read().is_err(), "a pipe, which would block");
    fs::remove_file(scene.path("log")).unwrap();
    scene.append("log", "a\n");
    assert_eq!(scene.look(), "a");
}

#[test]
fn a_line_that_is_too_long_is_cut_even_if_it_never_ends() {
    let mut scene = Scene::new("", false);
    for _ in 0..30 {
        scene.append("log", &"x".repeat(100_000));
    }
    assert_eq!(scene.look(), "x".repeat(100));
    scene.append("log", "still\nshort\n");
    scene.restart();
    assert_eq!(scene.look(), "short");
    scene.append(
        "log",
        &format!("{}\n{}\n", "y".repeat(101), "z".repeat(100)),
    );
    let batch = scene.follower.read().unwrap();
    let cut: Vec<_> = batch
        .lines
        .iter()
        .map(|line| (line.text.len(), line.is_cut))
        .collect();
    assert_eq!(cut, [(100, true), (100, false)]);
}

#[test]
fn many_lines_come_in_batches() {
    let text: String = (0..1000).map(|number| format!("{number}\n")).collect();
    let mut scene = Scene::new(&text, false);
    assert_eq!(scene.follower.read().unwrap().lines.len(), 256);
    assert_eq!(scene.look(), text.trim_end().replace('\n', ","));
}

fn settings(folder: &Path, more: &str) -> String {
    let (log, state) = (folder.join("log"), folder.join("state"));
    format!("every = '1s'\nparams = {{ path = {log:?}, state_file = {state:?}, {more} }}")
}

#[test]
fn a_hub_publishes_every_line_once_over_restarts_and_passes_over_what_has_no_topic() {
    let folder = TempDir::new().unwrap();
    let settings = settings(
        folder.path(),
        "topic = '''app.{{ (msg.line | split('='))[1] }}'''",
    );
    let mut seen = Vec::new();
    for round in 0..3 {
        let bus = TestBus::new().producer::<FileProducer>("x", &settings);
        let report = bus.run(async |bus| {
            let text = format!("n={round}\nnone\nm={round}\n");
            let log = OpenOptions::new()
                .append(true)
                .create(true)
                .open(folder.path().join("log"));
            log.unwrap().write_all(text.as_bytes()).unwrap();
            bus.advance(Duration::from_secs(1)).await;
            for _ in 0..2 {
                seen.push(bus.next_published().await.topic().as_str().to_owned());
            }
        });
        let status = report.status.producer("x").unwrap();
        assert_eq!(
            (status.figures["published"], status.figures["passed_over"]),
            (2, 1)
        );
    }
    let expected = ["app.0", "app.0", "app.1", "app.1", "app.2", "app.2"];
    assert_eq!(
        seen,
        expected.map(|topic| format!("com.example.dev.{topic}"))
    );
}

#[test]
fn a_state_that_is_none_of_ours_or_cannot_be_kept_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("state"), "[]").unwrap();
    let start = |settings: &str| {
        let bus = TestBus::new().producer::<FileProducer>("x", settings);
        bus.try_run(async |_| ()).map_err(|error| error.to_string())
    };
    let error = start(&settings(folder.path(), "")).unwrap_err();
    assert!(error.contains("is no state file"), "{error}");
    fs::write(folder.path().join("state"), "").unwrap();
    let error = start(&settings(folder.path(), "")).unwrap_err();
    assert!(
        error.contains("it is empty; name another one, or remove it"),
        "{error}"
    );
    let missing = folder.path().join("missing");
    let error = start(&settings(&missing, "")).unwrap_err();
    assert!(error.contains("cannot write the state file"), "{error}");
    let error = start("every = '1s'\nparams.path = '/var/log/x'").unwrap_err();
    assert!(error.contains("state_file"), "{error}");
}

#[test]
fn a_state_is_that_of_one_producer_however_its_path_is_spelled() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("link")).unwrap();
    let producer = |state: &Path| {
        let log = folder.path().join("log");
        format!("every = '1s'\nparams = {{ path = {log:?}, state_file = {state:?} }}")
    };
    let first = producer(&folder.path().join("state"));
    for (spelling, is_taken) in [
        ("state", true),
        ("sub/../state", true),
        ("link/state", true),
        ("sub/state", false),
    ] {
        let second = producer(&folder.path().join(spelling));
        let bus = TestBus::new()
            .producer::<FileProducer>("a", &first)
            .producer::<FileProducer>("b", &second);
        let started = bus.try_run(async |_| ()).map_err(|error| error.to_string());
        assert_eq!(started.is_err(), is_taken, "{spelling}");
        let toml = format!(
            "[producers.a]\nkind = 'file'\n{first}\n[producers.b]\nkind = 'file'\n{second}"
        );
        let config = Config::from_toml(&toml).unwrap();
        for producer in config.producers.values() {
            let told = FileProducer::preflight(&producer.params.parse().unwrap(), &config);
            let told = told.map_err(|error| error.to_string());
            assert_eq!(told.is_err(), is_taken, "{spelling}");
            for error in started.clone().err().into_iter().chain(told.err()) {
                assert!(error.contains("params.state_file: "), "{error}");
                assert!(error.contains("state file of another producer"), "{error}");
            }
        }
    }
}

#[test]
fn what_keeps_it_from_starting_is_told_without_writing_anything() {
    let folder = TempDir::new().unwrap();
    let told = |path: &Path, state: &Path| {
        let params = format!("path = {path:?}\nstate_file = {state:?}");
        let told = FileProducer::preflight(&toml::from_str(&params).unwrap(), &Config::default());
        told.map_err(|error| error.to_string())
    };
    let (log, state) = (folder.path().join("log"), folder.path().join("state"));
    assert_eq!(told(&log, &state), Ok(()));
    assert_eq!(told(&log, Path::new("a-bare-name")), Ok(()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let error = told(folder.path(), &state).unwrap_err();
    assert!(error.starts_with("params.path: cannot read "), "{error}");
    let error = told(&log, &folder.path().join("missing/state")).unwrap_err();
    let expected = "params.state_file: cannot write the state file ";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains("No such file or directory"), "{error}");
    fs::write(&state, "[]").unwrap();
    let error = told(&log, &state).unwrap_err();
    assert!(error.contains("params.state_file: "), "{error}");
    assert!(error.contains("is no state file"), "{error}");
    // Where the state directory of a service is, nobody else knows.
    let params = toml::from_str("path = '/no/such/log'").unwrap();
    assert!(FileProducer::preflight(&params, &Config::default()).is_ok());
}

#[test]
fn it_keeps_the_rules_of_a_hub() {
    let world = || {
        let folder = TempDir::new().unwrap();
        let (log, away) = (folder.path().join("log"), folder.path().join("away"));
        fs::write(&log, "").unwrap();
        let params = format!(
            "params = {{ path = {log:?}, state_file = {:?}, from = 'start' }}",
            folder.path().join("state")
        );
        let tell = move |n| {
            let log = OpenOptions::new()
                .append(true)
                .open(folder.path().join("log"));
            writeln!(log.unwrap(), "line {n}").unwrap();
        };
        World::for_producer(&params)
            .source(tell)
            .outage(move |is_down| {
                // A folder is no file, which is an error; that there is none is not.
                let _ = match is_down {
                    true => fs::rename(&log, &away).and_then(|()| fs::create_dir(&log)),
                    false => fs::remove_dir(&log).and_then(|()| fs::rename(&away, &log)),
                };
            })
    };
    let conformance = ProducerConformance::of::<FileProducer>(world);
    // Each world has its own folder, which is in the messages.
    let line = |it: &Delivery| it.msg().get("line").map(|line| format!("{line:?}"));
    let conformance = conformance.compared_by(move |it| line(it).unwrap_or_default());
    let report = conformance.flood(100).memory_by(|| 0).run();
    assert!(report.findings.is_empty(), "{report}");
    assert!(report.unchecked.is_empty(), "{report}");
}

/// Makes a pipe where a state is written: to open it takes until somebody reads from it, and it cannot be
/// synced.
fn make_pipe(folder: &Path) -> PathBuf {
    let path = folder.join("state.new");
    let (kind, mode) = (FileType::Fifo, Mode::from_raw_mode(0o600));
    mknodat(CWD, &path, kind, mode, 0).unwrap();
    path
}

#[test]
fn a_disk_that_hangs_and_fails_as_lines_are_noted_repeats_none_of_them() {
    let folder = TempDir::new().unwrap();
    let settings = format!("time_limit = '1s'\n{}", settings(folder.path(), ""));
    fs::write(folder.path().join("log"), "").unwrap();
    let bus = TestBus::new().producer::<FileProducer>("x", &settings);
    let report = bus.run(async |bus| {
        let tick = async || bus.advance(Duration::from_secs(1)).await;
        let hangs = make_pipe(folder.path());
        fs::write(folder.path().join("log"), "a\nb\n").unwrap();
        tick().await;
        let status = bus.status().await;
        assert_eq!(status.producer("x").unwrap().failures, 1);
        fs::read(&hangs).unwrap();
        fs::remove_file(&hangs).unwrap();
        while bus.status().await.producer("x").unwrap().ticks < 2 {
            tick().await;
        }
    });
    assert_eq!(report.status.producer("x").unwrap().figures["published"], 2);
}

/// Begins to follow a file whose disk hangs, and waits for that only as long as it wants to.
struct Bystander;

impl Producer for Bystander {
    const KIND: &'static str = "bystander";
    type Params = FileParams;

    async fn from_params(params: FileParams, context: &ProducerContext) -> Result<Self, BoxError> {
        let begun = FileProducer::from_params(params, context);
        let waited = tokio::time::timeout(Duration::from_millis(100), begun).await;
        match waited {
            Err(_) => Ok(Self),
            Ok(_) => Err("the thread was held up".into()),
        }
    }

    async fn tick(&mut self, _: &ProducerContext) -> Result<(), BoxError> {
        Ok(())
    }
}

#[test]
fn a_disk_that_hangs_as_a_file_is_begun_holds_nobody_up() {
    let folder = TempDir::new().unwrap();
    let hangs = make_pipe(folder.path());
    let (done, is_done) = mpsc::channel::<()>();
    let end = thread::spawn(move || {
        let _ = is_done.recv_timeout(Duration::from_secs(60));
        fs::read(hangs).unwrap();
    });
    let bus = TestBus::new().producer::<Bystander>("x", &settings(folder.path(), ""));
    let started = bus.try_run(async |_| ()).map_err(|error| error.to_string());
    drop(done);
    end.join().unwrap();
    started.unwrap();
}
