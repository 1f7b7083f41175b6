//! A poll of a web server that does what each test has it do: answers, has nothing new, lies, hangs, floods.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use fedmsg::json::to_spaced;
use fedmsg_actors::{ProducerStatus, TestBus};
use tempfile::TempDir;

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
    poll_at(&serve(answers), answers, params)
}

/// As [`poll`], of a server that is there already.
fn poll_at(
    (url, requests): &(String, Receiver<String>),
    answers: &[String],
    params: &str,
) -> (Vec<String>, Vec<String>, ProducerStatus) {
    let settings = format!("every = '1h'\nparams.url = '{url}'\n{params}");
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
    let answers = [r#"[{}, {"id": 1}]"#, r#"[{}, {"id": 2}]"#].map(ok);
    let (published, _, status) = poll(&answers, "params.id = '/id'");
    assert_eq!(published, [r#"{"id": 1}"#, r#"{"id": 2}"#]);
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
    let (published, _, status) = poll(&answers, "time_limit = '5s'");
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
        "url = 'http://example.org', publish = 'each', state_file = 'state'",
        "url = 'http://example.org', state_file = '/no/such/folder/state'",
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

/// A folder for a state, and the parameter that names the state.
fn state() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let state = format!("params.state_file = {:?}\n", folder.path().join("state"));
    (folder, state)
}

/// Polls with one answer after the other, and a restart after each; returns what each run has published.
fn restarts(answers: &[String], params: &str) -> (Vec<Vec<String>>, Vec<String>) {
    let server = serve(answers);
    let one = answers.iter().map(std::slice::from_ref);
    let runs = one.map(|answer| poll_at(&server, answer, params));
    let (published, requests): (Vec<_>, Vec<_>) = runs.map(|(one, two, _)| (one, two)).unzip();
    (published, requests.concat())
}

#[test]
fn a_change_is_published_once_over_restarts_too_and_asked_for_by_version() {
    let (_folder, state) = state();
    let answers = [ok("[1]"), ok("[1]"), status("304 Not Modified"), ok("[2]")];
    let (published, requests) = restarts(&answers, &state);
    assert_eq!(published, [vec!["[1]"], vec![], vec![], vec!["[2]"]]);
    let has_version = |request: &String| request.contains("if-none-match: \"3\"");
    let asked: Vec<_> = requests.iter().map(has_version).collect();
    assert_eq!(asked, [false, true, true, true]);
}

#[test]
fn each_item_is_published_once_over_restarts_and_those_that_came_while_it_was_stopped() {
    let lists = ["[1, 2]", "[2, 3]", "[1, 2, 3]", "[4]"].map(ok);
    let (_folder, kept) = state();
    let params = format!("{kept}params.id = ''");
    let (published, _) = restarts(&lists, &params);
    assert_eq!(published, [vec!["1", "2"], vec!["3"], vec![], vec!["4"]]);
    let (_folder, kept) = state();
    let params = format!("{kept}params.id = ''\nparams.skip_first = true");
    let (published, _) = restarts(&lists, &params);
    assert_eq!(published, [vec![], vec!["3"], vec![], vec!["4"]]);
    // Without a state it begins anew.
    let (published, _) = restarts(&lists[..2], "params.id = ''");
    assert_eq!(published, [["1", "2"], ["2", "3"]]);
}

#[test]
fn what_was_published_before_a_poll_failed_is_known_after_a_restart() {
    let (_folder, state) = state();
    // The second item has no topic at first: it is passed over for good.
    let params = format!("{state}params.id = '/id'\nparams.topic = 'a.b{{{{ 1 // msg.n }}}}'");
    let lists = [
        r#"[{"id": 1, "n": 1}, {"id": 2, "n": 0}]"#,
        r#"[{"id": 1, "n": 1}, {"id": 2, "n": 2}, {"id": 3, "n": 3}]"#,
    ];
    let (published, _) = restarts(&lists.map(ok), &params);
    assert_eq!(published[0], [r#"{"id": 1, "n": 1}"#]);
    assert_eq!(published[1], [r#"{"id": 3, "n": 3}"#]);
}

#[test]
fn a_state_of_something_else_begins_anew_and_what_is_none_is_left_alone() {
    let (folder, state) = state();
    let file = folder.path().join("state");
    // Another server, with another URL.
    for _ in 0..2 {
        let (published, ..) = poll(&[ok("[1]")], &state);
        assert_eq!(published, ["[1]"]);
    }
    let written = fs::read_to_string(&file).unwrap();
    assert!(!written.contains("127.0.0.1"), "{written}");
    for foreign in [
        String::new(),
        "[]".to_owned(),
        written.replace("whole", "half"),
    ] {
        fs::write(&file, &foreign).unwrap();
        let settings = format!("every = '1h'\nparams.url = 'http://example.org'\n{state}");
        let bus = TestBus::new().producer::<HttpProducer>("x", &settings);
        let error = bus.try_run(async |_| ()).map(|_| ());
        if foreign.contains("half") {
            // It is about another URL, whatever else there is.
            assert!(error.is_ok(), "{error:?}");
        } else {
            let error = error.unwrap_err().to_string();
            assert!(error.contains("params.state_file: "), "{error}");
            assert!(error.contains("is no state file"), "{error}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), foreign);
    }
}

#[test]
fn a_state_that_cannot_be_written_fails_the_tick_and_is_tried_again() {
    let (folder, state) = state();
    let server = serve(&[ok("[1]"), ok("[2]")]);
    let settings = format!("every = '1h'\nparams.url = '{}'\n{state}", server.0);
    let bus = TestBus::new().producer::<HttpProducer>("x", &settings);
    let blocker = folder.path().join("state.new");
    let report = bus.run(async |bus| {
        fs::create_dir(&blocker).unwrap(); // in the place of the file that is to be renamed
        bus.advance(Duration::from_secs(3600)).await;
        bus.next_published().await;
        assert_eq!(bus.status().await.producer("x").unwrap().failures, 1);
        fs::remove_dir(&blocker).unwrap();
        bus.advance(Duration::from_secs(3600)).await;
        bus.next_published().await;
    });
    assert_eq!(report.status.producer("x").unwrap().failures, 1);
    assert!(folder.path().join("state").exists());
}
