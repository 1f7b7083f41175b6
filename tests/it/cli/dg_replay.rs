//! `fedmsg-dg-replay`: what it publishes of an archived message, and what it makes of a bad archive.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fedmsg::json::Value;
use fedmsg_message::to_canonical;

use super::check_failure;
use super::relayed_bus::Bus;
use crate::peers::{Finished, free_tcp_port};
use crate::sandbox::{PATIENCE, Sandbox, Settings};
use crate::web_server::WebServer;

const REPLAY: &str = "fedmsg-dg-replay";

/// What the archive has under every identifier that begins with `2026-`.
const ARCHIVED: &str = r#"{"source_name": "datanommer", "source_version": "0.6.4", "i": 7,
    "msg": {"commit": {"b": 1.50, "a": "ü"}}, "headers": {}, "username": "apache",
    "timestamp": 1500000000.0, "signature": "c2ln", "certificate": "Y2VydA==",
    "topic": "org.fedoraproject.stg.git.receive.x", "msg_id": "2026-é&='%2F 1"}"#;

const ID: &str = "2026-é&='%2F 1";

fn ok(stream: &mut dyn Write, content: &[u8]) {
    let length = content.len();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
    );
    let _ = stream.write_all(content);
}

fn status(stream: &mut dyn Write, status: &str) {
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
}

/// An archive with one message.
fn archive() -> WebServer {
    WebServer::plain(|path, stream| {
        // Encoded as a form is: a blank is a plus.
        match path {
            "/datagrepper/id?id=2026-%C3%A9%26%3D%27%252F+1" => ok(stream, ARCHIVED.as_bytes()),
            _ => status(stream, "404 Not Found"),
        }
    })
}

fn replay(sandbox: &Sandbox, server: &WebServer, flags: &[&str]) -> Finished {
    let url = server.url("/datagrepper");
    let words = [REPLAY, "--datagrepper-url", &url];
    sandbox.run_with_input(&[&words, flags].concat(), b"")
}

#[test]
fn the_payload_is_published_as_a_new_message_of_this_machine() {
    let (bus, server) = (Bus::start(), archive());
    let finished = replay(&bus.sandbox, &server, &["--msg-id", ID]).expect_success();
    let said = [
        format!("Retrieving '{ID}'"),
        format!("Broadcasting '{ID}'"),
        "OK.".to_owned(),
    ];
    assert_eq!((finished.lines, &*finished.errors), (said.to_vec(), ""));
    let delivery = bus.listener.next_about("receive");
    assert_eq!(delivery.topic(), &"org.fedoraproject.dev.git.receive.x");
    let envelope = delivery.envelope();
    let msg = to_canonical(delivery.msg()).expect("JSON");
    assert_eq!(
        String::from_utf8(msg).as_deref(),
        Ok("{\"commit\":{\"a\":\"\\u00fc\",\"b\":1.5}}")
    );
    assert_ne!(delivery.msg_id(), Some(ID));
    assert_eq!(
        (envelope.i(), envelope.username()),
        (Some(1), Some("tester"))
    );
    assert!(envelope.timestamp() > Some(1_600_000_000.0));
    assert_eq!(envelope.signature(), None);
}

#[test]
fn the_message_itself_is_sent_as_it_was_signed() {
    let server = archive();
    // Whoever passes on what others have signed needs nothing to sign with.
    let url = server.url("/datagrepper/raw");
    let bus = Bus::with(&format!("sign_messages = true\ndatagrepper_url = '{url}'"));
    let words = [REPLAY, "--raw", "--msg-id", ID];
    bus.run(&words, b"").expect_success();
    let delivery = bus.listener.next_about("receive");
    assert_eq!(delivery.topic(), &"org.fedoraproject.stg.git.receive.x");
    let mut expected = Value::parse_str(ARCHIVED).expect("JSON");
    let body = expected.as_object_mut().expect("an object");
    for added in ["source_name", "source_version", "headers"] {
        body.remove(added);
    }
    body.insert("timestamp", 1_500_000_000);
    let expected = to_canonical(&expected).expect("JSON");
    assert_eq!(*delivery.envelope().bytes(), expected);
}

#[test]
fn an_archive_that_does_not_have_the_message_is_reported_as_by_the_original() {
    let (server, sandbox) = (archive(), Sandbox::with(&Settings::new()));
    let check = |flags: &[&str], status: i32, lines: &[&str], complaint: &str| {
        let finished = replay(&sandbox, &server, flags);
        assert_eq!(finished.status.code(), Some(status), "{finished:#?}");
        assert_eq!(finished.lines, lines);
        assert_eq!(finished.errors, format!("fedmsg-dg-replay: {complaint}\n"));
    };
    check(&[], 1, &[], "--msg-id is required");
    check(&["--msg-id", ""], 1, &[], "--msg-id is required");
    check(
        &["--msg-id", "2026-2"],
        2,
        &["Retrieving '2026-2'"],
        "datagrepper request of '2026-2' failed. Status: 404",
    );
}

#[test]
fn a_server_with_a_fault_is_asked_again() {
    let bus = Bus::start();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = WebServer::plain(
        move |_, stream| match counter.fetch_add(1, Ordering::Relaxed) {
            0 => status(stream, "503 Service Unavailable"),
            1 => {} // it hangs up
            _ => ok(stream, ARCHIVED.as_bytes()),
        },
    );
    let finished = replay(&bus.sandbox, &server, &["--msg-id", ID]).expect_success();
    assert_eq!(
        finished.errors.matches("has not answered").count(),
        2,
        "{finished:#?}"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    bus.listener.next_about("receive");

    let server = WebServer::plain(|_, stream| status(stream, "500 Internal Server Error"));
    let finished = replay(&bus.sandbox, &server, &["--msg-id", "1"]);
    assert_eq!(finished.status.code(), Some(2), "{finished:#?}");
    let complaint = "datagrepper request of '1' failed. Status: 500";
    assert!(finished.errors.contains(complaint), "{finished:#?}");
}

#[test]
fn a_hostile_archive_ends_in_time_and_publishes_nothing() {
    let sandbox = Sandbox::with(&Settings::new().with("relay_inbound = 'tcp://127.0.0.1:1'"));
    let other = archive();
    let elsewhere = other.url("/datagrepper/id?id=nobody");
    let server = WebServer::plain(move |path, stream| {
        let id = path.split('=').nth(1).unwrap_or_default();
        match id {
            "html" => ok(stream, b"<html>Please log in"),
            "array" => ok(stream, b"[]"),
            "wrong" => ok(stream, ARCHIVED.as_bytes()),
            "empty" => ok(stream, b""),
            "topic" => ok(stream, br#"{"msg_id": "topic", "msg": 1, "topic": "a.b"}"#),
            "bell" => ok(
                stream,
                br#"{"msg_id": "bell", "msg": 1, "topic": "a.b.c.d.\u0007"}"#,
            ),
            "deep" => ok(stream, "[".repeat(1 << 20).as_bytes()),
            "huge" => {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\n\r\n");
                while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
            }
            "loop" => {
                let again = format!("302 Found\r\nLocation: {path}");
                status(stream, &again);
            }
            "away" => status(stream, &format!("302 Found\r\nLocation: {elsewhere}")),
            "file" => status(stream, "302 Found\r\nLocation: file:///etc/passwd"),
            "slow" => {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\n\r\n[");
                while stream.write_all(b" ").is_ok() {
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            }
            "short" => {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[");
            }
            _ => {}
        }
    });
    for (id, status, complaint) in [
        ("html", 65, "'html' from datagrepper: it is no JSON"),
        ("array", 65, "of kind array"),
        ("wrong", 65, "another msg_id: \"2026-é&='%2F 1\""),
        ("empty", 65, "it is no JSON"),
        ("topic", 65, "its topic \"a.b\" has no module"),
        ("bell", 65, "not published: control character"),
        ("deep", 65, "it is no JSON"),
        ("huge", 65, "it is larger than 32 MiB"),
        ("loop", 69, "too many redirects"),
        ("away", 2, "Status: 404"),
        ("file", 2, "Status: 302"),
        ("slow", 75, "no answer within 1.5s"),
        ("short", 69, "failed: "),
    ] {
        let start = Instant::now();
        let timeout = if id == "slow" { "1.5" } else { "30" };
        let flags = ["--timeout", timeout, "--msg-id", id];
        let finished = replay(&sandbox, &server, &flags);
        let took = start.elapsed();
        assert_eq!(finished.status.code(), Some(status), "{id}: {finished:#?}");
        assert!(finished.errors.contains(complaint), "{id}: {finished:#?}");
        assert!(!finished.lines.contains(&"OK.".to_owned()));
        assert!(took < PATIENCE, "{id}: {took:?}");
    }
}

#[test]
fn without_an_archive_or_a_relay_it_gives_up_in_time() {
    let port = free_tcp_port();
    let sandbox = Sandbox::with(&Settings::new().relay(free_tcp_port(), free_tcp_port()));
    let run = |url: &str, flags: &[&str]| {
        let words = [REPLAY, "--datagrepper-url", url, "--timeout", "3"];
        sandbox.run(&[&words, flags].concat())
    };
    let finished = run(&format!("http://127.0.0.1:{port}"), &["--msg-id", "1"]);
    assert_eq!(finished.status.code(), Some(69), "{finished:#?}");
    assert!(
        finished
            .errors
            .contains("datagrepper request of '1' failed: "),
        "{finished:#?}"
    );
    assert!(finished.errors.contains("refused"), "{finished:#?}");

    let server = archive();
    for raw in [&[][..], &["--raw"]] {
        let flags = [&["--msg-id", ID], raw].concat();
        let finished = run(&server.url("/datagrepper"), &flags);
        assert_eq!(finished.status.code(), Some(69), "{finished:#?}");
        assert!(
            finished.errors.contains("not published: nobody took"),
            "{finished:#?}"
        );
    }
    for bad in ["ftp://x.org", "a b"] {
        let finished = run(bad, &["--msg-id", "1"]);
        assert_eq!(finished.status.code(), Some(78), "{finished:#?}");
        assert!(
            finished.errors.contains("datagrepper_url: "),
            "{finished:#?}"
        );
    }
}

#[test]
fn a_server_that_cannot_be_trusted_is_not_asked() {
    let server = WebServer::start(|_| ARCHIVED.as_bytes().to_vec());
    let sandbox = Sandbox::with(&Settings::new());
    let finished = replay(&sandbox, &server, &["--msg-id", "1", "--timeout", "30"]);
    check_untrusted(&finished);
    assert!(server.certificate().starts_with("-----BEGIN"));
}

#[track_caller]
fn check_untrusted(finished: &Finished) {
    assert_eq!(finished.status.code(), Some(69), "{finished:#?}");
    assert!(finished.errors.contains("certificate"), "{finished:#?}");
}

#[test]
fn an_unknown_flag_is_refused_before_anything_is_asked() {
    let sandbox = Sandbox::with(&Settings::new());
    check_failure(&sandbox.run(&[REPLAY, "--id", "1"]), 2, &["'--id'"]);
}
