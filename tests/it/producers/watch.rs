//! Every kind at once, and what one that goes wrong costs the others.

use std::iter;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Watcher;
use crate::sandbox::{PATIENCE, Sandbox};
use crate::web_server::WebServer;

#[test]
fn a_hub_watches_whatever_toml_says() {
    let server = WebServer::plain(|_, stream| {
        let body =
            r#"{"issues": [{"number": 1, "state": "open"}, {"number": 2, "state": "shut"}]}"#;
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
    });
    let producers = format!(
        r#"
        [producers.issues]
        kind = "http"
        every = "50ms"
        params = {{ url = "{}", pointer = "/issues", id = "/number", topic = "issues.{{{{ msg.state }}}}" }}
        [producers.shift]
        kind = "template"
        every = "50ms"
        params.msg = {{ text = "{{{{ name }}}} of {{{{ user }}}}", n = "{{{{ count }}}}" }}
        [producers.list]
        kind = "exec"
        every = "50ms"
        params = {{ argv = ["printf", "a\nb\n"], output = "lines" }}
        [producers.host]
        kind = "system"
        every = "50ms"
        [producers.self]
        kind = "monitor"
        every = "50ms""#,
        server.url("/x")
    );
    let mut watcher = Watcher::start(&producers);
    let text = |topic: &str, pointer: &str| {
        let delivery = watcher.listener.next_about(topic);
        delivery
            .msg()
            .pointer(pointer)
            .and_then(|it| it.as_str().map(str::to_owned))
    };
    assert_eq!(
        text("dev.shift.message", "/text").as_deref(),
        Some("shift of tester")
    );
    // Whoever comes late hears the rest of an output first.
    let lines = (0..3).filter_map(|_| text("dev.list.output", "/line"));
    let lines = lines.collect::<String>();
    assert!(["aba", "bab"].contains(&&*lines), "{lines}");
    assert_eq!(
        text("dev.host.system", "/disks/0/mount").as_deref(),
        Some("/")
    );
    assert_eq!(
        text("dev.self.status", "/producers/0/name").as_deref(),
        Some("host")
    );
    watcher.hub.signal(Signal::TERM);
    // Each item once, however often it is polled.
    let end = watcher.hub.line_with("producer at the end producer=issues");
    assert!(end.contains("failures=0"), "{end}");
    assert!(watcher.hub.finish().status.success());
}

#[test]
fn what_hangs_floods_or_forks_costs_itself_alone() {
    let server = WebServer::plain(|path, stream| match path {
        "/flood" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b' '; 65536]).is_ok() {}
        }
        _ => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nno JSON");
        }
    });
    let exec = |name: &str, script: &str| {
        format!(
            "[producers.{name}]\nkind = 'exec'\nevery = '20ms'\ntime_limit = '500ms'\n\
             on_error = 'back-off'\nparams.argv = ['sh', '-c', '''{script}''']\n"
        )
    };
    let http = |name: &str| {
        let url = server.url(&format!("/{name}"));
        format!("[producers.{name}]\nkind = 'http'\nevery = '20ms'\nparams.url = '{url}'\n")
    };
    let producers = [
        exec("hangs", "trap \"\" TERM; sleep 1000 & sleep 1000"),
        exec("pours", "yes"),
        exec("forks", "sleep 0.5 & exit 3"),
        http("flood"),
        http("nonsense"),
        "[producers.dir]\nkind = 'file'\nevery = '20ms'\n\
         params = { path = 'folder', state_file = 'state' }\n"
            .to_owned(),
        "[producers.stops]\nkind = 'template'\nevery = '20ms'\non_error = 'stop'\n\
         params.msg = '{{ 1 // 0 }}'\n"
            .to_owned(),
        "[producers.fine]\nkind = 'template'\nevery = '20ms'\nparams.msg = '{{ count }}'\n"
            .to_owned(),
    ];
    let sandbox = Sandbox::new();
    let mut watcher = Watcher::start_in(sandbox, &producers.concat());
    let mut missing = vec![
        "hangs", "pours", "forks", "flood", "nonsense", "dir", "stops",
    ];
    let deadline = Instant::now() + PATIENCE;
    while !missing.is_empty() {
        assert!(Instant::now() < deadline, "not said to fail: {missing:?}");
        let line = watcher.hub.line_with(" ");
        if line.contains("hub running") {
            std::fs::create_dir(watcher.sandbox.path().join("folder")).unwrap();
        }
        if line.contains("tick failed") {
            missing.retain(|name| !line.contains(&format!("instance={name}")));
        }
    }
    let before = watcher
        .listener
        .next_about("dev.fine.")
        .msg()
        .as_i64()
        .unwrap();
    let later = watcher.listener.take_about("dev.fine.", 20);
    assert!(later.iter().all(|it| it.msg().as_i64().unwrap() > before));
    let memory = watcher.hub.peak_memory();
    assert!(memory < 200 << 20, "{memory} bytes");
    watcher.hub.signal(Signal::TERM);
    assert!(watcher.hub.finish().status.success());
}

#[test]
fn what_a_tick_says_while_its_hub_stops_reaches_the_consumers_of_that_hub() {
    // A tick gets a second then; a machine that is busy may need another try.
    let mut counts = iter::repeat_with(heard_of_a_tick).take(3);
    assert!(counts.any(|count| count == LINES));
}

/// What a tick says when its hub stops.
const LINES: usize = 50;

/// Tells a hub that hears itself to stop while a tick goes on; returns how much it has heard of it.
fn heard_of_a_tick() -> usize {
    // An intake that does not wait for the tick is over within the 200 ms.
    let script = format!(
        "if [ -e begun ]; then exit 0; elif [ ! -s heard.jsonl ]; then echo probe; \
         else touch begun; while [ ! -e stopping ]; do sleep 0.01; done; sleep 0.2; seq 1 {LINES}; fi"
    );
    let settings = format!(
        "[producers.list]
         kind = 'exec'
         every = '50ms'
         params = {{ argv = ['sh', '-c', '{script}'], output = 'lines' }}
         [consumers.archive]
         kind = 'file'
         params.path = 'heard.jsonl'"
    );
    let mut watcher = Watcher::start(&settings);
    watcher.hub.line_with("hub running");
    let deadline = Instant::now() + PATIENCE;
    while !watcher.sandbox.path().join("begun").exists() {
        assert!(Instant::now() < deadline, "it does not hear itself");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    watcher.hub.signal(Signal::TERM);
    watcher.hub.line_with("stopping signal=SIGTERM");
    watcher.sandbox.write("stopping", "");
    watcher.hub.finish().expect_success();
    let heard = std::fs::read_to_string(watcher.sandbox.path().join("heard.jsonl")).unwrap();
    let numbers = heard.lines().filter(|line| !line.contains("probe"));
    numbers.count()
}

#[test]
fn what_can_never_work_is_refused_at_the_start_with_file_line_and_key() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "fedmsg.toml",
        "[producers.a]\nkind = 'template'\nevery = '1s'\nparams.msg = { a = '{{ hots }}' }\n\
         [producers.b]\nkind = 'http'\nevery = '1s'\nparams.url = 'ftp://x'\n\
         [producers.c]\nkind = 'exec'\nevery = '1s'\nparams.argv = ['true']\nparams.topic = 'x'\n",
    );
    for program in [&["fedmsg-hub"][..], &["fedmsg-config", "check"]] {
        let finished = sandbox.run(program);
        assert!(!finished.status.success());
        let said = format!("{}\n{}", finished.lines.join("\n"), finished.errors);
        for expected in [
            "fedmsg.toml:4",
            "producers.a.params.msg",
            "there is no hots",
            "fedmsg.toml:8",
            "producers.b.params.url",
            "fedmsg.toml:13",
            "producers.c.params.topic",
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}
