//! `examples/watch.toml` with the addresses of a test: a hub that polls, follows and tells, by TOML alone.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use rustix::process::Signal;
use serde_json::Value;

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{PATIENCE, Sandbox};
use crate::web_server::{Request, WebServer};

/// What both ends know.
const KEY: &str = "a key of the test";

/// The requests that the chat has no time for, by number.
const BUSY: [usize; 2] = [0, 5];

/// How long it wants to be left alone then.
const REST: Duration = Duration::from_secs(1);

/// A request as the chat got it.
struct Heard {
    at: Instant,
    is_taken: bool,
    body: Vec<u8>,
    signature: Option<String>,
}

impl Heard {
    /// Topic and text, once the signature is known to be good.
    fn told(&self) -> (String, String) {
        let key = PKey::hmac(KEY.as_bytes()).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        signer.update(&self.body).unwrap();
        let digits = signer.sign_to_vec().unwrap();
        let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(self.signature, Some(format!("sha256={digits}")));
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (text("topic"), text("text"))
    }
}

/// A chat, which takes nothing while somebody holds its door.
fn chat(door: Arc<Mutex<()>>) -> (WebServer, Receiver<Heard>) {
    let (sender, heard) = channel();
    let mut number = 0;
    let server = WebServer::hearing(move |request: &Request, stream| {
        drop(door.lock());
        let is_taken = !BUSY.contains(&number);
        number += 1;
        let status = match is_taken {
            true => "204 No Content".to_owned(),
            false => format!("503 Busy\r\nRetry-After: {}", REST.as_secs()),
        };
        let _ = sender.send(Heard {
            at: Instant::now(),
            is_taken,
            body: request.body.clone(),
            signature: request.header("x-hub-signature-256").map(str::to_owned),
        });
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    });
    (server, heard)
}

fn issues() -> WebServer {
    WebServer::plain(|_, stream| {
        let issue = |number, state, title| {
            format!(r#"{{"number":{number},"state":"{state}","title":"{title}"}}"#)
        };
        let (tea, cups, milk) = (
            issue(1, "open", "tea"),
            issue(2, "shut", "cups"),
            issue(3, "open", "milk"),
        );
        let body = format!(r#"{{"issues":[{tea},{cups},{milk}]}}"#);
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    })
}

/// The example, for this test.
fn settings(issues: &WebServer, chat: &WebServer) -> String {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/watch.toml");
    let mut text = fs::read_to_string(example).expect("the example");
    let port = format!("127.0.0.1:{}", free_tcp_port());
    for (theirs, ours) in [
        (
            "https://example.org/issues.json",
            &*issues.url("/issues.json"),
        ),
        (
            "https://chat.example.org/hooks/watch",
            &*chat.url("/hooks/watch"),
        ),
        ("127.0.0.1:3010", &*port),
        ("/var/log/app.log", "app.log"),
        ("/var/lib/fedmsg/app.json", "app.json"),
        ("/var/lib/fedmsg/issues.json", "issues.json"),
        ("every = \"5m\"", "every = \"50ms\""),
        ("every = \"1s\"", "every = \"10ms\""),
        // Until it hears itself, and tells what is on its way at the end, on a machine that is busy.
        (
            "relay_inbound = []",
            "relay_inbound = []\npost_init_sleep = \"5s\"\nstop_timeout = \"60s\"",
        ),
        // However long its door is held.
        (
            "params.signing_key",
            "params.timeout = \"10m\"\nparams.signing_key",
        ),
    ] {
        assert!(text.contains(theirs), "{theirs}");
        text = text.replace(theirs, ours);
    }
    text
}

fn append(sandbox: &Sandbox, lines: std::ops::Range<usize>) {
    let path = sandbox.path().join("app.log");
    let mut log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    for line in lines {
        writeln!(log, "line {line}").unwrap();
    }
}

/// Waits until its consumer has been handed so many messages.
fn wait_for_accepted(hub: &mut Process, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        hub.signal(Signal::USR1);
        let line = hub.line_with("status of a consumer");
        let accepted = line
            .split_whitespace()
            .find_map(|it| it.strip_prefix("accepted="));
        if accepted.is_some_and(|it| it.parse::<usize>().unwrap() >= count) {
            return;
        }
        assert!(Instant::now() < deadline, "not {count}: {line}");
    }
}

#[test]
fn the_example_polls_follows_and_tells_and_a_stop_loses_nothing() {
    let door = Arc::new(Mutex::new(()));
    let ((chat, heard), issues) = (chat(Arc::clone(&door)), issues());
    let sandbox = Sandbox::new();
    sandbox.write("fedmsg.toml", &settings(&issues, &chat));
    let check = sandbox.run(&["fedmsg-config", "check"]).expect_success();
    assert!(check.lines.is_empty(), "{:?}", check.lines);
    let start = || {
        let mut hub = sandbox.start_logging_with(&["fedmsg-hub"], &[("HOOK_KEY", KEY)]);
        hub.line_with("hub running");
        hub
    };

    let mut hub = start();
    append(&sandbox, 0..10);
    wait_for_accepted(&mut hub, 12);
    // What is on its way when the hub is told to stop is told all the same.
    let held = door.lock().unwrap();
    append(&sandbox, 10..200);
    wait_for_accepted(&mut hub, 202);
    hub.signal(Signal::TERM);
    hub.line_with("intake stopped");
    drop(held);
    let end = hub.line_with("consumer at the end consumer=chat");
    assert!(end.contains("consumed=202 dropped=0"), "{end}");
    assert!(hub.finish().status.success());

    // What is written while there is no hub waits for the next one.
    append(&sandbox, 200..220);
    let mut hub = start();
    wait_for_accepted(&mut hub, 20);
    hub.signal(Signal::TERM);
    assert!(hub.finish().status.success());

    let heard: Vec<Heard> = heard.try_iter().collect();
    let mut told = BTreeMap::<(String, String), usize>::new();
    for it in heard.iter().filter(|it| it.is_taken) {
        *told.entry(it.told()).or_default() += 1;
    }
    let line = |n: usize| ("org.example.prod.app.line".to_owned(), format!("line {n}"));
    let mut expected: BTreeMap<_, _> = (0..220).map(|n| (line(n), 1)).collect();
    // What was on the web before is known to the second hub.
    for title in ["tea", "milk"] {
        expected.insert(
            ("org.example.prod.issues.open".to_owned(), title.to_owned()),
            1,
        );
    }
    assert_eq!(told, expected);
    for number in BUSY {
        let [refused, next] = &heard[number..number + 2] else {
            panic!("nothing came again");
        };
        assert_eq!((refused.is_taken, refused.told()), (false, next.told()));
        let pause = next.at - refused.at;
        assert!(pause >= REST, "{pause:?}");
    }
}
