//! A poll of a web server that does what each test has it do: answers, has nothing new, lies, hangs, floods.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use fedmsg::json::to_spaced;
use fedmsg_actors::{ProducerStatus, TestBus};

use super::*;

/// A web server whose n-th connection gets the n-th answer, and how each was asked.
fn serve(answers: &[String]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    let answers = answers.to_vec();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let request: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let _ = sender.send(request.join("\n"));
            answer_with(&answer, &mut stream);
        }
    });
    (url, requests)
}

fn answer_with(answer: &str, stream: &mut TcpStream) {
    match answer {
        "hang" => drop(stream.read_to_nothing()),
        "flood" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b' '; 65536]).is_ok() {}
        }
        answer => {
            let _ = stream.write_all(answer.as_bytes());
        }
    }
}

trait ReadToNothing {
    /// Waits until the other side has gone.
    fn read_to_nothing(&mut self) -> std::io::Result<u64>;
}

impl ReadToNothing for TcpStream {
    fn read_to_nothing(&mut self) -> std::io::Result<u64> {
        std::io::copy(self, &mut std::io::sink())
    }
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nETag: \"{length}\"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn status(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// Polls once an hour for as long as there are answers; returns what was published, how it was asked, and
/// how the producer is.
fn poll(answers: &[String], params: &str) -> (Vec<String>, Vec<String>, ProducerStatus) {
    let (url, requests) = serve(answers);
    let settings = format!("every = '1h'\ntime_limit = '2s'\nparams.url = '{url}'\n{params}");
    let mut published = Vec::new();
    let bus = TestBus::new().producer::<HttpProducer>("x", &settings);
    let report = bus.run(async |bus| {
        for _ in answers {
            bus.advance(Duration::from_secs(3600)).await;
        }
        let status = bus.status().await;
        for _ in 0..status.producer("x").unwrap().figures["published"] {
            published.push(to_spaced(bus.next_published().await.msg()).unwrap());
        }
    });
    let status = report.status.producer("x").unwrap().clone();
    (published, requests.try_iter().collect(), status)
}

#[test]
fn a_change_is_published_once_and_asked_for_by_version() {
    let unchanged = status("304 Not Modified");
    let answers = [ok("[1]"), unchanged, ok("[1]"), ok("[2]"), ok("[1]")];
    let (published, requests, status) = poll(&answers, "");
    assert_eq!(published, ["[1]", "[2]", "[1]"]);
    assert_eq!((status.ticks, status.figures["unchanged"]), (5, 2));
    let has_version = |request: &String| request.contains("if-none-match: \"3\"");
    let asked: Vec<_> = requests.iter().map(has_version).collect();
    assert_eq!(asked, [false, true, true, true, true]);
}

#[test]
fn it_may_be_published_each_time_or_not_at_first() {
    let answers = [ok("[1]"), ok("[1]")];
    let (published, requests, _) = poll(&answers, "params.publish = 'each'");
    assert_eq!(published, ["[1]", "[1]"]);
    assert!(requests.iter().all(|request| !request.contains("if-none")));
    let (published, ..) = poll(&answers, "params.skip_first = true");
    assert_eq!(published, [""; 0]);
    let answers = [ok("[1]"), ok("[2]")];
    let (published, ..) = poll(&answers, "params.skip_first = true");
    assert_eq!(published, ["[2]"]);
}

#[test]
fn a_part_is_picked_and_the_items_of_a_list_are_published_once_each() {
    let answers = [r#"{"a": [0, {"b": 1}]}"#, r#"{"z": 1, "a": [0, {"b": 1}]}"#].map(ok);
    let (published, ..) = poll(&answers, "params.pointer = '/a/1'");
    assert_eq!(published, [r#"{"b": 1}"#]);
    let answers = [
        r#"[{"id": 1}, {"id": "1"}, {"id": 1, "x": 2}]"#,
        r#"[{"id": 2}, {"id": 1}]"#,
        "[]",
        r#"[{"id": 1}]"#,
    ];
    let (published, ..) = poll(&answers.map(ok), "params.id = '/id'");
    assert_eq!(
        published,
        [r#"{"id": 1}"#, r#"{"id": "1"}"#, r#"{"id": 2}"#]
    );
    // Those without an id are told of, and the others published.
    let (published, _, status) = poll(&[ok(r#"[{}, {"id": 1}]"#)], "params.id = '/id'");
    assert_eq!(published, [r#"{"id": 1}"#]);
    assert_eq!((status.failures, status.figures["passed_over"]), (1, 1));
}

#[test]
fn a_text_is_published_as_one_with_headers_of_ones_own() {
    let params = "params = { format = 'text', headers = { X-Key = 'secret' }, url = 'URL' }";
    let (url, requests) = serve(&[ok("a\0ü")]);
    let settings = format!("every = '1h'\n{}", params.replace("URL", &url));
    TestBus::new()
        .producer::<HttpProducer>("x", &settings)
        .run(async |bus| {
            bus.advance(Duration::from_secs(3600)).await;
            let text = bus.next_published().await;
            assert_eq!(
                to_spaced(text.msg()).unwrap(),
                r#"{"text": "a\u0000\u00fc"}"#
            );
        });
    assert!(requests.recv().unwrap().contains("x-key: secret"));
}

#[test]
fn whatever_a_server_does_costs_that_poll_and_no_more() {
    let answers = [
        "hang".to_owned(),
        "flood".to_owned(),
        status("500 Oh No"),
        status("304 Not Modified"),
        ok("no JSON"),
        ok(&"[".repeat(100_000)),
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1]".to_owned(),
        "SSH-2.0\r\n".to_owned(),
        ok("{}"),
    ];
    let (published, _, status) = poll(&answers, "params.skip_first = false");
    assert_eq!(published, ["{}"]);
    assert_eq!((status.ticks, status.failures), (1, 8));
}

#[test]
fn what_can_never_be_polled_is_refused_at_the_start() {
    for params in [
        "url = 'ftp://example.org'",
        "url = 'http://example.org', pointer = 'a'",
        "url = 'http://example.org', headers = { 'a b' = '' }",
        "url = 'http://example.org', headers = { a = \"\\n\" }",
        "url = 'http://example.org', max_size = '1 GiB'",
        "url = 'http://example.org', format = 'text', id = '/id'",
    ] {
        let settings = format!("every = '1h'\nparams = {{ {params} }}");
        let bus = TestBus::new().producer::<HttpProducer>("x", &settings);
        assert!(bus.try_run(async |_| ()).is_err(), "{params}");
    }
}

#[test]
fn items_of_a_text_are_a_mistake_of_a_parameter() {
    let params = "url = 'http://example.org'\nformat = 'text'\nid = '/id'";
    let params = toml::from_str(params).unwrap();
    let told = HttpProducer::preflight(&params, &Config::default()).unwrap_err();
    assert!(told.to_string().starts_with("params.id: "), "{told}");
}
