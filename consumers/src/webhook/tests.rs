//! What is posted, and what becomes of a message whatever the server does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use fedmsg_actors::{ConsumerStatus, TestBus};
use tempfile::TempDir;

use super::*;

/// A request as it came: head and body.
type Request = (String, String);

/// Starts a server, each of whose connections is for one request, and returns its URL and the requests.
/// `answer` gets how many there were before.
fn server(answer: fn(usize, &mut TcpStream)) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            if let Some(request) = read(&stream) {
                let _ = sender.send(request);
                // A server that takes its time holds nobody else up.
                thread::spawn(move || answer(number, &mut stream));
            }
        }
    });
    (url, requests)
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap_or("0").parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

fn say(stream: &mut TcpStream, status: &str) {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes());
}

fn run(url: &str, params: &str) -> ConsumerStatus {
    let retry = match params.contains("retry.") {
        true => "",
        false => "retry.first_delay = '1ms'",
    };
    let settings = format!("params.url = '{url}'\n{params}\n{retry}");
    let bus = TestBus::new().consumer::<Webhook>("x", &settings);
    let report = bus.run(async |bus| {
        bus.publish("org.example.dev.shop.sale", "tea \"\n").await;
        bus.settle().await;
    });
    report.status.consumer("x").unwrap().clone()
}

fn refused(params: &str) -> String {
    let bus = TestBus::new().consumer::<Webhook>("x", params);
    bus.try_run(async |_| ()).unwrap_err().to_string()
}

#[test]
fn the_message_is_posted_with_headers_and_a_signature() {
    let (url, requests) = server(|_, stream| say(stream, "204 No Content"));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "hunter2\n").unwrap();
    let params = format!(
        "params.body = '{{{{ msg | tojson }}}}'\nparams.headers = {{ A = 'b' }}\n\
         params.content_type = 'text/plain'\n\
         params.secrets.Authorization = {{ file = {file:?}, prefix = 'Bearer ' }}\n\
         params.signing_key = {{ file = {file:?} }}"
    );
    let status = run(&url, &params);
    assert_eq!((status.consumed, status.errors), (1, 0));
    let (head, body) = requests.recv().unwrap();
    assert_eq!(body, r#""tea \"\n""#);
    for line in [
        "POST /secret-path HTTP/1.1",
        "a: b",
        "content-type: text/plain",
        "authorization: Bearer hunter2",
        "x-fedmsg-topic: org.example.dev.shop.sale",
        "x-fedmsg-msg-id: 2026-1",
        // printf '"tea \\"\\n"' | openssl dgst -sha256 -hmac hunter2
        "x-hub-signature-256: sha256=cb51ff03d5cd9550e8c79cd89e9a925913a824b799556738460154610e93c099",
    ] {
        assert!(head.lines().any(|it| it == line), "{line}\n{head}");
    }
    run(&url, "");
    let (head, body) = requests.recv().unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(
        body.contains(r#""msg":"tea \"\n","msg_id":"2026-1""#),
        "{body}"
    );
}

#[test]
fn the_status_decides_what_becomes_of_the_message() {
    #[track_caller]
    fn check(answer: fn(usize, &mut TcpStream), params: &str, requests: usize, dropped: u64) {
        let (url, asked) = server(answer);
        let status = run(&url, params);
        assert_eq!(
            (asked.try_iter().count(), status.dropped),
            (requests, dropped)
        );
        assert_eq!(status.consumed + status.dropped, 1);
    }
    check(|_, stream| say(stream, "200 OK"), "", 1, 0);
    check(|_, stream| say(stream, "404 Not Found"), "", 1, 1);
    check(
        |_, stream| say(stream, "302 Found\r\nLocation: /"),
        "",
        1,
        1,
    );
    check(|_, stream| say(stream, "500 Oops"), "", 3, 1);
    check(|_, stream| say(stream, "408 Slow"), "", 3, 1);
    check(
        |number, stream| say(stream, ["503 Busy", "200 OK"][number.min(1)]),
        "",
        2,
        0,
    );
    // What the template can make nothing of is never posted.
    check(
        |_, stream| say(stream, "200 OK"),
        "params.body = '{{ msg.a.b }}'",
        0,
        1,
    );
    // Peers that close early, hang, are slow, or never stop.
    let hasty = "params.timeout = '500ms'";
    check(|_, _| {}, "", 3, 1);
    check(|_, stream| drop(stream.read(&mut [0])), hasty, 3, 1);
    check(
        |_, stream| {
            let answer = b"HTTP/1.1 200 OK\r\n";
            let mut bytes = answer.iter().cycle();
            // It waits for a byte that never comes, a while each time.
            let wait = Some(Duration::from_millis(30));
            let _ = stream.set_read_timeout(wait);
            while bytes
                .next()
                .is_some_and(|byte| stream.write_all(&[*byte]).is_ok())
            {
                if stream.read(&mut [0]).is_ok() {
                    break;
                }
            }
        },
        hasty,
        3,
        1,
    );
    check(
        |_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        },
        // Enough for the head on a busy machine, and over before the answer would be given up.
        "params.timeout = '900ms'",
        1,
        0,
    );
    check(
        |_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        },
        "",
        3,
        1,
    );
}

#[test]
fn a_redirection_is_followed_only_if_the_message_is_posted_again_to_the_same_server() {
    #[track_caller]
    fn check(answer: fn(usize, &mut TcpStream), redirects: u8, requests: usize, consumed: u64) {
        let (url, asked) = server(answer);
        let status = run(&url, &format!("params.redirects = {redirects}"));
        let asked: Vec<_> = asked.try_iter().collect();
        assert_eq!((asked.len(), status.consumed), (requests, consumed));
        assert_eq!(status.consumed + status.dropped, 1);
        assert!(
            asked.iter().all(|(head, body)| {
                head.starts_with("POST ") && body.contains(r#""msg":"tea"#)
            })
        );
    }
    fn then(status: &'static str, number: usize, stream: &mut TcpStream) {
        if number == 0 {
            say(stream, &format!("{status}\r\nLocation: /other"));
        } else {
            say(stream, "200 OK");
        }
    }
    check(|n, stream| then("307 Moved", n, stream), 1, 2, 1);
    check(|n, stream| then("308 Moved", n, stream), 1, 2, 1);
    check(|n, stream| then("307 Moved", n, stream), 0, 1, 0);
    check(|n, stream| then("301 Moved", n, stream), 1, 1, 0);
    check(|n, stream| then("302 Moved", n, stream), 1, 1, 0);
    check(|n, stream| then("303 Moved", n, stream), 1, 1, 0);
    check(|_, stream| then("307 Moved", 0, stream), 2, 3, 0);
    // To another server, as another name of this one is.
    check(
        |_, stream| {
            let port = stream.local_addr().unwrap().port();
            say(
                stream,
                &format!("307 Moved\r\nLocation: http://localhost:{port}/"),
            );
        },
        5,
        1,
        0,
    );
}

#[test]
fn a_pause_that_the_server_asks_for_is_kept_within_bounds() {
    let (url, requests) = server(|number, stream| {
        say(
            stream,
            ["429 Slow\r\nRetry-After: 100000", "200 OK"][number.min(1)],
        );
    });
    let start = Instant::now();
    let status = run(&url, "params.max_pause = '200ms'");
    assert_eq!((status.consumed, requests.try_iter().count()), (1, 2));
    assert!(start.elapsed() >= Duration::from_millis(200));

    // A server that asks for none does not have itself run over.
    let (url, _requests) = server(|number, stream| {
        say(
            stream,
            ["429 Slow\r\nRetry-After: 0", "200 OK"][number.min(1)],
        );
    });
    let start = Instant::now();
    let status = run(&url, "retry.first_delay = '300ms'");
    assert_eq!(status.consumed, 1);
    assert!(start.elapsed() >= Duration::from_millis(300));

    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_420);
    let check = |text: &str, expected: Option<u64>| {
        assert_eq!(
            retry_after(text, now),
            expected.map(Duration::from_secs),
            "{text}"
        );
    };
    check("120", Some(120));
    check("Wed, 21 Oct 2015 07:28:00 GMT", Some(60));
    check("Wed, 21 Oct 2014 07:28:00 GMT", None); // that was a Tuesday
    check("Tue, 21 Oct 2014 07:28:00 GMT", Some(0));
    check("-1", None);
    check("soon", None);
}

#[test]
fn what_cannot_work_is_refused_at_the_start_without_telling_secrets() {
    #[track_caller]
    fn check(params: &str, words: &str) {
        let error = refused(params);
        assert!(
            error.contains(words) && !error.contains("hunter2"),
            "{error}"
        );
    }
    let url = "params.url = 'http://hunter2@127.0.0.1:1/hunter2'";
    check("params.url = 'ftp://hunter2/'", "http:// or https://");
    check("params.url = 'hunter2'", "http:// or https://");
    check(
        &format!("{url}\nparams.body = '{{{{ tpoic }}}}'"),
        "params.body: line 1, column 4: there is no tpoic",
    );
    check(
        &format!("{url}\nparams.headers = {{ 'a b' = 'x' }}"),
        "`a b`",
    );
    check(
        &format!("{url}\nparams.headers = {{ a = \"hunter2\\n\" }}"),
        "`a`",
    );
    check(
        &format!("{url}\nparams.secrets.a = {{ env = 'NO_SUCH_VARIABLE' }}"),
        "NO_SUCH_VARIABLE",
    );
    check(
        &format!("{url}\nparams.secrets.a = {{ file = '/dev/zero' }}"),
        "`a`: cannot read",
    );
    check(
        &format!("{url}\nparams.secrets.a = {{}}"),
        "`a`: a secret is in",
    );
    check(
        &format!("{url}\nparams.signing_key = {{ file = '/dev/null' }}"),
        "cannot read the secret in /dev/null: it is no regular file",
    );
    // Nobody will ever write to this pipe.
    let folder = TempDir::new().unwrap();
    let (empty, pipe) = (folder.path().join("empty"), folder.path().join("pipe"));
    std::fs::write(&empty, "").unwrap();
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    check(
        &format!("{url}\nparams.signing_key = {{ file = {empty:?} }}"),
        "signing_key: it is empty",
    );
    check(
        &format!("{url}\nparams.secrets.a = {{ file = {pipe:?} }}"),
        "`a`: cannot read",
    );
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let status = run(&format!("http://hunter2@127.0.0.1:{port}/hunter2"), "");
    assert_eq!(status.dropped, 1);
    let params = "url = 'http://hunter2/'\nheaders = { A = 'hunter2' }";
    let params: WebhookParams = toml::from_str(params).unwrap();
    assert!(!format!("{params:?}").contains("hunter2"));
}

#[test]
fn what_can_be_told_of_a_webhook_without_starting_is_told_with_its_key() {
    #[track_caller]
    fn check(params: &str, expected: Option<&str>) {
        let params = toml::from_str(params).unwrap();
        let told = Webhook::preflight(&params, &Config::default());
        let told = told.err().map(|error| error.to_string());
        assert_eq!(told.is_some(), expected.is_some(), "{told:?}");
        let (told, expected) = (told.unwrap_or_default(), expected.unwrap_or_default());
        assert!(told.starts_with(expected), "{told}");
    }
    let url = "url = 'http://localhost/'";
    check(url, None);
    check("url = 'localhost'", Some("params.url: "));
    check(
        &format!("{url}\nheaders = {{ 'a b' = 'c' }}"),
        Some("params.headers.\"a b\": "),
    );
    check(
        &format!("{url}\ncontent_type = \"a\\nb\""),
        Some("params.content_type: "),
    );
    check(
        &format!("{url}\nsecrets.A = {{ file = '/no/such' }}"),
        Some("params.secrets.A: `A`: cannot read the secret in /no/such: No such file"),
    );
    check(
        &format!("{url}\nsecrets.A = {{ file = 'a', env = 'B' }}"),
        Some("params.secrets.A: `A`: a secret is in a `file` or"),
    );
    check(
        &format!("{url}\nsigning_key.file = '/no/such'"),
        Some("params.signing_key: cannot read the secret in /no/such: No such file"),
    );
    // Variables of a service are not those of a shell in which it is checked.
    let variables = "secrets.A = { env = 'NO_SUCH' }\nsigning_key.env = 'NO_SUCH'";
    check(&format!("{url}\n{variables}"), None);
    check(
        &format!("{url}\n{variables}\nsignature_header = 'a b'"),
        Some("params.signature_header: "),
    );
}
