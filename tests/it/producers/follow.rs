//! A log that is followed, while it is rotated and its hub is killed.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fedmsg::Delivery;
use rustix::process::Signal;

use super::Watcher;
use crate::sandbox::{PATIENCE, PROBE, Sandbox, Settings};

const SETTINGS: &str = "[producers.app]\nkind = 'file'\nevery = '10ms'\n\
    params = { path = 'log', state_file = 'state', from = 'start' }\n";

fn append(folder: &Path, name: &str, line: usize) {
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.join(name));
    writeln!(log.unwrap(), "{line}").unwrap();
}

/// The number that is all of a line.
fn number(delivery: &Delivery) -> usize {
    let line = delivery.msg().get("line").and_then(|line| line.as_str());
    line.and_then(|line| line.parse().ok()).expect("a number")
}

/// Under systemd, where a hub with a name of its own (`fedmsg-hub@NAME`) has two of them.
#[test]
fn a_state_without_a_name_is_in_the_first_state_directory() {
    let sandbox = Sandbox::with(&Settings::new().with(
        "active = true
        relay_inbound = 'inproc://nobody'
        [producers.app]
        kind = 'file'
        every = '1h'
        params.path = 'log'",
    ));
    let folders = ["own", "shared"].map(|name| sandbox.path().join(name));
    for folder in &folders {
        fs::create_dir(folder).unwrap();
    }
    let [own, shared] = folders.each_ref().map(|it| it.to_str().unwrap());
    let variables = [("STATE_DIRECTORY", &*format!("{own}:{shared}"))];
    let mut hub = sandbox.start_logging_with(&["fedmsg-hub"], &variables);
    hub.line_with("hub running");
    assert!(folders[0].join("producer-app.json").exists());
    assert_eq!(fs::read_dir(&folders[1]).unwrap().count(), 0);
    hub.signal(Signal::TERM);
    hub.finish().expect_success();
}

#[test]
fn no_line_is_lost_or_repeated_while_the_log_is_rotated_in_both_ways() {
    const LINES: usize = 3000;
    let watcher = Watcher::start(SETTINGS);
    let folder = watcher.sandbox.path().to_owned();
    let heard = Arc::new(AtomicUsize::new(0));
    let published = Arc::clone(&heard);
    let writer = thread::spawn(move || {
        let log = folder.join("log");
        for line in 0..LINES {
            if line > 0 && line % 500 == 0 {
                // The reader gets to the end first: a rotation every 10 ms is none.
                let deadline = Instant::now() + PATIENCE;
                while published.load(Ordering::Relaxed) < line {
                    assert!(Instant::now() < deadline, "{line} lines are not read");
                    thread::park_timeout(Duration::from_millis(5));
                }
                if line % 1000 == 0 {
                    fs::copy(&log, folder.join(format!("log.{line}"))).unwrap();
                    OpenOptions::new()
                        .write(true)
                        .truncate(true)
                        .open(&log)
                        .unwrap();
                } else {
                    fs::rename(&log, folder.join(format!("log.{line}"))).unwrap();
                }
            }
            append(&folder, "log", line);
            if line % 20 == 0 {
                // Files of different times have different times, to the 10 ms that systems tell apart.
                thread::park_timeout(Duration::from_millis(1));
            }
        }
    });
    for line in 0..LINES {
        let delivery = watcher.listener.next_about("dev.app.line");
        assert_eq!(number(&delivery), line);
        heard.store(line + 1, Ordering::Relaxed);
    }
    writer.join().unwrap();
}

#[test]
fn a_hub_that_is_stopped_repeats_nothing_and_one_that_is_killed_a_batch_at_most() {
    let mut sandbox = Sandbox::new();
    let mut seen = BTreeMap::<usize, usize>::new();
    let mut written = 0;
    for (round, signal) in [Signal::TERM, Signal::KILL, Signal::TERM, Signal::KILL]
        .iter()
        .enumerate()
    {
        for _ in 0..1000 {
            append(sandbox.path(), "log", written);
            written += 1;
        }
        let watcher = Watcher::start_in(sandbox, SETTINGS);
        let last_round = round == 3;
        let deadline = Instant::now() + PATIENCE;
        // In the middle of the work where it is killed, but for the last.
        let is_in_the_middle = *signal == Signal::KILL && !last_round;
        let end = written - if is_in_the_middle { 500 } else { 1 };
        while !seen.contains_key(&end) {
            assert!(Instant::now() < deadline, "line {end} does not come");
            if let Some(delivery) = watcher.listener.next_within(PROBE) {
                *seen.entry(number(&delivery)).or_default() += 1;
            }
        }
        watcher.hub.signal(*signal);
        watcher.hub.finish();
        while let Some(delivery) = watcher.listener.next_within(Duration::from_millis(200)) {
            *seen.entry(number(&delivery)).or_default() += 1;
        }
        sandbox = watcher.sandbox;
    }
    let repeated = seen.values().filter(|&&times| times > 1).count();
    assert!(repeated <= 256, "{repeated} lines came again");
    assert!(seen.values().all(|&times| times <= 2));
}
