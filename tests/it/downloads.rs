//! CA certificate and CRL from a web server: what is believed, and what happens when there is no answer.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{PATIENCE, PROBE, Sandbox, Settings, Speaker, in_shell};
use crate::web_server::WebServer;

fn pki(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/vectors/pki")
        .join(name)
}

/// A web server's answer: files of the test PKI, or a way to somewhere without TLS.
fn files(path: &str) -> Vec<u8> {
    if path == "/elsewhere" {
        return b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/ca.crt\r\n\r\n".to_vec();
    }
    match fs::read(pki(path.trim_start_matches('/'))) {
        Ok(file) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", file.len());
            [head.into_bytes(), file].concat()
        }
        Err(_) => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
    }
}

/// A speaker that signs, and a tail that validates with what it downloads.
struct Bus {
    sandbox: Sandbox,
    speaker: Speaker,
}

impl Bus {
    fn new(settings: &str) -> Self {
        let port = free_tcp_port();
        let bus = Settings::new().endpoint("svc.host", port);
        let signing = bus
            .clone()
            .signing(&pki(""), "svc.host", "bodhi-app01.test");
        let speaker = Speaker::open(&signing.with("name = 'svc.host'\nzmq_linger = 0"));
        let sandbox = Sandbox::with(&bus.with(settings));
        Self { sandbox, speaker }
    }

    /// Starts a tail that trusts the web server, or nobody on the web.
    fn tail(&self, trusted: Option<&WebServer>) -> Process {
        let pem = trusted.map(WebServer::certificate);
        let pem = pem.unwrap_or_default();
        let roots = self.sandbox.write("roots.pem", &pem);
        let mut command = self
            .sandbox
            .command(&["fedmsg-tail", "--validate", "--json"]);
        command
            .env("SSL_CERT_FILE", roots)
            .env("SSL_CERT_DIR", "/nonexistent");
        Process::start(in_shell(r#"exec "$0" "$@" 2>&1"#, &command))
    }

    /// Publishes until the tail writes a line that contains `text`.
    fn until(&self, tail: &mut Process, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.speaker.publish("a", "b", "c");
            let mut lines = std::iter::from_fn(|| tail.line_within(PROBE));
            if let Some(line) = lines.find(|line| line.contains(text)) {
                return line;
            }
            assert!(Instant::now() < deadline, "no line with {text:?}");
        }
    }
}

#[test]
fn ca_and_crl_are_downloaded_and_kept_for_a_start_without_the_server() {
    let server = WebServer::start(files);
    let (ca, crl) = (server.url("/ca.crt"), server.url("/crl.pem"));
    let kept = "ca_cert_cache = 'kept.crt'\ncrl_cache = 'kept.pem'";
    let bus = Bus::new(&format!(
        "ca_cert_location = '{ca}'\ncrl_location = '{crl}'\n{kept}"
    ));
    bus.until(&mut bus.tail(Some(&server)), r#""msg":"c""#);

    // The same, but nobody who can be trusted answers.
    let mut tail = bus.tail(None);
    bus.until(&mut tail, r#""msg":"c""#);
    bus.until(&mut tail, "what it last said stays in force");
}

#[test]
fn without_an_answer_that_can_be_trusted_every_message_is_refused() {
    let server = WebServer::start(files);
    for (path, trusted) in [
        ("/ca.crt", None),
        ("/no-such-file", Some(&server)),
        ("/elsewhere", Some(&server)),
        ("/host.txt", Some(&server)),
    ] {
        let bus = Bus::new(&format!("ca_cert_location = '{}'", server.url(path)));
        let mut tail = bus.tail(trusted);
        let complaint = if path == "/host.txt" {
            "not usable"
        } else {
            "not downloaded"
        };
        bus.until(&mut tail, complaint);
        bus.until(&mut tail, "no CA certificate is loaded");
    }
}

#[test]
fn a_bad_download_leaves_what_was_kept_for_the_next_start() {
    let server = WebServer::start(files);
    let url = server.url("/host.txt");
    let bus = Bus::new(&format!(
        "ca_cert_location = '{url}'\nca_cert_cache = 'kept.crt'"
    ));
    let ca = fs::read_to_string(pki("ca.crt")).unwrap();
    bus.sandbox.write("kept.crt", &ca);
    for _ in 0..2 {
        let mut tail = bus.tail(Some(&server));
        bus.until(&mut tail, "not usable: the former ones stay in force");
        bus.until(&mut tail, r#""msg":"c""#);
    }
}

#[test]
fn what_was_kept_and_is_of_no_use_is_named_and_downloaded_anew() {
    let server = WebServer::start(files);
    let url = server.url("/ca.crt");
    let bus = Bus::new(&format!(
        "ca_cert_location = '{url}'\nca_cert_cache = 'kept.crt'"
    ));
    bus.sandbox.write("kept.crt", "<html>Please log in</html>");
    let mut tail = bus.tail(Some(&server));
    bus.until(&mut tail, "kept.crt");
    bus.until(&mut tail, r#""msg":"c""#);
    bus.until(&mut bus.tail(None), r#""msg":"c""#);
}
