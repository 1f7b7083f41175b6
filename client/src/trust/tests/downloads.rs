//! What becomes of downloads: good ones, bad ones, late ones, and none. The clock is ours.

use std::collections::VecDeque;
use std::fmt::{Debug, Write};
use std::pin::pin;
use std::sync::{Mutex, Once, mpsc};
use std::task::Poll;

use futures::poll;
use tokio::task::spawn_blocking;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};
use tracing::{Event, Metadata};

use super::super::download::DownloadError;
use super::*;

const HTML: &[u8] = b"<html>Welcome to our hotel! Please log in.</html>";
/// What a server says that has nothing.
const NOTHING: DownloadError = DownloadError::Status { status: 404 };
const HOUR: Duration = Duration::from_secs(3600);

/// A web server that answers after some time, and notes when it was asked for what.
#[derive(Clone)]
struct Server {
    /// What it says for the CA certificate, in turn; the last one again and again.
    ca: Arc<Mutex<VecDeque<Vec<u8>>>>,
    /// What it says for the CRL, if anything.
    crl: Option<Vec<u8>>,
    takes: Duration,
    asked: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl Server {
    fn new(ca: &[&[u8]], crl: &[u8]) -> Self {
        let ca = ca.iter().map(|answer| answer.to_vec()).collect();
        Self {
            ca: Arc::new(Mutex::new(ca)),
            crl: Some(crl.to_vec()),
            takes: Duration::ZERO,
            asked: Arc::default(),
        }
    }

    fn fetch(&self) -> Fetch {
        let server = self.clone();
        Arc::new(move |url| {
            let server = server.clone();
            Box::pin(async move { server.answer(url).await.ok_or(NOTHING) })
        })
    }

    async fn answer(&self, url: String) -> Option<Vec<u8>> {
        let is_ca = url.ends_with("ca");
        self.asked.lock().unwrap().push((url, Instant::now()));
        sleep(self.takes).await;
        if !is_ca {
            return self.crl.clone();
        }
        let mut answers = self.ca.lock().unwrap();
        match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        }
    }

    /// When it was asked for something.
    fn asked(&self, what: &str) -> Vec<Instant> {
        let asked = self.asked.lock().unwrap();
        let asked = asked.iter().filter(|(url, _)| url.ends_with(what));
        asked.map(|(_, at)| *at).collect()
    }
}

fn file(name: &str) -> Vec<u8> {
    fs::read(pki(name)).unwrap()
}

/// Both are to be downloaded, and kept as `ca` and `crl` of a directory.
fn config(directory: &Path) -> Config {
    let (ca, crl) = (directory.join("ca"), directory.join("crl"));
    let toml = format!(
        "ca_cert_location = 'https://a.org/ca'\nca_cert_cache = {ca:?}\n
         crl_location = 'https://a.org/crl'\ncrl_cache = {crl:?}"
    );
    Config::from_toml(&toml).unwrap()
}

/// All that is logged on this thread, which is the only one of a test with a clock that it holds.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Listens to this thread until the guard is dropped.
    fn listen() -> (Self, DefaultGuard) {
        // Of what nobody listened to when another test met it first, tracing may take for granted that
        // nobody ever will: somebody does.
        static ALWAYS: Once = Once::new();
        ALWAYS.call_once(|| set_global_default(Self::default()).unwrap());
        let log = Self::default();
        let guard = set_default(log.clone());
        (log, guard)
    }

    fn with(&self, text: &str) -> usize {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|line| line.contains(text)).count()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("fedmsg")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn a_bad_download_does_not_replace_what_was_kept() {
    let directory = copies(&[("ca", "ca.crt"), ("crl", "crl.pem")]);
    let config = config(directory.path());
    let kept = |name: &str| fs::read(directory.path().join(name)).unwrap();

    let server = Server::new(&[HTML], &file("crl-empty.pem"));
    let trust = Trust::open_with(&config, &server.fetch()).unwrap();
    sleep(PERIOD * 20).await;
    assert!(server.asked("ca").len() > 2, "it is asked again");
    assert_eq!(refusal(&trust).await, None);
    assert_eq!(kept("ca"), file("ca.crt"));
    assert_eq!(kept("crl"), file("crl.pem"), "nor what cannot be checked");

    // A good one does.
    let server = Server::new(&[HTML, &file("ca.crt")], &file("crl-all.pem"));
    let trust = Trust::open_with(&config, &server.fetch()).unwrap();
    sleep(PERIOD * 20).await;
    assert_eq!(refusal(&trust).await, Some("revoked"));
    assert_eq!(kept("crl"), file("crl-all.pem"));
    assert_eq!(server.asked("ca").len(), 2, "it does not expire");
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_and_is_of_no_use_is_named_and_downloaded_anew() {
    for (ca, crl, named) in [
        ("host.txt", "crl.pem", "ca"),
        ("ca.crt", "host.txt", "crl"),
        ("ca.crt", "crl-rogue.pem", "crl"),
    ] {
        let directory = copies(&[("ca", ca), ("crl", crl)]);
        let server = Server::new(&[&file("ca.crt")], &file("crl.pem"));
        let (log, _guard) = Log::listen();
        let trust = Trust::open_with(&config(directory.path()), &server.fetch()).unwrap();
        let cache = directory.path().join(named);
        assert_eq!(
            log.with(&format!("cache={} ", cache.display())),
            1,
            "{ca} {crl}"
        );
        assert_eq!(refusal(&trust).await, None, "{ca} {crl}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_download_of_no_use_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new(&[HTML, HTML, &file("ca.crt")], &file("crl.pem"));
    let (log, _guard) = Log::listen();
    let trust = Trust::open_with(&config(directory.path()), &server.fetch()).unwrap();
    assert_eq!(refusal(&trust).await, Some("no-trust-store"));
    sleep(PERIOD * 10).await;
    assert_eq!(refusal(&trust).await, None);
    assert_eq!(log.with("every message is refused"), 1);
    assert_eq!(log.with("stay in force"), 0, "there were none");
    assert_eq!(
        fs::read(directory.path().join("ca")).unwrap(),
        file("ca.crt")
    );
}

#[tokio::test(start_paused = true)]
async fn a_ca_of_no_use_does_not_wait_for_the_list_nor_is_a_good_one_believed_without() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::new(&[HTML, &file("ca.crt")], &[]);
    server.crl = None;
    let trust = Trust::open_with(&config(directory.path()), &server.fetch()).unwrap();
    sleep(PERIOD * 4).await;
    assert_eq!(server.asked("ca").len(), 2);
    assert_eq!(refusal(&trust).await, Some("no-trust-store"));
    assert!(!directory.path().join("ca").exists(), "nothing is kept");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_late_with_its_list_is_asked_again_soon() {
    let directory = copies(&[("ca", "ca.crt"), ("crl", "crl-expired.pem")]);
    let server = Server::new(&[&file("ca.crt")], &file("crl-expired.pem"));
    let _trust = Trust::open_with(&config(directory.path()), &server.fetch()).unwrap();
    sleep(HOUR - PERIOD).await;
    let asked = server.asked("crl").len();
    // Pauses of 10, 20, … 600 seconds, each up to twice as long by chance.
    assert!((6..=13).contains(&asked), "{asked} times");
    assert_eq!(server.asked("ca").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn both_are_asked_for_at_once_and_messages_do_not_wait_for_long() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::new(&[&file("ca.crt")], &file("crl.pem"));
    server.takes = Duration::from_secs(25);
    let start = Instant::now();
    let trust = Trust::open_with(&config(directory.path()), &server.fetch()).unwrap();
    for _ in 0..2 {
        assert_eq!(refusal(&trust).await, Some("no-trust-store"));
        let waited = start.elapsed();
        assert!(waited >= FIRST_WAIT, "{waited:?}");
        assert!(
            waited < FIRST_WAIT + Duration::from_millis(10),
            "{waited:?}"
        );
    }
    assert_eq!(server.asked("ca"), server.asked("crl"));
    sleep(server.takes).await;
    assert_eq!(refusal(&trust).await, None);
}

#[tokio::test(start_paused = true)]
async fn that_a_download_is_of_no_use_is_said_every_hour() {
    let directory = copies(&[("ca", "ca.crt"), ("crl", "crl.pem")]);
    let server = Server::new(&[HTML], &file("crl.pem"));
    let (log, _guard) = Log::listen();
    let _trust = Trust::open_with(&config(directory.path()), &server.fetch()).unwrap();
    sleep(HOUR * 3 - PERIOD).await;
    assert_eq!(log.with("stay in force"), 3);
}

#[test]
fn a_list_is_read_and_the_former_one_dropped_on_a_thread_for_work_that_blocks() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let directory = copies(&[("ca", "ca.crt"), ("crl", "crl.pem")]);
        let config = super::config(directory.path());
        let mut files = Files::of(&config, &over_https());
        files.read().unwrap().unwrap();
        let validator = Arc::new(Validator::new(ValidatorSettings {
            trust: None,
            backends: config.crypto_validate_backends.iter().copied().collect(),
            policy: policy(&config),
            crl_policy: config.crl_policy,
            require_strong: false,
        }));
        let is_accepted = || {
            let verdict = validator.validate(&signed(), unix_time());
            matches!(verdict, Verdict::Accepted { .. })
        };

        // The only such thread is busy: nothing happens until it is free.
        let (release, busy) = mpsc::channel::<()>();
        let blocker = spawn_blocking(move || busy.recv());
        {
            let mut reading = pin!(files.put_in_force(&validator));
            assert_eq!(poll!(reading.as_mut()), Poll::Pending);
            assert!(!is_accepted());
            release.send(()).unwrap();
            reading.await;
        }
        blocker.await.unwrap().unwrap();
        assert!(is_accepted());
    });
}
